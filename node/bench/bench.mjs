// What picks and calls cost in Node, beside the floor: a no-op of the same kind through the same bridge.
//
// Each figure is the least of many batches, since whatever else the machine does only adds.
import { performance } from 'node:perf_hooks';

import { FailoverManager, version } from 'libfailover';

const ENDPOINTS = 100;
const BATCHES = 200;
const LOOPS = 10_000;

async function managed(options) {
    const manager = new FailoverManager({ failover: { strategy: 'round_robin' } }, options);
    for (let i = 0; i < ENDPOINTS; i += 1) {
        await manager.registerEndpoint({
            id: `e${i}`,
            name: 'users',
            address: '10.0.0.1',
            port: 8000 + i,
        });
    }
    return manager.pool();
}

const pool = await managed();
const { idle } = pool.hot;
const noop = async () => 1;
const plain = () => 1;
const { signal } = new AbortController();
const aborting = { signal };
const wrapped = pool.wrap(noop);

// One loop each, so that the engine compiles each for itself.
const rows = [
    [
        'a function of the addon that does nothing (floor)',
        '',
        (n) => {
            for (let i = 0; i < n; i += 1) idle();
        },
    ],
    [
        'select',
        '60',
        (n) => {
            for (let i = 0; i < n; i += 1) pool.select();
        },
    ],
    [
        'pick and report',
        '',
        (n) => {
            for (let i = 0; i < n; i += 1) pool.pick().report('success');
        },
    ],
    [
        'await of an async no-op (floor)',
        '',
        async (n) => {
            for (let i = 0; i < n; i += 1) await noop();
        },
    ],
    [
        'the same within a promise, between two idle functions (floor)',
        '',
        async (n) => {
            for (let i = 0; i < n; i += 1) {
                idle();
                await new Promise((resolve, reject) =>
                    noop().then((value) => {
                        idle();
                        resolve(value);
                    }, reject),
                );
            }
        },
    ],
    [
        'execute of an async no-op',
        '300',
        async (n) => {
            for (let i = 0; i < n; i += 1) await pool.execute(noop);
        },
    ],
    [
        'execute of a no-op that returns at once',
        '',
        async (n) => {
            for (let i = 0; i < n; i += 1) await pool.execute(plain);
        },
    ],
    [
        'a wrapped async no-op',
        '',
        async (n) => {
            for (let i = 0; i < n; i += 1) await wrapped();
        },
    ],
    [
        'execute with an AbortSignal',
        '',
        async (n) => {
            for (let i = 0; i < n; i += 1) await pool.execute(noop, aborting);
        },
    ],
];

const best = rows.map(() => Infinity);
for (const [at, [, , run]] of rows.entries()) {
    await repeat(at, run);
}

// At the very end, since its first use slows down every promise of the process.
const nesting = await managed({ nesting: 'async_local_storage' });
const nested = async (n) => {
    for (let i = 0; i < n; i += 1) await nesting.execute(noop);
};
rows.push(['execute with AsyncLocalStorage', '']);
best.push(Infinity);
await repeat(rows.length - 1, nested);

// Each row by itself, so that none pays for the garbage of another.
async function repeat(at, run) {
    for (let batch = 0; batch < BATCHES; batch += 1) {
        best[at] = Math.min(best[at], await measure(run));
        await new Promise(setImmediate);
    }
}

async function measure(run) {
    const begun = performance.now();
    await run(LOOPS);
    return ((performance.now() - begun) * 1e6) / LOOPS;
}

console.log(
    `node ${process.version}, libfailover ${version}, ${ENDPOINTS} endpoints, round robin; ns, the least of ${BATCHES} batches`,
);
for (const [at, [what, limit]] of rows.entries()) {
    console.log(
        `  ${what.padEnd(64)}${best[at].toFixed(0).padStart(6)}${limit ? `   (at most ${limit})` : ''}`,
    );
}
