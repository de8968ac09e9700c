// The examples print what they are said to print.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { promisify } from 'node:util';

const folder = fileURLToPath(new URL('../examples', import.meta.url));
const names = readdirSync(folder)
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => name.slice(0, -4));

test('there are four', () => {
    assert.deepEqual(names.sort(), [
        'custom_health_check',
        'custom_provider',
        'events',
        'quickstart',
    ]);
});

for (const name of names) {
    test(`the example ${name} prints what it should`, async () => {
        const { stdout, stderr } = await promisify(execFile)(process.execPath, [
            join(folder, `${name}.mjs`),
        ]);

        assert.equal(stdout, readFileSync(join(folder, `${name}.expected`), 'utf8'));
        assert.equal(stderr, '');
    });
}
