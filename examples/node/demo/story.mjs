// The story: what happens to the servers, and what has to follow from it.
import { table } from './table.mjs';

const TICK_MS = 100;

export class Story {
    // How long it took until the library had noticed, in milliseconds; undefined for never.
    times = {};
    #scene;
    // When each thing was done to a server.
    #done = {};

    constructor(scene) {
        this.#scene = scene;
    }

    // Lives through all phases; false at the first one that didn't happen, or when interrupted.
    async run() {
        this.#scene.journal.started = Date.now();
        for (const phase of this.#phases()) {
            if (!(await this.#liveThrough(phase))) return false;
        }
        return true;
    }

    // In each something is done to the servers, and then something has to happen: within `most` seconds,
    // and it is watched for at least `least`.
    #phases() {
        const { backends, load, watch } = this.#scene;
        const [, b, c] = backends;
        const areInUse = () => ['a', 'b', 'c'].every((server) => watch.isInUse(server));
        return [
            {
                title: '1/5  All three servers are well.',
                begin: () => {},
                hasHappened: areInUse,
                least: 2.5,
                most: 8,
            },
            {
                title: '2/5  b is killed: its port refuses.',
                begin: async () => {
                    watch.await('b');
                    this.#done.bKilled = Date.now();
                    await b.kill();
                },
                hasHappened: () =>
                    this.#note(
                        'bEjected',
                        'bKilled',
                        watch.first('b', 'circuit_open', 'endpoint_down'),
                    ),
                least: 3,
                most: 8,
            },
            {
                title: '3/5  c answers 503 to everything. Only a is left.',
                begin: async () => {
                    watch.await('c');
                    this.#done.cFailing = Date.now();
                    await c.mode('status=503');
                },
                hasHappened: () =>
                    this.#note('cEjected', 'cFailing', watch.first('c', 'circuit_open')),
                least: 3,
                most: 8,
            },
            {
                // Its checks pass all the while: that real calls hang, only real calls can tell.
                title: '4/5  c hangs, and its /health says 200.',
                begin: async () => {
                    watch.await('c');
                    this.#done.cHanging = Date.now();
                    await c.mode('hang?scope=work');
                },
                hasHappened: () => this.#note('cTimeout', 'cHanging', watch.first('c', 'timeout')),
                least: 4,
                most: 8,
            },
            {
                title: '5/5  b is started again, c is cured.',
                begin: async () => {
                    load.awaitSuccess('b');
                    load.awaitSuccess('c');
                    await b.start();
                    this.#done.bBack = Date.now();
                    await c.mode('ok');
                    this.#done.cBack = Date.now();
                },
                hasHappened: () => {
                    const isBack = this.#note('bRecovered', 'bBack', load.firstSuccess.get('b'));
                    return (
                        this.#note('cRecovered', 'cBack', load.firstSuccess.get('c')) &&
                        isBack &&
                        areInUse()
                    );
                },
                least: 4,
                most: 10,
            },
        ];
    }

    // Two clocks are at work, the library's events and ours, so that what comes right away may seem to have
    // come a moment before.
    #note(name, since, time) {
        if (time !== undefined) {
            this.times[name] = Math.max(0, Math.floor(time - this.#done[since]));
        }
        return time !== undefined;
    }

    async #liveThrough({ title, begin, hasHappened, least, most }) {
        const { watch, load, journal, screen, isInterrupted } = this.#scene;
        const begun = performance.now();
        // What came until now belongs to the phase before.
        watch.read();
        journal.title(title);
        this.#show(title);
        await begin();
        let isDone = false;
        while ((performance.now() - begun) / 1000 < (isDone ? least : most) && !isInterrupted()) {
            await new Promise((resolve) => setTimeout(resolve, TICK_MS));
            watch.read();
            watch.measure(load.calls);
            isDone = hasHappened() || isDone;
            this.#show(title);
        }
        if (!screen.isLive) {
            screen.show([...journal.repeats(), '', ...table(screen, watch, load)]);
        }
        if (!isDone && !isInterrupted()) {
            console.error(`demo: within ${most} s nothing came of "${title}"`);
        }
        return isDone && !isInterrupted();
    }

    // The whole page on a terminal, only what is new on a pipe.
    #show(title) {
        const { watch, load, journal, screen } = this.#scene;
        if (!screen.isLive) {
            screen.show(journal.news());
            return;
        }
        const head = ['', screen.ink('bold', title), '', ...table(screen, watch, load)];
        screen.show([...head, ...journal.tail(screen.rows - head.length)]);
    }
}
