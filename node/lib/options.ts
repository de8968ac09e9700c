/**
 * What programs give, checked where it would otherwise be misread without a word.
 */
import { inspect } from 'node:util';

import { invalid } from './errors.js';

/** The options of a verb. What is no object, or has an option that isn't known, is refused by its name. */
export function optionsOf<O extends object>(given: O | undefined, ...names: string[]): O {
    const options = given === undefined ? ({} as O) : given;
    if (typeof options !== 'object' || options === null) {
        throw invalid(`options: must be an object, got ${shown(options)}`);
    }
    for (const key in options) {
        if (!names.includes(key)) {
            throw invalid(`options.${key}: is not known`);
        }
    }
    return options;
}

/** A text, an id or a name for example. */
export function textOf(given: string, path: string): string {
    if (typeof given !== 'string') {
        throw invalid(`${path}: must be a text, got ${shown(given)}`);
    }
    return given;
}

/** A whole number of at least `least`. */
export function wholeOf(given: number, path: string, least: number): number {
    if (!Number.isInteger(given) || given < least || given > MOST) {
        throw invalid(
            `${path}: must be a whole number from ${least} to ${MOST}, got ${shown(given)}`,
        );
    }
    return given;
}

/** A function, if there is one. */
export function functionOf<F>(given: F, path: string): F {
    if (given !== undefined && typeof given !== 'function') {
        throw invalid(`${path}: must be a function, got ${shown(given)}`);
    }
    return given;
}

/** A value in a message, whatever it is. */
export function shown(value: unknown): string {
    return inspect(value, { depth: 0, maxStringLength: 100, breakLength: Infinity });
}

const MOST = 2 ** 32 - 1;
