/**
 * Configuration as JavaScript writes it, and as documents have it.
 *
 * Keys are those of the documents in camel case (those of the documents themselves are taken too),
 * durations are milliseconds or texts. What a key means, its range and its default are in
 * `docs/reference/configuration.md`. Nothing is checked here: the library reports every fault at once.
 */
import type { ManualClock } from './clock.js';
import type { Duration } from './duration.js';
import { toText } from './duration.js';
import { checked, invalid } from './errors.js';
import { native } from './native.js';
import { shown } from './options.js';

/** How endpoints are ranked. */
export type FailoverStrategy =
    | 'round_robin'
    | 'random'
    | 'weighted'
    | 'least_connections'
    | 'ip_hash'
    | 'health_based'
    | 'geographic'
    | 'custom';

/** How load is spread. */
export type LoadBalancerAlgorithm =
    'round_robin' | 'random' | 'weighted' | 'least_connections' | 'ip_hash' | 'p2c_ewma';

/** When an endpoint is barred. */
export interface CircuitBreakerConfig {
    enabled?: boolean;
    failureThreshold?: number;
    failureRate?: number;
    minimumCalls?: number;
    slowCallRate?: number;
    slowCallDuration?: Duration;
    recoveryTimeout?: Duration;
    maxRecoveryTimeout?: Duration;
    halfOpenMaxCalls?: number;
    successThreshold?: number;
    jitter?: number;
}

/** How load is spread. */
export interface LoadBalancerConfig {
    algorithm?: LoadBalancerAlgorithm;
    weights?: Record<string, number>;
    sticky?: boolean;
    stickyTtl?: Duration;
    stickyMaxKeys?: number;
}

/** How endpoints are checked. */
export interface HealthConfig {
    interval?: Duration;
    timeout?: Duration;
    fall?: number;
    rise?: number;
    jitter?: number;
    transitionInterval?: Duration;
}

/** How many retries all calls together may add. */
export interface RetryBudgetConfig {
    enabled?: boolean;
    capacity?: number;
    perSuccess?: number;
    perSecond?: number;
}

/** How a pool treats its endpoints and its calls. */
export interface FailoverConfig {
    strategy?: FailoverStrategy;
    healthCheck?: boolean;
    maxRetries?: number;
    retryDelay?: Duration;
    maxRetryDelay?: Duration;
    backoff?: 'exponential' | 'fixed';
    timeout?: Duration;
    attemptTimeout?: Duration;
    idempotent?: boolean;
    nested?: 'no_retry' | 'retry';
    onAllOpen?: 'fail_fast' | 'fail_open';
    priorityMode?: 'strict';
    zone?: string;
    region?: string;
    latitude?: number;
    longitude?: number;
    circuitBreaker?: CircuitBreakerConfig;
    loadBalancer?: LoadBalancerConfig;
    health?: HealthConfig;
    retryBudget?: RetryBudgetConfig;
    events?: { loadBalanceEvery?: number };
    stats?: { endpointLatency?: boolean };
    metadata?: Record<string, unknown>;
}

/** A provider that the library makes itself. */
export interface ProviderConfig {
    type: 'memory' | 'file';
    path?: string;
    format?: 'json' | 'toml';
    pollInterval?: Duration;
    emptyGrace?: Duration;
    maxStaleness?: Duration;
    coalesce?: Duration;
}

/** What a manager is made of. */
export interface ManagerConfig {
    defaultProvider?: string;
    retryAttempts?: number;
    retryDelay?: Duration;
    timeout?: Duration;
    fallbackEnabled?: boolean;
    metadata?: Record<string, unknown>;
    seed?: number;
    /** A clock for tests; absent: the machine's. */
    clock?: ManualClock | 'manual' | 'system';
    /** With `clock: 'manual'`: see {@link ManualClock}. */
    autoAdvance?: boolean;
    logLevel?: 'off' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
    maxConcurrentChecks?: number;
    providers?: Record<string, ProviderConfig>;
    failover?: FailoverConfig;
}

/** What a value of the schema may be. */
interface Rules {
    $ref?: string;
    pattern?: string;
    properties?: Record<string, Rules>;
    additionalProperties?: boolean | Rules;
    items?: Rules;
}

/** Which of the documents something is. */
export type DocumentName = 'manager' | 'policy' | 'endpoint';

/** The text of a document, from what a program wrote. A text is taken as it stands. */
export function toDocument(name: DocumentName, given: object | string): string {
    if (typeof given === 'string') {
        return given;
    }
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
        throw invalid(`${name}: must be an object or a JSON text, got ${shown(given)}`);
    }
    return JSON.stringify(written(rulesOf(name), given, '', []));
}

/** A document as JavaScript has it. */
export function fromDocument(name: DocumentName, document: unknown): unknown {
    return read(rulesOf(name), document);
}

/** `max_retries` of `maxRetries`. */
export function snakeCase(key: string): string {
    return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** `maxRetries` of `max_retries`. */
export function camelCase(key: string): string {
    return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** A value as a document may hold it; `path` names it where it can't. */
export function plainValue(given: unknown, path: string): unknown {
    return written({}, given, path, []);
}

function written(rules: Rules, given: unknown, path: string, above: object[]): unknown {
    if (isDuration(rules) && (typeof given === 'number' || typeof given === 'bigint')) {
        return toText(given as Duration, path);
    }
    // What JSON would leave out or turn into nothing without a word.
    const isNoNumber = typeof given === 'number' && !Number.isFinite(given);
    if (isNoNumber || ['bigint', 'function', 'symbol'].includes(typeof given)) {
        throw invalid(`${path}: can't be ${shown(given)}`);
    }
    if (given instanceof Date) {
        if (Number.isNaN(given.getTime())) {
            throw invalid(`${path}: must be a date, got an invalid one`);
        }
        return given.toISOString();
    }
    if (given === null || typeof given !== 'object') {
        return given;
    }
    if (above.includes(given)) {
        throw invalid(`${path}: holds itself`);
    }
    const within = [...above, given];
    if (Array.isArray(given)) {
        const items = rules.items ?? {};
        return given.map((item, at) => written(items, item, `${path}[${at}]`, within));
    }
    if (Symbol.iterator in given) {
        throw invalid(`${path}: must be a plain object or an array, got ${shown(given)}`);
    }
    // Without a prototype, so that any key is one.
    const found = Object.create(null) as Record<string, unknown>;
    for (const [key, value] of Object.entries(given)) {
        if (value === undefined) {
            continue;
        }
        // Keys of a map are the program's own.
        const name = rules.properties === undefined ? key : snakeCase(key);
        const member = path === '' ? name : `${path}.${name}`;
        found[name] = written(memberOf(rules, name), value, member, within);
    }
    return found;
}

function read(rules: Rules, value: unknown): unknown {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
        return value;
    }
    const members = Object.entries(value).map(([key, member]) => {
        const name = rules.properties === undefined ? key : camelCase(key);
        return [name, read(memberOf(rules, key), member)];
    });
    return Object.fromEntries(members);
}

function memberOf(rules: Rules, name: string): Rules {
    const known = rules.properties?.[name];
    if (known !== undefined && Object.hasOwn(rules.properties!, name)) {
        return known.$ref === undefined
            ? known
            : rulesOf(known.$ref.split('/').pop() as DocumentName);
    }
    return typeof rules.additionalProperties === 'object' ? rules.additionalProperties : {};
}

/** Durations are what has their pattern: a number, then a unit. */
function isDuration(rules: Rules): boolean {
    return rules.pattern?.includes('(h|m|s|ms|') === true;
}

let schema: Record<DocumentName, Rules> | undefined;

function rulesOf(name: DocumentName): Rules {
    schema ??= checked(() => JSON.parse(native.schema()).$defs) as Record<DocumentName, Rules>;
    return schema[name];
}
