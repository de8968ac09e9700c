package failover

import (
	"context"
	"encoding/json"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// Pool is one service under one policy: the object of the hot path. Keep it; it need not be closed.
type Pool struct {
	manager *FailoverManager
	core    *core
	native  nativePool
	// provider is whose endpoints they are; empty: the default one.
	provider string
	// seen is the set of endpoints as it was last looked at.
	seen atomic.Pointer[view]
	// lock guards what follows; taken when the set has changed and when a policy is derived.
	lock    sync.Mutex
	foreign map[visit]*types.ServiceEndpoint
	// last is the policy that was derived last, since a program asks for the same one again and again.
	last atomic.Pointer[derivation]
}

// view is a snapshot of a pool's endpoints, by their places and by their numbers.
type view struct {
	version  uint64
	members  []member
	byNumber map[uint64]*types.ServiceEndpoint
}

// visit names an endpoint of another pool that served a call of this one.
type visit struct{ number, version uint64 }

type derivation struct {
	policy *types.FailoverConfig
	pool   *Pool
}

func newPool(manager *FailoverManager, native nativePool, provider string) *Pool {
	pool := &Pool{manager: manager, core: manager.core, native: native, provider: provider}
	runtime.AddCleanup(pool, nativePool.free, native)
	return pool
}

// Derive gives the same service under another policy, laid over this pool's. Endpoints and what is known
// of them are shared; turns and budget are its own. The same policy is the same pool.
func (p *Pool) Derive(policy *types.FailoverConfig) (*Pool, error) {
	if policy == nil {
		return p, nil
	}
	if last := p.last.Load(); last != nil && samePolicy(last.policy, policy) {
		return last.pool, nil
	}
	document := policyDocument(policy)
	delete(document, "metadata")
	written, err := marshal(document)
	if err != nil {
		return nil, err
	}
	derived, err := p.deriveDocument(written)
	if err == nil {
		p.last.Store(&derivation{policy.Clone(), derived})
	}
	return derived, err
}

func (p *Pool) deriveDocument(document string) (*Pool, error) {
	native, err := p.native.derive(document)
	runtime.KeepAlive(p)
	if err != nil {
		return nil, err
	}
	return p.manager.adopt(native, p.provider), nil
}

// Select picks an endpoint without telling what came of it: it holds no place, and breakers don't learn.
// Where that matters, use Pick or Do. The endpoint is shared and must not be changed.
func (p *Pool) Select(ctx context.Context, options ...Option) (*types.ServiceEndpoint, error) {
	if asked := requestOf(ctx, p.core.defaults, options); asked != nil {
		lease, err := p.pick(asked, requestUntracked)
		if err != nil {
			return nil, err
		}
		return lease.endpoint, nil
	}
	number, version, position, code := p.native.pick()
	if code != 0 {
		err := p.native.refusal(code)
		runtime.KeepAlive(p)
		return nil, err
	}
	endpoint := p.endpoint(number, version, position)
	runtime.KeepAlive(p)
	return endpoint, nil
}

// endpoint finds the description behind a number.
func (p *Pool) endpoint(number, version uint64, position uint32) *types.ServiceEndpoint {
	seen := p.seen.Load()
	if seen != nil && seen.version == version && int(position) < len(seen.members) &&
		seen.members[position].number == number {
		return seen.members[position].endpoint
	}
	return p.find(number, version)
}

// find looks at the set again if it has changed. An endpoint that isn't there is another provider's, which
// serves in place of this pool; one that nobody has any more is described by nothing.
func (p *Pool) find(number, version uint64) *types.ServiceEndpoint {
	p.lock.Lock()
	defer p.lock.Unlock()
	at := visit{number, version}
	if known := p.foreign[at]; known != nil {
		return known
	}
	seen := p.seen.Load()
	if seen == nil || seen.version < version || seen.byNumber[number] == nil {
		seen, _ = p.look() // without one, as if it weren't there
	}
	if seen != nil && seen.byNumber[number] != nil {
		return seen.byNumber[number]
	}
	found := p.core.byNumber(number)
	if found == nil {
		return &types.ServiceEndpoint{}
	}
	if p.foreign == nil || len(p.foreign) > mostForeign {
		p.foreign = map[visit]*types.ServiceEndpoint{}
	}
	p.foreign[at] = found
	return found
}

// mostForeign bounds what is remembered of other providers' endpoints.
const mostForeign = 1024

// look reads the set as it is now. The caller holds the lock, so that a change is read once.
func (p *Pool) look() (*view, error) {
	version, members, err := p.native.snapshot()
	runtime.KeepAlive(p)
	if err != nil {
		return nil, err
	}
	seen := &view{version, members, make(map[uint64]*types.ServiceEndpoint, len(members))}
	for _, member := range members {
		seen.byNumber[member.number] = member.endpoint
	}
	p.core.stampTimes(p.provider, members)
	p.seen.Store(seen)
	return seen, nil
}

// current is the set as it is now, looked at if it has changed.
func (p *Pool) current() (*view, error) {
	version, err := p.native.version()
	runtime.KeepAlive(p)
	if err != nil {
		return nil, err
	}
	if seen := p.seen.Load(); seen != nil && seen.version == version {
		return seen, nil
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.look()
}

func (v *view) numberOf(id string) uint64 {
	for _, member := range v.members {
		if !member.retired && member.endpoint.ID == id {
			return member.number
		}
	}
	return 0
}

// Endpoints returns copies of the pool's endpoints, in the order of their IDs.
func (p *Pool) Endpoints() ([]*types.ServiceEndpoint, error) {
	seen, err := p.current()
	if err != nil {
		return nil, err
	}
	list := make([]*types.ServiceEndpoint, 0, len(seen.members))
	for _, member := range seen.members {
		if !member.retired {
			list = append(list, member.endpoint.Clone())
		}
	}
	return list, nil
}

// Stats returns the pool's own figures.
func (p *Pool) Stats() (types.PoolStats, error) {
	var stats types.PoolStats
	document, err := p.native.figures()
	runtime.KeepAlive(p)
	if err != nil {
		return stats, err
	}
	return stats, unmarshal(document, &stats)
}

// Explanation tells why a pick would go where it would go.
type Explanation struct {
	// Level is how far down the ladder a pick would have to go.
	Level string `json:"level"`
	// Endpoints says it of each one, in the order of their IDs.
	Endpoints []struct {
		ID        string `json:"id"`
		Priority  int    `json:"priority"`
		Weight    int    `json:"weight"`
		Objection string `json:"objection"`
		IsChosen  bool   `json:"is_chosen"`
	} `json:"endpoints"`
}

// Explain is a pick without its effects.
func (p *Pool) Explain(ctx context.Context, options ...Option) (*Explanation, error) {
	asked := requestOf(ctx, p.core.defaults, options)
	if asked == nil {
		asked = &request{}
	}
	if err := asked.settle(p); err != nil {
		return nil, err
	}
	document, err := p.native.explain(&asked.wish)
	runtime.KeepAlive(p)
	if err != nil {
		return nil, err
	}
	var explanation Explanation
	return &explanation, unmarshal(document, &explanation)
}

// byNumber finds an endpoint of any provider by its number.
func (c *core) byNumber(number uint64) *types.ServiceEndpoint {
	document, err := c.native.stats()
	if err != nil {
		return nil
	}
	var read map[string]struct {
		Endpoints map[string]struct {
			Number uint64 `json:"number"`
		} `json:"endpoints"`
	}
	if json.Unmarshal(document, &read) != nil {
		return nil
	}
	for provider, stats := range read {
		for id, endpoint := range stats.Endpoints {
			if endpoint.Number == number {
				found, _ := c.get(provider, id) // gone meanwhile: nil
				return found
			}
		}
	}
	return nil
}
