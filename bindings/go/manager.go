package failover

import (
	"context"
	"encoding/json"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// FailoverManager is one engine: endpoints, policies, statistics, events. Make one and share it; Close it
// when the program ends.
type FailoverManager struct {
	*core
	// fault is why the configuration was refused, which NewFailoverManager has no way to return.
	fault error
	// lock guards pools.
	lock sync.Mutex
	// pools are those that were got so far, by their native ones.
	pools map[nativePool]*Pool
}

// core is what the goroutines behind a manager hold, so that a manager that is forgotten can end.
type core struct {
	native   nativeManager
	logger   Logger
	manual   *ManualClock
	defaults []Option
	check    HealthCheckFunc
	isClosed atomic.Bool
	// isBounded says that the manager was made with a time for calls or attempts.
	isBounded bool
	// configuring is held while a policy is put in force, which inForce then is: nil, if none was.
	configuring sync.Mutex
	inForce     atomic.Pointer[types.FailoverConfig]
	// lock guards what follows.
	lock      sync.Mutex
	custom    map[string]Provider
	worker    *worker
	endings   map[*readiness]struct{}
	listeners sync.WaitGroup
}

// New makes a manager. All faults of its configuration come at once.
func New(options ...ManagerOption) (*FailoverManager, error) {
	set := settings{document: map[string]any{}}
	for _, option := range options {
		option(&set)
	}
	document := set.config.document()
	if set.policy != nil {
		overlay(document, map[string]any{"failover": policyDocument(set.policy)})
	}
	if set.manual != nil {
		document["clock"] = "manual"
	}
	overlay(document, set.document)
	written, err := marshal(document)
	if err != nil {
		return nil, err
	}
	native, err := newManager(written)
	if err != nil {
		return nil, err
	}
	made := &core{
		native: native, logger: orSilence(set.logger), manual: set.manual, defaults: set.defaults,
		check: set.check, custom: map[string]Provider{}, endings: map[*readiness]struct{}{},
	}
	below, _ := document["failover"].(map[string]any)
	made.isBounded = hasTimeout(document) || hasTimeout(below)
	made.inForce.Store(set.policy.Clone())
	manager := &FailoverManager{core: made, pools: map[nativePool]*Pool{}}
	runtime.AddCleanup(made, nativeManager.free, native)
	runtime.AddCleanup(manager, func(forgotten *core) { _ = forgotten.close(0) }, made)
	if err := made.start(); err != nil {
		_ = made.close(0) // the error that matters is the other one
		return nil, err
	}
	return manager, nil
}

// start begins what runs beside the manager.
func (c *core) start() error {
	if c.manual != nil {
		if err := c.manual.bind(c); err != nil {
			return err
		}
	}
	if c.check != nil {
		if err := c.startWorker(); err != nil {
			return err
		}
	}
	if c.logger == (silence{}) {
		return nil
	}
	return c.startLog()
}

// NewFailoverManager makes a manager from the configuration, nil for the defaults, and a logger, nil for
// silence. A configuration that can't be used is logged, and every verb returns its faults; New returns
// them at once.
func NewFailoverManager(config *ManagerConfig, logger Logger, options ...ManagerOption) *FailoverManager {
	all := append([]ManagerOption{WithConfig(config), WithLogger(logger)}, options...)
	manager, err := New(all...)
	if err != nil {
		orSilence(logger).Errorf("failover: %v", err)
		return &FailoverManager{fault: err, core: &core{logger: silence{}}}
	}
	return manager
}

// ready tells whether a verb may go on.
func (m *FailoverManager) ready(ctx context.Context) error {
	if m.fault != nil {
		return m.fault
	}
	if ctx != nil && ctx.Err() != nil {
		return ended(ctx)
	}
	return nil
}

// Pool gives the pool of a service; "" is the only one there is, "*" all endpoints. Options name the
// provider. Keep what you get.
func (m *FailoverManager) Pool(service string, options ...Option) (*Pool, error) {
	if m.fault != nil {
		return nil, m.fault
	}
	var provider string
	if asked := requestOf(context.Background(), m.defaults, options); asked != nil {
		provider = asked.provider
		if service == "" {
			service = asked.service
		}
	}
	return m.get(provider, service)
}

func (m *FailoverManager) get(provider, service string) (*Pool, error) {
	native, err := m.native.pool(provider, service)
	runtime.KeepAlive(m)
	if err != nil {
		return nil, err
	}
	return m.adopt(native, provider), nil
}

// adopt makes the one Pool of a native one, and gives back the count if there is one already.
func (m *FailoverManager) adopt(native nativePool, provider string) *Pool {
	m.lock.Lock()
	defer m.lock.Unlock()
	if known := m.pools[native]; known != nil {
		native.free()
		return known
	}
	made := newPool(m, native, provider)
	m.pools[native] = made
	return made
}

// Configure puts a policy in force, whole or not at all: what it doesn't say is as usual again. Counts and
// breakers stay.
func (m *FailoverManager) Configure(ctx context.Context, config *types.FailoverConfig) error {
	if err := m.ready(ctx); err != nil {
		return err
	}
	if config == nil {
		return invalidArgument("config: must not be nil")
	}
	document, err := marshal(policyDocument(config))
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(m)
	m.configuring.Lock()
	defer m.configuring.Unlock()
	err = m.native.configure(document)
	if err == nil {
		m.inForce.Store(config.Clone())
	}
	return err
}

// GetConfig returns a copy of the policy in force: what differs from the usual and has no field is among
// its Options. To change something, change the copy and give it to Configure.
func (m *FailoverManager) GetConfig(ctx context.Context) (*types.FailoverConfig, error) {
	if err := m.ready(ctx); err != nil {
		return nil, err
	}
	document, err := m.native.config()
	runtime.KeepAlive(m)
	if err != nil {
		return nil, err
	}
	return readPolicy(document)
}

// Document returns the whole configuration in force, every option by its name.
func (m *FailoverManager) Document() (map[string]any, error) {
	if m.fault != nil {
		return nil, m.fault
	}
	document, err := m.native.config()
	runtime.KeepAlive(m)
	if err != nil {
		return nil, err
	}
	var read map[string]any
	return read, json.Unmarshal(document, &read)
}

// WaitReady waits until every provider has delivered its first set.
func (m *FailoverManager) WaitReady(ctx context.Context) error {
	if err := m.ready(ctx); err != nil {
		return err
	}
	return m.patiently(ctx, m.native.waitReady)
}
