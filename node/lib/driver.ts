/**
 * Runs a call: drives the library's call machine around the program's function.
 *
 * Every decision is the machine's; here is only how to wait. The function runs on the caller's own
 * turn of the loop, no other thread takes part, and a function whose promise is settled when the loop
 * turns costs no timer.
 */
import { AsyncResource } from 'node:async_hooks';

import { onAbort } from './abort.js';
import type { AttemptRecord, Callback } from './attempt.js';
import { Attempt } from './attempt.js';
import {
    Action,
    ATTEMPT,
    CALL,
    FLAGS,
    FREE,
    GENERATION,
    HINT,
    INPUT,
    Input,
    LATENCY,
    OUTCOME,
    SLOT,
    TIME,
    TIMER,
} from './board.js';
import { candidates, history } from './call.js';
import { classify } from './classify.js';
import type { Timed } from './clock.js';
import type { Endpoint, Numbered } from './endpoint.js';
import { FailoverError, fromText, invalid, invalidState } from './errors.js';
import type { ExecuteOptions } from './execute.js';
import { FailoverResult } from './execute.js';
import type { Pool } from './pool.js';

/** A call under way. */
export class Run<T> implements Timed {
    due = 0;
    noted = 0;
    isOpen = true;
    /** Fulfilled with the value, or with a {@link FailoverResult} around it. */
    promise: Promise<T | FailoverResult<T>> | undefined;
    readonly #pool: Pool;
    readonly #callback: Callback<T>;
    readonly #options: ExecuteOptions | undefined;
    readonly #call: number;
    readonly #isWhole: boolean;
    #attempt: Attempt | undefined;
    #value: T | undefined;
    /** The endpoint of the attempt that was reported last. */
    #served: Endpoint | undefined;
    /** Its number, for the history. */
    #slot = 0;
    #generation = 0;
    /** Where the attempts went that ended without success. */
    #tried: Numbered[] | undefined;
    /** True if the last attempt left an error, and not only one before. */
    #hasError = false;
    #errors: [unknown] | undefined;
    /** Where the caller is, for attempts that a timer begins: it belongs to whoever was first. */
    #context: AsyncResource | undefined;
    #resolve: ((value: T | FailoverResult<T>) => void) | undefined;
    #reject: ((reason: unknown) => void) | undefined;
    #unfollow: (() => void) | undefined;

    constructor(
        pool: Pool,
        callback: Callback<T>,
        options: ExecuteOptions | undefined,
        isWhole: boolean,
    ) {
        this.#pool = pool;
        this.#callback = callback;
        this.#options = options;
        this.#isWhole = isWhole;
        this.#call = pool.words[CALL]!;
    }

    /** Does what the machine wants first, and returns the call's promise. */
    begin(action: number, signal: AbortSignal | undefined): Promise<T | FailoverResult<T>> {
        if (signal !== undefined) {
            this.#unfollow = onAbort(signal, () => this.#cancel(signal.reason));
        }
        this.#act(action);
        return (this.promise ??= new Promise((resolve, reject) => {
            this.#resolve = resolve;
            this.#reject = reject;
        }));
    }

    /** The time that was noted has come. */
    tick(): void {
        if (this.isOpen) {
            const run = () => this.#act(this.#step(Input.TICK));
            if (this.#context === undefined) {
                run();
            } else {
                this.#context.runInAsyncScope(run);
            }
        }
    }

    /** Does what the machine wants. It never throws: it runs where nobody would catch that. */
    #act(wanted: number): void {
        try {
            this.#perform(wanted);
        } catch (defect) {
            this.#cancel(defect);
        }
    }

    #perform(wanted: number): void {
        let action = wanted;
        while (action === Action.ABANDON) {
            const attempt = this.#attempt;
            if (attempt !== undefined) {
                this.#keep(attempt.endpoint);
                attempt.abandon(timedOut());
            }
            // A result that comes all the same is nobody's, and an earlier error isn't the last.
            this.#attempt = undefined;
            this.#hasError = false;
            action = this.#step(Input.NEXT);
        }
        switch (action) {
            case Action.ATTEMPT:
                return this.#run();
            case Action.DONE:
                return this.#done();
            case Action.WAIT:
            case Action.PENDING:
                this.due = this.#pool.reals[TIMER]!;
                this.#context ??= new AsyncResource('FAILOVERCALL', UNWATCHED);
                return this.#pool.timers.note(this);
            case Action.CHOOSE:
                return this.#choose();
            default:
                return this.#fail(action);
        }
    }

    #run(): void {
        const pool = this.#pool;
        const { words, reals } = pool;
        this.#slot = words[SLOT]!;
        this.#generation = words[GENERATION]!;
        const endpoint = pool.found();
        const attempt = new Attempt(endpoint, words[ATTEMPT]!, reals[TIME]! / 1e6);
        this.#attempt = attempt;
        this.due = reals[TIMER]!;
        let result: T | PromiseLike<T>;
        let promise: Promise<T> | undefined;
        try {
            const { nesting } = pool.manager;
            result =
                nesting === undefined
                    ? this.#callback(endpoint, attempt)
                    : nesting.run(attempt, this.#callback, endpoint, attempt);
            promise = isThenable(result) ? Promise.resolve(result) : undefined;
        } catch (error) {
            return this.#failed(attempt, error);
        }
        if (promise === undefined) {
            return this.#succeeded(attempt, result as T);
        }
        promise.then(
            (value: T) => this.#succeeded(attempt, value),
            (error: unknown) => this.#failed(attempt, error),
        );
        this.#context ??= new AsyncResource('FAILOVERCALL', UNWATCHED);
        pool.timers.watch(this);
    }

    #succeeded(attempt: Attempt, value: T): void {
        if (attempt !== this.#attempt) {
            return;
        }
        this.#value = value;
        this.#act(this.#report(attempt, 1, 0, attempt.number === 1 ? 1 : 0));
    }

    #failed(attempt: Attempt, error: unknown): void {
        if (attempt !== this.#attempt) {
            return;
        }
        this.#keep(attempt.endpoint);
        this.#errors = [error];
        this.#hasError = true;
        let outcome: [number, number];
        try {
            outcome = classify(error, this.#options?.classify ?? this.#pool.manager.classifier);
        } catch (defect) {
            // The program's own classifier is at fault, so its error is what has to be seen.
            this.#errors = [defect];
            outcome = [OUTCOME_LOCAL, 0];
        }
        this.#act(this.#report(attempt, outcome[0], outcome[1], 0));
    }

    /** Keeps where an attempt went that ended without success. */
    #keep(endpoint: Endpoint): void {
        const [slot, generation] = [this.#slot, this.#generation];
        (this.#tried ??= []).push({ slot, generation, endpoint });
    }

    #report(attempt: Attempt, outcome: number, hint: number, isFreed: number): number {
        const { words, reals, hot, timers } = this.#pool;
        this.#attempt = undefined;
        this.#served = attempt.endpoint;
        if (this.noted !== 0) {
            timers.forget(this);
        }
        words[INPUT] = Input.RESULT;
        words[CALL] = this.#call;
        words[ATTEMPT] = attempt.number;
        words[OUTCOME] = outcome;
        words[FREE] = isFreed;
        reals[LATENCY] = 0;
        reals[HINT] = hint;
        return hot.step();
    }

    #step(input: number): number {
        const { words, hot, timers } = this.#pool;
        if (this.noted !== 0) {
            timers.forget(this);
        }
        words[INPUT] = input;
        words[CALL] = this.#call;
        words[FREE] = 0;
        return hot.step();
    }

    #done(): void {
        const { words, reals, native } = this.#pool;
        const attempts = words[ATTEMPT]!;
        const flags = words[FLAGS]!;
        const value = this.#value as T;
        if (!this.#isWhole) {
            if (attempts > 1) {
                native.free(this.#call);
            }
            return this.#end(value);
        }
        const duration = reals[TIME]! / 1e6;
        const endpoint = this.#served!;
        let before: readonly AttemptRecord[] = NOTHING;
        if (attempts > 1) {
            before = history(this.#pool, this.#call, this.#tried ?? []);
            native.free(this.#call);
        }
        this.#end(new FailoverResult(endpoint, value, attempts, duration, flags, before));
    }

    #fail(action: number): void {
        const { native } = this.#pool;
        const text = action === Action.FAIL ? native.error(this.#call) : native.trouble();
        const attempts = history(this.#pool, this.#call, this.#tried ?? []);
        native.free(this.#call);
        const error = fromText(text);
        error.attempts = attempts;
        if (this.#errors !== undefined) {
            const [last] = this.#errors;
            error.cause ??= last;
            if (this.#hasError) {
                return this.#end(undefined, explained(last, error), true);
            }
        }
        this.#end(undefined, error, true);
    }

    #cancel(reason: unknown): void {
        if (!this.isOpen) {
            return;
        }
        this.#step(Input.CANCEL);
        this.#attempt?.abandon(reason);
        this.#attempt = undefined;
        this.#pool.native.free(this.#call);
        this.#end(undefined, reason, true);
    }

    #choose(): void {
        const { manager, words } = this.#pool;
        const found = candidates(this.#pool, this.#call);
        const strategy = this.#options?.strategy ?? manager.strategy;
        if (strategy === undefined) {
            const text = 'execute: the strategy "custom" needs a function that chooses';
            return this.#cancel(invalidState(text));
        }
        const take = (chosen: Endpoint | string) => {
            // By its id, since it may have been described anew meanwhile.
            const id = typeof chosen === 'string' ? chosen : chosen?.id;
            const one = found.find(({ endpoint }) => endpoint.id === id);
            if (one === undefined) {
                throw invalid('strategy: must return one of the candidates, or its id');
            }
            words[SLOT] = one.slot;
            words[GENERATION] = one.generation;
            this.#act(this.#step(Input.CHOSEN));
        };
        try {
            const candidates = found.map((one) => one.endpoint);
            const chosen = strategy(candidates, this.#options ?? {});
            if (!isThenable(chosen)) {
                return take(chosen);
            }
            chosen.then(
                (one) => {
                    if (this.isOpen) {
                        try {
                            take(one);
                        } catch (error) {
                            this.#cancel(error);
                        }
                    }
                },
                (error: unknown) => this.#cancel(error),
            );
        } catch (error) {
            this.#cancel(error);
        }
    }

    #end(value: T | FailoverResult<T> | undefined, reason?: unknown, isRejected = false): void {
        this.isOpen = false;
        this.#unfollow?.();
        if (this.#resolve === undefined) {
            // The answer was there at once, so the promise is settled from the beginning.
            this.promise = isRejected
                ? Promise.reject(reason)
                : Promise.resolve(value as T | FailoverResult<T>);
        } else if (isRejected) {
            this.#reject?.(reason);
        } else {
            this.#resolve(value as T | FailoverResult<T>);
        }
    }
}

/** The last attempt's own error, with the call's history on it. */
function explained(error: unknown, why: FailoverError): unknown {
    if (typeof error === 'object' && error !== null) {
        const hidden = { enumerable: false, configurable: true, writable: true };
        try {
            // What takes nothing, a frozen error for example, comes back as it is.
            Reflect.defineProperty(error, 'attempts', { value: why.attempts, ...hidden });
            Reflect.defineProperty(error, 'failover', { value: why, ...hidden });
        } catch {
            // So does one whose own code refuses.
        }
    }
    return error;
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
    return (
        ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
        typeof (value as { then?: unknown }).then === 'function'
    );
}

function timedOut(): FailoverError {
    return new FailoverError("the attempt's time was over", TIMEOUT);
}

const TIMEOUT = { type: 'timeout', code: 6014, kind: 'timeout', isRetryable: true } as const;
/** Nothing has to be told when it is gone. */
const UNWATCHED = { requireManualDestroy: true };
const OUTCOME_LOCAL = 8;
const NOTHING: readonly AttemptRecord[] = Object.freeze([]);
