/**
 * What a program says of one call, and what it gets back.
 */
import { signalOf } from './abort.js';
import type { Attempt, AttemptRecord, Callback, Strategy } from './attempt.js';
import { Action, IS_FALLBACK, IS_PANIC } from './board.js';
import type { Classifier } from './classify.js';
import { plainValue } from './config.js';
import type { Duration } from './duration.js';
import { Run } from './driver.js';
import { toText } from './duration.js';
import type { Endpoint } from './endpoint.js';
import { fromText, invalid } from './errors.js';
import { functionOf, shown } from './options.js';
import type { Pool } from './pool.js';

/** What one request wants of its endpoint. Everything may be absent. */
export interface RequestOptions {
    /** Sends requests of the same key to the same endpoint, where the algorithm is `ip_hash`. */
    key?: string;
    /** The session, for pools that are sticky. */
    session?: string;
    /** The client's address, which counts as key where no key is given. */
    clientIp?: string;
    zone?: string;
    region?: string;
    /**
     * The operation whose failures are its own, a route or a model: each endpoint keeps a breaker for it
     * beside its own one. At most 512 bytes.
     */
    scope?: string;
    /** In degrees, together with `longitude`. */
    latitude?: number;
    longitude?: number;
    /** Wants only endpoints that have all of these. */
    filter?: { tags?: readonly string[]; metadata?: Readonly<Record<string, string>> };
    /** Limits the whole call, if that is shorter than the policy's limit. */
    timeout?: Duration;
    /** Whether sending the request twice does no harm; the policy says so otherwise. */
    idempotent?: boolean;
    /** Prefers one endpoint, by its id, if it is usable. */
    endpoint?: string;
    /** Leaves endpoints out, by their ids, as if the call had tried them. */
    exclude?: readonly string[];
}

/** What a program says of one call. */
export interface ExecuteOptions extends RequestOptions {
    /** Ends the call: it is rejected with the signal's reason, and its attempt returned as cancelled. */
    signal?: AbortSignal | null;
    /** The attempt within which the call is made: retries don't multiply. */
    parent?: Attempt;
    /** Says what errors mean, for this call. */
    classify?: Classifier;
    /** Chooses the endpoint, for this call, where the strategy is `custom`. */
    strategy?: Strategy;
}

/** How a call came about, beside its result. */
export interface ResultMetadata {
    /** True if a fallback provider served. */
    isFallback: boolean;
    /** True if the endpoint looked unfit and no other was left. */
    isPanic: boolean;
    /** The attempts that failed before. */
    history: readonly AttemptRecord[];
}

/** A call that ended well. */
export class FailoverResult<T> {
    /** The endpoint that served. */
    readonly endpoint: Endpoint;
    /** What the function returned. */
    readonly result: T;
    /** Attempts made. */
    readonly attempts: number;
    /** Milliseconds from the call's start to its end. */
    readonly duration: number;
    /** True: a call that failed rejects its promise. */
    readonly success: true;
    /** The attempts that failed before. */
    readonly history: readonly AttemptRecord[];
    /** True if a fallback provider served. */
    readonly isFallback: boolean;
    /** True if the endpoint looked unfit and no other was left. */
    readonly isPanic: boolean;

    /** @internal */
    constructor(
        endpoint: Endpoint,
        result: T,
        attempts: number,
        duration: number,
        flags: number,
        history: readonly AttemptRecord[],
    ) {
        this.endpoint = endpoint;
        this.result = result;
        this.attempts = attempts;
        this.duration = duration;
        this.success = true;
        this.history = history;
        this.isFallback = (flags & IS_FALLBACK) !== 0;
        this.isPanic = (flags & IS_PANIC) !== 0;
    }

    /** How the call came about, as one object. */
    get metadata(): ResultMetadata {
        const { isFallback, isPanic, history } = this;
        return { isFallback, isPanic, history };
    }
}

/** Runs a call of a pool. `isWhole` says that the result is wanted, and not the value alone. */
export function execute<T>(
    pool: Pool,
    callback: Callback<T>,
    options: ExecuteOptions | undefined,
    isWhole: boolean,
): Promise<T | FailoverResult<T>> {
    if (typeof callback !== 'function') {
        return Promise.reject(invalid(`callback: must be a function, got ${shown(callback)}`));
    }
    let action: number;
    let signal: AbortSignal | undefined;
    if (options === undefined && pool.manager.nesting === undefined) {
        action = pool.hot.begin();
    } else {
        const isNested = (options?.parent ?? pool.manager.nesting?.getStore()) !== undefined;
        try {
            signal = signalOf(options?.signal);
            functionOf(options?.classify, 'options.classify');
            functionOf(options?.strategy, 'options.strategy');
            signal?.throwIfAborted();
            const text = requestText(options, isNested, true);
            action = text === undefined ? pool.hot.begin() : pool.hot.begin(text);
        } catch (error) {
            return Promise.reject(error);
        }
    }
    if (action === Action.REFUSED || action > Action.FAIL) {
        // Refused before there was a call, or a defect of the library.
        return Promise.reject(fromText(pool.native.trouble()));
    }
    return new Run(pool, callback, options, isWhole).begin(action, signal);
}

/** The text of what a request wants; none if it wants nothing in particular. */
export function requestText(
    given: RequestOptions | undefined,
    isNested = false,
    isCall = false,
): string | undefined {
    const wanted: Record<string, unknown> = {};
    if (isNested) {
        wanted['nested'] = true;
    }
    for (const key in given) {
        const value = given[key as keyof RequestOptions];
        const name = NAMES.get(key);
        if (name === undefined || (name === OWN && !isCall)) {
            throw invalid(`options.${key}: is not known${name === OWN ? ' here' : ''}`);
        }
        if (value === undefined || name === OWN) {
            continue;
        }
        wanted[name] =
            key === 'timeout'
                ? toText(value as Duration, key)
                : plainValue(value, `options.${key}`);
    }
    if ('latitude' in wanted || 'longitude' in wanted) {
        wanted['position'] = [wanted['latitude'], wanted['longitude']];
        delete wanted['latitude'];
        delete wanted['longitude'];
    }
    const text = JSON.stringify(wanted);
    return text === '{}' ? undefined : text;
}

/** What the package itself looks at. */
const OWN = '';

/** The options of a call, by the names that the addon knows them by. */
const KNOWN: Readonly<Record<keyof ExecuteOptions, string>> = {
    key: 'key',
    session: 'session',
    clientIp: 'client_ip',
    zone: 'zone',
    region: 'region',
    scope: 'scope',
    latitude: 'latitude',
    longitude: 'longitude',
    filter: 'filter',
    timeout: 'timeout',
    idempotent: 'idempotent',
    endpoint: 'endpoint',
    exclude: 'exclude',
    signal: OWN,
    parent: OWN,
    classify: OWN,
    strategy: OWN,
};

const NAMES = new Map(Object.entries(KNOWN));
