// A check of the program's own: here, one that asks a table instead of a server.
//
// It may return at once or a promise, and is told by its signal when nobody waits for it any more.
import { FailoverManager } from 'libfailover';

const table = { a: false, b: true };
const healthCheck = async (endpoint) => table[endpoint.id];

const manager = new FailoverManager({}, { healthCheck });
for (const [id, port] of [
    ['a', 8081],
    ['b', 8082],
]) {
    await manager.registerEndpoint({
        id,
        name: 'users',
        address: '127.0.0.1',
        port,
        healthCheck: { type: 'custom' },
    });
}
// Checks go on by themselves; this one is made now and waited for. The first one decides at once, later
// ones only by rise and fall.
for (const [id, health] of Object.entries(await manager.healthCheckAll())) {
    console.log(`${id} is ${health}`);
}

const pool = manager.pool({ service: 'users' });
console.log(`picked ${pool.select().id}`);
