// Endpoints from a source of the program's own: here, lines of text.
//
// The library asks for the whole set, again and again; a set that can't be read changes nothing.
import { FailoverManager } from 'libfailover';

// An inventory with one server on each line: id and port.
class Inventory {
    constructor(text) {
        this.text = text;
    }

    // May as well be async.
    list() {
        return this.text.split('\n').map((line) => {
            const [id, port] = line.split(' ');
            return { id, name: 'users', address: '127.0.0.1', port: Number(port) };
        });
    }
}

const manager = new FailoverManager();
manager.registerProvider('inventory', new Inventory('a 8081\nb 8082'));
await manager.waitReady({ timeout: '10s' });

const pool = manager.pool({ provider: 'inventory', service: 'users' });
for (let i = 0; i < 3; i += 1) {
    const lease = pool.pick();
    console.log(`picked ${lease.endpoint.url('/')}`);
    lease.report('success');
}
