// Calls against real servers that misbehave on command.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';

import { FailoverManager } from 'libfailover';

const running = [];
after(() => running.forEach((server) => server.kill('SIGKILL')));

async function start(name) {
    const server = spawn(process.env.FAILOVER_BACKEND, ['--name', name, '--exit-with-stdin'], {
        stdio: ['pipe', 'pipe', 'inherit'],
    });
    running.push(server);
    const [line] = await once(createInterface({ input: server.stdout }), 'line');
    const { port, control } = JSON.parse(line);
    const mode = async (how) =>
        assert.ok((await fetch(`http://127.0.0.1:${control}/mode/${how}`)).ok, how);
    const kill = () => {
        server.kill('SIGKILL');
        return once(server, 'exit');
    };
    return { id: name, name: 'shop', address: '127.0.0.1', port, mode, kill };
}

async function serving(config) {
    // Only the checks that the test asks for, or one could find out before a call does.
    const manager = new FailoverManager({
        failover: {
            retryDelay: 1,
            healthCheck: false,
            circuitBreaker: { enabled: false },
            ...config,
        },
    });
    const [a, b] = [await start('a'), await start('b')];
    for (const { mode, kill, ...endpoint } of [a, b])
        await manager.registerEndpoint({
            ...endpoint,
            healthCheck: { path: '/health' },
        });
    return { manager, a, b };
}

const get = async (endpoint, { signal }) => {
    const response = await fetch(endpoint.url('/work'), { signal });
    await response.text();
    if (!response.ok) throw new Error(`status ${response.status}`);
    return endpoint.id;
};

test('a killed server costs no call', async () => {
    const { manager, a } = await serving();
    await a.kill();

    const results = [];
    for (let i = 0; i < 4; i += 1) results.push(await manager.executeWithFailover(get));

    assert.deepEqual(
        results.map((one) => one.result),
        ['b', 'b', 'b', 'b'],
    );
    assert.deepEqual(
        results.flatMap((one) => one.metadata.history.map((record) => record.outcome)),
        ['unsent', 'unsent'],
    );
    assert.deepEqual(await manager.healthCheckAll(), { a: 'unhealthy', b: 'healthy' });
});

test('a server that answers 503, or closes, or hangs, costs no call', async () => {
    const { manager, a } = await serving({ attemptTimeout: 150 });

    for (const [how, outcome] of [
        ['status=503', 'failure'],
        ['reset', 'failure'],
        ['hang', 'timeout'],
    ]) {
        await a.mode(how);
        const results = [
            await manager.executeWithFailover(get),
            await manager.executeWithFailover(get),
        ];
        assert.deepEqual(
            results.map((one) => one.result),
            ['b', 'b'],
            how,
        );
        assert.deepEqual(
            results.flatMap((one) => one.metadata.history.map((record) => record.outcome)),
            [outcome],
            how,
        );
    }
    assert.equal(manager.inFlight, 0);
});

test('a caller that gives up returns its lease while a server hangs', async () => {
    const { manager, a, b } = await serving();
    await Promise.all([a.mode('hang'), b.mode('hang')]);
    const controller = new AbortController();

    const call = manager.executeWithFailover(get, { signal: controller.signal });
    const during = manager.inFlight;
    controller.abort();

    await assert.rejects(call, { name: 'AbortError' });
    assert.deepEqual([during, manager.inFlight], [1, 0]);
});
