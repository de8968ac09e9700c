// The steps that look, and the end of a scenario.
import { isDeepStrictEqual } from 'node:util';

import { requestOf } from './perform.mjs';

// Compares what a step expects with what is.
export function expect(world, step) {
    switch (step.expect) {
        case 'picks':
            return picks(world, step);
        case 'endpoint':
            return endpoint(world, step);
        case 'explain':
            return explain(world, step);
        case 'stats':
            return stats(world, step);
        case 'events':
            return events(world, step);
        case 'attempt':
        case 'wait':
        case 'pending':
        case 'abandon':
        case 'choose':
        case 'done':
        case 'fail':
            return action(world, step);
        default:
            throw new Error(`unknown verb ${JSON.stringify(step.expect)}`);
    }
}

// Compares the end of a scenario.
export function expectEnd(world, then) {
    same('events', then.events, known(world.kinds()));
    if (then.stats !== undefined) {
        figures(world.manager.getStats()[world.manager.getDefaultProvider().name], then.stats);
    }
}

// Compares an error with what was expected of it.
export function expectError(error, wanted) {
    if (wanted.kind !== undefined && wanted.kind !== error.kind) {
        throw new Error(`kind: expected ${wanted.kind}, got ${error.kind}: ${error.message}`);
    }
    if (wanted.paths !== undefined) {
        const paths = (error.details.faults ?? []).map((fault) => fault.path);
        same('paths', [...new Set(wanted.paths)].sort(), [...new Set(paths)].sort());
    }
    if (wanted.endpoints !== undefined) {
        same('endpoints', wanted.endpoints, error.details.endpoints);
    }
    if (wanted.next_probe !== undefined) {
        same('next_probe', nanoseconds(wanted.next_probe), error.details.next_probe_in_ns);
    }
}

function action(world, step) {
    const call = world.call(step);
    const present = call.action;
    if (present.kind !== step.expect) {
        throw new Error(`the call wants ${JSON.stringify(present)}`);
    }
    switch (present.kind) {
        case 'attempt':
            same('endpoint', step.endpoint, present.endpoint.id);
            maybe('number', step.number, present.number);
            return time('timeout', step.timeout, present.timeout);
        case 'wait':
            return waits(step.for, present.for);
        case 'pending':
            return time('for', step.for, present.for);
        case 'abandon':
            return maybe('number', step.number, present.number);
        case 'choose':
            return same(
                'candidates',
                step.candidates,
                call.candidates.map((one) => one.id),
            );
        case 'done':
            same('result', step.result, 'success');
            maybe('fallback', step.fallback, call.isFallback);
            maybe('panic', step.panic, call.isPanic);
            maybe('attempts', step.attempts, call.attempts);
            return history(call, step);
        default: {
            const { error } = call;
            same('code', error.code, present.code);
            maybe('attempts', step.attempts, call.attempts);
            history(call, step);
            return expectError(error, step);
        }
    }
}

function history(call, step) {
    if (step.history !== undefined) {
        const found = call.history.map(({ endpoint: { id }, outcome }) => ({
            endpoint: id,
            outcome,
        }));
        same('history', step.history, found);
    }
}

function waits(wanted, found) {
    if (typeof wanted === 'string') {
        return time('for', wanted, found);
    }
    if (Math.round(found * 1e6) > nanoseconds(wanted.at_most)) {
        throw new Error(`for: at most ${wanted.at_most}, got ${found} ms`);
    }
    return undefined;
}

function picks(world, step) {
    if (step.ids !== undefined) {
        return same('ids', step.ids, world.picked);
    }
    const counts = {};
    world.picked.forEach((id) => (counts[id] = (counts[id] ?? 0) + 1));
    return same('counts', step.counts, counts);
}

function endpoint(world, step) {
    const { expect: _, endpoint: id, provider, absent, note, outcomes, scopes, ...wanted } = step;
    const name = provider ?? world.manager.getDefaultProvider().name;
    const found = world.manager.getStats()[name]?.endpoints[id];
    if (absent !== undefined) {
        return same('absent', absent, found === undefined);
    }
    if (found === undefined) {
        throw new Error(
            `endpoint ${JSON.stringify(id)}: not registered with ${JSON.stringify(name)}`,
        );
    }
    if (outcomes !== undefined) {
        figures(found.outcomes, outcomes);
    }
    for (const [name, figure] of Object.entries(scopes ?? {})) {
        figures(found.scopes?.[name], figure);
    }
    return figures(found, wanted);
}

function explain(world, step) {
    const { endpoints } = world.pool(step).explain(requestOf(step.request));
    const found = Object.fromEntries(endpoints.map(({ id, objection }) => [id, objection]));
    same('endpoints', step.endpoints, found);
    if (step.chosen !== undefined) {
        same('chosen', step.chosen, endpoints.find((one) => one.isChosen)?.id ?? null);
    }
}

function stats(world, step) {
    if (step.pool !== undefined) {
        return figures(world.pool(step).stats(), step.figures);
    }
    const name = step.provider ?? world.manager.getDefaultProvider().name;
    return figures(world.manager.getStats()[name], step.figures);
}

function events(world, step) {
    const kinds = world.kinds();
    same('events', step.kinds, known(kinds));
    maybe('load_balance', step.load_balance, kinds.length - known(kinds).length);
}

// Kinds of events without those of single picks.
function known(kinds) {
    return kinds.filter((kind) => kind !== 'load_balance');
}

// Compares figures by their names in documents.
function figures(found, wanted) {
    for (const [name, figure] of Object.entries(wanted)) {
        const own = name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
        if (found === undefined || !(own in found)) {
            throw new Error(`${name}: no such figure`);
        }
        same(name, figure, found[own]);
    }
}

function maybe(what, wanted, found) {
    if (wanted !== undefined) {
        same(what, wanted, found);
    }
}

function time(what, wanted, milliseconds) {
    if (wanted !== undefined) {
        same(`${what} in ns`, nanoseconds(wanted), Math.round(milliseconds * 1e6));
    }
}

function same(what, wanted, found) {
    if (!isDeepStrictEqual(wanted, found)) {
        throw new Error(
            `${what}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(found)}`,
        );
    }
}

// A duration of a scenario, exactly.
function nanoseconds(text) {
    const parts = [...text.matchAll(/([0-9]+)(?:\.([0-9]+))?(h|m|s|ms|us|ns)(?![a-z])/g)];
    if (parts.map(([part]) => part).join('') !== text || text === '') {
        throw new Error(`not a duration: ${JSON.stringify(text)}`);
    }
    const units = {
        h: 3_600_000_000_000n,
        m: 60_000_000_000n,
        s: 1_000_000_000n,
        ms: 1_000_000n,
        us: 1_000n,
        ns: 1n,
    };
    const total = parts.reduce((sum, [, whole, fraction = '', unit]) => {
        const digits = BigInt(`${whole}${fraction}`);
        return sum + (digits * units[unit]) / 10n ** BigInt(fraction.length);
    }, 0n);
    return Number(total);
}
