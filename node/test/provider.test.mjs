// The program's own providers and checks.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { Endpoint, FailoverManager } from 'libfailover';

const of = (id, port = 80) => ({ id, name: 'users', address: '10.0.0.1', port });

test('a provider that is listed serves what it lists', async () => {
    const manager = new FailoverManager();
    manager.registerProvider('sync', { list: () => [of('a')] });
    manager.registerProvider('async', { list: async () => new Set([of('b')]) });

    await manager.waitReady();

    assert.equal(manager.pool({ provider: 'sync' }).select().id, 'a');
    assert.equal(manager.pool({ provider: 'async' }).select().id, 'b');
    await assert.rejects(manager.registerEndpoint(of('c'), { provider: 'sync' }), {
        kind: 'provider',
    });
});

test('a provider that watches publishes, until it is removed', async () => {
    const manager = new FailoverManager();
    let publish;
    let signal;
    let watching;
    const began = new Promise((resolve) => (watching = resolve));
    manager.registerProvider('watched', {
        list: () => [of('a')],
        watch(give, context) {
            publish = give;
            ({ signal } = context);
            watching();
        },
    });
    await manager.waitReady();
    await began;

    publish([of('a'), of('b')]);
    const pool = manager.pool({ provider: 'watched' });
    const ids = () =>
        pool
            .endpoints()
            .map((one) => one.id)
            .join();
    while (ids() !== 'a,b') await new Promise(setImmediate);
    const ended = new Promise((resolve) => signal.addEventListener('abort', resolve));
    manager.deregisterProvider('watched');

    await ended;
    assert.throws(
        () => publish([of('a'), of('a')]) ?? assert.fail(),
        'nothing is published any more',
    );
});

test('a faulty set is refused with its reason, and the last good one serves', async () => {
    const manager = new FailoverManager();
    let publish;
    manager.registerProvider('watched', {
        list: () => [of('a')],
        watch: (give) => void (publish = give),
    });
    await manager.waitReady();
    while (publish === undefined) await new Promise(setImmediate);

    assert.throws(() => publish([{ ...of('a'), port: 70_000 }]), /70000/);
    assert.equal(manager.pool({ provider: 'watched' }).select().port, 80);
});

test('a provider that registers is asked, and its no is the answer', async () => {
    const manager = new FailoverManager({ defaultProvider: 'registry' });
    const kept = new Map();
    manager.registerProvider('registry', {
        isAuthoritative: true,
        list: () => [...kept.values()],
        async register(endpoint) {
            assert.ok(endpoint instanceof Endpoint);
            if (endpoint.id === 'bad') throw new Error('not this one');
            kept.set(endpoint.id, endpoint);
        },
        update: (endpoint) => void kept.set(endpoint.id, endpoint),
        deregister: (id) => void kept.delete(id),
    });
    await manager.waitReady();

    await manager.registerEndpoint(of('a'));
    await manager.updateEndpoint({ ...of('a'), weight: 3 });
    const weight = manager.getEndpoint('a').weight;
    await manager.registerEndpoint(of('b'));
    await manager.deregisterEndpoint('a');

    assert.equal(weight, 3);
    assert.deepEqual([...kept.keys()], ['b']);
    await assert.rejects(manager.registerEndpoint(of('bad')), {
        kind: 'provider',
        message: /not this one/,
    });
    assert.deepEqual(
        manager.listEndpoints().map((one) => one.id),
        ['b'],
    );
});

test('a provider that fails is stale, and says why', async () => {
    const manager = new FailoverManager();
    let isBroken = false;
    manager.registerProvider('shaky', {
        pollInterval: 5,
        list() {
            if (isBroken) throw new Error('no connection');
            return [of('a')];
        },
    });
    await manager.waitReady();

    isBroken = true;
    for await (const event of manager.events({ types: ['discovery_stale'] })) {
        assert.match(event.reason, /no connection/);
        break;
    }

    const info = manager.getProvider('shaky');
    assert.deepEqual([info.status, info.type], ['stale', 'custom']);
    assert.match(info.lastError, /no connection/);
    assert.equal(manager.pool({ provider: 'shaky' }).select().id, 'a', 'the last good set serves');
});

test('a provider without list and watch is none', () => {
    const manager = new FailoverManager();

    assert.throws(() => manager.registerProvider('x', {}), { kind: 'invalid_argument' });
    assert.throws(() => manager.registerProvider('memory', { list: () => [] }), {
        kind: 'already_exists',
    });
});

test('a provider of the library is made by its document', async () => {
    const manager = new FailoverManager();

    manager.registerProvider('more', { type: 'memory' });
    await manager.registerEndpoint(of('a'), { provider: 'more' });

    assert.equal(manager.pool({ provider: 'more' }).select().id, 'a');
    assert.throws(() => manager.registerProvider('y', { type: 'consul' }), {
        kind: /invalid_config|not_available/,
    });
});

test('checks of the program decide, at once or later, with their reasons', async () => {
    const findings = {
        good: true,
        bad: false,
        spared: 'degraded',
        told: { status: 'bad', reason: 'the table says so' },
        later: Promise.resolve(true),
    };
    const manager = new FailoverManager(
        {},
        {
            healthCheck(endpoint, { signal, timeout }) {
                assert.ok(
                    endpoint instanceof Endpoint && signal instanceof AbortSignal && timeout > 0,
                );
                if (endpoint.id === 'thrown') throw new Error('no answer');
                if (endpoint.id === 'wrong') return 'perhaps';
                return findings[endpoint.id];
            },
        },
    );
    for (const id of [...Object.keys(findings), 'thrown', 'wrong']) {
        await manager.registerEndpoint({
            ...of(id),
            healthCheck: { type: 'custom', interval: '1h' },
        });
    }

    const found = await manager.healthCheckAll();

    assert.deepEqual(found, {
        bad: 'unhealthy',
        good: 'healthy',
        later: 'healthy',
        spared: 'degraded',
        thrown: 'unhealthy',
        told: 'unhealthy',
        wrong: 'unhealthy',
    });
    const reason = (id) => manager.getStats().memory.endpoints[id].lastCheck.reason;
    assert.match(reason('told'), /the table says so/);
    assert.match(reason('thrown'), /no answer/);
    assert.match(reason('wrong'), /must return/);
});

test('a check that takes too long is told to stop', async () => {
    let stopped;
    const isStopped = new Promise((resolve) => (stopped = resolve));
    const manager = new FailoverManager(
        {},
        {
            healthCheck: (_, { signal }) =>
                new Promise(() => signal.addEventListener('abort', stopped)),
        },
    );
    await manager.registerEndpoint({
        ...of('a'),
        healthCheck: { type: 'custom', interval: '1h', timeout: 20 },
    });

    assert.equal(await manager.healthCheck('a'), 'unhealthy');
    await isStopped;
});

test("what is asked may need the host's threads, however many wait for it", async () => {
    const check = () => readFile('/etc/hosts').then(() => true);
    const manager = new FailoverManager({}, { healthCheck: check });
    manager.registerProvider('registry', {
        isAuthoritative: true,
        list: () => [],
        register: () => readFile('/etc/hosts'),
    });
    await manager.waitReady();
    const ids = Array.from({ length: 32 }, (_, at) => `e${at}`);
    const healthCheck = { type: 'custom', interval: '1h' };
    for (const id of ids) await manager.registerEndpoint({ ...of(id), healthCheck });
    const options = { provider: 'registry' };

    await Promise.all(ids.map((id) => manager.registerEndpoint(of(id), options)));
    const found = await Promise.all(ids.map((id) => manager.healthCheck(id)));

    assert.deepEqual(new Set(found), new Set(['healthy']));
});

test('whatever is thrown by a check is a reason, and nothing worse', async () => {
    const thrown = [
        Object.create(null),
        Symbol('s'),
        undefined,
        Object.assign(new Error(), { message: 5 }),
    ];
    let next = 0;
    const manager = new FailoverManager(
        {},
        {
            healthCheck() {
                throw thrown[next];
            },
        },
    );
    await manager.registerEndpoint({
        ...of('a'),
        healthCheck: { type: 'custom', interval: '1h', timeout: '20s' },
    });

    for (next = 0; next < thrown.length; next += 1) {
        assert.equal(await manager.healthCheck('a'), 'unhealthy');
        const { reason } = manager.getStats().memory.endpoints.a.lastCheck;
        assert.match(reason, [/null prototype/, /Symbol\(s\)/, /undefined/, /5/][next]);
    }
});

test("a provider of the program's own may have fields of any name", async () => {
    const manager = new FailoverManager();
    class Registry {
        type = 'registry';
        path = '/services';
        list() {
            return [of(this.type)];
        }
    }

    manager.registerProvider('mine', new Registry());
    await manager.waitReady();

    assert.equal(manager.pool({ provider: 'mine' }).select().id, 'registry');
});

test('a watch may last as long as it is wanted, as a promise or a generator', async () => {
    const manager = new FailoverManager();
    const ended = [];
    const over = (name, signal) =>
        new Promise((resolve) =>
            signal.addEventListener('abort', () => resolve(ended.push(name)), { once: true }),
        );
    manager.registerProvider('promise', {
        async watch(publish, { signal }) {
            publish([of('a')]);
            await over('promise', signal);
        },
    });
    manager.registerProvider('generator', {
        async *watch(_publish, { signal }) {
            yield [of('b')];
            await over('generator', signal);
        },
    });
    await manager.waitReady();

    for (const [provider, id] of [
        ['promise', 'a'],
        ['generator', 'b'],
    ]) {
        assert.equal(manager.pool({ provider }).select().id, id);
        manager.deregisterProvider(provider);
    }
    while (ended.length < 2) await new Promise(setImmediate);
    assert.deepEqual(ended, ['promise', 'generator']);
});

test('a watch that breaks is begun again, and told of', async () => {
    const manager = new FailoverManager();
    let watches = 0;
    const events = manager.events({ types: ['discovery_stale'] });
    manager.registerProvider('shaky', {
        list: () => [of('a')],
        async watch(publish) {
            watches += 1;
            publish([of('a')]);
            if (watches === 1) throw new Error('connection lost');
            await new Promise(() => {});
        },
    });

    assert.match((await events.next()).value.reason, /connection lost/);
    const alive = setInterval(() => {}, 1000);
    while (watches < 2) await new Promise(setImmediate);
    clearInterval(alive);

    assert.equal(manager.pool({ provider: 'shaky' }).select().id, 'a');
});
