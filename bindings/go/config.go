package failover

import "time"

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
