package types

import "time"

// FailoverConfig is a policy: how one pool treats its endpoints and its calls.
type FailoverConfig struct {
	// Strategy ranks the endpoints; empty: round robin.
	Strategy FailoverStrategy `json:"strategy"`
	// HealthCheck says whether endpoints that describe a check are checked in the background.
	HealthCheck bool `json:"health_check"`
	// MaxRetries is the number of attempts after the first, up to 100; 0: the manager's RetryAttempts,
	// -1: none.
	MaxRetries int `json:"max_retries"`
	// RetryDelay is the first ceiling of the random wait before a retry, doubled for each further one;
	// 0: the manager's.
	RetryDelay time.Duration `json:"retry_delay"`
	// CircuitBreaker, if not nil, bars endpoints that keep failing.
	CircuitBreaker *CircuitBreakerConfig `json:"circuit_breaker"`
	// LoadBalancer spreads the load among endpoints of the same rank; nil: as the strategy implies.
	LoadBalancer *LoadBalancerConfig `json:"load_balancer"`
	// Timeout is the longest time of a whole call; 0: the manager's.
	Timeout time.Duration `json:"timeout"`
	// Metadata is the program's. The keys service, key, session, client_ip, zone and region, if they hold
	// text, are what the manager's own picks and calls ask for under this policy, unless the context or an
	// option says otherwise.
	Metadata map[string]interface{} `json:"metadata"`
	// AttemptTimeout is the longest time of one attempt; 0: what is left of the call, divided by the
	// attempts left.
	AttemptTimeout time.Duration `json:"attempt_timeout,omitempty"`
	// Options holds every other option of the library by its name, as in its reference, laid over the
	// rest: {"backoff": "fixed", "retry_budget": {"capacity": 10}}.
	Options map[string]interface{} `json:"options,omitempty"`
}

// Clone returns a copy. The values in Metadata and Options are shared.
func (c *FailoverConfig) Clone() *FailoverConfig {
	if c == nil {
		return nil
	}
	copied := *c
	if c.CircuitBreaker != nil {
		breaker := *c.CircuitBreaker
		copied.CircuitBreaker = &breaker
	}
	if c.LoadBalancer != nil {
		balancer := *c.LoadBalancer
		balancer.Weights = cloneMap(balancer.Weights)
		copied.LoadBalancer = &balancer
	}
	copied.Metadata = cloneMap(c.Metadata)
	copied.Options = cloneMap(c.Options)
	return &copied
}

// CircuitBreakerConfig says when an endpoint is barred, and for how long. Zero fields have the default.
type CircuitBreakerConfig struct {
	// FailureThreshold is how many bad outcomes in a row open the breaker; 0: 5.
	FailureThreshold int `json:"failure_threshold"`
	// RecoveryTimeout is how long it stays open before probes; 0: 30 s. Doubled on each re-opening.
	RecoveryTimeout time.Duration `json:"recovery_timeout"`
	// HalfOpenMaxCalls is how many probes may run at once, up to 16; 0: 3.
	HalfOpenMaxCalls int `json:"half_open_max_calls"`
	// SuccessThreshold is how many good probes close it; 0: 2.
	SuccessThreshold int `json:"success_threshold"`
}

// LoadBalancerConfig says how the load is spread among endpoints of the same rank.
type LoadBalancerConfig struct {
	// Algorithm spreads; set, it wins over the Strategy.
	Algorithm LoadBalancerAlgorithm `json:"algorithm"`
	// Weights by endpoint ID, over the endpoints' own; 0 gives an endpoint no new traffic.
	Weights map[string]int `json:"weights"`
	// Sticky keeps a session on one endpoint while that is usable.
	Sticky bool `json:"sticky"`
}

// FailoverStrategy ranks the endpoints of a pool.
type FailoverStrategy string

// The strategies. All but HealthBased, Geographic and Custom rank nothing and name the algorithm.
const (
	// StrategyRoundRobin takes turns.
	StrategyRoundRobin FailoverStrategy = "round_robin"
	// StrategyRandom draws.
	StrategyRandom FailoverStrategy = "random"
	// StrategyWeighted takes turns by weight, in nginx's smooth sequence.
	StrategyWeighted FailoverStrategy = "weighted"
	// StrategyLeastConnections takes the one with the fewest attempts in flight for its weight.
	StrategyLeastConnections FailoverStrategy = "least_connections"
	// StrategyHealthBased takes healthy before degraded, and the faster of two.
	StrategyHealthBased FailoverStrategy = "health_based"
	// StrategyGeographic takes near before far.
	StrategyGeographic FailoverStrategy = "geographic"
	// StrategyIPHash keeps a key or a client's address on one endpoint.
	StrategyIPHash FailoverStrategy = "ip_hash"
	// StrategyCustom asks the program: failover.WithChooser.
	StrategyCustom FailoverStrategy = "custom"

	// StrategyLeastConn is another name of StrategyLeastConnections.
	StrategyLeastConn = StrategyLeastConnections
)

// LoadBalancerAlgorithm spreads the load among endpoints of the same rank.
type LoadBalancerAlgorithm string

// The algorithms.
const (
	// LoadBalancerRoundRobin takes turns.
	LoadBalancerRoundRobin LoadBalancerAlgorithm = "round_robin"
	// LoadBalancerRandom draws.
	LoadBalancerRandom LoadBalancerAlgorithm = "random"
	// LoadBalancerWeighted takes turns by weight.
	LoadBalancerWeighted LoadBalancerAlgorithm = "weighted"
	// LoadBalancerLeastConnections takes the least busy for its weight.
	LoadBalancerLeastConnections LoadBalancerAlgorithm = "least_connections"
	// LoadBalancerIPHash keeps a key or a client's address on one endpoint.
	LoadBalancerIPHash LoadBalancerAlgorithm = "ip_hash"
	// LoadBalancerP2CEWMA takes the faster of two, by a moving average of latencies.
	LoadBalancerP2CEWMA LoadBalancerAlgorithm = "p2c_ewma"
)
