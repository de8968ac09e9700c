package types

import "time"

// FailoverStats are the figures of one provider.
type FailoverStats struct {
	// Provider is its name.
	Provider string `json:"provider"`
	// TotalRequests are calls and leases that ended; picks that nobody reports aren't requests.
	TotalRequests int64 `json:"total_requests"`
	// SuccessfulRequests ended well.
	SuccessfulRequests int64 `json:"successful_requests"`
	// FailedRequests didn't.
	FailedRequests int64 `json:"failed_requests"`
	// HealthChecks is how many were made.
	HealthChecks int64 `json:"health_checks"`
	// Failovers are attempts that went to another endpoint than the one before.
	Failovers int64 `json:"failovers"`
	// Recoveries are endpoints that took traffic again.
	Recoveries int64 `json:"recoveries"`
	// AverageResponseTime is that of attempts.
	AverageResponseTime time.Duration `json:"average_response_time"`
	// LastFailover is when; the zero time: never.
	LastFailover time.Time `json:"last_failover"`
	// LastRecovery is when; the zero time: never.
	LastRecovery time.Time `json:"last_recovery"`
	// Uptime is that of the manager.
	Uptime time.Duration `json:"uptime"`
	// LastUpdate is when these figures were read.
	LastUpdate time.Time `json:"last_update"`
	// Retries are attempts that the retry budget paid for.
	Retries int64 `json:"retries"`
	// Timeouts are attempts and calls that ran into their deadline.
	Timeouts int64 `json:"timeouts"`
	// Endpoints are the figures of each endpoint by its ID.
	Endpoints map[string]EndpointStats `json:"endpoints"`
	// Pools are the figures of each pool by its service.
	Pools map[string]PoolStats `json:"pools"`
}

// EndpointStats are the figures and the states of one endpoint.
type EndpointStats struct {
	// Health sums up the rest.
	Health HealthStatus `json:"health"`
	// ActiveHealth is what checks say.
	ActiveHealth HealthStatus `json:"active_health"`
	// Circuit is closed, open, half_open or forced_open.
	Circuit string `json:"circuit"`
	// Admin is the program's word: active, draining, maintenance.
	Admin string `json:"admin"`
	// InFlight is how many attempts are on their way.
	InFlight int64 `json:"in_flight"`
	// Picks is how often it was picked.
	Picks int64 `json:"picks"`
	// Outcomes counts what came of its attempts, by name.
	Outcomes map[string]int64 `json:"outcomes"`
	// AverageLatency is that of its attempts.
	AverageLatency time.Duration `json:"average_latency_ns"`
	// IsResting says that it asked to be left alone.
	IsResting bool `json:"is_resting"`
	// IsLost says that its provider doesn't list it any more.
	IsLost bool `json:"is_lost"`
	// IsEjected says that it is out by comparison with the others.
	IsEjected bool `json:"is_ejected"`
	// ChangedBy is what changed its states last: the name of a cause, none if nothing did.
	ChangedBy string `json:"changed_by"`
	// ChangedAgo is how long ago that was; nil: never.
	ChangedAgo *time.Duration `json:"changed_ago_ns"`
	// LastCheck is what its last check found; nil: there was none.
	LastCheck *CheckResult `json:"last_check"`
	// EWMA is the moving average of latencies that p2c_ewma compares; 0 where nobody asked for it.
	EWMA time.Duration `json:"ewma_ns"`
	// P50, P90 and P99 are percentiles of its latencies, with the option stats.endpoint_latency.
	P50 time.Duration `json:"p50_ns,omitempty"`
	P90 time.Duration `json:"p90_ns,omitempty"`
	P99 time.Duration `json:"p99_ns,omitempty"`
	// Scopes are the figures of each operation that requests named, see failover.WithScope.
	Scopes map[string]ScopeStats `json:"scopes,omitempty"`
}

// CheckResult is what a check found.
type CheckResult struct {
	// Status is what it said of the endpoint.
	Status HealthStatus `json:"status"`
	// Latency is how long it took.
	Latency time.Duration `json:"latency_ns"`
	// Reason says why, in words.
	Reason string `json:"reason"`
	// Ago is how long ago it ended.
	Ago time.Duration `json:"ago_ns"`
	// Runs is how many there were so far.
	Runs int64 `json:"runs"`
}

// ScopeStats are the figures of one operation on one endpoint.
type ScopeStats struct {
	// Circuit is that of its own breaker: closed, open or half_open.
	Circuit string `json:"circuit"`
	// InFlight is how many attempts are on their way.
	InFlight int64 `json:"in_flight"`
	// Picks is how often it was picked.
	Picks int64 `json:"picks"`
	// Outcomes counts what came of its attempts, by name.
	Outcomes map[string]int64 `json:"outcomes"`
	// AverageLatency is that of its attempts.
	AverageLatency time.Duration `json:"average_latency_ns"`
	// IsResting says that it asked to be left alone.
	IsResting bool `json:"is_resting"`
	// ChangedBy and ChangedAgo tell what changed its state last, and how long ago; nil: nothing did.
	ChangedBy  string         `json:"changed_by"`
	ChangedAgo *time.Duration `json:"changed_ago_ns"`
}

// PoolStats are the figures of one pool.
type PoolStats struct {
	// TotalRequests, SuccessfulRequests and FailedRequests count its calls and leases.
	TotalRequests      int64 `json:"total_requests"`
	SuccessfulRequests int64 `json:"successful_requests"`
	FailedRequests     int64 `json:"failed_requests"`
	// Attempts, Retries, Failovers, Recoveries, Fallbacks, Timeouts and Panics count what happened in them.
	Attempts   int64 `json:"attempts"`
	Retries    int64 `json:"retries"`
	Failovers  int64 `json:"failovers"`
	Recoveries int64 `json:"recoveries"`
	Fallbacks  int64 `json:"fallbacks"`
	Timeouts   int64 `json:"timeouts"`
	Panics     int64 `json:"panics"`
	// BudgetRefusals are retries that an empty budget forbade.
	BudgetRefusals int64 `json:"budget_refusals"`
	// BudgetThousandths is what the retry budget holds, in thousandths of a retry.
	BudgetThousandths int64 `json:"budget_thousandths"`
	// ScopesBeyond counts requests whose scope found no place on its endpoint, which keeps 64.
	ScopesBeyond int64 `json:"scopes_beyond"`
	// StaleReports counts reports that named no open lease.
	StaleReports int64 `json:"stale_reports"`
	// P50, P90 and P99 are percentiles of the latency of successes.
	P50 time.Duration `json:"p50_ns"`
	P90 time.Duration `json:"p90_ns"`
	P99 time.Duration `json:"p99_ns"`
}
