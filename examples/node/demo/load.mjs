// The program that is to notice nothing: four callers that make one call after another.
import { tagged } from 'libfailover';

const CALLERS = 4;
// All callers together.
const CALLS_PER_SECOND = 200;

export class Load {
    calls = 0;
    failed = 0;
    attempts = 0;
    firstFault = '';
    // By server: when it first answered well since `awaitSuccess`.
    firstSuccess = new Map();
    #pool;
    #callers = [];
    #isOver = false;

    constructor(pool) {
        this.#pool = pool;
    }

    start() {
        const pause = (1000 * CALLERS) / CALLS_PER_SECOND;
        // Spread over the pause, so that the servers see a stream and not bursts.
        this.#callers = Array.from({ length: CALLERS }, (_, at) =>
            this.#run(pause, (pause * at) / CALLERS),
        );
    }

    async stop() {
        this.#isOver = true;
        await Promise.all(this.#callers);
    }

    // From now on waits for the next success on a server.
    awaitSuccess(server) {
        this.firstSuccess.delete(server);
    }

    async #run(pause, offset) {
        await delay(offset);
        while (!this.#isOver) {
            const begun = performance.now();
            await this.#call();
            await delay(Math.max(0, pause - (performance.now() - begun)));
        }
    }

    async #call() {
        try {
            await this.#pool.execute((endpoint, attempt) => this.#attempt(endpoint, attempt));
        } catch (error) {
            this.firstFault ||= error.message;
            this.failed += 1;
        }
        this.calls += 1;
    }

    // One attempt: all that a program has to write to have failover.
    async #attempt(endpoint, { signal }) {
        this.attempts += 1;
        const response = await fetch(endpoint.url('/work'), { signal });
        await response.arrayBuffer();
        if (response.status === 429) throw tagged(new Error('429'), 'throttled');
        if (response.status >= 500) throw new Error(`status ${response.status}`);
        if (response.status >= 400)
            throw tagged(new Error(`status ${response.status}`), 'rejected');
        if (!this.firstSuccess.has(endpoint.id)) {
            this.firstSuccess.set(endpoint.id, Date.now());
        }
    }
}

function delay(milliseconds) {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
