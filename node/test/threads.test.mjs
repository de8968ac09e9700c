// Which threads there are: none of the library's for picks and calls, one for background work.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { FailoverManager } from 'libfailover';

const A = { id: 'a', name: 'users', address: '127.0.0.1', port: 9 };

// The names of the library's threads in this process.
function own() {
    const names = readdirSync('/proc/self/task').map((task) =>
        readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim(),
    );
    return names.filter((name) => name.startsWith('failover'));
}

test('picks and calls need no thread of the library, and wake none', async () => {
    const manager = new FailoverManager({ failover: { retryDelay: 1 } });
    await manager.registerEndpoint(A);
    const pool = manager.pool();
    manager.on('event', () => {});

    for (let i = 0; i < 1000; i += 1) {
        pool.select();
        await pool.execute(async () => i);
        await pool.execute(() => Promise.reject(new RangeError('bug'))).catch(() => {});
    }
    await manager.close();

    assert.deepEqual(own(), []);
});

test('checks and providers of all managers share one', async () => {
    const managers = [new FailoverManager(), new FailoverManager()];
    for (const manager of managers) {
        await manager.registerEndpoint({ ...A, healthCheck: { type: 'tcp', interval: 10 } });
        manager.registerProvider('mine', { list: () => [A], pollInterval: 10 });
        await manager.waitReady();
    }

    assert.equal(own().length, 1);
    await Promise.all(managers.map((manager) => manager.close()));
});
