// When a process ends: by itself with nothing pending, and not before with something pending.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = fileURLToPath(new URL('fixtures/exit.mjs', import.meta.url));

// Runs a scene in a process of its own; gives what it printed, and how long it lived on.
async function live(scene) {
    const { stdout, stderr } = await run(process.execPath, [program, scene], { timeout: 30_000 });
    const ended = Date.now();
    assert.equal(stderr, '');
    const lines = stdout.trim().split('\n');
    return { lines: lines.slice(0, -1), afterMs: ended - Number(lines.at(-1)) };
}

for (const scene of [
    'picked',
    'executed',
    'listening',
    'checking',
    'providing',
    'watching',
    'reading',
    'closed',
    'unread',
    'given up',
    'exiting',
]) {
    test(`a process with nothing pending ends by itself: ${scene}`, async () => {
        const { afterMs } = await live(scene);

        assert.ok(afterMs < 2000, `${afterMs} ms`);
    });
}

test('twenty processes end within a tenth of a second', async () => {
    const times = [];
    for (let i = 0; i < 20; i += 1) {
        times.push((await live('providing')).afterMs);
    }

    times.sort((one, other) => one - other);
    assert.ok(times[10] <= 100 && times[19] <= 2000, times.join());
});

for (const scene of ['an attempt', 'a wait', 'an event', 'a check', 'a registration']) {
    test(`a process waits for what is pending: ${scene}`, async () => {
        const { lines } = await live(scene);

        assert.deepEqual(lines, [`${scene} came`]);
    });
}
