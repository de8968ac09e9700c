/**
 * The call machine itself, for programs that make attempts and waits their own way.
 *
 * It performs nothing: feed it what happened, and do what it wants. {@link Pool.execute} is such a
 * driver. Who makes a call frees it, at the latest by leaving its `using` block; an attempt that runs
 * is returned as cancelled then.
 */
import type { AttemptRecord } from './attempt.js';
import {
    Action as Wanted,
    ATTEMPT,
    CALL,
    CODE,
    FLAGS,
    FREE,
    GENERATION,
    HINT,
    INPUT,
    Input,
    IS_FALLBACK,
    IS_PANIC,
    LATENCY,
    OUTCOME,
    SLOT,
    TIME,
    TIMER,
} from './board.js';
import type { Outcome } from './classify.js';
import { outcomeCode } from './classify.js';
import type { Duration } from './duration.js';
import { toMilliseconds } from './duration.js';
import type { Endpoint, Numbered } from './endpoint.js';
import type { FailoverError } from './errors.js';
import { fromText, invalidState } from './errors.js';
import type { RequestOptions } from './execute.js';
import { requestText } from './execute.js';
import type { Pool } from './pool.js';

/** What the program does now. Times are milliseconds from now on. */
export type Action =
    /** Make an attempt on the endpoint, within the time, and {@link Call.report}. */
    | { kind: 'attempt'; endpoint: Endpoint; number: number; timeout: number }
    /** Do nothing for so long, then {@link Call.tick}. */
    | { kind: 'wait'; for: number }
    /** Stop that attempt, whose time is over, then {@link Call.next}. */
    | { kind: 'abandon'; number: number }
    /** Choose among {@link Call.candidates}, and {@link Call.choose}. */
    | { kind: 'choose' }
    /** An attempt is running; {@link Call.tick} then. */
    | { kind: 'pending'; for: number }
    /** The call ended well. */
    | { kind: 'done' }
    /** The call failed; {@link Call.error} says why. */
    | { kind: 'fail'; code: number };

/** One logical call. Got by {@link Pool.call}; used on the thread that made it. */
export class Call {
    /** What the program does now. */
    action: Action;
    /** Attempts made so far. */
    attempts = 0;
    /** True if a fallback provider serves the call. */
    isFallback = false;
    /** True if an attempt went to an endpoint that looked unfit. */
    isPanic = false;
    readonly #pool: Pool;
    readonly #held: Held;
    /** Where attempts went. */
    readonly #tried: Numbered[] = [];

    /** @internal Makes a call and starts it. */
    constructor(pool: Pool, request: RequestOptions | undefined, isNested: boolean) {
        const text = requestText(request, isNested);
        const wanted = text === undefined ? pool.hot.begin() : pool.hot.begin(text);
        if (wanted === Wanted.REFUSED) {
            throw fromText(pool.native.trouble());
        }
        this.#pool = pool;
        this.#held = { pool, number: pool.words[CALL]!, isOpen: true };
        forgotten.register(this, this.#held, this.#held);
        this.action = this.#read(wanted);
    }

    /** The running attempt ended: with what, how long it took, how long the endpoint wants to rest. */
    report(
        outcome: Outcome,
        {
            duration = 0,
            restFor = 0,
            attempt = this.attempts,
        }: { duration?: Duration; restFor?: Duration; attempt?: number } = {},
    ): Action {
        const { words, reals } = this.#pool;
        words[ATTEMPT] = attempt;
        words[OUTCOME] = outcomeCode(outcome);
        reals[LATENCY] = Math.round(toMilliseconds(duration, 'duration') * 1e6);
        reals[HINT] = Math.round(toMilliseconds(restFor, 'restFor') * 1e6);
        return this.#step(Input.RESULT);
    }

    /** Time passed. */
    tick(): Action {
        return this.#step(Input.TICK);
    }

    /** The attempt that was to be abandoned is stopped. */
    next(): Action {
        return this.#step(Input.NEXT);
    }

    /** The caller gives up. */
    cancel(): Action {
        return this.#step(Input.CANCEL);
    }

    /**
     * The program chose this endpoint.
     *
     * @throws FailoverError `invalid_argument` if it isn't among the candidates.
     */
    choose(endpoint: Endpoint): Action {
        const all = candidates(this.#pool, this.#open());
        const found = all.find((one) => one.endpoint.id === endpoint.id);
        // No endpoint has that number, so the library says what it makes of it.
        this.#pool.words[SLOT] = found?.slot ?? 0;
        this.#pool.words[GENERATION] = found?.generation ?? 0;
        return this.#step(Input.CHOSEN);
    }

    /** The endpoints among which the program chooses. */
    get candidates(): Endpoint[] {
        return candidates(this.#pool, this.#open()).map((one) => one.endpoint);
    }

    /** The attempts that ended without success, in their order. */
    get history(): AttemptRecord[] {
        return history(this.#pool, this.#open(), this.#tried);
    }

    /** Why the call failed. */
    get error(): FailoverError {
        const error = fromText(this.#pool.native.error(this.#open()));
        error.attempts = this.history;
        return error;
    }

    /** Frees the call; nothing may be done with it afterwards, but freeing it again. */
    free(): void {
        forgotten.unregister(this.#held);
        free(this.#held);
    }

    [Symbol.dispose](): void {
        this.free();
    }

    /** Its number, which is another call's once this one is freed. */
    #open(): number {
        if (!this.#held.isOpen) {
            throw invalidState('call: is not open');
        }
        return this.#held.number;
    }

    #step(input: number): Action {
        const { words, hot, native } = this.#pool;
        words[INPUT] = input;
        words[CALL] = this.#open();
        words[FREE] = 0;
        const wanted = hot.step();
        if (wanted === Wanted.REFUSED) {
            throw fromText(native.trouble());
        }
        return (this.action = this.#read(wanted));
    }

    #read(wanted: number): Action {
        const { words, reals, timers } = this.#pool;
        const number = words[ATTEMPT]!;
        if (wanted !== Wanted.ABANDON) {
            this.attempts = number;
        }
        this.isFallback = (words[FLAGS]! & IS_FALLBACK) !== 0;
        this.isPanic = (words[FLAGS]! & IS_PANIC) !== 0;
        const left = () => Math.max(0, reals[TIMER]! - timers.now()) / 1e6;
        switch (wanted) {
            case Wanted.ATTEMPT: {
                const [slot, generation] = [words[SLOT]!, words[GENERATION]!];
                const timeout = reals[TIME]! / 1e6;
                const endpoint = this.#pool.found();
                this.#tried.push({ slot, generation, endpoint });
                return { kind: 'attempt', endpoint, number, timeout };
            }
            case Wanted.WAIT:
                return { kind: 'wait', for: left() };
            case Wanted.ABANDON:
                return { kind: 'abandon', number };
            case Wanted.CHOOSE:
                return { kind: 'choose' };
            case Wanted.PENDING:
                return { kind: 'pending', for: left() };
            case Wanted.DONE:
                return { kind: 'done' };
            default:
                return { kind: 'fail', code: words[CODE]! };
        }
    }
}

interface Held {
    pool: Pool;
    number: number;
    isOpen: boolean;
}

/** A net only: a call that nobody frees is freed once nobody has it any more. */
const forgotten = new FinalizationRegistry<Held>(free);

function free(held: Held): void {
    if (held.isOpen) {
        held.isOpen = false;
        held.pool.native.free(held.number);
    }
}

/**
 * The attempts of a call that ended without success; `tried` is where they went, since an endpoint that is
 * gone may not be known any more.
 */
export function history(pool: Pool, call: number, tried: readonly Numbered[]): AttemptRecord[] {
    const { native, manager } = pool;
    const records = JSON.parse(native.history(call)) as [number, number, Outcome, number][];
    return records.map(([slot, generation, outcome, nanoseconds]) => ({
        endpoint:
            tried.find((one) => one.slot === slot && one.generation === generation)?.endpoint ??
            manager.interned.of(slot, generation, native),
        outcome,
        duration: nanoseconds / 1e6,
    }));
}

/** The endpoints among which the program chooses. */
export function candidates(pool: Pool, call: number): Numbered[] {
    const { native, manager } = pool;
    const ids = JSON.parse(native.candidates(call)) as [number, number][];
    return ids.map(([slot, generation]) => {
        const endpoint = manager.interned.of(slot, generation, native);
        return { slot, generation, endpoint };
    });
}
