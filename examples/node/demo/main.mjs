// The failover you can watch.
//
// Starts three local HTTP servers, calls them two hundred times a second through libfailover and fetch, and
// meanwhile kills one and lets another fail and hang. No call may fail. What the program itself has to do
// for that is in load.mjs: one function that makes one attempt.
import { FailoverManager } from 'libfailover';

import { Backend } from './backend.mjs';
import { Journal } from './journal.mjs';
import { Load } from './load.mjs';
import { Screen } from './screen.mjs';
import { Story } from './story.mjs';
import { summarise } from './summary.mjs';
import { Watch } from './watch.mjs';

// Everything is a little faster than one would set it for servers that are far away: an outage that would
// take minutes to live through takes seconds to watch.
const CONFIG = {
    failover: {
        strategy: 'round_robin',
        timeout: '5s',
        attemptTimeout: 300,
        maxRetries: 3,
        retryDelay: 20,
        circuitBreaker: {
            recoveryTimeout: '1s',
            maxRecoveryTimeout: '2s',
            jitter: 0,
            halfOpenMaxCalls: 1,
        },
        health: { interval: 200, timeout: 300, fall: 2, rise: 2 },
        stats: { endpointLatency: true },
    },
};
const EXIT_SETUP = 2;

const program = process.argv[2] ?? process.env.FAILOVER_BACKEND;
if (program === undefined) {
    console.error(
        'usage: demo PATH-OF-failover-backend   (or FAILOVER_BACKEND in the environment)',
    );
    process.exit(EXIT_SETUP);
}

const manager = new FailoverManager(CONFIG);
const backends = ['a', 'b', 'c'].map((name) => new Backend(program, name));
const screen = new Screen(process.stdout);
const journal = new Journal(screen);
const watch = new Watch(manager, journal);
let interruptedBy;
for (const [name, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
]) {
    process.once(name, () => (interruptedBy = number));
}

try {
    for (const backend of backends) {
        await backend.start();
        await manager.registerEndpoint({
            id: backend.name,
            name: 'shop',
            address: '127.0.0.1',
            port: backend.port,
            healthCheck: { path: '/health' },
        });
    }
    const load = new Load(manager.pool({ service: 'shop' }));
    const story = new Story({
        backends,
        load,
        watch,
        journal,
        screen,
        isInterrupted: () => interruptedBy !== undefined,
    });
    load.start();
    const hasHappened = await story.run();
    await load.stop();
    watch.read();
    screen.release();
    if (interruptedBy !== undefined) {
        console.error('demo: interrupted');
        process.exitCode = 128 + interruptedBy;
    } else {
        const isComplete = summarise(screen, story.times, load, watch);
        process.exitCode = hasHappened && isComplete ? 0 : 1;
    }
} catch (error) {
    screen.release();
    console.error(`demo: ${error.message}`);
    process.exitCode = EXIT_SETUP;
} finally {
    watch.end();
    await Promise.all(backends.map((backend) => backend.stop()));
    await manager.close({ timeout: '1s' });
}
