package failover

import "github.com/libfailover/libfailover/bindings/go/types"

// settings is what the options of a manager come to.
type settings struct {
	document map[string]any
	config   *ManagerConfig
	logger   Logger
	manual   *ManualClock
	defaults []Option
	check    HealthCheckFunc
	policy   *types.FailoverConfig
}

// ManagerOption says how a manager is made.
type ManagerOption func(*settings)

// WithConfig takes the seed's configuration.
func WithConfig(config *ManagerConfig) ManagerOption {
	return func(s *settings) { s.config = config }
}

// WithPolicy is the policy of pools that have no other; without it the library's defaults hold.
func WithPolicy(policy *types.FailoverConfig) ManagerOption {
	return func(s *settings) { s.policy = policy }
}

// WithLogger takes the library's log records of its level and above.
func WithLogger(logger Logger) ManagerOption {
	return func(s *settings) { s.logger = logger }
}

// WithManualClock makes time stand still until the clock is moved.
func WithManualClock(clock *ManualClock) ManagerOption {
	return func(s *settings) { s.manual = clock }
}

// WithSeed makes random choices the same each time. For tests: clients shouldn't act in step.
func WithSeed(seed int64) ManagerOption {
	return func(s *settings) { s.document["seed"] = seed }
}

// WithOptions lays options of the library's document over the rest, by the names of its reference.
func WithOptions(document map[string]any) ManagerOption {
	return func(s *settings) { overlay(s.document, document) }
}

// WithDefaults are the options of every call and pick, unless they say otherwise themselves.
func WithDefaults(options ...Option) ManagerOption {
	return func(s *settings) { s.defaults = append(s.defaults, options...) }
}

// WithHealthCheck is the function behind checks of the type custom.
func WithHealthCheck(check HealthCheckFunc) ManagerOption {
	return func(s *settings) { s.check = check }
}
