/**
 * One failover engine: endpoints, health, balancing, breakers, retries.
 *
 * ```js
 * import { FailoverManager } from 'libfailover';
 *
 * const manager = new FailoverManager();
 * await manager.registerEndpoint({ id: 'a', name: 'users', address: '127.0.0.1', port: 8081 });
 * const pool = manager.pool({ service: 'users' });
 * const { result } = await pool.execute((endpoint) => fetch(endpoint.url('/users/42')));
 * ```
 */
export { Attempt, type AttemptRecord, type Callback, type Strategy } from './attempt.js';
export { type Action, Call } from './call.js';
export { type Classifier, type Outcome, tagged } from './classify.js';
export { ManualClock } from './clock.js';
export type {
    CircuitBreakerConfig,
    FailoverConfig,
    FailoverStrategy,
    HealthConfig,
    LoadBalancerAlgorithm,
    LoadBalancerConfig,
    ManagerConfig,
    ProviderConfig,
    RetryBudgetConfig,
} from './config.js';
export type { Duration } from './duration.js';
export { Endpoint, type EndpointConfig, type HealthCheck, type HealthStatus } from './endpoint.js';
export { type ErrorType, FailoverError, type FailoverErrorFacts } from './errors.js';
export { type EventType, type FailoverEvent, type LogRecord, RecordStream } from './events.js';
export {
    type ExecuteOptions,
    FailoverResult,
    type RequestOptions,
    type ResultMetadata,
} from './execute.js';
export {
    FailoverManager,
    type ManagerOptions,
    type PoolOptions,
    type ProviderOptions,
} from './manager.js';
export { type Explained, Lease, Pool } from './pool.js';
export type {
    EndpointSet,
    HealthCheckFunction,
    HealthFinding,
    HealthGrade,
    Provider,
    QuestionContext,
} from './provider.js';
export type { EndpointStats, PoolStats, ProviderInfo, ProviderStats, ScopeStats } from './stats.js';
export { version } from './version.js';
export type { WaitOptions } from './wait.js';
