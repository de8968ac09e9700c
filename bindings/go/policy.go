package failover

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// A policy as the library reads and writes it.

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
		overlay(document, map[string]any{"metadata": c.Metadata})
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

// readPolicy reads the policy in force back. What has no field is among the Options, where it isn't as usual.
func readPolicy(document []byte) (*types.FailoverConfig, error) {
	var fields struct {
		Failover policyFields `json:"failover"`
	}
	var whole, usual struct {
		Failover map[string]any `json:"failover"`
	}
	if err := errors.Join(unmarshal(document, &fields), unmarshal(document, &whole)); err != nil {
		return nil, err
	}
	config := fields.Failover.policy()
	defaults, err := defaultDocument()
	if err != nil {
		return nil, err
	}
	if err := unmarshal(defaults, &usual); err != nil {
		return nil, err
	}
	config.Options = unusual(whole.Failover, usual.Failover)
	// The struct's own values raise these by themselves.
	if config.RetryDelay > longestDelay {
		delete(config.Options, "max_retry_delay")
	}
	if breaker, ok := config.Options["circuit_breaker"].(map[string]any); ok && config.CircuitBreaker != nil {
		if config.CircuitBreaker.RecoveryTimeout > longestRecovery {
			delete(breaker, "max_recovery_timeout")
		}
	}
	return config, nil
}

// defaultDocument is the configuration of a manager of which nothing was asked.
var defaultDocument = sync.OnceValues(func() ([]byte, error) {
	native, err := newManager("")
	if err != nil {
		return nil, err
	}
	defer native.free()
	return native.config()
})

// policyFields is a policy's document, as far as there are fields for it.
type policyFields struct {
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
}

func (f *policyFields) policy() *types.FailoverConfig {
	config := &types.FailoverConfig{
		Strategy: f.Strategy, HealthCheck: f.HealthCheck, RetryDelay: time.Duration(f.RetryDelay),
		Timeout: time.Duration(f.Timeout), AttemptTimeout: time.Duration(f.AttemptTimeout),
		Metadata: f.Metadata, LoadBalancer: &f.LoadBalancer,
	}
	if f.MaxRetries != nil {
		config.MaxRetries = *f.MaxRetries
		if config.MaxRetries == 0 {
			config.MaxRetries = -1
		}
	}
	if breaker := &f.CircuitBreaker; breaker.Enabled {
		config.CircuitBreaker = &types.CircuitBreakerConfig{
			FailureThreshold: breaker.FailureThreshold, RecoveryTimeout: time.Duration(breaker.RecoveryTimeout),
			HalfOpenMaxCalls: breaker.HalfOpenMaxCalls, SuccessThreshold: breaker.SuccessThreshold,
		}
	}
	return config
}

// fieldKeys are the options that have a field, by their section.
var fieldKeys = map[string][]string{
	"":                {"strategy", "health_check", "max_retries", "retry_delay", "timeout", "attempt_timeout", "metadata"},
	"circuit_breaker": {"enabled", "failure_threshold", "recovery_timeout", "half_open_max_calls", "success_threshold"},
	"load_balancer":   {"algorithm", "weights", "sticky"},
}

// unusual are the options without a field that differ from the usual ones.
func unusual(policy, usual map[string]any) map[string]any {
	differ := differences(policy, usual, "")
	if len(differ) == 0 {
		return nil
	}
	return differ
}

func differences(policy, usual map[string]any, section string) map[string]any {
	differ := map[string]any{}
	for key, value := range policy {
		switch below, isSection := value.(map[string]any); {
		case slices.Contains(fieldKeys[section], key):
		case isSection:
			known, _ := usual[key].(map[string]any)
			if inner := differences(below, known, key); len(inner) > 0 {
				differ[key] = inner
			}
		case !reflect.DeepEqual(value, usual[key]):
			differ[key] = value
		}
	}
	return differ
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
