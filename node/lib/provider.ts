/**
 * The program's own providers and checks: what they look like, and how the library's questions are
 * answered on the loop.
 */
import type { Duration } from './duration.js';
import type { EndpointConfig } from './endpoint.js';
import { Endpoint, endpointText } from './endpoint.js';
import type { NativeManager } from './native.js';

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
     * Begins to publish the whole set whenever something changes, and returns. It ends when the signal is
     * aborted. Without it the set is listed again and again.
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
    kind: 'check' | 'provider' | 'cancel';
    token: number;
    of: number;
    verb: 'list' | 'watch' | 'unwatch' | 'register' | 'update' | 'deregister' | 'ping';
    provider: string;
    subject: unknown;
    endpoint: unknown;
    timeout_ms: number;
}

/** The text of a whole set. */
export function setText(endpoints: EndpointSet): string {
    return `[${Array.from(endpoints, endpointText).join(',')}]`;
}

/** Names of what a provider can do, as the addon takes them. */
export function abilities(provider: Provider): string[] {
    const able: string[] = [];
    if (provider.list !== undefined) able.push('list');
    if (provider.watch !== undefined) able.push('watch');
    if (provider.register !== undefined) able.push('register');
    if (provider.isAuthoritative === true) able.push('authoritative');
    return able;
}

/** Answers the library's questions to the program. */
export class Host {
    readonly #native: NativeManager;
    readonly #providers = new Map<string, Provider>();
    readonly #open = new Map<number, AbortController>();
    readonly #watches = new Map<string, AbortController>();
    check: HealthCheckFunction | undefined;

    constructor(native: NativeManager) {
        this.#native = native;
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

    /** Takes what waits, and answers each as its function does. */
    work(): void {
        for (const item of JSON.parse(this.#native.takeWork()) as Item[]) {
            if (item.kind === 'cancel') {
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
        [...this.#open.values(), ...this.#watches.values()].forEach((one) => one.abort());
        this.#open.clear();
        this.#watches.clear();
    }

    async #answer(item: Item): Promise<void> {
        const controller = new AbortController();
        this.#open.set(item.token, controller);
        const context = { signal: controller.signal };
        try {
            const text =
                item.kind === 'check'
                    ? await this.#run(item, context)
                    : await this.#ask(item, context);
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

    async #ask(item: Item, context: QuestionContext): Promise<string> {
        const provider = this.#providers.get(item.provider);
        switch (item.verb) {
            case 'list': {
                const set = await provider?.list?.(context);
                if (set === undefined || set === null) {
                    throw new Error('list: must return the whole set');
                }
                return setText(set);
            }
            case 'watch':
                await this.#watch(item.provider, provider);
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

    async #watch(name: string, provider: Provider | undefined): Promise<void> {
        this.#watches.get(name)?.abort();
        const controller = new AbortController();
        this.#watches.set(name, controller);
        const publish = (endpoints: EndpointSet) => {
            if (!controller.signal.aborted) {
                this.#native.publish(name, setText(endpoints));
            }
        };
        await provider?.watch?.(publish, { signal: controller.signal });
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
        throw new Error('health check: must return true, false, "degraded" or { status, reason }');
    }
    return JSON.stringify(told);
}

function messageOf(thrown: unknown): string {
    return thrown instanceof Error ? thrown.message : String(thrown);
}
