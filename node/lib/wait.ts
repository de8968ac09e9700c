/**
 * Verbs that take their time: how they end early, and how they look again.
 */
import { FailoverError } from './errors.js';

/** How a verb that takes its time may be ended early. */
export interface WaitOptions {
    /** Rejects the promise with the signal's reason. What was begun is not undone. */
    signal?: AbortSignal;
}

/** Looks again and again until `check` throws no time-out any more, for so many milliseconds at most. */
export async function until(
    check: () => void,
    most: number,
    signal: AbortSignal | undefined,
): Promise<void> {
    const deadline = performance.now() + most;
    for (;;) {
        signal?.throwIfAborted();
        try {
            return check();
        } catch (error) {
            const isEarly = error instanceof FailoverError && error.kind === 'timeout';
            if (!isEarly || performance.now() >= deadline) {
                throw error;
            }
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
}

/** How often is looked again: what is waited for ends without telling anybody. */
const POLL_MS = 2;
