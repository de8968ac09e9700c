// Every block of code of the guide runs, one after another, as one program against real servers.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const guide = readFileSync(join(process.env.FAILOVER_ROOT, 'docs/guides/node.md'), 'utf8');
const program = fileURLToPath(new URL('guide.generated.mjs', import.meta.url));

function serve() {
    const server = createServer((_, response) => response.end('{}'));
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

test('the blocks of the guide run', async () => {
    const servers = [await serve(), await serve()];
    const ports = servers.map((server) => String(server.address().port));
    const blocks = [...guide.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);
    // The guide's ports, and something for its last loop to see.
    const code = blocks
        .join('\n')
        .replaceAll('8081', ports[0])
        .replaceAll('8082', ports[1])
        .replace('for await', "setImmediate(() => manager.setAdmin('a', 'draining'));\nfor await");
    writeFileSync(program, code);

    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [output, errors] = ['', ''];
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (errors += text));
    const status = await new Promise((resolve) => child.on('close', resolve));
    for (const server of servers) {
        server.closeAllConnections();
        server.close();
    }

    assert.equal(errors, '');
    assert.equal(status, 0);
    assert.ok(blocks.length >= 9);
    assert.match(output, /^rejected \[ '[ab]: failure' \]$/m);
    assert.match(output, /^\{ d: 'healthy' \}$/m);
    assert.match(output, /^drain a$/m);
});
