/**
 * The object that a program makes: configuration, providers, pools, background work, events.
 *
 * It keeps no process alive by itself: with nothing pending the process exits, closed or not.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';

import { signalOf } from './abort.js';
import type { Attempt, Callback, Strategy } from './attempt.js';
import type { Classifier } from './classify.js';
import { ManualClock, Timers } from './clock.js';
import type { FailoverConfig, ManagerConfig, ProviderConfig } from './config.js';
import { fromDocument, toDocument } from './config.js';
import type { Duration } from './duration.js';
import { toMilliseconds } from './duration.js';
import type { EndpointConfig, HealthStatus } from './endpoint.js';
import { Endpoint, endpointText, Interned } from './endpoint.js';
import { checked, FailoverError, invalid, invalidState } from './errors.js';
import type { EventType, FailoverEvent, LogRecord } from './events.js';
import { Bell, records, RecordStream } from './events.js';
import type { ExecuteOptions, FailoverResult, RequestOptions } from './execute.js';
import type { NativeManager, NativePool } from './native.js';
import { native } from './native.js';
import { functionOf, optionsOf, shown, textOf, wholeOf } from './options.js';
import { Pool } from './pool.js';
import type {
    EndpointSet,
    HealthCheckFunction,
    HealthGrade,
    Provider,
    WaitingVerb,
} from './provider.js';
import { abilities, Host, setText } from './provider.js';
import type { ProviderInfo, ProviderStats } from './stats.js';
import { flatStats, managerStats } from './stats.js';
import type { WaitOptions } from './wait.js';
import { until } from './wait.js';

/** What a program gives a manager beside its configuration. */
export interface ManagerOptions {
    /** Checks endpoints whose health check is of the type `custom`. */
    healthCheck?: HealthCheckFunction;
    /** Chooses endpoints where the strategy is `custom`. */
    strategy?: Strategy;
    /** Says what errors mean. */
    classify?: Classifier;
    /**
     * How a call made inside another one's function is known: by its option `parent`, or by
     * AsyncLocalStorage, which costs every call some 200 ns. `explicit` if absent.
     */
    nesting?: 'explicit' | 'async_local_storage';
}

/** Which pool is meant. */
export interface PoolOptions {
    /** The provider's name; absent: the default one. */
    provider?: string;
    /** The service's name; absent: the provider's only one; `*`: all endpoints. */
    service?: string;
    /** Options over the policy in force. */
    config?: FailoverConfig | string;
}

/** Which provider is meant; absent: the default one. */
export interface ProviderOptions {
    provider?: string;
}

/**
 * One failover engine with its endpoints, policies and history.
 *
 * Emits each event under its type, all of them under `event`, and log records under `log`. Records that
 * nobody listens to cost nothing. It belongs to the thread that made it.
 */
export class FailoverManager extends EventEmitter {
    /** The hand-moved clock; absent where time is the machine's. */
    readonly clock: ManualClock | undefined;
    /** @internal */
    readonly interned = new Interned();
    /** @internal */
    readonly timers: Timers;
    /** @internal */
    readonly strategy: Strategy | undefined;
    /** @internal */
    readonly classifier: Classifier | undefined;
    /** @internal */
    readonly nesting: AsyncLocalStorage<Attempt> | undefined;
    readonly #native: NativeManager;
    readonly #pools = new Map<number, Pool>();
    readonly #bell: Bell;
    readonly #host: Host;
    #events: RecordStream<FailoverEvent> | undefined;
    #logs: RecordStream<LogRecord> | undefined;
    #closing: Promise<void> | undefined;
    readonly #newListener = (name: string | symbol) => this.#listen(name);

    /**
     * Makes a manager with the embedded provider `memory` and those that `config` names. A text is the
     * document itself, as the other languages take it.
     *
     * @throws FailoverError `invalid_config` with every fault at once.
     */
    constructor(config: ManagerConfig | string = {}, options: ManagerOptions = {}) {
        super();
        optionsOf(options, 'healthCheck', 'strategy', 'classify', 'nesting');
        functionOf(options.healthCheck, 'options.healthCheck');
        const document = typeof config === 'string' ? config : toDocument('manager', plain(config));
        this.#native = checked(() => new native.NativeManager(document));
        this.clock = clockOf(config, document);
        this.timers = new Timers(this.#native, this.clock);
        this.#bell = new Bell(this.#native, this);
        this.#host = new Host(this.#native, this.#bell);
        this.strategy = functionOf(options.strategy, 'options.strategy');
        this.classifier = functionOf(options.classify, 'options.classify');
        if (options.nesting === 'async_local_storage') {
            this.nesting = new AsyncLocalStorage();
        } else if (options.nesting !== undefined && options.nesting !== 'explicit') {
            const wanted = '"explicit" or "async_local_storage"';
            throw invalid(`options.nesting: must be ${wanted}, got ${shown(options.nesting)}`);
        }
        if (options.healthCheck !== undefined) {
            this.#host.check = options.healthCheck;
            this.#bell.hang();
            this.#native.makeChecks();
        }
        super.on('newListener', this.#newListener);
    }

    /** As of every emitter; the events go on being found. */
    override removeAllListeners(name?: string | symbol): this {
        if (name === undefined) {
            super.removeAllListeners();
        } else {
            super.removeAllListeners(name);
        }
        if (this.listenerCount('newListener', this.#newListener) === 0) {
            super.on('newListener', this.#newListener);
        }
        return this;
    }

    /** The pool of a service. The same pool is the same object. */
    pool(options: PoolOptions = {}): Pool {
        const { provider, service, config } = optionsOf(options, 'provider', 'service', 'config');
        const pool = this.intern(checked(() => this.#native.pool(provider, service)));
        return config === undefined ? pool : pool.derive(config);
    }

    /** Registers an endpoint. A provider of the program's own is asked first. */
    registerEndpoint(
        endpoint: EndpointConfig | Endpoint,
        of: ProviderOptions & WaitOptions = {},
    ): Promise<void> {
        return this.#change('register', endpointText(endpoint), of);
    }

    /** Replaces the description of an endpoint; its state stays while address and port do. */
    updateEndpoint(
        endpoint: EndpointConfig | Endpoint,
        of: ProviderOptions & WaitOptions = {},
    ): Promise<void> {
        return this.#change('update', endpointText(endpoint), of);
    }

    /** Removes an endpoint; attempts on it end normally. */
    deregisterEndpoint(id: string, of: ProviderOptions & WaitOptions = {}): Promise<void> {
        return this.#change('deregister', id, of);
    }

    /** The endpoint of an id. */
    getEndpoint(id: string, of: ProviderOptions = {}): Endpoint {
        const { provider } = optionsOf(of, 'provider');
        const text = checked(() => this.#native.endpoint(provider, textOf(id, 'id')));
        return new Endpoint(JSON.parse(text));
    }

    /** All endpoints of a provider, in the order of their ids. */
    listEndpoints(of: ProviderOptions = {}): Endpoint[] {
        const { provider } = optionsOf(of, 'provider');
        const documents = JSON.parse(checked(() => this.#native.endpoints(provider))) as unknown[];
        return documents.map((document) => new Endpoint(document));
    }

    /** Picks an endpoint: see {@link Pool.select}. */
    selectEndpoint(options?: PoolOptions & RequestOptions): Endpoint {
        const [pool, request] = split(options);
        return this.pool(pool).select(request);
    }

    /** Runs a function with failover: see {@link Pool.execute}. */
    executeWithFailover<T>(
        callback: Callback<T>,
        options?: PoolOptions & ExecuteOptions,
    ): Promise<FailoverResult<T>> {
        try {
            const [pool, request] = split(options);
            return this.pool(pool).execute(callback, request);
        } catch (error) {
            return Promise.reject(error);
        }
    }

    /** Puts another policy in force; counters and breakers stay. A refused one changes nothing. */
    configure(config: FailoverConfig | string): void {
        checked(() => this.#native.configure(toDocument('policy', config)));
    }

    /** The configuration in force, secrets masked. */
    getConfig(): ManagerConfig {
        return fromDocument('manager', JSON.parse(this.#native.config())) as ManagerConfig;
    }

    /** Checks one endpoint now. The result counts like that of a scheduled check. */
    async healthCheck(id: string, of: ProviderOptions & WaitOptions = {}): Promise<HealthStatus> {
        const { provider, signal } = optionsOf(of, 'provider', 'signal');
        const checking = this.#later('healthCheck', provider, textOf(id, 'id'), signal);
        return (await checking) as HealthStatus;
    }

    /** Checks every endpoint of a provider now, at most 64 at once. */
    async healthCheckAll(
        of: ProviderOptions & WaitOptions = {},
    ): Promise<Record<string, HealthStatus>> {
        const { provider, signal } = optionsOf(of, 'provider', 'signal');
        return JSON.parse(await this.#later('healthCheckAll', provider, '', signal));
    }

    /** Takes the program's own finding on an endpoint, as if a check had found it. */
    reportHealth(
        id: string,
        status: HealthGrade,
        of: ProviderOptions & { reason?: string } = {},
    ): HealthStatus {
        const { provider, reason = 'reported' } = optionsOf(of, 'provider', 'reason');
        textOf(id, 'id');
        const found = checked(() => this.#native.reportHealth(provider, id, status, reason));
        return found as HealthStatus;
    }

    /** Lets an endpoint take traffic again. */
    activate(id: string, of: ProviderOptions = {}): void {
        this.setAdmin(id, 'active', of);
    }

    /** Gives an endpoint no new traffic, and waits until it has none, for `timeout` (30 s) at most. */
    async drain(
        id: string,
        of: ProviderOptions & WaitOptions & { timeout?: Duration } = {},
    ): Promise<void> {
        const { timeout = 30_000, ...rest } = optionsOf(of, 'provider', 'signal', 'timeout');
        const signal = signalOf(rest.signal);
        const most = toMilliseconds(timeout, 'timeout');
        signal?.throwIfAborted();
        this.setAdmin(
            id,
            'draining',
            rest.provider === undefined ? {} : { provider: rest.provider },
        );
        const { provider } = rest;
        await until(() => checked(() => this.#native.checkDrained(provider, id)), most, signal);
    }

    /** Says what the program thinks of an endpoint. */
    setAdmin(
        id: string,
        state: 'active' | 'draining' | 'maintenance' | 'forced_open' | 'reset',
        of: ProviderOptions = {},
    ): void {
        const { provider } = optionsOf(of, 'provider');
        checked(() => this.#native.setAdmin(provider, textOf(id, 'id'), state));
    }

    /** Registers a provider of the program's own, or one that the library makes itself. */
    registerProvider(name: string, provider: Provider | ProviderConfig): void {
        textOf(name, 'name');
        if (typeof provider !== 'object' || provider === null) {
            throw invalid(`provider: must be an object, got ${shown(provider)}`);
        }
        // One of the program's own may have a field of that name.
        if ('type' in provider && !('list' in provider) && !('watch' in provider)) {
            const document = toDocument('manager', { providers: { [name]: provider } });
            const own = JSON.stringify(JSON.parse(document).providers[name]);
            return checked(() => this.#native.registerProvider(name, own));
        }
        this.#registerOwn(name, provider as Provider);
    }

    /** Registers a provider whose whole sets come by {@link publish}. */
    registerPushedProvider(name: string): void {
        checked(() => this.#native.registerPushed(name));
    }

    /** Replaces a provider's whole set. */
    publish(endpoints: EndpointSet, of: ProviderOptions = {}): void {
        const { provider } = optionsOf(of, 'provider');
        checked(() => this.#native.publish(provider, setText(endpoints)));
    }

    /** Removes a provider with all its endpoints; attempts under way end normally. */
    deregisterProvider(name: string): void {
        checked(() => this.#native.deregisterProvider(name));
        this.#host.remove(name);
        // One of that name that comes later has pools of its own.
        for (const [identity, pool] of this.#pools) {
            if (pool.provider === name) {
                this.#pools.delete(identity);
            }
        }
    }

    /** The provider of a name, and how it is doing. */
    getProvider(name: string): ProviderInfo {
        const found = this.getProviderInfo().find((info) => info.name === name);
        if (found === undefined) {
            const facts = { type: 'not_found', code: 6010, kind: 'not_found' } as const;
            throw new FailoverError(`provider ${JSON.stringify(name)}: not registered`, facts);
        }
        return found;
    }

    /** The provider that serves calls that name none. */
    getDefaultProvider(): ProviderInfo {
        return this.getProvider(checked(() => this.#native.defaultProvider()));
    }

    /** The names of the providers, in the order of their registration. */
    listProviders(): string[] {
        return this.#native.providers();
    }

    /** How every provider is doing. */
    getProviderInfo(): ProviderInfo[] {
        const infos = JSON.parse(checked(() => this.#native.providerInfo())) as object[];
        return infos.map(
            (info) => flatStats(info as Record<string, unknown>) as unknown as ProviderInfo,
        );
    }

    /** Waits until every provider has delivered its first whole set, for `timeout` (30 s) at most. */
    async waitReady(of: WaitOptions & { timeout?: Duration } = {}): Promise<void> {
        const { timeout = 30_000, signal } = optionsOf(of, 'timeout', 'signal');
        const most = toMilliseconds(timeout, 'timeout');
        await until(() => checked(() => this.#native.checkReady()), most, signalOf(signal));
    }

    /** The statistics of every provider, by its name. */
    getStats(): Record<string, ProviderStats> {
        return managerStats(this.#native.stats());
    }

    /** The last events, the newest first; at most 1,024 are kept. */
    getEvents(limit = 1024): FailoverEvent[] {
        return records(this.#native.recentEvents(wholeOf(limit, 'limit', 0)));
    }

    /**
     * Events from now on, to be read by `for await`. At most `capacity` (1,024) wait unread; then the
     * oldest goes and is counted. While somebody waits for one, the process stays alive. The signal ends it.
     */
    events(
        of: WaitOptions & { types?: readonly EventType[]; capacity?: number } = {},
    ): RecordStream<FailoverEvent> {
        const given = optionsOf(of, 'types', 'capacity', 'signal');
        const { types = [], capacity = 1024, signal } = given;
        if (!Array.isArray(types)) {
            throw invalid(`types: must be a list, got ${shown(types)}`);
        }
        wholeOf(capacity, 'capacity', 1);
        const queue = checked(() => this.#native.subscribe([...types], capacity));
        return new RecordStream(queue, this.#bell, signalOf(signal));
    }

    /** Log records from now on, as {@link events}. */
    logs(of: WaitOptions & { capacity?: number } = {}): RecordStream<LogRecord> {
        const { capacity = 1024, signal } = optionsOf(of, 'capacity', 'signal');
        const queue = this.#native.subscribeLogs(wholeOf(capacity, 'capacity', 1));
        return new RecordStream(queue, this.#bell, signalOf(signal));
    }

    /** Sets the least severe level of log records that is kept. */
    setLogLevel(level: 'off' | LogRecord['level']): void {
        checked(() => this.#native.setLogLevel(level));
    }

    /** Attempts in flight over all endpoints. */
    get inFlight(): number {
        return this.#native.inFlight();
    }

    /** True once it is closed. */
    get isClosed(): boolean {
        return this.#native.isClosed();
    }

    /**
     * Ends background work and refuses new calls, after waiting up to `timeout` (5 s) for the attempts in
     * flight. Closing again does nothing.
     *
     * Rejected with a FailoverError `busy` if attempts are still in flight; it is closed all the same.
     */
    async close(of: { timeout?: Duration } = {}): Promise<void> {
        const { timeout = 5_000 } = optionsOf(of, 'timeout');
        const most = toMilliseconds(timeout, 'timeout');
        await (this.#closing ??= this.#end(most));
    }

    /** Closes it. */
    [Symbol.asyncDispose](): Promise<void> {
        return this.close();
    }

    /** @internal What the bell is answered with. */
    answer(): void {
        this.#host.work();
        this.#bell.wake();
        this.#emit();
    }

    /** @internal */
    intern(pool: NativePool): Pool {
        const identity = pool.identity();
        const known = this.#pools.get(identity);
        if (known !== undefined) {
            return known;
        }
        const made = new Pool(this, pool);
        this.#pools.set(identity, made);
        return made;
    }

    async #end(most: number): Promise<void> {
        let busy: unknown;
        try {
            checked(() => this.#native.close());
        } catch (error) {
            busy = error;
        }
        this.timers.wakeAll();
        this.#bell.end();
        this.#emit();
        this.#host.end();
        const deadline = performance.now() + most;
        while (busy !== undefined && this.inFlight > 0 && performance.now() < deadline) {
            await new Promise((resolve) => setTimeout(resolve, CLOSE_POLL_MS));
        }
        if (busy !== undefined && this.inFlight > 0) {
            throw busy;
        }
    }

    #registerOwn(name: string, provider: Provider): void {
        const able = abilities(provider);
        if (!able.includes('list') && !able.includes('watch')) {
            throw invalid('provider: must have `list`, `watch` or both');
        }
        const poll =
            provider.pollInterval === undefined
                ? 0
                : toMilliseconds(provider.pollInterval, 'pollInterval');
        this.#bell.hang();
        checked(() => this.#native.registerAsked(name, able, poll));
        this.#host.add(name, provider);
    }

    async #change(
        verb: 'register' | 'update' | 'deregister',
        subject: string,
        of: ProviderOptions & WaitOptions,
    ): Promise<void> {
        const { provider, signal } = optionsOf(of, 'provider', 'signal');
        signalOf(signal)?.throwIfAborted();
        const name = provider ?? checked(() => this.#native.defaultProvider());
        if (this.#host.has(name)) {
            // The program is asked, on this very loop.
            await this.#later(verb, provider, subject, signal);
        } else {
            checked(() => this.#native.change(verb, provider, textOf(subject, 'id')));
        }
    }

    #later(
        verb: WaitingVerb,
        provider: string | undefined,
        subject: string,
        signal: AbortSignal | undefined,
    ): Promise<string> {
        return this.#host.later(verb, provider, subject, signalOf(signal));
    }

    #listen(name: string | symbol): void {
        if (name === 'log') {
            this.#logs ??= this.logs();
        } else if (name !== 'error' && name !== 'newListener' && name !== 'removeListener') {
            this.#events ??= this.events();
        }
    }

    #emit(): void {
        for (const event of this.#events?.drain() ?? []) {
            this.emit(event.type, event);
            this.emit('event', event);
        }
        for (const record of this.#logs?.drain() ?? []) {
            this.emit('log', record);
        }
    }
}

/** A configuration without objects of the program's own. */
function plain(config: ManagerConfig): object {
    if (typeof config !== 'object' || config === null || !(config.clock instanceof ManualClock)) {
        return config;
    }
    const { clock, ...rest } = config;
    if (clock.timers !== undefined) {
        throw invalidState('clock: another manager has it');
    }
    return { ...rest, clock: 'manual', autoAdvance: clock.autoAdvance };
}

/** The clock that a program gave, or one for a document that says `manual`. */
function clockOf(config: ManagerConfig | string, document: string): ManualClock | undefined {
    if (typeof config !== 'string' && config.clock instanceof ManualClock) {
        return config.clock;
    }
    // The library has read it, so it is a document.
    const { clock, auto_advance: autoAdvance } = JSON.parse(document);
    return clock === 'manual' ? new ManualClock({ autoAdvance: autoAdvance === true }) : undefined;
}

/** A call's options: those that name its pool, and the others, none if nothing is left. */
function split<O extends PoolOptions>(
    options: O | undefined,
): [PoolOptions | undefined, Omit<O, keyof PoolOptions> | undefined] {
    if (options === undefined || typeof options !== 'object' || options === null) {
        // What is no object is refused with its value.
        return [options, undefined];
    }
    const request: Record<string, unknown> = {};
    const pool: Record<string, unknown> = {};
    for (const key in options) {
        (POOL_OPTIONS.includes(key) ? pool : request)[key] = options[key];
    }
    const isEmpty = Object.keys(request).length === 0;
    return [pool, isEmpty ? undefined : (request as Omit<O, keyof PoolOptions>)];
}

const POOL_OPTIONS = ['provider', 'service', 'config'];

/** How often the count of attempts in flight is looked at while closing. */
const CLOSE_POLL_MS = 2;
