// The steps that do something.
import { FailoverError } from 'libfailover';

import { expectError } from './expect.mjs';

// Does a step, and compares with its `fails`.
export async function perform(world, step) {
    let refused;
    try {
        await act(world, step);
    } catch (error) {
        if (!(error instanceof FailoverError)) {
            throw error;
        }
        refused = error;
    }
    if (refused !== undefined && step.fails === undefined) {
        throw new Error(`failed with ${refused.kind}: ${refused.message}`);
    }
    if (step.fails !== undefined) {
        if (refused === undefined) {
            throw new Error(
                `expected it to fail with ${JSON.stringify(step.fails)}, and it did not`,
            );
        }
        expectError(refused, step.fails);
    }
}

function act(world, step) {
    const { manager } = world;
    const of = step.provider === undefined ? {} : { provider: step.provider };
    switch (step.do) {
        case 'call': {
            const { nested, ...request } = requestOf(step.request);
            // A parent is any attempt: what counts is that there is one.
            const call = world.pool(step).call({ ...request, ...(nested ? { parent: {} } : {}) });
            return keep(world, world.calls, step.as, call);
        }
        case 'pick':
            return pick(world, step);
        case 'pool': {
            const options = { ...of };
            if (step.service !== undefined) options.service = step.service;
            // As a text, so that the library reads what stands in the scenario.
            if (step.config !== undefined) options.config = JSON.stringify(step.config);
            return world.pools.set(step.as, manager.pool(options));
        }
        case 'report':
            return report(world, step);
        case 'tick':
            return world.call(step).tick();
        case 'next':
            return world.call(step).next();
        case 'cancel':
            return world.call(step).cancel();
        case 'choose':
            return world.call(step).choose(endpointOf(world, step));
        case 'drop':
            return drop(world, step);
        case 'advance':
            return manager.clock.advance(step.by);
        case 'configure':
            return manager.configure(JSON.stringify(step.config));
        case 'register':
            return manager.registerEndpoint(step.endpoint, of);
        case 'update':
            return manager.updateEndpoint(step.endpoint, of);
        case 'deregister':
            return manager.deregisterEndpoint(step.endpoint, of);
        case 'publish':
            return manager.publish(step.endpoints, of);
        case 'admin':
            return manager.setAdmin(step.endpoint, step.state, of);
        case 'health': {
            const status = step.good ? (step.degraded ? 'degraded' : 'good') : 'bad';
            const reason = step.reason === undefined ? {} : { reason: step.reason };
            return manager.reportHealth(step.endpoint, status, { ...of, ...reason });
        }
        case 'provider':
            return manager.registerPushedProvider(step.name);
        default:
            throw new Error(`unknown verb ${JSON.stringify(step.do)}`);
    }
}

function pick(world, step) {
    const pool = world.pool(step);
    const request = requestOf(step.request);
    world.picked = [];
    if (step.as !== undefined) {
        const lease = pool.pick(request);
        world.picked.push(lease.endpoint.id);
        return keep(world, world.leases, step.as, lease);
    }
    for (let i = 0; i < (step.count ?? 1); i += 1) {
        const lease = pool.pick(request);
        world.picked.push(lease.endpoint.id);
        lease.report(step.outcome ?? 'cancelled');
    }
    return undefined;
}

function report(world, step) {
    const lease = world.leases.get(step.of);
    const duration = step.latency === undefined ? {} : { duration: step.latency };
    if (lease === undefined) {
        const restFor = step.hint === undefined ? {} : { restFor: step.hint };
        const attempt = step.attempt === undefined ? {} : { attempt: step.attempt };
        return world.call(step).report(step.outcome, { ...duration, ...restFor, ...attempt });
    }
    if (step.hint !== undefined || step.attempt !== undefined) {
        throw new Error('hint and attempt: only for calls');
    }
    world.leases.delete(step.of);
    return lease.report(step.outcome, duration);
}

function drop(world, step) {
    const lease = world.leases.get(step.of);
    if (lease === undefined) {
        world.call(step).free();
        return world.calls.delete(step.of);
    }
    world.leases.delete(step.of);
    return lease[Symbol.dispose]();
}

// The endpoint of an id, be it a candidate of the call or not.
function endpointOf(world, step) {
    const { candidates } = world.call(step);
    const all = [...candidates, ...world.pool({}).endpoints()];
    const found = all.find((endpoint) => endpoint.id === step.endpoint);
    if (found === undefined) {
        throw new Error(`endpoint ${JSON.stringify(step.endpoint)}: not met by this scenario`);
    }
    return found;
}

export function requestOf(given = {}) {
    const { client_ip: clientIp, ...request } = given;
    return clientIp === undefined ? request : { ...request, clientIp };
}

function keep(world, names, name, what) {
    if (world.calls.has(name) || world.leases.has(name)) {
        throw new Error(`${JSON.stringify(name)}: the name is taken`);
    }
    names.set(name, what);
}
