// Worker threads come and go, and leave nothing behind.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { FailoverManager } from 'libfailover';

const COUNT = process.env.FAILOVER_SOAK ? 1000 : 100;
const AT_ONCE = 4;
const program = new URL('fixtures/worker.mjs', import.meta.url);

function live(scene) {
    return new Promise((resolve, reject) => {
        const worker = new Worker(program, { workerData: scene });
        worker.on('message', () => {
            // Gone in the middle of what it does.
            if (scene === 'terminated') void worker.terminate();
        });
        worker.on('error', reject);
        worker.on('exit', resolve);
    });
}

test(`${COUNT} worker threads make managers, use them, and go`, async () => {
    const own = new FailoverManager();
    await own.registerEndpoint({ id: 'a', name: 'users', address: '10.0.0.1', port: 80 });
    const scenes = ['closed', 'left', 'terminated', 'busy'];
    const codes = new Map(scenes.map((scene) => [scene, new Set()]));
    await Promise.all(scenes.map(live));
    const threads = readdirSync('/proc/self/task').length;

    let next = 0;
    const lane = async () => {
        while (next < COUNT) {
            const scene = scenes[next % scenes.length];
            next += 1;
            codes.get(scene).add(await live(scene));
            assert.equal(own.selectEndpoint().id, 'a');
        }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));

    assert.deepEqual(
        [...codes].map(([scene, found]) => [scene, [...found]]),
        [
            ['closed', [0]],
            ['left', [0]],
            ['terminated', [1]],
            ['busy', [0]],
        ],
    );
    assert.ok(readdirSync('/proc/self/task').length <= threads + 2, 'no thread stayed');
});
