// What happens to an endpoint, told as it happens: its breaker opens, and lets a probe in later.
//
// The clock is a manual one, so that thirty seconds pass at once.
import { FailoverManager, ManualClock } from 'libfailover';

const clock = new ManualClock();
const circuitBreaker = { failureThreshold: 2, successThreshold: 1 };
const manager = new FailoverManager({ clock, seed: 1, failover: { circuitBreaker } });
await manager.registerEndpoint({ id: 'a', name: 'users', address: '127.0.0.1', port: 8081 });
const pool = manager.pool({ service: 'users' });
// No types are all types; who doesn't read loses the oldest of a hundred.
const events = manager.events({ capacity: 100 });

for (let i = 0; i < 2; i += 1) {
    pool.pick().report('failure');
}
// A minute is longer than the breaker's thirty seconds with their jitter.
clock.advance('1m');
pool.pick().report('success');

// Closing ends the loop, once it has given what happened before.
await manager.close();
for await (const event of events) {
    console.log(`${event.type} of ${event.endpoint ?? '-'}: ${event.reason}`);
}
