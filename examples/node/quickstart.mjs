// Five minutes: two servers, one of them dead, and no failed call.
//
// Run it with `examples/node/run.sh quickstart`.
import { createServer } from 'node:http';

import { FailoverManager } from 'libfailover';

const manager = new FailoverManager({ failover: { strategy: 'round_robin' } });
await manager.registerEndpoint({
    id: 'a',
    name: 'hello',
    address: '127.0.0.1',
    port: await deadPort(),
});
const server = createServer((_, response) => response.end('hello'));
await manager.registerEndpoint({
    id: 'b',
    name: 'hello',
    address: '127.0.0.1',
    port: await listen(server),
});
const pool = manager.pool({ service: 'hello' });

// The dead one gets its turn until its breaker opens; each such call is saved by the other.
for (let number = 1; number <= 10; number += 1) {
    const served = await pool.execute(async (endpoint, { signal }) => {
        const response = await fetch(endpoint.url('/'), { signal });
        return response.text();
    });
    const { result, endpoint, attempts } = served;
    console.log(
        `call ${String(number).padStart(2)}: "${result}" from ${endpoint.id}, attempts: ${attempts}`,
    );
}

for (const { id, circuit } of Object.values(manager.getStats().memory.endpoints)) {
    console.log(`endpoint ${id}: breaker ${circuit}`);
}
const { successfulRequests, failedRequests, failovers } = pool.stats();
console.log(`calls: ${successfulRequests}, failed: ${failedRequests}, failovers: ${failovers}`);
await manager.close();
server.close();
server.closeAllConnections();

// Listens on a free port, and returns it.
function listen(to) {
    return new Promise((resolve, reject) => {
        to.once('error', reject).listen(0, '127.0.0.1', () => resolve(to.address().port));
    });
}

// A port where nobody listens.
async function deadPort() {
    const dying = createServer();
    const port = await listen(dying);
    await new Promise((resolve) => dying.close(resolve));
    return port;
}
