// Calls: errors keep their identity, aborts give leases back, waits end when they should.
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import {
    Attempt,
    FailoverError,
    FailoverManager,
    FailoverResult,
    ManualClock,
    tagged,
} from 'libfailover';

async function managed(config = {}, options = {}, ids = ['a', 'b']) {
    const manager = new FailoverManager(
        { seed: 1, clock: new ManualClock(), failover: { backoff: 'fixed', ...config } },
        options,
    );
    for (const [at, id] of ids.entries()) {
        await manager.registerEndpoint({
            id,
            name: 'users',
            address: `10.0.0.${at + 1}`,
            port: 80,
        });
    }
    return manager;
}

const refused = () => Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
const turn = () => new Promise(setImmediate);

test('a value comes back as it is, from functions of every kind', async () => {
    const pool = (await managed()).pool();
    const object = {};

    const of = async (callback) => (await pool.execute(callback)).result;
    assert.equal(await of(() => object), object);
    assert.equal(await of(async () => object), object);
    assert.equal(await of(() => ({ then: (resolve) => resolve(object) })), object);
    assert.equal(await of(() => turn().then(() => object)), object);
    assert.equal(await of(() => undefined), undefined);
});

test('a result tells how it came about', async () => {
    const manager = await managed();
    const seen = [];

    const result = await manager.executeWithFailover((endpoint, attempt) => {
        seen.push([endpoint.id, attempt.number, attempt.timeout, attempt instanceof Attempt]);
        if (seen.length === 1) throw refused();
        return 'value';
    });

    assert.ok(result instanceof FailoverResult);
    assert.deepEqual(
        [result.success, result.result, result.attempts, result.duration, result.endpoint.id],
        [true, 'value', 2, 0, 'b'],
    );
    assert.deepEqual(result.metadata, {
        isFallback: false,
        isPanic: false,
        history: [{ endpoint: manager.pool().endpoints()[0], outcome: 'unsent', duration: 0 }],
    });
    assert.deepEqual(seen, [
        ['a', 1, 7500, true],
        ['b', 2, 10_000, true],
    ]);
});

test('a wrapped function finds its endpoint itself, and gives its value', async () => {
    const pool = (await managed()).pool();
    const wrapped = pool.wrap(async (endpoint, one, two) => {
        if (endpoint.id === 'a') throw refused();
        return [endpoint.id, one, two];
    });

    assert.deepEqual(await wrapped(1, 'x'), ['b', 1, 'x']);
    assert.deepEqual(await pool.wrap(() => 7)(), 7);
    await assert.rejects(
        pool.wrap(() => {
            throw new RangeError('bug');
        })(),
        RangeError,
    );
});

test('the error of the function comes back itself, with its stack and the attempts', async () => {
    const pool = (await managed({ maxRetries: 1 })).pool();
    class Mine extends Error {}
    let last;

    const call = pool.execute(async function attempting() {
        last = refused();
        Object.setPrototypeOf(last, Mine.prototype);
        throw last;
    });

    await assert.rejects(call, (error) => {
        assert.equal(error, last);
        assert.ok(error instanceof Mine);
        assert.match(error.stack, /attempting/);
        assert.deepEqual(
            error.attempts.map((one) => [one.endpoint.id, one.outcome]),
            [
                ['a', 'unsent'],
                ['b', 'unsent'],
            ],
        );
        assert.deepEqual(
            [error.failover.kind, error.failover.cause],
            ['attempts_exhausted', error],
        );
        assert.deepEqual(Object.keys(error), ['code'], 'what was attached is not enumerated');
        return true;
    });
});

test('what is thrown and no object, or frozen, comes back too', async () => {
    const pool = (await managed({ maxRetries: 0 })).pool();

    for (const thrown of ['text', 7, null, undefined, Object.freeze(new Error('frozen'))]) {
        await assert.rejects(
            pool
                .execute(() => {
                    throw thrown;
                })
                .then(
                    () => 'never',
                    (error) => {
                        assert.equal(error, thrown);
                        throw new Error('seen');
                    },
                ),
            { message: 'seen' },
        );
    }
});

test('an error of the program itself ends the call at once, unchanged', async () => {
    const manager = await managed();
    let calls = 0;

    const call = manager.pool().execute(() => {
        calls += 1;
        return undefined.property;
    });

    await assert.rejects(
        call,
        (error) => error instanceof TypeError && error.attempts[0].outcome === 'local',
    );
    assert.equal(calls, 1);
    assert.equal(manager.getStats().memory.endpoints.a.health, 'unknown');
});

test('what an error means is seen from the error', async () => {
    const pool = (await managed({ maxRetries: 0, circuitBreaker: { enabled: false } })).pool();
    const outcome = (error, options) =>
        pool
            .execute(() => Promise.reject(error), options)
            .catch((same) => same.attempts[0].outcome);
    const withCode = (code) => Object.assign(new Error(code), { code });

    for (const [code, expected] of Object.entries({
        ECONNREFUSED: 'unsent',
        ENOTFOUND: 'unsent',
        CERT_HAS_EXPIRED: 'unsent',
        ECONNRESET: 'failure',
        ETIMEDOUT: 'timeout',
    })) {
        assert.equal(await outcome(withCode(code)), expected, code);
        assert.equal(
            await outcome(new TypeError('fetch failed', { cause: withCode(code) })),
            expected,
            `fetch: ${code}`,
        );
    }
    assert.equal(await outcome(new DOMException('late', 'TimeoutError')), 'timeout');
    assert.equal(await outcome(new DOMException('given up', 'AbortError')), 'cancelled');
    assert.equal(await outcome(new RangeError('bug')), 'local');
    assert.equal(await outcome(new FailoverError('no', { type: 'validation' })), 'rejected');
    assert.equal(await outcome(new Error('plain')), 'failure');
    assert.equal(
        await outcome(new Error('outer', { cause: tagged(new Error('inner'), 'throttled') })),
        'throttled',
    );
    assert.equal(
        await outcome(withCode('ECONNREFUSED'), { classify: () => 'rejected' }),
        'rejected',
    );
    assert.equal(await outcome(withCode('ECONNREFUSED'), { classify: () => undefined }), 'unsent');
    const circle = new Error('circle');
    circle.cause = circle;
    assert.equal(await outcome(circle), 'failure');
});

test('a classifier that fails shows its own error', async () => {
    const broken = new Error('broken classifier');
    const manager = await managed(
        {},
        {
            classify: () => {
                throw broken;
            },
        },
    );

    await assert.rejects(
        manager.pool().execute(() => Promise.reject(new Error('x'))),
        (error) => error === broken,
    );
    assert.equal(manager.inFlight, 0);
});

test('an endpoint that asks for rest gets it', async () => {
    const manager = await managed({ retryDelay: '1s' });
    const isResting = () => manager.getStats().memory.endpoints.a.isResting;
    const call = manager.pool().execute((endpoint) => {
        if (endpoint.id === 'a') throw tagged(new Error('429'), 'throttled', { restFor: '10s' });
        return endpoint.id;
    });

    manager.clock.advance('1s');

    assert.deepEqual([(await call).result, isResting()], ['b', true]);
    manager.clock.advance('9s');
    assert.equal(isResting(), false);
});

test('a wait ends when the clock says so, and nothing else moves it', async () => {
    const manager = await managed({ retryDelay: '30s', timeout: '100s' });
    let calls = 0;
    const call = manager.pool().execute(() => {
        calls += 1;
        if (calls === 1) throw new Error('once');
        return calls;
    });

    manager.clock.advance('29999ms');
    assert.equal(calls, 1);
    manager.clock.advance(1);

    assert.equal((await call).result, 2);
});

test('a clock that advances itself lets nothing wait', async () => {
    const clock = new ManualClock({ autoAdvance: true });
    const manager = new FailoverManager({
        clock,
        failover: { backoff: 'fixed', retryDelay: '20s' },
    });
    await manager.registerEndpoint({ id: 'a', name: 'users', address: '10.0.0.1', port: 80 });
    let calls = 0;

    await manager.pool().execute(() => {
        calls += 1;
        if (calls < 2) throw new Error('again');
    });

    assert.deepEqual([calls, clock.now()], [2, 20_000]);
});

test("an attempt whose time is over is left, told so, and its result is nobody's", async () => {
    const manager = await managed({ attemptTimeout: '1s', retryDelay: '1ms' });
    const signals = [];
    let resolveFirst;
    const call = manager.executeWithFailover((endpoint, attempt) => {
        signals.push(attempt.signal);
        return signals.length === 1
            ? new Promise((resolve) => (resolveFirst = resolve))
            : endpoint.id;
    });
    await turn();

    manager.clock.advance('1s');
    manager.clock.advance('1ms');
    const result = await call;
    resolveFirst('too late');
    await turn();

    assert.deepEqual([result.result, result.attempts], ['b', 2]);
    assert.deepEqual(
        signals.map((one) => one.aborted),
        [true, false],
    );
    assert.equal(signals[0].reason.type, 'timeout');
    assert.deepEqual(
        result.metadata.history.map((one) => one.outcome),
        ['timeout'],
    );
    assert.equal(manager.inFlight, 0);
});

test("a call that runs out of time without an error has the library's", async () => {
    const manager = await managed({ timeout: '2s', maxRetries: 0 });
    const call = manager.pool().execute(
        (_, attempt) =>
            new Promise((_resolve, reject) => {
                attempt.signal.addEventListener('abort', () =>
                    reject(new Error('too late to count')),
                );
            }),
    );
    await turn();
    manager.clock.advance('2s');

    await assert.rejects(call, (error) => {
        assert.ok(error instanceof FailoverError);
        assert.deepEqual(
            [error.type, error.attempts.length, error.attempts[0].outcome],
            ['timeout', 1, 'timeout'],
        );
        return true;
    });
});

test("a late failure of a function that can't be stopped is still its own error", async () => {
    const manager = await managed({ timeout: '1s', maxRetries: 0 });
    const mine = new Error('late');

    const call = manager.pool().execute(() => {
        manager.clock.advance('2s');
        throw mine;
    });

    await assert.rejects(
        call,
        (error) => error === mine && error.attempts[0].outcome === 'timeout',
    );
});

test("the machine's clock times calls too", async () => {
    const manager = new FailoverManager({ failover: { attemptTimeout: 20, retryDelay: 1 } });
    await manager.registerEndpoint({ id: 'a', name: 'users', address: '10.0.0.1', port: 80 });
    await manager.registerEndpoint({ id: 'b', name: 'users', address: '10.0.0.2', port: 80 });
    let calls = 0;

    const result = await manager.executeWithFailover(() => {
        calls += 1;
        return calls === 1 ? new Promise(() => {}) : 'second';
    });

    assert.deepEqual([result.result, result.attempts], ['second', 2]);
    assert.ok(result.duration >= 20 && result.duration < 5000, `${result.duration}`);
});

test('an abort before the call lets nothing begin', async () => {
    const manager = await managed();
    const reason = new Error('before');

    const call = manager
        .pool()
        .execute(() => assert.fail('never called'), { signal: AbortSignal.abort(reason) });

    await assert.rejects(call, (error) => error === reason);
    assert.equal(manager.getStats().memory.endpoints.a.picks, 0);
});

test('an abort in an attempt returns its lease as cancelled, and tells the attempt', async () => {
    const manager = await managed();
    const controller = new AbortController();
    const reason = new Error('stop');
    let inner;
    const call = manager.pool().execute(
        (_, attempt) => {
            inner = attempt.signal;
            return new Promise(() => {});
        },
        { signal: controller.signal },
    );
    const during = manager.inFlight;

    controller.abort(reason);

    await assert.rejects(call, (error) => error === reason);
    assert.deepEqual([during, manager.inFlight, inner.aborted, inner.reason], [1, 0, true, reason]);
    assert.equal(manager.getStats().memory.endpoints.a.outcomes.cancelled, 1);
});

test('an abort in a wait ends it', async () => {
    const manager = await managed({ retryDelay: '10s' });
    const controller = new AbortController();
    const call = manager
        .pool()
        .execute(() => Promise.reject(new Error('x')), { signal: controller.signal });
    await turn();

    controller.abort();

    await assert.rejects(call, { name: 'AbortError' });
    assert.equal(manager.inFlight, 0);
});

test('an abort that the function itself causes ends the call', async () => {
    const manager = await managed();
    const controller = new AbortController();

    const call = manager.pool().execute(
        async () => {
            controller.abort('inside');
            return 1;
        },
        { signal: controller.signal },
    );

    await assert.rejects(call, (error) => error === 'inside');
    assert.equal(manager.inFlight, 0);
});

test('a signal keeps nothing of the calls that are over', async () => {
    const pool = (await managed()).pool();
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...given) => ((listeners += 1), add(...given));
    signal.removeEventListener = (...given) => ((listeners -= 1), remove(...given));

    await pool.execute(async () => 1, { signal });
    await pool.execute(() => Promise.reject(new RangeError('x')), { signal }).catch(() => {});

    assert.equal(listeners, 0);
});

test('a call inside of an attempt does not multiply retries, if it says whose it is', async () => {
    const pool = (
        await managed({ circuitBreaker: { enabled: false }, retryDelay: '0s', maxRetries: 2 })
    ).pool();
    const count = async (inner) => {
        let calls = 0;
        await pool
            .execute((_, attempt) =>
                pool.execute(() => {
                    calls += 1;
                    throw refused();
                }, inner(attempt)),
            )
            .catch(() => {});
        return calls;
    };

    assert.equal(await count((parent) => ({ parent })), 3, 'three attempts with one each');
    assert.equal(await count(() => undefined), 9);
});

test('with AsyncLocalStorage a call knows by itself that it is inside of an attempt', async () => {
    const manager = await managed(
        { circuitBreaker: { enabled: false }, retryDelay: '0s', maxRetries: 2 },
        { nesting: 'async_local_storage' },
    );
    const pool = manager.pool();
    let calls = 0;

    await pool
        .execute(async () => {
            await null;
            return pool.execute(() => {
                calls += 1;
                throw refused();
            });
        })
        .catch(() => {});

    assert.equal(calls, 3);
});

test('the context of the caller is kept', async () => {
    const pool = (await managed()).pool();
    const context = new AsyncLocalStorage();

    const { result: seen } = await context.run('mine', () =>
        pool.execute(async () => {
            await turn();
            return context.getStore();
        }),
    );

    assert.equal(seen, 'mine');
});

test('every attempt has the context of its caller, also those that a timer begins', async () => {
    const manager = await managed({ retryDelay: '1s', attemptTimeout: '5s' });
    const pool = manager.pool();
    const context = new AsyncLocalStorage();
    const call = async (name) => {
        const seen = [];
        await pool.execute(async (_, { number }) => {
            seen.push(context.getStore());
            // The first fails, the time of the second is over.
            if (number === 1) throw new Error('once');
            if (number === 2) await new Promise(() => {});
        });
        return [name, ...seen];
    };
    const calls = ['one', 'two', 'three'].map((name) => context.run(name, call, name));

    for (const by of ['1s', '5s', '1s']) {
        await turn();
        manager.clock.advance(by);
    }

    assert.deepEqual(await Promise.all(calls), [
        ['one', 'one', 'one', 'one'],
        ['two', 'two', 'two', 'two'],
        ['three', 'three', 'three', 'three'],
    ]);
});

test('a strategy of the program chooses, at once or later, by endpoint or id', async () => {
    const manager = await managed(
        { strategy: 'custom', maxRetries: 2 },
        { strategy: (candidates) => candidates.at(-1) },
        ['a', 'b', 'c'],
    );
    const pool = manager.pool();

    assert.equal((await pool.execute((endpoint) => endpoint.id)).result, 'c');
    assert.equal(
        (await pool.execute((endpoint) => endpoint.id, { strategy: async () => 'b' })).result,
        'b',
    );
    const seen = [];
    await pool
        .execute((endpoint) => {
            seen.push(endpoint.id);
            throw refused();
        })
        .catch(() => {});
    assert.deepEqual(seen, ['c', 'b', 'a'], 'each retry asks again without who was tried');
});

test('a strategy that fails, or chooses nobody there, ends the call', async () => {
    const manager = await managed({ strategy: 'custom' });
    const pool = manager.pool();
    const broken = new Error('broken strategy');

    await assert.rejects(
        pool.execute(() => 1),
        { kind: 'invalid_state' },
    );
    await assert.rejects(
        pool.execute(() => 1, { strategy: () => 'nobody' }),
        { kind: 'invalid_argument' },
    );
    await assert.rejects(
        pool.execute(() => 1, {
            strategy: () => {
                throw broken;
            },
        }),
        (error) => error === broken,
    );
    await assert.rejects(
        pool.execute(() => 1, { strategy: () => Promise.reject(broken) }),
        (error) => error === broken,
    );
    assert.equal(manager.inFlight, 0);
});

test('what a request wants is understood, and refused where it is wrong', async () => {
    const manager = await managed({ strategy: 'ip_hash' }, {}, ['a', 'b', 'c', 'd']);
    const pool = manager.pool();
    const by = async (options) => (await pool.execute((endpoint) => endpoint.id, options)).result;

    assert.equal(await by({ key: 'x' }), await by({ clientIp: 'x' }));
    assert.equal(await by({ endpoint: 'c' }), 'c');
    assert.equal(await by({ exclude: ['a', 'b', 'c'] }), 'd');
    for (const wrong of [
        { key: 1 },
        { endpoint: 'nobody' },
        { timeout: -1 },
        { filter: { bogus: 1 } },
        { latitude: 91, longitude: 0 },
    ]) {
        await assert.rejects(
            by(wrong),
            (error) => error instanceof FailoverError && error.isRetryable === false,
            JSON.stringify(wrong),
        );
    }
});

test('a call can be driven by hand', async () => {
    const manager = await managed({ retryDelay: '1s' });
    const call = manager.pool().call({ timeout: '10s' });
    assert.deepEqual(
        [call.action.kind, call.action.endpoint.id, call.action.number],
        ['attempt', 'a', 1],
    );

    assert.deepEqual(call.report('failure'), { kind: 'wait', for: 1000 });
    manager.clock.advance('1s');
    assert.equal(call.tick().endpoint.id, 'b');
    assert.deepEqual(call.report('success'), { kind: 'done' });

    assert.equal(call.attempts, 2);
    assert.deepEqual(
        call.history.map((one) => one.outcome),
        ['failure'],
    );
    call[Symbol.dispose]();
    assert.throws(() => call.tick(), { kind: 'invalid_state' });
});

test('ten thousand calls may be under way at once', async () => {
    const manager = await managed();
    const pool = manager.pool();
    const finish = [];
    const calls = Array.from({ length: 10_000 }, (_, at) =>
        pool.execute(() => new Promise((resolve) => finish.push(() => resolve(at)))),
    );
    await turn();
    const during = manager.inFlight;

    finish.forEach((one) => one());

    assert.deepEqual(
        (await Promise.all(calls)).map((one) => one.result),
        calls.map((_, at) => at),
    );
    assert.deepEqual([during, manager.inFlight], [10_000, 0]);
});

test('an option that is not known is refused by its name', async () => {
    const pool = (await managed()).pool();

    await assert.rejects(
        pool.execute(() => 1, { timeOut: 5 }),
        { kind: 'invalid_argument', message: 'options.timeOut: is not known' },
    );
    assert.throws(() => pool.select({ zones: 'x' }), { kind: 'invalid_argument' });
    assert.equal((await pool.execute(() => 1, { key: undefined })).result, 1);
});

test('a scope fails alone, and is told of by its name', async () => {
    const manager = await managed({ maxRetries: 0, circuitBreaker: { failureThreshold: 1 } }, {}, [
        'a',
    ]);
    const pool = manager.pool();
    const failing = () => Promise.reject(new Error('chat is broken'));

    await assert.rejects(pool.execute(failing, { scope: 'snake_case' }));

    const { circuit, scopes } = manager.getStats().memory.endpoints.a;
    assert.deepEqual([circuit, scopes.snake_case.circuit], ['closed', 'open']);
    assert.equal((await pool.execute(() => 1, { scope: 'other' })).result, 1);
    await assert.rejects(
        pool.execute(() => 1, { scope: 'snake_case' }),
        { kind: 'circuit_open' },
    );
});

test('the history names endpoints that are gone, and whose number serves again', async () => {
    const manager = await managed({ retryDelay: '1s', maxRetries: 1 }, {}, ['a']);
    const pool = manager.pool();
    const outcome = (isGood) =>
        pool.execute(async (endpoint, { number }) => {
            if (number === 1 || !isGood) throw new Error(endpoint.id);
            return endpoint.id;
        });
    const calls = [outcome(true), outcome(false).catch((error) => error)];
    await turn();
    await manager.deregisterEndpoint('a');
    for (const id of ['b', 'c', 'd']) {
        await manager.registerEndpoint({ id, name: 'users', address: '10.0.0.9', port: 80 });
        pool.endpoints();
    }

    manager.clock.advance('1s');
    const [good, failed] = await Promise.all(calls);

    assert.deepEqual(
        good.history.map((one) => one.endpoint.id),
        ['a'],
    );
    assert.deepEqual(
        failed.attempts.map((one) => one.endpoint.id),
        ['a', failed.message],
    );
});

test('what is no function, or no signal, is refused before anything begins', async () => {
    const manager = await managed();
    const pool = manager.pool();
    const refused = { name: 'FailoverError', kind: 'invalid_argument' };

    for (const [callback, options] of [
        [undefined],
        ['text'],
        [() => 1, { signal: {} }],
        [() => 1, { signal: 'stop' }],
        [() => 1, { classify: 1 }],
        [() => 1, { strategy: 'a' }],
        [() => 1, 'options'],
    ]) {
        await assert.rejects(pool.execute(callback, options), refused);
    }
    assert.throws(() => pool.wrap(1), refused);
    assert.throws(() => pool.select({ signal: AbortSignal.abort() }), /options.signal: .* here/);
    assert.deepEqual([manager.inFlight, manager.getStats().memory.totalRequests], [0, 0]);
    assert.equal((await pool.execute(() => 1, { signal: null })).result, 1);
});

test('a result that behaves like a promise is waited for, or fails, as `await` has it', async () => {
    const manager = await managed({ maxRetries: 0 });
    const pool = manager.pool();
    const like = Object.assign(() => {}, { then: (resolve) => resolve('function') });
    const own = class Own extends Promise {};
    const broken = {
        get then() {
            throw new Error('then is broken');
        },
    };

    assert.equal((await pool.execute(() => like)).result, 'function');
    assert.equal((await pool.execute(() => own.resolve('own'))).result, 'own');
    await assert.rejects(
        pool.execute(() => broken),
        { message: 'then is broken' },
    );
    assert.equal(manager.inFlight, 0);
});

test('an error that takes nothing, or tells nothing, comes back all the same', async () => {
    const pool = (await managed({ maxRetries: 0 })).pool();
    const fixed = Object.defineProperty(new Error('fixed'), 'attempts', { value: 3 });
    const refuse = () => {
        throw new Error('trap');
    };
    const proxy = new Proxy(new Error('proxy'), {
        get: refuse,
        getPrototypeOf: refuse,
        defineProperty: refuse,
    });
    const bare = Object.create(null);

    for (const thrown of [fixed, proxy, bare]) {
        const seen = await pool
            .execute(() => Promise.reject(thrown))
            .catch((error) => [error === thrown]);
        assert.deepEqual(seen, [true]);
    }
    assert.equal(bare.attempts.length, 1);
});

test("the library's own error has the last one that there was as its cause", async () => {
    const manager = await managed({ attemptTimeout: '1s', retryDelay: 0, maxRetries: 1 });
    const mine = new Error('mine');
    const call = manager.pool().execute(async (_, { number }) => {
        if (number === 1) throw mine;
        await new Promise(() => {});
    });
    const ended = assert.rejects(
        call,
        (error) => error instanceof FailoverError && error.cause === mine,
    );

    for (let i = 0; i < 3; i += 1) {
        await turn();
        manager.clock.advance('1s');
    }

    await ended;
});

test('any number of calls may share a signal, without a warning', async () => {
    const manager = await managed();
    const controller = new AbortController();
    const warnings = [];
    const warn = (warning) => warnings.push(warning.message);
    process.on('warning', warn);
    const calls = Array.from({ length: 100 }, () =>
        manager.pool().execute(() => new Promise(() => {}), { signal: controller.signal }),
    );
    const during = manager.inFlight;
    await turn();

    controller.abort(new Error('all'));
    const ended = await Promise.allSettled(calls);
    process.off('warning', warn);

    assert.ok(ended.every(({ reason }) => reason.message === 'all'));
    assert.deepEqual([during, manager.inFlight, warnings], [100, 0, []]);
});

test('a call that was freed is not another one that has its number', async () => {
    const manager = await managed();
    const pool = manager.pool();
    const old = pool.call();
    old.free();
    let finish;
    const other = pool.execute(() => new Promise((resolve) => (finish = resolve)));

    old.free();
    old[Symbol.dispose]();
    assert.throws(() => old.cancel(), { kind: 'invalid_state' });
    assert.throws(() => old.history, { kind: 'invalid_state' });
    const during = manager.inFlight;
    finish('served');

    assert.deepEqual([during, (await other).result, manager.inFlight], [1, 'served', 0]);
});

test('a strategy may take its time while endpoints are described anew', async () => {
    const manager = await managed({ strategy: 'custom' });
    const pool = manager.pool();
    const strategy = async (candidates) => {
        for (const { id, name, address, port } of candidates) {
            await manager.updateEndpoint({ id, name, address, port, weight: 7 });
        }
        pool.endpoints();
        return candidates[1];
    };

    assert.equal((await pool.execute((endpoint) => endpoint.id, { strategy })).result, 'b');
});

test('leases and calls that nobody has any more are returned', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc');
    const manager = await managed();
    const pool = manager.pool();
    for (let i = 0; i < 10; i += 1) {
        pool.call();
        assert.throws(() => pool.pick().report('good'), { kind: 'invalid_argument' });
    }
    const before = manager.inFlight;

    for (let i = 0; i < 100 && manager.inFlight > 0; i += 1) {
        collect();
        await turn();
    }

    assert.deepEqual([before, manager.inFlight], [20, 0]);
});
