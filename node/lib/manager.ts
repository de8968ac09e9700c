/**
 * The object that a program makes: configuration, providers, pools, background work, events.
 *
 * It keeps no process alive by itself: with nothing pending the process exits, closed or not.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';

import type { Attempt, Callback, Strategy } from './attempt.js';
import type { Classifier } from './classify.js';
import { ManualClock, Timers } from './clock.js';
import type { FailoverConfig, ManagerConfig, ProviderConfig } from './config.js';
import { fromDocument, toDocument } from './config.js';
import type { Duration } from './duration.js';
import { toMilliseconds } from './duration.js';
import type { EndpointConfig, HealthStatus } from './endpoint.js';
import { Endpoint, endpointText, Interned } from './endpoint.js';
import { checked, checkedLater, FailoverError, invalid } from './errors.js';
import type { EventType, FailoverEvent, LogRecord } from './events.js';
import { Bell, records, RecordStream } from './events.js';
import type { ExecuteOptions, FailoverResult, RequestOptions } from './execute.js';
import type { NativeManager, NativePool } from './native.js';
import { native } from './native.js';
import { Pool } from './pool.js';
import type { EndpointSet, HealthCheckFunction, HealthGrade, Provider } from './provider.js';
import { abilities, Host, setText } from './provider.js';
import type { ProviderInfo, ProviderStats } from './stats.js';
import { flatStats, managerStats } from './stats.js';
import type { WaitOptions } from './wait.js';
import { abortable, until } from './wait.js';

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

    /**
     * Makes a manager with the embedded provider `memory` and those that `config` names. A text is the
     * document itself, as the other languages take it.
     *
     * @throws FailoverError `invalid_config` with every fault at once.
     */
    constructor(config: ManagerConfig | string = {}, options: ManagerOptions = {}) {
        super();
        const document = typeof config === 'string' ? config : toDocument('manager', plain(config));
        this.#native = checked(() => new native.NativeManager(document));
        this.clock = clockOf(config, document);
        this.timers = new Timers(this.#native, this.clock);
        this.#bell = new Bell(this.#native, this);
        this.#host = new Host(this.#native);
        this.strategy = options.strategy;
        this.classifier = options.classify;
        if (options.nesting === 'async_local_storage') {
            this.nesting = new AsyncLocalStorage();
        }
        if (options.healthCheck !== undefined) {
            this.#host.check = options.healthCheck;
            this.#bell.hang();
            this.#native.makeChecks();
        }
        super.on('newListener', (name: string | symbol) => this.#listen(name));
    }

    /** The pool of a service. The same pool is the same object. */
    pool(options: PoolOptions = {}): Pool {
        const { provider, service, config } = options;
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
        return new Endpoint(JSON.parse(checked(() => this.#native.endpoint(of.provider, id))));
    }

    /** All endpoints of a provider, in the order of their ids. */
    listEndpoints(of: ProviderOptions = {}): Endpoint[] {
        const documents = JSON.parse(
            checked(() => this.#native.endpoints(of.provider)),
        ) as unknown[];
        return documents.map((document) => new Endpoint(document));
    }

    /** Picks an endpoint: see {@link Pool.select}. */
    selectEndpoint(options?: PoolOptions & RequestOptions): Endpoint {
        return this.pool(options).select(options && requestOf(options));
    }

    /** Runs a function with failover: see {@link Pool.execute}. */
    executeWithFailover<T>(
        callback: Callback<T>,
        options?: PoolOptions & ExecuteOptions,
    ): Promise<FailoverResult<T>> {
        let pool: Pool;
        try {
            pool = this.pool(options);
        } catch (error) {
            return Promise.reject(error);
        }
        return pool.execute(callback, options && requestOf(options));
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
        const run = () => checkedLater(() => this.#native.healthCheck(of.provider, id));
        return (await abortable(of.signal, run)) as HealthStatus;
    }

    /** Checks every endpoint of a provider now, at most 64 at once. */
    async healthCheckAll(
        of: ProviderOptions & WaitOptions = {},
    ): Promise<Record<string, HealthStatus>> {
        const run = () => checkedLater(() => this.#native.healthCheckAll(of.provider));
        return JSON.parse(await abortable(of.signal, run));
    }

    /** Takes the program's own finding on an endpoint, as if a check had found it. */
    reportHealth(
        id: string,
        status: HealthGrade,
        { provider, reason = 'reported' }: ProviderOptions & { reason?: string } = {},
    ): HealthStatus {
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
        {
            timeout = 30_000,
            signal,
            ...of
        }: ProviderOptions & WaitOptions & { timeout?: Duration } = {},
    ): Promise<void> {
        const most = toMilliseconds(timeout, 'timeout');
        this.setAdmin(id, 'draining', of);
        await until(() => checked(() => this.#native.checkDrained(of.provider, id)), most, signal);
    }

    /** Says what the program thinks of an endpoint. */
    setAdmin(
        id: string,
        state: 'active' | 'draining' | 'maintenance' | 'forced_open' | 'reset',
        of: ProviderOptions = {},
    ): void {
        checked(() => this.#native.setAdmin(of.provider, id, state));
    }

    /** Registers a provider of the program's own, or one that the library makes itself. */
    registerProvider(name: string, provider: Provider | ProviderConfig): void {
        if ('type' in provider) {
            const document = toDocument('manager', { providers: { [name]: provider } });
            const own = JSON.stringify(JSON.parse(document).providers[name]);
            return checked(() => this.#native.registerProvider(name, own));
        }
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

    /** Registers a provider whose whole sets come by {@link publish}. */
    registerPushedProvider(name: string): void {
        checked(() => this.#native.registerPushed(name));
    }

    /** Replaces a provider's whole set. */
    publish(endpoints: EndpointSet, of: ProviderOptions = {}): void {
        checked(() => this.#native.publish(of.provider, setText(endpoints)));
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
    async waitReady({
        timeout = 30_000,
        signal,
    }: WaitOptions & { timeout?: Duration } = {}): Promise<void> {
        const most = toMilliseconds(timeout, 'timeout');
        await until(() => checked(() => this.#native.checkReady()), most, signal);
    }

    /** The statistics of every provider, by its name. */
    getStats(): Record<string, ProviderStats> {
        return managerStats(this.#native.stats());
    }

    /** The last events, the newest first; at most 1,024 are kept. */
    getEvents(limit = 1024): FailoverEvent[] {
        return records(this.#native.recentEvents(limit));
    }

    /**
     * Events from now on, to be read by `for await`. At most `capacity` (1,024) wait unread; then the
     * oldest goes and is counted. While somebody waits for one, the process stays alive. The signal ends it.
     */
    events({
        types = [],
        capacity = 1024,
        signal,
    }: WaitOptions & {
        types?: readonly EventType[];
        capacity?: number;
    } = {}): RecordStream<FailoverEvent> {
        const queue = checked(() => this.#native.subscribe([...types], capacity));
        return new RecordStream(queue, this.#bell, signal);
    }

    /** Log records from now on, as {@link events}. */
    logs({
        capacity = 1024,
        signal,
    }: WaitOptions & { capacity?: number } = {}): RecordStream<LogRecord> {
        return new RecordStream(this.#native.subscribeLogs(capacity), this.#bell, signal);
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
    close({ timeout = 5_000 }: { timeout?: Duration } = {}): Promise<void> {
        return (this.#closing ??= this.#end(toMilliseconds(timeout, 'timeout')));
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

    async #change(
        verb: string,
        subject: string,
        { provider, signal }: ProviderOptions & WaitOptions,
    ): Promise<void> {
        signal?.throwIfAborted();
        const name = provider ?? checked(() => this.#native.defaultProvider());
        if (this.#host.has(name)) {
            // The program is asked, on this very loop: so the addon waits on another thread.
            await abortable(signal, () =>
                checkedLater(() => this.#native.changeLater(verb, provider, subject)),
            );
        } else {
            checked(() => this.#native.change(verb, provider, subject));
        }
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
function plain({ clock, ...rest }: ManagerConfig): object {
    return clock instanceof ManualClock
        ? { ...rest, clock: 'manual', autoAdvance: clock.autoAdvance }
        : { ...rest, clock };
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

/** A call's options without those that name its pool; none if nothing is left. */
function requestOf<O extends PoolOptions>(options: O): Omit<O, keyof PoolOptions> | undefined {
    const { provider, service, config, ...request } = options;
    return Object.keys(request).length === 0 ? undefined : request;
}

/** How often the count of attempts in flight is looked at while closing. */
const CLOSE_POLL_MS = 2;
