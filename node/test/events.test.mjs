// Events and logs, as iterators and as emitter.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, test } from 'node:test';

import { FailoverManager, RecordStream } from 'libfailover';

// Listeners keep no process alive, so a test that waits for one has to.
let alive;
beforeEach(() => (alive = setInterval(() => {}, 60_000)));
afterEach(() => clearInterval(alive));

async function managed() {
    const manager = new FailoverManager({ failover: { circuitBreaker: { failureThreshold: 1 } } });
    await manager.registerEndpoint({ id: 'a', name: 'users', address: '10.0.0.1', port: 80 });
    return manager;
}

const fail = (manager) => manager.pool().pick().report('failure');

test('an iterator gives events in order, and ends with its loop', async () => {
    const manager = await managed();
    const events = manager.events({ types: ['circuit_open', 'drain'] });
    assert.ok(events instanceof RecordStream);

    manager.setAdmin('a', 'draining');
    manager.activate('a');
    fail(manager);
    const seen = [];
    for await (const event of events) {
        seen.push(`${event.type} ${event.endpoint}`);
        if (seen.length === 3) break;
    }

    assert.deepEqual(seen, ['drain a', 'drain a', 'circuit_open a']);
    assert.deepEqual(await events.next(), { value: undefined, done: true });
});

test('an iterator that waits is woken, and ends when the manager closes', async () => {
    const manager = await managed();
    const events = manager.events({ types: ['circuit_open'] });
    const [first, second] = [events.next(), events.next()];

    fail(manager);
    assert.equal((await first).value.type, 'circuit_open');
    await manager.close();

    assert.equal((await second).done, true);
});

test('who does not read loses the oldest, counted', async () => {
    const manager = await managed();
    const events = manager.events({ capacity: 2, types: ['drain'] });

    for (const state of ['draining', 'active', 'maintenance', 'active'])
        manager.setAdmin('a', state);

    assert.equal(events.dropped, 2);
    assert.deepEqual(
        [(await events.next()).value.reason, (await events.next()).value.reason],
        ['maintenance', 'active'],
    );
});

test('the manager emits events by their types, and all of them', async () => {
    const manager = await managed();
    const all = [];
    manager.on('event', (event) => all.push(event.type));
    const opened = once(manager, 'circuit_open');

    fail(manager);
    const [event] = await opened;

    assert.deepEqual([event.endpoint, event.pool], ['a', 'memory/users']);
    assert.ok(all.includes('circuit_open') || (await once(manager, 'event'), true));
});

test('log records are told of', async () => {
    const manager = new FailoverManager({ defaultProvider: 'nowhere', logLevel: 'info' });
    const logged = once(manager, 'log');
    const logs = manager.logs();

    manager.getDefaultProvider();
    const [record] = await logged;

    assert.deepEqual([record.level, typeof record.target], ['warn', 'string']);
    assert.match(record.message, /nowhere/);
    assert.equal((await logs.next()).value.message, record.message);
    manager.setLogLevel('off');
    assert.throws(() => manager.setLogLevel('loud'), { kind: 'invalid_argument' });
});

test('an unknown type of event is refused', async () => {
    const manager = await managed();

    assert.throws(() => manager.events({ types: ['bogus'] }), {
        kind: 'invalid_argument',
        message: /bogus/,
    });
});

test('a closed manager has no more events, and nobody waits for one', async () => {
    const manager = await managed();
    await manager.close();

    assert.equal((await manager.events().next()).done, true);
    assert.equal((await manager.logs().next()).done, true);
    manager.on('event', () => assert.fail());
});

test('events are still found after all listeners were removed', async () => {
    const manager = await managed();
    manager.on('drain', () => assert.fail('removed'));
    manager.removeAllListeners('newListener');
    manager.removeAllListeners();
    const drained = once(manager, 'drain');

    manager.setAdmin('a', 'draining');

    assert.equal((await drained)[0].endpoint, 'a');
});

test('what waits is drained at once, however much it is', async () => {
    const manager = await managed();
    const events = manager.events({ capacity: 5000, types: ['drain'] });

    for (let i = 0; i < 3000; i += 1) manager.setAdmin('a', i % 2 ? 'active' : 'draining');

    assert.equal(events.drain().length, 3000);
});
