/**
 * What an error of the callback says: which outcome an attempt had.
 *
 * In this order: an outcome that the callback states itself ({@link tagged}), however deep it lies; the
 * program's own classifier; the outermost error of this library, of the operating system or of Node;
 * else `failure`.
 */
import type { Duration } from './duration.js';
import { toMilliseconds } from './duration.js';
import { FailoverError, invalid } from './errors.js';
import { shown } from './options.js';

/** What came of an attempt. */
export type Outcome =
    'success' | 'rejected' | 'unsent' | 'failure' | 'timeout' | 'throttled' | 'cancelled' | 'local';

/** The outcomes by their numbers, which are the same in every language. */
const OUTCOMES: readonly Outcome[] = [
    'success',
    'rejected',
    'unsent',
    'failure',
    'timeout',
    'throttled',
    'cancelled',
    'local',
];

/** Says what an error means; `undefined` leaves it to the library. */
export type Classifier = (error: unknown) => Outcome | undefined;

/** The number of an outcome. */
export function outcomeCode(outcome: Outcome): number {
    const code = OUTCOMES.indexOf(outcome) + 1;
    if (code === 0) {
        throw invalid(`outcome: must be one of ${OUTCOMES.join(', ')}, got ${shown(outcome)}`);
    }
    return code;
}

interface Tag {
    outcome: Outcome;
    /** Milliseconds. */
    restFor: number;
}

const tags = new WeakMap<object, Tag>();

/**
 * States the outcome of an error that a callback is about to throw, and returns that error.
 *
 * `restFor` says how long the endpoint asked to be left alone (Retry-After).
 */
export function tagged<E extends object>(
    error: E,
    outcome: Outcome,
    { restFor = 0 }: { restFor?: Duration } = {},
): E {
    outcomeCode(outcome);
    if ((typeof error !== 'object' && typeof error !== 'function') || error === null) {
        throw invalid(`tagged: must be an object, got ${shown(error)}`);
    }
    tags.set(error, { outcome, restFor: toMilliseconds(restFor, 'restFor') });
    return error;
}

/** The outcome of an error: its number, and how long the endpoint asked to be left alone, in ns. */
export function classify(error: unknown, classifier: Classifier | undefined): [number, number] {
    const chain = causes(error);
    const tag = chain.map((one) => tags.get(one)).find((one) => one !== undefined);
    if (tag !== undefined) {
        return [outcomeCode(tag.outcome), tag.restFor * 1e6];
    }
    const own = classifier?.(error);
    if (own !== undefined) {
        return [outcomeCode(own), 0];
    }
    for (const one of chain) {
        const outcome = known(one);
        if (outcome !== undefined) {
            return [outcomeCode(outcome), 0];
        }
    }
    return [outcomeCode('failure'), 0];
}

/** An error and what led to it, from the outside in. */
function causes(error: unknown): object[] {
    const chain: object[] = [];
    let one = error;
    while (typeof one === 'object' && one !== null && !chain.includes(one)) {
        chain.push(one);
        one = property(one, 'cause');
    }
    return chain;
}

function known(error: object): Outcome | undefined {
    if (isA(error, FailoverError)) {
        return OF_TYPE[error.type];
    }
    const [code, name, cause] = ['code', 'name', 'cause'].map((key) => property(error, key));
    if (typeof code === 'string') {
        const outcome = OF_CODE[code] ?? (TLS.test(code) ? 'unsent' : undefined);
        if (outcome !== undefined) {
            return outcome;
        }
    }
    if (name === 'TimeoutError') {
        return 'timeout';
    }
    if (name === 'AbortError') {
        return 'cancelled';
    }
    // `fetch` wraps what the network said in a TypeError; any other one is a defect of the program.
    const isDefect = DEFECTS.some((defect) => isA(error, defect));
    return isDefect && !isA(cause, Error) ? 'local' : undefined;
}

/** A property of whatever was thrown; what can't be read isn't there. */
function property(of: object, key: string): unknown {
    try {
        return (of as Record<string, unknown>)[key];
    } catch {
        return undefined;
    }
}

function isA<T>(value: unknown, kind: abstract new (...given: never[]) => T): value is T {
    try {
        return value instanceof kind;
    } catch {
        return false;
    }
}

const OF_TYPE: Readonly<Record<FailoverError['type'], Outcome>> = {
    connection: 'failure',
    circuit_breaker: 'failure',
    validation: 'rejected',
    not_found: 'rejected',
    timeout: 'timeout',
    internal: 'local',
};

const OF_CODE: Readonly<Record<string, Outcome>> = {
    ECONNREFUSED: 'unsent',
    EHOSTUNREACH: 'unsent',
    ENETUNREACH: 'unsent',
    EHOSTDOWN: 'unsent',
    EADDRNOTAVAIL: 'unsent',
    ENOTFOUND: 'unsent',
    EAI_AGAIN: 'unsent',
    EAI_FAIL: 'unsent',
    EAI_NODATA: 'unsent',
    EAI_NONAME: 'unsent',
    UND_ERR_CONNECT_TIMEOUT: 'unsent',
    ETIMEDOUT: 'timeout',
    ESOCKETTIMEDOUT: 'timeout',
    UND_ERR_HEADERS_TIMEOUT: 'timeout',
    UND_ERR_BODY_TIMEOUT: 'timeout',
};

/** Codes of a handshake that failed: nothing was sent. */
const TLS = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH)/;

/** What no endpoint can be blamed for. */
const DEFECTS = [TypeError, ReferenceError, SyntaxError, RangeError, EvalError];
