/**
 * What an endpoint is: identity and description, as immutable objects that are made once and kept.
 */
import { fromDocument, toDocument } from './config.js';
import type { Duration } from './duration.js';
import { invalid } from './errors.js';
import type { NativePool } from './native.js';

/** How one endpoint is checked; what is absent comes from the policy. */
export interface HealthCheck {
    type?: 'auto' | 'http' | 'https' | 'tcp' | 'custom';
    path?: string;
    method?: string;
    headers?: Record<string, string>;
    body?: string;
    port?: number;
    interval?: Duration;
    timeout?: Duration;
    expectedStatuses?: (number | string)[];
    expectedBody?: string;
    caFile?: string;
    clientCertFile?: string;
    clientKeyFile?: string;
    reuseConnection?: boolean;
}

/** What a program says of an endpoint when it registers it. */
export interface EndpointConfig {
    /** Unique in its provider. */
    id: string;
    /** Name of the service that it belongs to. */
    name?: string;
    /** Host name or IP address. */
    address: string;
    port?: number;
    /** `http` if absent. */
    protocol?: string;
    /** Share of the load, 0 for no new traffic; absent counts as 1. */
    weight?: number;
    /** Tier: 0, the default, is most preferred. */
    priority?: number;
    tags?: readonly string[];
    metadata?: Readonly<Record<string, string>>;
    healthCheck?: HealthCheck;
    createdAt?: Date;
    updatedAt?: Date;
}

/** What checks and traffic say of an endpoint. */
export type HealthStatus = 'unknown' | 'healthy' | 'unhealthy' | 'degraded';

/** One endpoint, as the library has it. The same endpoint is the same object until it changes. */
export class Endpoint {
    readonly id: string;
    readonly name: string;
    readonly address: string;
    readonly port: number;
    readonly protocol: string;
    readonly weight: number | undefined;
    readonly priority: number;
    readonly tags: readonly string[];
    readonly metadata: Readonly<Record<string, string>>;
    readonly healthCheck: Readonly<HealthCheck> | undefined;
    readonly createdAt: Date | undefined;
    readonly updatedAt: Date | undefined;

    /** @internal Reads an endpoint's document. */
    constructor(document: unknown) {
        const read = fromDocument('endpoint', document) as Record<string, unknown>;
        const date = (value: unknown) => (typeof value === 'string' ? new Date(value) : undefined);
        this.id = read['id'] as string;
        this.name = (read['name'] as string | undefined) ?? '';
        this.address = read['address'] as string;
        this.port = (read['port'] as number | undefined) ?? 0;
        this.protocol = (read['protocol'] as string | undefined) ?? 'http';
        this.weight = (read['weight'] as number | null | undefined) ?? undefined;
        this.priority = (read['priority'] as number | undefined) ?? 0;
        this.tags = Object.freeze([...((read['tags'] as string[] | undefined) ?? [])]);
        this.metadata = Object.freeze({
            ...(read['metadata'] as Record<string, string> | undefined),
        });
        const check = read['healthCheck'] as HealthCheck | null | undefined;
        this.healthCheck = check ? Object.freeze({ ...check }) : undefined;
        this.createdAt = date(read['createdAt']);
        this.updatedAt = date(read['updatedAt']);
        Object.freeze(this);
    }

    /** `address:port`, with brackets around an IPv6 address. */
    get authority(): string {
        const isBare = this.address.includes(':') && !this.address.startsWith('[');
        return `${isBare ? `[${this.address}]` : this.address}:${this.port}`;
    }

    /** A URL of this endpoint; `path` starts with a slash. */
    url(path = ''): string {
        return `${this.protocol}://${this.authority}${path}`;
    }
}

/** The text of an endpoint's document, from what a program wrote or was given. */
export function endpointText(given: EndpointConfig | Endpoint): string {
    if (given === null || typeof given !== 'object') {
        throw invalid('endpoint: must be an object with id, address and port');
    }
    return toDocument('endpoint', given);
}

/** An endpoint with its number. */
export interface Numbered {
    slot: number;
    generation: number;
    endpoint: Endpoint;
}

interface Known {
    generation: number;
    version: number;
    text: string;
    endpoint: Endpoint;
}

/** The endpoints that a manager handed out, by their slots: a fresh object costs ten picks. */
export class Interned {
    readonly #known: (Known | undefined)[] = [];

    /** The endpoint of a number, of the set of that version. */
    at(slot: number, generation: number, version: number, pool: NativePool): Endpoint {
        const known = this.#known[slot];
        if (known !== undefined && known.generation === generation && known.version === version) {
            return known.endpoint;
        }
        return this.#read(slot, generation, version, pool);
    }

    /** The endpoint of a number, of any set. */
    of(slot: number, generation: number, pool: NativePool): Endpoint {
        const known = this.#known[slot];
        return known?.generation === generation
            ? known.endpoint
            : this.#read(slot, generation, 0, pool);
    }

    #read(slot: number, generation: number, version: number, pool: NativePool): Endpoint {
        const text = pool.describe(slot, generation);
        const known = this.#known[slot];
        if (known !== undefined && known.generation === generation) {
            known.version = version;
            if (text === null || known.text === text) {
                return known.endpoint;
            }
        }
        if (text === null) {
            throw new Error(`endpoint ${slot}.${generation}: is not known any more`);
        }
        const endpoint = new Endpoint(JSON.parse(text));
        this.#known[slot] = { generation, version, text, endpoint };
        return endpoint;
    }
}
