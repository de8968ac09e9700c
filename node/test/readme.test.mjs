// The program that the project's README shows runs, with nothing added but the import and what it prints.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const readme = readFileSync(join(process.env.FAILOVER_ROOT, 'README.md'), 'utf8');
const packaged = readFileSync(join(process.env.FAILOVER_ROOT, 'node/package/README.md'), 'utf8');
const IMPORT = "import { FailoverManager } from 'libfailover';\n";

function serve() {
    const server = createServer((request, response) => response.end(`"${request.url}"`));
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

// Runs the only JavaScript block of a text, and gives what `shown` prints of it.
async function run(text, name, shown) {
    const [code, ...more] = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, found]) => found);
    assert.deepEqual(more, [], 'one block');
    const servers = [await serve(), await serve()];
    const [a, b] = servers.map((server) => String(server.address().port));
    const program = fileURLToPath(new URL(`${name}.generated.mjs`, import.meta.url));
    const whole = (code.includes(IMPORT) ? code : IMPORT + code) + shown;
    writeFileSync(program, whole.replaceAll('8081', a).replaceAll('8082', b));
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (part) => (output += part));
    const status = await new Promise((resolve) => child.on('close', resolve));
    servers.forEach((server) => (server.closeAllConnections(), server.close()));
    assert.equal(status, 0);
    return output;
}

test('the block of the README runs', async () => {
    const shown = 'console.log(await served.result.text(), served.attempts);\n';

    assert.equal(await run(readme, 'readme', shown), '"/users/42" 1\n');
});

test("the block of the package's README runs", async () => {
    const shown = 'console.log(result, endpoint.name, attempts);\n';

    assert.equal(await run(packaged, 'packaged', shown), '/users/42 users 1\n');
});
