/**
 * One service of one provider under one policy: the object of the hot path.
 */
import type { Attempt, Callback } from './attempt.js';
import {
    Action,
    CALL,
    FLAGS,
    GENERATION,
    IS_PANIC,
    LATENCY,
    OUTCOME,
    REALS,
    SLOT,
    VERSION,
    WORDS,
} from './board.js';
import { Call } from './call.js';
import type { Outcome } from './classify.js';
import { outcomeCode } from './classify.js';
import type { Timers } from './clock.js';
import type { FailoverConfig } from './config.js';
import { camelCase, toDocument } from './config.js';
import type { Duration } from './duration.js';
import { toMilliseconds } from './duration.js';
import { Endpoint } from './endpoint.js';
import { checked, fromText } from './errors.js';
import { functionOf } from './options.js';
import type { ExecuteOptions, FailoverResult, RequestOptions } from './execute.js';
import { execute, requestText } from './execute.js';
import type { FailoverManager } from './manager.js';
import type { Hot, NativePool } from './native.js';
import type { PoolStats } from './stats.js';
import { flatStats } from './stats.js';

/** Why one endpoint would or would not be picked. */
export interface Explained {
    id: string;
    priority: number;
    weight: number;
    /** What speaks against it; `null` if nothing does. */
    objection: string | null;
    isChosen: boolean;
}

/** One service of one provider under one policy. Got from a manager, and the same object each time. */
export class Pool {
    /** The provider's name. */
    readonly provider: string;
    /** The service's name; `*` is all of them. */
    readonly service: string;
    /** @internal */
    readonly manager: FailoverManager;
    /** @internal */
    readonly native: NativePool;
    /** @internal */
    readonly hot: Hot;
    /** @internal */
    readonly words: Uint32Array;
    /** @internal */
    readonly reals: Float64Array;
    /** @internal */
    readonly timers: Timers;

    /** @internal */
    constructor(manager: FailoverManager, native: NativePool) {
        this.manager = manager;
        this.native = native;
        this.hot = native.functions();
        this.words = new Uint32Array(this.hot.board, 0, WORDS);
        this.reals = new Float64Array(this.hot.board, WORDS * 4, REALS);
        this.timers = manager.timers;
        this.provider = native.provider();
        this.service = native.service();
    }

    /** `provider/service`. */
    get name(): string {
        return `${this.provider}/${this.service}`;
    }

    /**
     * Runs `callback` on one endpoint after another until it succeeds or the call ends.
     *
     * Rejected with the last attempt's own error, which then has `attempts` and, as `failover`, why the
     * call ended; where there is none, with a {@link FailoverError}.
     */
    execute<T>(callback: Callback<T>, options?: ExecuteOptions): Promise<FailoverResult<T>> {
        return execute(this, callback, options, true) as Promise<FailoverResult<T>>;
    }

    /**
     * Makes a function of an endpoint one that finds the endpoint itself: `wrap(f)(42)` calls
     * `f(endpoint, 42)` with failover, and gives what that returned.
     */
    wrap<A extends unknown[], T>(
        callback: (endpoint: Endpoint, ...rest: A) => T | PromiseLike<T>,
        options?: ExecuteOptions,
    ): (...rest: A) => Promise<T> {
        functionOf(callback, 'callback');
        return (...rest) =>
            execute(this, (endpoint) => callback(endpoint, ...rest), options, false) as Promise<T>;
    }

    /**
     * Picks an endpoint for a program that won't say what came of it: failures there are seen by health
     * checks alone.
     *
     * @throws FailoverError `no_endpoints` or `circuit_open`, with each endpoint's reason; `closed`.
     */
    select(request?: RequestOptions): Endpoint {
        const text = request === undefined ? undefined : requestText(request);
        const action = text === undefined ? this.hot.select() : this.hot.select(text);
        if (action !== Action.ATTEMPT) {
            throw fromText(this.native.trouble());
        }
        return this.found();
    }

    /**
     * Picks an endpoint for one attempt that the program makes itself, and reports.
     *
     * @throws FailoverError as {@link select}.
     */
    pick(request?: RequestOptions): Lease {
        const text = requestText(request);
        const action = text === undefined ? this.hot.pick() : this.hot.pick(text);
        if (action !== Action.ATTEMPT) {
            throw fromText(this.native.trouble());
        }
        return new Lease(
            this,
            this.found(),
            this.words[CALL]!,
            (this.words[FLAGS]! & IS_PANIC) !== 0,
        );
    }

    /** Begins a call that the program drives itself: see {@link Call}. */
    call({ parent, ...request }: RequestOptions & { parent?: Attempt } = {}): Call {
        return new Call(this, request, parent !== undefined);
    }

    /** The endpoints as they are now, in the order of their ids. */
    endpoints(): Endpoint[] {
        const members = JSON.parse(this.native.endpoints()) as {
            slot: number;
            generation: number;
        }[];
        const { interned } = this.manager;
        return members.map(({ slot, generation }) =>
            interned.at(slot, generation, -1, this.native),
        );
    }

    /** The same service under another policy: the given options over this pool's. */
    derive(config: FailoverConfig | string): Pool {
        return this.manager.intern(checked(() => this.native.derive(toDocument('policy', config))));
    }

    /** Tells of each endpoint why it would or would not be picked now, and from which level. */
    explain(request?: RequestOptions): { level: string | null; endpoints: Explained[] } {
        const text = requestText(request) ?? '{}';
        const told = JSON.parse(checked(() => this.native.explain(text))) as {
            level: string | null;
            endpoints: Record<string, unknown>[];
        };
        const endpoints = told.endpoints.map((one) =>
            Object.fromEntries(Object.entries(one).map(([key, value]) => [camelCase(key), value])),
        );
        return { level: told.level, endpoints: endpoints as unknown as Explained[] };
    }

    /** The pool's statistics. */
    stats(): PoolStats {
        return flatStats(JSON.parse(this.native.stats())) as unknown as PoolStats;
    }

    /** @internal The endpoint on the board. */
    found(): Endpoint {
        const { words } = this;
        return this.manager.interned.at(
            words[SLOT]!,
            words[GENERATION]!,
            this.reals[VERSION]!,
            this.native,
        );
    }
}

/** One attempt that the program makes itself. Reported once; what is never reported is cancelled. */
export class Lease {
    /** The endpoint to use. */
    readonly endpoint: Endpoint;
    /** True if the endpoint looked unfit and no other was left. */
    readonly isPanic: boolean;
    readonly #held: Held;

    /** @internal */
    constructor(pool: Pool, endpoint: Endpoint, number: number, isPanic: boolean) {
        this.endpoint = endpoint;
        this.isPanic = isPanic;
        this.#held = { pool, number, isOpen: true };
        forgotten.register(this, this.#held, this.#held);
    }

    /**
     * Returns the lease with what came of the attempt. `duration` absent: since the pick.
     *
     * @throws FailoverError `invalid_state` if it was reported before.
     */
    report(outcome: Outcome, { duration = 0 }: { duration?: Duration } = {}): void {
        const [code, ms] = [outcomeCode(outcome), toMilliseconds(duration, 'duration')];
        forgotten.unregister(this.#held);
        report(this.#held, code, ms * 1e6);
    }

    /** Returns the lease as cancelled, unless it was reported. */
    [Symbol.dispose](): void {
        if (this.#held.isOpen) {
            this.report('cancelled');
        }
    }
}

interface Held {
    pool: Pool;
    number: number;
    isOpen: boolean;
}

/** A net only: a lease that nobody reports is returned once nobody has it any more. */
const forgotten = new FinalizationRegistry<Held>((held) =>
    report(held, outcomeCode('cancelled'), 0),
);

function report(held: Held, outcome: number, nanoseconds: number): void {
    const { words, reals, hot, native } = held.pool;
    // Its number may be another lease's by now, so a second report doesn't get there.
    words[CALL] = held.isOpen ? held.number : NO_LEASE;
    held.isOpen = false;
    words[OUTCOME] = outcome;
    reals[LATENCY] = nanoseconds;
    if (hot.report() !== Action.DONE) {
        throw fromText(native.trouble());
    }
}

const NO_LEASE = 2 ** 32 - 1;
