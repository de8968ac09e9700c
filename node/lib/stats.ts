/**
 * Statistics and the state of providers, as JavaScript has them: keys in camel case, times in the unit
 * that their name says.
 */
import { camelCase } from './config.js';
import type { HealthStatus } from './endpoint.js';

/** Figures of one pool. */
export interface PoolStats {
    totalRequests: number;
    successfulRequests: number;
    failedRequests: number;
    attempts: number;
    retries: number;
    failovers: number;
    timeouts: number;
    recoveries: number;
    budgetRefusals: number;
    panics: number;
    fallbacks: number;
    staleReports: number;
    scopesBeyond: number;
    budgetThousandths: number;
    p50Ns: number;
    p90Ns: number;
    p99Ns: number;
}

/** Figures and state of one endpoint in one scope. */
export interface ScopeStats {
    circuit: string;
    isResting: boolean;
    changedBy: string;
    changedAgoNs: number | null;
    picks: number;
    inFlight: number;
    outcomes: Record<string, number>;
    averageLatencyNs: number;
}

/** Figures and state of one endpoint. */
export interface EndpointStats {
    id: string;
    health: HealthStatus;
    admin: string;
    activeHealth: string;
    circuit: string;
    isLost: boolean;
    isEjected: boolean;
    isResting: boolean;
    changedBy: string;
    changedAgoNs: number | null;
    picks: number;
    inFlight: number;
    outcomes: Record<string, number>;
    averageLatencyNs: number;
    ewmaNs: number;
    lastCheck: {
        status: string;
        latencyNs: number;
        reason: string;
        agoNs: number;
        runs: number;
    } | null;
    /** By the names of the scopes that requests named; absent where none did. */
    scopes?: Record<string, ScopeStats>;
    p50Ns?: number;
    p90Ns?: number;
    p99Ns?: number;
}

/** Figures of one provider, with its pools and endpoints. */
export interface ProviderStats {
    totalRequests: number;
    successfulRequests: number;
    failedRequests: number;
    healthChecks: number;
    failovers: number;
    recoveries: number;
    retries: number;
    timeouts: number;
    averageResponseTimeNs: number;
    lastFailoverNs: number;
    lastRecoveryNs: number;
    uptimeNs: number;
    pools: Record<string, PoolStats>;
    endpoints: Record<string, EndpointStats>;
}

/** How one provider is doing. */
export interface ProviderInfo {
    name: string;
    type: string;
    status: 'waiting' | 'live' | 'stale' | 'expired';
    isReady: boolean;
    capabilities: {
        canList: boolean;
        canWatch: boolean;
        canRegister: boolean;
        isAuthoritative: boolean;
    };
    endpoints: number;
    reads: number;
    errors: number;
    readAgoMs: number | null;
    staleForMs: number | null;
    emptyForMs: number | null;
    lastError: string | null;
}

type Document = Record<string, unknown>;

/** A document whose keys are names of figures, but for those of outcomes and scopes. */
export function flatStats(document: Document): Document {
    const members = Object.entries(document).map(([key, value]) => {
        if (typeof value !== 'object' || value === null || key === 'outcomes') {
            return [camelCase(key), value];
        }
        return [camelCase(key), key === 'scopes' ? byName(value) : flatStats(value as Document)];
    });
    return Object.fromEntries(members);
}

/** The statistics of all providers; names of providers, services and endpoints stay as they are. */
export function managerStats(text: string): Record<string, ProviderStats> {
    const providers = Object.entries(JSON.parse(text) as Record<string, Document>);
    const found = providers.map(([name, { pools, endpoints, ...figures }]) => [
        name,
        { ...flatStats(figures), pools: byName(pools), endpoints: byName(endpoints) },
    ]);
    return Object.fromEntries(found) as Record<string, ProviderStats>;
}

function byName(documents: unknown): Document {
    const named = Object.entries(documents as Record<string, Document>);
    return Object.fromEntries(named.map(([name, one]) => [name, flatStats(one)]));
}
