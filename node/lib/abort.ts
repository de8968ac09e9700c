/**
 * How signals end things: one listener for each signal, however many wait for it.
 *
 * The host warns of more than ten listeners, and looks through all of them for each that is added.
 */
import { invalid } from './errors.js';
import { shown } from './options.js';

/** Whoever follows one signal. */
class Followers {
    readonly #signal: AbortSignal;
    readonly #runs = new Set<() => void>();
    readonly #listener = () => {
        const runs = [...this.#runs];
        this.#runs.clear();
        runs.forEach((run) => run());
    };

    constructor(signal: AbortSignal) {
        this.#signal = signal;
    }

    add(run: () => void): void {
        if (this.#runs.size === 0) {
            this.#signal.addEventListener('abort', this.#listener, { once: true });
        }
        this.#runs.add(run);
    }

    remove(run: () => void): void {
        if (this.#runs.delete(run) && this.#runs.size === 0) {
            this.#signal.removeEventListener('abort', this.#listener);
        }
    }
}

const followed = new WeakMap<AbortSignal, Followers>();

/** Has `run` called once the signal is aborted, which it isn't yet. The result ends that. */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
    let followers = followed.get(signal);
    if (followers === undefined) {
        followers = new Followers(signal);
        followed.set(signal, followers);
    }
    followers.add(run);
    return () => followers.remove(run);
}

/** The signal that a program gave, if any; `null` is none, as for `fetch`. */
export function signalOf(given: AbortSignal | null | undefined): AbortSignal | undefined {
    if (given === undefined || given === null) {
        return undefined;
    }
    if (typeof given.aborted !== 'boolean' || typeof given.addEventListener !== 'function') {
        throw invalid(`signal: must be an AbortSignal, got ${shown(given)}`);
    }
    return given;
}
