// The verbs of a manager, as JavaScript shows them.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Endpoint, FailoverError, FailoverManager, ManualClock, version } from 'libfailover';

const A = { id: 'a', name: 'users', address: '10.0.0.1', port: 80 };
const B = { id: 'b', name: 'users', address: '10.0.0.2', port: 80 };

test('an endpoint is registered, found, changed and removed', async () => {
    const manager = new FailoverManager();

    await manager.registerEndpoint({
        ...A,
        tags: ['x'],
        metadata: { zone: 'z' },
        healthCheck: { interval: 1500, type: 'tcp' },
    });
    const found = manager.getEndpoint('a');
    await manager.updateEndpoint({ ...A, weight: 5, priority: 1 });
    const changed = manager.getEndpoint('a');
    await manager.registerEndpoint(B);
    await manager.deregisterEndpoint('a');

    assert.ok(found instanceof Endpoint && Object.isFrozen(found));
    assert.equal(found.url('/x'), 'http://10.0.0.1:80/x');
    assert.deepEqual(
        [found.tags, found.metadata, found.healthCheck.interval],
        [['x'], { zone: 'z' }, '1.5s'],
    );
    assert.ok(found.createdAt instanceof Date && found.createdAt <= new Date());
    assert.deepEqual([changed.weight, changed.priority, changed.tags], [5, 1, []]);
    assert.deepEqual(
        manager.listEndpoints().map((one) => one.id),
        ['b'],
    );
});

test('an endpoint that was found may be registered as it is', async () => {
    const manager = new FailoverManager();
    await manager.registerEndpoint(A);
    const found = manager.getEndpoint('a');
    await manager.deregisterEndpoint('a');

    await manager.registerEndpoint(found);

    assert.equal(manager.getEndpoint('a').url(), found.url());
});

test('an IPv6 address has brackets in a URL', async () => {
    const manager = new FailoverManager();

    await manager.registerEndpoint({ ...A, address: '::1' });

    assert.equal(manager.getEndpoint('a').url('/'), 'http://[::1]:80/');
});

test('all faults come at once, each with its path', () => {
    const make = () =>
        new FailoverManager({ failover: { maxRetries: -1, timeout: '5', bogus: 1 } });

    assert.throws(make, (error) => {
        assert.ok(error instanceof FailoverError && error instanceof Error);
        assert.deepEqual(
            [error.name, error.type, error.code, error.kind, error.isRetryable],
            ['FailoverError', 'validation', 6001, 'invalid_config', false],
        );
        assert.deepEqual(error.details.faults.map((fault) => fault.path).sort(), [
            'failover.bogus',
            'failover.max_retries',
            'failover.timeout',
        ]);
        assert.match(error.stack, /manager\.test\.mjs/);
        return true;
    });
});

test('durations are milliseconds or texts with a unit, and nothing else', () => {
    const of = (timeout) =>
        new FailoverManager({ failover: { timeout } }).getConfig().failover.timeout;

    assert.deepEqual(
        [of(250), of('250ms'), of(1.5), of('1h30m')],
        ['250ms', '250ms', '1.5ms', '1h30m'],
    );
    for (const wrong of [NaN, Infinity, -1]) {
        assert.throws(() => of(wrong), {
            kind: 'invalid_argument',
            message: /timeout: must be milliseconds/,
        });
    }
    assert.throws(() => of('soon'), { kind: 'invalid_config' });
});

test('keys of maps are left as they are', () => {
    const weights = { camelCase: 1, snake_case: 2 };
    const metadata = { someKey: { inner_key: 1 } };

    const { failover } = new FailoverManager({
        failover: { loadBalancer: { algorithm: 'weighted', weights }, metadata },
    }).getConfig();

    assert.deepEqual([failover.loadBalancer.weights, failover.metadata], [weights, metadata]);
    assert.equal(failover.circuitBreaker.failureThreshold, 5);
});

test('a configuration that was shown can be given back', () => {
    const manager = new FailoverManager({ failover: { strategy: 'random', retryDelay: 7 } });

    manager.configure(manager.getConfig().failover);

    assert.deepEqual(
        [manager.getConfig().failover.strategy, manager.getConfig().failover.retryDelay],
        ['random', '7ms'],
    );
    assert.throws(() => manager.configure({ maxRetries: 1e9 }), { code: 6001 });
    assert.equal(manager.getConfig().failover.retryDelay, '7ms', 'a refused one changes nothing');
});

test('a pool is the same object each time, and a derived one too', async () => {
    const manager = new FailoverManager();
    await manager.registerEndpoint(A);

    const pool = manager.pool();
    const derived = pool.derive({ maxRetries: 0 });

    assert.equal(manager.pool({ service: 'users' }), pool);
    assert.equal(manager.pool({ service: 'users', config: { maxRetries: 0 } }), derived);
    assert.deepEqual([pool.name, pool.provider, pool.service], ['memory/users', 'memory', 'users']);
    assert.throws(() => manager.pool({ provider: 'x' }), { type: 'not_found', code: 6010 });
});

test('an endpoint is the same object until it changes', async () => {
    const manager = new FailoverManager();
    await manager.registerEndpoint(A);
    const pool = manager.pool();

    const [first, second] = [pool.select(), pool.select()];
    await manager.registerEndpoint({ ...B, weight: 0 });
    const third = pool.pick({ endpoint: 'a' }).endpoint;
    await manager.updateEndpoint({ ...A, tags: ['new'] });
    const fourth = pool.pick({ endpoint: 'a' }).endpoint;

    assert.equal(first, second);
    assert.equal(first, third, 'another one came, this one did not change');
    assert.notEqual(first, fourth);
    assert.deepEqual(fourth.tags, ['new']);
    assert.equal(pool.endpoints()[0], fourth);
});

test('a selection counts for nothing, a lease until it is reported', async () => {
    const manager = new FailoverManager();
    await manager.registerEndpoint(A);
    const pool = manager.pool();

    manager.selectEndpoint({ key: 'x' });
    const afterSelect = manager.inFlight;
    const lease = pool.pick();
    const during = manager.inFlight;
    lease.report('success', { duration: '10ms' });

    assert.deepEqual([afterSelect, during, manager.inFlight], [0, 1, 0]);
    assert.throws(() => lease.report('success'), { kind: 'invalid_state' });
    assert.throws(() => pool.pick().report('good'), { kind: 'invalid_argument' });
    const dropped = pool.pick();
    assert.equal(dropped.isPanic, false);
    dropped[Symbol.dispose]();
    dropped[Symbol.dispose]();
    const { outcomes, averageLatencyNs } = manager.getStats().memory.endpoints.a;
    assert.equal(outcomes.success, 1);
    assert.ok(outcomes.cancelled >= 1 && averageLatencyNs > 0);
});

test('a lease whose number serves again is not reported through an old one', async () => {
    const manager = new FailoverManager();
    await manager.registerEndpoint(A);
    const pool = manager.pool();
    const old = pool.pick();
    old.report('success');

    const next = pool.pick();

    assert.throws(() => old.report('failure'), { kind: 'invalid_state' });
    assert.equal(manager.inFlight, 1);
    next.report('success');
});

test('without an endpoint a pick says why, of each', async () => {
    const manager = new FailoverManager();
    await manager.registerEndpoint(A);
    manager.setAdmin('a', 'maintenance');

    assert.throws(
        () => manager.selectEndpoint(),
        (error) => {
            assert.deepEqual(
                [error.kind, error.type, error.isRetryable],
                ['no_endpoints', 'not_found', true],
            );
            assert.deepEqual(Object.keys(error.details.endpoints), ['a']);
            return true;
        },
    );
    const { endpoints } = manager.pool().explain();
    assert.equal(typeof endpoints[0].objection, 'string');
    manager.activate('a');
    assert.equal(manager.selectEndpoint().id, 'a');
});

test('draining waits for what is in flight', async () => {
    const manager = new FailoverManager();
    await manager.registerEndpoint(A);
    const lease = manager.pool().pick();

    const drained = manager.drain('a');
    lease.report('success');
    await drained;

    assert.equal(manager.getStats().memory.endpoints.a.admin, 'draining');
    await assert.rejects(manager.drain('nobody'), { code: 6010 });
});

test('health is reported, and checks run by themselves', async () => {
    const manager = new FailoverManager();
    await manager.registerEndpoint(A);

    const found = [
        manager.reportHealth('a', 'bad', { reason: 'seen' }),
        await manager.healthCheck('a'),
    ];

    assert.deepEqual(found, ['unhealthy', 'unhealthy']);
    assert.deepEqual(await manager.healthCheckAll(), { a: 'unhealthy' });
    assert.equal(manager.getStats().memory.endpoints.a.lastCheck.reason, 'seen');
    await assert.rejects(manager.healthCheck('x'), { kind: 'not_found' });
});

test('statistics and events tell what happened', async () => {
    const manager = new FailoverManager({ clock: new ManualClock(), seed: 1 });
    await manager.registerEndpoint(A);
    await manager.registerEndpoint(B);

    const { attempts } = await manager.executeWithFailover((endpoint) => {
        if (endpoint.id === 'a')
            throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
        return 1;
    });

    const { memory } = manager.getStats();
    assert.equal(attempts, 2);
    assert.deepEqual(
        [memory.totalRequests, memory.failovers, memory.pools.users.attempts],
        [1, 1, 2],
    );
    assert.equal(memory.endpoints.a.outcomes.unsent, 1);
    const [newest, ...older] = manager.getEvents(3);
    assert.deepEqual(
        [newest.type, newest.endpoint, newest.pool],
        ['failover', 'b', 'memory/users'],
    );
    assert.ok(Math.abs(newest.time - Date.now()) < 60_000 && older.length === 2);
});

test('providers are listed with how they are doing', async () => {
    const manager = new FailoverManager({ defaultProvider: 'consul', fallbackEnabled: true });

    manager.registerPushedProvider('mine');
    manager.publish([{ ...A, name: 'other' }], { provider: 'mine' });

    assert.deepEqual(manager.listProviders(), ['memory', 'mine']);
    assert.equal(manager.getDefaultProvider().name, 'memory', 'the embedded one stands in');
    assert.deepEqual(
        [manager.getProvider('mine').status, manager.getProvider('mine').capabilities.canList],
        ['live', false],
    );
    assert.equal(manager.pool({ provider: 'mine' }).select().id, 'a');
    manager.deregisterProvider('mine');
    assert.throws(() => manager.getProvider('mine'), { kind: 'not_found' });
});

test('a closed manager refuses, says so, and may be closed again', async () => {
    const manager = new FailoverManager();
    await manager.registerEndpoint(A);
    const pool = manager.pool();
    const lease = pool.pick();

    await assert.rejects(manager.close({ timeout: 5 }), {
        kind: 'busy',
        details: { in_flight: 1 },
    });

    assert.equal(manager.isClosed, true);
    assert.throws(() => pool.select(), { kind: 'closed' });
    await assert.rejects(
        pool.execute(() => 1),
        { kind: 'closed' },
    );
    await assert.rejects(manager.registerEndpoint(B), { kind: 'closed' });
    lease.report('success');
    assert.equal(manager.inFlight, 0);
});

test('closing waits for attempts, and ends waits', async () => {
    const manager = new FailoverManager({
        failover: { retryDelay: '30s', backoff: 'fixed', timeout: '60s' },
    });
    await manager.registerEndpoint(A);
    const pool = manager.pool();
    let finish;
    const running = pool.execute(() => new Promise((resolve) => (finish = resolve)));
    const mine = new Error('mine');
    const waiting = pool.execute(() => Promise.reject(mine));
    const ended = assert.rejects(
        waiting,
        (error) => error === mine && error.failover.kind === 'closed',
    );
    await new Promise(setImmediate);

    const closed = manager.close();
    finish('late');
    await closed;

    assert.equal((await running).result, 'late');
    await ended;
});

test('a manager and a lease can be disposed of', async () => {
    const manager = new FailoverManager();
    await manager.registerEndpoint(A);
    manager.pool().pick()[Symbol.dispose]();

    await manager[Symbol.asyncDispose]();
    await manager.close();

    assert.deepEqual([manager.isClosed, manager.inFlight], [true, 0]);
});

test('the version is that of the package', () => {
    assert.match(version, /^\d+\.\d+\.\d+/);
});

test('whatever takes its time ends with a signal', async () => {
    const manager = new FailoverManager(
        {},
        { healthCheck: () => new Promise((resolve) => setTimeout(resolve, 50, true)) },
    );
    await manager.registerEndpoint({ ...A, healthCheck: { type: 'custom', interval: '1h' } });
    manager.registerProvider('slow', {
        list: () => new Promise(() => {}),
        register: () => new Promise((resolve) => setTimeout(resolve, 50)),
    });
    const lease = manager.pool({ provider: 'memory' }).pick();
    const events = manager.events({ signal: AbortSignal.timeout(5), types: ['retry'] });
    const reason = new Error('enough');
    const waits = [
        (options) => manager.healthCheck('a', options),
        (options) => manager.healthCheckAll(options),
        (options) => manager.waitReady(options),
        (options) => manager.drain('a', options),
        (options) => manager.registerEndpoint(B, { provider: 'slow', ...options }),
    ];

    for (const [at, wait] of waits.entries()) {
        const controller = new AbortController();
        const waiting = wait({ signal: controller.signal });
        setImmediate(() => controller.abort(reason));
        await assert.rejects(waiting, (error) => error === reason, `wait ${at}`);
        await assert.rejects(
            wait({ signal: AbortSignal.abort(reason) }),
            (error) => error === reason,
            `wait ${at}, aborted before`,
        );
    }
    assert.equal((await events.next()).done, true);
    assert.equal((await manager.events({ signal: AbortSignal.abort() }).next()).done, true);
    lease.report('success');
    await assert.rejects(manager.waitReady({ timeout: 5 }), { kind: 'timeout', message: /slow/ });
});

test('what a document cannot hold is refused by its path', () => {
    const circle = {};
    circle.self = circle;
    const of = (failover) => () => new FailoverManager({ failover });

    for (const [failover, message] of [
        [{ maxRetries: 3n }, /^failover\.max_retries: can't be 3n$/],
        [{ maxRetries: NaN }, /^failover\.max_retries: can't be NaN$/],
        [{ maxRetries: Infinity }, /^failover\.max_retries: can't be Infinity$/],
        [{ zone: () => 'z' }, /^failover\.zone: can't be \[Function: zone\]$/],
        [{ zone: Symbol('z') }, /^failover\.zone: can't be Symbol\(z\)$/],
        [{ timeout: 5n }, /^failover\.timeout: must be milliseconds or a text/],
        [{ metadata: circle }, /^failover\.metadata\.self: holds itself$/],
        [{ metadata: { list: [1, 2n] } }, /^failover\.metadata\.list\[1\]: can't be 2n$/],
        [{ loadBalancer: { weights: new Map([['a', 1]]) } }, /weights: must be a plain object/],
    ]) {
        assert.throws(of(failover), { kind: 'invalid_argument', message });
    }
    for (const wrong of [null, 5, []]) {
        assert.throws(() => new FailoverManager(wrong), { kind: 'invalid_argument' });
        assert.throws(() => new FailoverManager().configure(wrong), { kind: 'invalid_argument' });
    }
});

test('a configuration may be of any kind of object', () => {
    const mine = new Error('mine');
    class Config {
        maxRetries = 2;
        get retryDelay() {
            return '7ms';
        }
    }
    const bare = Object.assign(Object.create(null), { zone: 'z' });
    const throwing = {
        get timeout() {
            throw mine;
        },
    };
    const named = JSON.parse('{ "__proto__": "x", "constructor": "y" }');

    const failover = (given) => new FailoverManager({ failover: given }).getConfig().failover;

    assert.equal(failover(new Config()).maxRetries, 2);
    assert.equal(failover(bare).zone, 'z');
    assert.deepEqual(failover({ metadata: named }).metadata, named);
    assert.throws(
        () => failover(throwing),
        (error) => error === mine,
    );
    assert.throws(() => failover(named), { kind: 'invalid_config', message: /__proto__/ });
});

test('options that are not known, or no options, are refused by every verb', async () => {
    const manager = new FailoverManager();
    await manager.registerEndpoint(A);
    const verbs = [
        (options) => manager.pool(options),
        (options) => manager.selectEndpoint(options),
        (options) => manager.executeWithFailover(() => 1, options),
        (options) => manager.registerEndpoint(B, options),
        (options) => manager.updateEndpoint(A, options),
        (options) => manager.deregisterEndpoint('a', options),
        (options) => manager.getEndpoint('a', options),
        (options) => manager.listEndpoints(options),
        (options) => manager.healthCheck('a', options),
        (options) => manager.healthCheckAll(options),
        (options) => manager.reportHealth('a', 'good', options),
        (options) => manager.drain('a', options),
        (options) => manager.activate('a', options),
        (options) => manager.setAdmin('a', 'draining', options),
        (options) => manager.publish([], options),
        (options) => manager.waitReady(options),
        (options) => manager.events(options),
        (options) => manager.logs(options),
        (options) => manager.close(options),
        (options) => new FailoverManager({}, options),
    ];

    for (const [at, verb] of verbs.entries()) {
        for (const wrong of ['memory', null, { providr: 'x' }]) {
            await assert.rejects(
                async () => verb(wrong),
                { kind: 'invalid_argument', message: /^options/ },
                `verb ${at}, ${JSON.stringify(wrong)}`,
            );
        }
    }
    assert.deepEqual([manager.isClosed, manager.listEndpoints().length], [false, 1]);
    assert.throws(() => new FailoverManager({}, { nesting: 'als' }), /options\.nesting/);
    assert.throws(() => new FailoverManager({}, { healthCheck: 5 }), /options\.healthCheck/);
});

test('arguments of the wrong kind are refused by their names', async () => {
    const manager = new FailoverManager();
    const refused = (message) => ({ kind: 'invalid_argument', type: 'validation', message });
    await manager.registerEndpoint(A);

    for (const id of [undefined, null, 5, {}]) {
        assert.throws(() => manager.getEndpoint(id), refused(/^id: must be a text/));
        await assert.rejects(manager.deregisterEndpoint(id), refused(/^id: must be a text/));
        await assert.rejects(manager.healthCheck(id), refused(/^id: must be a text/));
        assert.throws(() => manager.setAdmin(id, 'active'), refused(/^id: must be a text/));
    }
    assert.throws(() => manager.pool({ service: 5 }), refused(/5/));
    for (const number of [-1, 1.5, NaN, 2 ** 32, '5']) {
        assert.throws(() => manager.events({ capacity: number }), refused(/^capacity: /));
        assert.throws(() => manager.getEvents(number), refused(/^limit: /));
    }
    assert.throws(() => manager.events({ types: 'drain' }), refused(/^types: must be a list/));
    assert.throws(() => manager.registerProvider('x'), refused(/^provider: must be an object/));
    assert.throws(() => manager.registerProvider('x', { list: 1 }), refused(/^provider\.list: /));
    assert.throws(() => manager.publish(undefined), refused(/^endpoints: must be the whole set/));
});

test('a wrong duration names what it is for', async () => {
    const manager = new FailoverManager();
    await manager.registerEndpoint(A);
    const pool = manager.pool();

    for (const wrong of ['soon', NaN, 5n, -1, null, {}]) {
        const refused = (path) => ({
            kind: 'invalid_argument',
            message: new RegExp(`^(request\\.)?${path}: must be `),
        });
        await assert.rejects(manager.drain('a', { timeout: wrong }), refused('timeout'));
        await assert.rejects(manager.waitReady({ timeout: wrong }), refused('timeout'));
        await assert.rejects(manager.close({ timeout: wrong }), refused('timeout'));
        await assert.rejects(
            pool.execute(() => 1, { timeout: wrong }),
            refused('timeout'),
        );
        const lease = pool.pick();
        assert.throws(() => lease.report('success', { duration: wrong }), refused('duration'));
        lease.report('success');
    }
    assert.equal(manager.inFlight, 0);
});

test('a text may be of any length', async () => {
    const manager = new FailoverManager({ failover: { strategy: 'ip_hash' } });
    const long = 'x'.repeat(5_000_000);
    await manager.registerEndpoint({ ...A, metadata: { long } });

    assert.equal(manager.selectEndpoint({ key: long }).metadata.long, long);
    assert.equal(
        (await manager.executeWithFailover((one) => one.id, { session: long })).result,
        'a',
    );
    assert.throws(() => manager.getEndpoint(long), { kind: 'not_found' });
});

test('a clock belongs to one manager', () => {
    const clock = new ManualClock();

    assert.throws(() => clock.now(), { kind: 'invalid_state', name: 'FailoverError' });
    const manager = new FailoverManager({ clock });
    assert.throws(() => new FailoverManager({ clock }), { kind: 'invalid_state' });
    clock.advance('1s');
    assert.deepEqual([manager.clock, clock.now()], [clock, 1000]);
});
