/**
 * One attempt, as the program's function sees it, and as the history has it.
 */
import type { Outcome } from './classify.js';
import type { Endpoint } from './endpoint.js';
import type { ExecuteOptions } from './execute.js';

/** One attempt of a call that ended without success. */
export interface AttemptRecord {
    endpoint: Endpoint;
    outcome: Outcome;
    /** Milliseconds. */
    duration: number;
}

/** The program's function: makes one attempt on an endpoint. */
export type Callback<T> = (endpoint: Endpoint, attempt: Attempt) => T | PromiseLike<T>;

/** Chooses among the endpoints that a pick could take, where the strategy is `custom`. */
export type Strategy = (
    candidates: readonly Endpoint[],
    options: ExecuteOptions,
) => Endpoint | string | PromiseLike<Endpoint | string>;

/** One attempt, as the program's function sees it. */
export class Attempt {
    /** The endpoint to use. */
    readonly endpoint: Endpoint;
    /** The attempt's number in its call, from 1. */
    readonly number: number;
    /** How long it may take, in milliseconds. */
    readonly timeout: number;
    #controller: AbortController | undefined;
    #reason: unknown;
    #isOver = false;

    /** @internal */
    constructor(endpoint: Endpoint, number: number, timeout: number) {
        this.endpoint = endpoint;
        this.number = number;
        this.timeout = timeout;
    }

    /** Aborted once nobody waits for the attempt any more: its time is over, or the call was aborted. */
    get signal(): AbortSignal {
        if (this.#controller === undefined) {
            this.#controller = new AbortController();
            if (this.#isOver) {
                this.#controller.abort(this.#reason);
            }
        }
        return this.#controller.signal;
    }

    /** @internal */
    abandon(reason: unknown): void {
        this.#isOver = true;
        this.#reason = reason;
        this.#controller?.abort(reason);
    }
}
