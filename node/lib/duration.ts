/**
 * Durations as programs write them: milliseconds as a number, or a text with a unit ("250ms", "1h30m").
 *
 * Texts are read by the library, so that they mean the same in every language.
 */
import { checked, FailoverError, invalid } from './errors.js';
import { native } from './native.js';
import { shown } from './options.js';

/** A duration: milliseconds, or a text with a unit. */
export type Duration = number | string;

/** The duration as documents write it. */
export function toText(duration: Duration, path: string): string {
    if (typeof duration === 'string') {
        return duration;
    }
    if (typeof duration !== 'number' || !Number.isFinite(duration) || duration < 0) {
        throw invalid(
            `${path}: must be milliseconds or a text like "250ms", got ${shown(duration)}`,
        );
    }
    // Whole nanoseconds; nothing finer is known.
    return `${Math.round(duration * 1e6)}ns`;
}

/** The duration in milliseconds. */
export function toMilliseconds(duration: Duration, path: string): number {
    const text = toText(duration, path);
    if (typeof duration === 'number') {
        return duration;
    }
    try {
        return checked(() => native.milliseconds(text));
    } catch (error) {
        throw error instanceof FailoverError
            ? invalid(error.message.replace(/^duration/, path))
            : error;
    }
}
