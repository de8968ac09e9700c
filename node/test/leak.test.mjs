// Six hundred thousand calls with random failures leave nothing behind.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('fixtures/leak.mjs', import.meta.url));

// What the host keeps for itself is no leak of a program: compiled code and what it learns in running it,
// and its young generation, which grows in steps.
const FLAGS = [
    '--expose-gc',
    '--no-opt',
    '--no-sparkplug',
    '--no-lazy-feedback-allocation',
    '--no-flush-bytecode',
    '--max-semi-space-size=2',
];

test('neither the heap nor the process grows from the third block to the sixth', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, FLAGS.concat(program), {
        timeout: 300_000,
    });
    const blocks = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));

    assert.equal(blocks.length, 6);
    const [third, sixth] = [blocks[2], blocks[5]];
    assert.ok(sixth.heap <= third.heap * 1.01, `heap: ${third.heap} to ${sixth.heap} bytes`);
    assert.ok(
        sixth.resident <= third.resident + 4 * 2 ** 20,
        `resident: ${third.resident} to ${sixth.resident} bytes`,
    );
    assert.deepEqual(
        blocks.map((one) => one.inFlight),
        [0, 0, 0, 0, 0, 0],
    );
    assert.ok(
        blocks.every((one) => one.failed > 0 && one.good > one.failed),
        'both kinds of end happened',
    );
});
