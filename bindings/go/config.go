package failover

import (
	"maps"
	"reflect"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// ManagerConfig is what a manager is made from. Zero fields have the library's defaults.
type ManagerConfig struct {
	// DefaultProvider serves calls that name none; empty: memory, the embedded one. If none of this name
	// is registered, the embedded one serves and a warning says so, unless FallbackEnabled is off.
	DefaultProvider string `json:"default_provider"`
	// RetryAttempts is the number of attempts after the first one for policies that don't say; 0: 3,
	// -1: none.
	RetryAttempts int `json:"retry_attempts"`
	// RetryDelay is the first ceiling of the random wait before a retry, for policies that don't say;
	// 0: 100 ms.
	RetryDelay time.Duration `json:"retry_delay"`
	// Timeout is the longest time of a whole call, for policies that don't say; 0: 30 s. A function
	// without a context (ExecuteWithFailover) is left behind when its time is over only if a Timeout is
	// set, here or in the policy.
	Timeout time.Duration `json:"timeout"`
	// FallbackEnabled says whether a call goes on to the next provider when the default one isn't there
	// or has nobody to offer.
	FallbackEnabled bool `json:"fallback_enabled"`
	// Metadata are labels, which the library only keeps.
	Metadata map[string]string `json:"metadata"`
}

// DefaultConfig returns the defaults, written out. A nil ManagerConfig means the same.
func DefaultConfig() *ManagerConfig {
	return &ManagerConfig{
		DefaultProvider: "memory", RetryAttempts: 3, RetryDelay: 100 * time.Millisecond,
		Timeout: 30 * time.Second, FallbackEnabled: true,
	}
}

// document is the manager's document that a configuration stands for.
func (c *ManagerConfig) document() map[string]any {
	document := map[string]any{}
	if c == nil {
		return document
	}
	document["fallback_enabled"] = c.FallbackEnabled
	if c.DefaultProvider != "" {
		document["default_provider"] = c.DefaultProvider
	}
	setCount(document, "retry_attempts", c.RetryAttempts)
	setSpan(document, "retry_delay", c.RetryDelay)
	setSpan(document, "timeout", c.Timeout)
	if len(c.Metadata) > 0 {
		document["metadata"] = c.Metadata
	}
	if c.RetryDelay > longestDelay {
		document["failover"] = map[string]any{"max_retry_delay": span(c.RetryDelay)}
	}
	return document
}

// The library's defaults of what bounds another option from above, which these structs don't have.
const (
	longestDelay    = 5 * time.Second
	longestRecovery = 5 * time.Minute
)

// setCount sets a number of retries: 0 is left to the default, -1 is none.
func setCount(document map[string]any, key string, count int) {
	if count == -1 {
		document[key] = 0
	} else if count != 0 {
		document[key] = count
	}
}

func setSpan(document map[string]any, key string, time time.Duration) {
	if time != 0 {
		document[key] = span(time)
	}
}

func setNumber(document map[string]any, key string, number int) {
	if number != 0 {
		document[key] = number
	}
}

// wishKeys are those of a policy's metadata that calls ask for, and that are no part of the policy.
var wishKeys = []string{"service", "key", "session", "client_ip", "zone", "region"}

// policyDocument is the policy's document that a configuration stands for.
func policyDocument(c *types.FailoverConfig) map[string]any {
	document := map[string]any{"health_check": c.HealthCheck}
	if c.Strategy != "" {
		document["strategy"] = c.Strategy
	}
	setCount(document, "max_retries", c.MaxRetries)
	setSpan(document, "retry_delay", c.RetryDelay)
	if c.RetryDelay > longestDelay {
		document["max_retry_delay"] = span(c.RetryDelay)
	}
	setSpan(document, "timeout", c.Timeout)
	setSpan(document, "attempt_timeout", c.AttemptTimeout)
	document["circuit_breaker"] = breakerDocument(c.CircuitBreaker)
	if c.LoadBalancer != nil {
		document["load_balancer"] = balancerDocument(c.LoadBalancer)
	}
	if len(c.Metadata) > 0 {
		document["metadata"] = c.Metadata
	}
	overlay(document, c.Options)
	return document
}

func breakerDocument(c *types.CircuitBreakerConfig) map[string]any {
	document := map[string]any{"enabled": c != nil}
	if c != nil {
		setNumber(document, "failure_threshold", c.FailureThreshold)
		setNumber(document, "half_open_max_calls", c.HalfOpenMaxCalls)
		setNumber(document, "success_threshold", c.SuccessThreshold)
		setSpan(document, "recovery_timeout", c.RecoveryTimeout)
		if c.RecoveryTimeout > longestRecovery {
			document["max_recovery_timeout"] = span(c.RecoveryTimeout)
		}
	}
	return document
}

func balancerDocument(c *types.LoadBalancerConfig) map[string]any {
	document := map[string]any{"sticky": c.Sticky}
	if c.Algorithm != "" {
		document["algorithm"] = c.Algorithm
	}
	if len(c.Weights) > 0 {
		document["weights"] = c.Weights
	}
	return document
}

// overlay lays options over a document, section by section.
func overlay(document, options map[string]any) {
	for key, value := range options {
		section, isSection := value.(map[string]any)
		below, hasSection := document[key].(map[string]any)
		if isSection && hasSection {
			overlay(below, section)
		} else {
			document[key] = value
		}
	}
}

// readPolicy reads the policy in force back.
func readPolicy(document []byte) (*types.FailoverConfig, error) {
	var read struct {
		Failover struct {
			Strategy       types.FailoverStrategy `json:"strategy"`
			HealthCheck    bool                   `json:"health_check"`
			MaxRetries     *int                   `json:"max_retries"`
			RetryDelay     span                   `json:"retry_delay"`
			Timeout        span                   `json:"timeout"`
			AttemptTimeout span                   `json:"attempt_timeout"`
			Metadata       map[string]any         `json:"metadata"`
			CircuitBreaker struct {
				Enabled          bool `json:"enabled"`
				FailureThreshold int  `json:"failure_threshold"`
				RecoveryTimeout  span `json:"recovery_timeout"`
				HalfOpenMaxCalls int  `json:"half_open_max_calls"`
				SuccessThreshold int  `json:"success_threshold"`
			} `json:"circuit_breaker"`
			LoadBalancer types.LoadBalancerConfig `json:"load_balancer"`
		} `json:"failover"`
	}
	if err := unmarshal(document, &read); err != nil {
		return nil, err
	}
	from := &read.Failover
	config := &types.FailoverConfig{
		Strategy: from.Strategy, HealthCheck: from.HealthCheck, RetryDelay: time.Duration(from.RetryDelay),
		Timeout: time.Duration(from.Timeout), AttemptTimeout: time.Duration(from.AttemptTimeout),
		Metadata: from.Metadata, LoadBalancer: &from.LoadBalancer,
	}
	if from.MaxRetries != nil {
		config.MaxRetries = *from.MaxRetries
		if config.MaxRetries == 0 {
			config.MaxRetries = -1
		}
	}
	if breaker := &from.CircuitBreaker; breaker.Enabled {
		config.CircuitBreaker = &types.CircuitBreakerConfig{
			FailureThreshold: breaker.FailureThreshold, RecoveryTimeout: time.Duration(breaker.RecoveryTimeout),
			HalfOpenMaxCalls: breaker.HalfOpenMaxCalls, SuccessThreshold: breaker.SuccessThreshold,
		}
	}
	return config, nil
}

// samePolicy tells whether two configurations stand for the same policy, without writing them out.
func samePolicy(a, b *types.FailoverConfig) bool {
	return a.Strategy == b.Strategy && a.HealthCheck == b.HealthCheck && a.MaxRetries == b.MaxRetries &&
		a.RetryDelay == b.RetryDelay && a.Timeout == b.Timeout && a.AttemptTimeout == b.AttemptTimeout &&
		sameBreaker(a.CircuitBreaker, b.CircuitBreaker) && sameBalancer(a.LoadBalancer, b.LoadBalancer) &&
		len(a.Options) == len(b.Options) &&
		(len(a.Options) == 0 || reflect.DeepEqual(a.Options, b.Options))
}

func sameBreaker(a, b *types.CircuitBreakerConfig) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func sameBalancer(a, b *types.LoadBalancerConfig) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Algorithm == b.Algorithm && a.Sticky == b.Sticky && maps.Equal(a.Weights, b.Weights)
}
