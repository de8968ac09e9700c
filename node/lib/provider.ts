/**
 * The program's own providers and checks: what they look like, and how the library's questions are
 * answered on the loop.
 */
import type { Duration } from './duration.js';
import type { EndpointConfig } from './endpoint.js';
import { Endpoint, endpointText } from './endpoint.js';
import { onAbort } from './abort.js';
import { checked, closed, fromText, invalid } from './errors.js';
import type { Bell } from './events.js';
import type { NativeManager } from './native.js';
import { functionOf, shown } from './options.js';

/** What is told to a provider or a check along with a question. */
export interface QuestionContext {
    /** Aborted once nobody wants the answer any more. */
    signal: AbortSignal;
}

/** A source of endpoints of the program's own. What it doesn't have it can't do. */
export interface Provider {
    /** Returns the whole set. */
    list?(context: QuestionContext): EndpointSet | Promise<EndpointSet>;
    /**
     * Publishes the whole set whenever something changes, until the signal is aborted: it may return at
     * once, or a promise that lasts as long, or yield sets as an async generator. Failing ends the watch,
     * and another is begun later. Without it the set is listed again and again.
     */
    watch?(publish: (endpoints: EndpointSet) => void, context: QuestionContext): unknown;
    /** Registers an endpoint with the source. */
    register?(endpoint: Endpoint, context: QuestionContext): unknown;
    /** Changes an endpoint's description at the source. */
    update?(endpoint: Endpoint, context: QuestionContext): unknown;
    /** Removes an endpoint, by its id, from the source. */
    deregister?(id: string, context: QuestionContext): unknown;
    /** Fails if the source can't be reached. */
    ping?(context: QuestionContext): unknown;
    /** True if an empty set is to be believed at once. */
    readonly isAuthoritative?: boolean;
    /** Time between two listings of a provider that doesn't watch; 10 s if absent. */
    readonly pollInterval?: Duration;
}

/** A whole set of endpoints. */
export type EndpointSet = Iterable<EndpointConfig | Endpoint>;

/** What a check found: whether the endpoint is good, or that it prefers to be spared. */
export type HealthFinding = boolean | 'degraded' | { status: HealthGrade; reason?: string };

/** What a check may find. */
export type HealthGrade = 'good' | 'degraded' | 'bad';

/** The program's own check. Throwing means bad, with the error's message as the reason. */
export type HealthCheckFunction = (
    endpoint: Endpoint,
    context: QuestionContext & { timeout: number },
) => HealthFinding | Promise<HealthFinding>;

/** One piece of work, as the addon writes it. */
interface Item {
    kind: 'check' | 'provider' | 'cancel' | 'end';
    token: number;
    of: number;
    verb: 'list' | 'watch' | 'unwatch' | 'register' | 'update' | 'deregister' | 'ping';
    provider: string;
    subject: unknown;
    endpoint: unknown;
    timeout_ms: number;
    is_good: boolean;
    text: string;
}

/** The verbs that wait. */
export type WaitingVerb = 'register' | 'update' | 'deregister' | 'healthCheck' | 'healthCheckAll';

/** The text of a whole set. */
export function setText(endpoints: EndpointSet): string {
    if (typeof endpoints?.[Symbol.iterator] !== 'function') {
        throw invalid(`endpoints: must be the whole set, got ${shown(endpoints)}`);
    }
    return `[${Array.from(endpoints, endpointText).join(',')}]`;
}

/** Names of what a provider can do, as the addon takes them. */
export function abilities(provider: Provider): string[] {
    const verbs = ['list', 'watch', 'register', 'update', 'deregister', 'ping'] as const;
    verbs.forEach((verb) => functionOf(provider[verb], `provider.${verb}`));
    const able: string[] = verbs.slice(0, 3).filter((verb) => provider[verb] !== undefined);
    if (provider.isAuthoritative === true) able.push('authoritative');
    return able;
}

/** Answers the library's questions to the program. */
export class Host {
    readonly #native: NativeManager;
    readonly #providers = new Map<string, Provider>();
    readonly #open = new Map<number, AbortController>();
    readonly #watches = new Map<string, AbortController>();
    /** Who waits for the end of a verb. */
    readonly #ends = new Map<number, (error: unknown, text: string) => void>();
    readonly #bell: Bell;
    #isOver = false;
    check: HealthCheckFunction | undefined;

    constructor(native: NativeManager, bell: Bell) {
        this.#native = native;
        this.#bell = bell;
    }

    add(name: string, provider: Provider): void {
        this.#providers.set(name, provider);
    }

    remove(name: string): void {
        this.#providers.delete(name);
        this.#watches.get(name)?.abort();
        this.#watches.delete(name);
    }

    /** True if the program itself is asked about this provider's endpoints. */
    has(name: string): boolean {
        return this.#providers.has(name);
    }

    /** Does a verb that waits. While it is under way and somebody waits, the process stays alive. */
    later(
        verb: WaitingVerb,
        provider: string | undefined,
        subject: string,
        signal: AbortSignal | undefined,
    ): Promise<string> {
        return new Promise((resolve, reject) => {
            signal?.throwIfAborted();
            if (this.#isOver) {
                throw closed();
            }
            this.#bell.hang();
            const token = checked(() => this.#native.begin(verb, provider, subject));
            this.#bell.hold(true);
            const end = (error: unknown, text = '') => {
                this.#ends.delete(token);
                unfollow?.();
                this.#bell.hold(false);
                if (error === undefined) {
                    resolve(text);
                } else {
                    reject(error);
                }
            };
            this.#ends.set(token, end);
            const unfollow = signal && onAbort(signal, () => end(signal.reason));
        });
    }

    /** Takes what waits, and answers each as its function does. */
    work(): void {
        for (const item of JSON.parse(this.#native.takeWork()) as Item[]) {
            if (item.kind === 'end') {
                const { is_good: isGood, text } = item;
                this.#ends.get(item.of)?.(isGood ? undefined : fromText(text), text);
            } else if (item.kind === 'cancel') {
                this.#open.get(item.of)?.abort();
            } else if (item.verb === 'unwatch') {
                this.#watches.get(item.provider)?.abort();
                this.#watches.delete(item.provider);
            } else {
                void this.#answer(item);
            }
        }
    }

    /** Stops what runs, since the manager is closed. */
    end(): void {
        this.#isOver = true;
        [...this.#open.values(), ...this.#watches.values()].forEach((one) => one.abort());
        this.#open.clear();
        this.#watches.clear();
        [...this.#ends.values()].forEach((end) => end(closed(), ''));
    }

    async #answer(item: Item): Promise<void> {
        const controller = new AbortController();
        this.#open.set(item.token, controller);
        const context = { signal: controller.signal };
        try {
            const text =
                item.kind === 'check'
                    ? await this.#run(item, context)
                    : await this.#ask(item, context, controller);
            this.#native.completeWork(item.token, true, text);
        } catch (thrown) {
            this.#native.completeWork(item.token, false, messageOf(thrown));
        } finally {
            this.#open.delete(item.token);
        }
    }

    async #run(item: Item, context: QuestionContext): Promise<string> {
        if (this.check === undefined) {
            throw new Error('the program has no health check');
        }
        const { signal } = context;
        const endpoint = new Endpoint(item.endpoint);
        return found(await this.check(endpoint, { signal, timeout: item.timeout_ms }));
    }

    async #ask(item: Item, context: QuestionContext, controller: AbortController): Promise<string> {
        const provider = this.#providers.get(item.provider);
        switch (item.verb) {
            case 'list': {
                return setText((await provider?.list?.(context)) as EndpointSet);
            }
            case 'watch':
                await this.#watch(item.provider, provider, controller);
                return 'null';
            case 'deregister':
                await provider?.deregister?.(item.subject as string, context);
                return 'null';
            case 'ping':
                await provider?.ping?.(context);
                return 'null';
            default:
                await provider?.[item.verb as 'register' | 'update']?.(
                    new Endpoint(item.subject),
                    context,
                );
                return 'null';
        }
    }

    /** Ends once the watch has begun, which may be as late as its own end. */
    async #watch(
        name: string,
        provider: Provider | undefined,
        controller: AbortController,
    ): Promise<void> {
        this.#watches.get(name)?.abort();
        this.#watches.set(name, controller);
        const { signal } = controller;
        const publish = (endpoints: EndpointSet) => {
            if (!signal.aborted) {
                checked(() => this.#native.publish(name, setText(endpoints)));
            }
        };
        const begun = await provider?.watch?.(publish, { signal });
        if (typeof begun === 'object' && begun !== null && Symbol.asyncIterator in begun) {
            for await (const endpoints of begun as AsyncIterable<EndpointSet>) {
                publish(endpoints);
                if (signal.aborted) {
                    return;
                }
            }
            throw new Error('watch: has ended');
        }
    }
}

function found(finding: HealthFinding): string {
    const told = { grade: 'bad', reason: 'the program says so' };
    if (typeof finding === 'object' && finding !== null) {
        told.grade = finding.status;
        told.reason = finding.reason ?? told.reason;
    } else if (finding === 'degraded') {
        told.grade = 'degraded';
    } else if (finding === true) {
        told.grade = 'good';
    } else if (finding !== false) {
        const wanted = 'true, false, "degraded" or { status, reason }';
        throw new Error(`health check: must return ${wanted}, got ${shown(finding)}`);
    }
    return JSON.stringify(told);
}

/** The message of whatever was thrown. */
function messageOf(thrown: unknown): string {
    const message = thrown instanceof Error ? thrown.message : thrown;
    return typeof message === 'string' ? message : shown(message);
}
