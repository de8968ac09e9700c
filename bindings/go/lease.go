package failover

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// Lease is one attempt that the program makes itself. Report what came of it, once; a lease that is
// closed or forgotten counts as cancelled.
type Lease struct {
	pool     *Pool
	state    *leaseState
	endpoint *types.ServiceEndpoint
	isPanic  bool
}

// leaseState is what outlives a forgotten lease.
type leaseState struct {
	pool       *Pool
	native     nativeLease
	isReported atomic.Bool
}

// Pick takes an endpoint for one attempt.
func (p *Pool) Pick(ctx context.Context, options ...Option) (*Lease, error) {
	if ctx != nil && ctx.Err() != nil {
		return nil, ended(ctx)
	}
	lease, err := p.pick(requestOf(ctx, p.core.defaults, options), 0)
	if err == nil {
		runtime.AddCleanup(lease, forget, lease.state)
	}
	return lease, err
}

// pick takes an endpoint; an untracked lease is nobody's to return.
func (p *Pool) pick(asked *request, flags uint32) (*Lease, error) {
	if asked == nil {
		asked = &request{}
	}
	if err := asked.settle(p); err != nil {
		return nil, err
	}
	asked.flags |= flags
	state := &leaseState{pool: p}
	if err := p.native.pickWith(&asked.wish, &state.native); err != nil {
		return nil, err
	}
	return &Lease{p, state, p.endpoint(state.native.picked()), state.native.isPanic()}, nil
}

// forget returns a lease that nobody reported.
func forget(state *leaseState) {
	_ = state.report(types.OutcomeCancelled, 0) // reported already, most often
}

func (s *leaseState) report(outcome types.Outcome, latency time.Duration) error {
	if s.isReported.Swap(true) {
		return bare(types.CodeInvalidState)
	}
	err := s.pool.native.report(&s.native, outcome, uint64(max(latency, 0)))
	runtime.KeepAlive(s.pool)
	return err
}

// Endpoint is where to. It is shared and must not be changed.
func (l *Lease) Endpoint() *types.ServiceEndpoint {
	return l.endpoint
}

// IsPanic tells that no endpoint looked fit, and this one was picked all the same.
func (l *Lease) IsPanic() bool {
	return l.isPanic
}

// Report tells what came of the attempt, which took from the pick until now. A second report is
// ErrInvalidState and changes nothing.
func (l *Lease) Report(outcome types.Outcome) error {
	defer runtime.KeepAlive(l) // a lease that looks forgotten counts as cancelled
	return l.state.report(outcome, 0)
}

// ReportLatency tells it with the time it took.
func (l *Lease) ReportLatency(outcome types.Outcome, latency time.Duration) error {
	defer runtime.KeepAlive(l)
	return l.state.report(outcome, latency)
}

// Done tells it from the error that the attempt ended with, nil for success.
func (l *Lease) Done(err error) error {
	if err == nil {
		return l.Report(types.OutcomeSuccess)
	}
	outcome, _ := Classify(err)
	return l.Report(outcome)
}

// Close returns a lease that wasn't reported, as cancelled.
func (l *Lease) Close() error {
	forget(l.state)
	return nil
}
