// A call that the second of two endpoints serves.
import { FailoverManager } from 'libfailover';

async function main() {
    const manager = new FailoverManager({ failover: { strategy: 'round_robin' } });
    await manager.registerEndpoint({ id: 'a', name: 'hello', address: '127.0.0.1', port: 8081 });
    await manager.registerEndpoint({ id: 'b', name: 'hello', address: '127.0.0.1', port: 8082 });
    const served = await manager.executeWithFailover(async (endpoint) => {
        if (endpoint.id === 'a')
            throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
        return 'hello';
    });
    console.log(`${served.result} from ${served.endpoint.id}, attempts: ${served.attempts}`);
    await manager.close();
}

main().catch((error) => {
    console.error(error);
    process.exitCode = 1;
});
