package failover

import (
	"context"
	"encoding/json"
	"runtime"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// HealthCheckFunc checks an endpoint whose check is of the type custom; nil is healthy. It runs on a
// goroutine of its own, and its context ends with the check's timeout.
type HealthCheckFunc func(ctx context.Context, endpoint *types.ServiceEndpoint) error

// HealthCheck checks one endpoint now. The result counts like that of a scheduled check.
func (m *FailoverManager) HealthCheck(ctx context.Context, endpointID string, options ...Option) (types.HealthStatus, error) {
	if err := m.ready(ctx); err != nil {
		return types.HealthUnknown, err
	}
	provider := m.providerOf(options)
	return apart(ctx, func() (types.HealthStatus, error) {
		defer runtime.KeepAlive(m)
		return m.native.check(provider, endpointID)
	})
}

// HealthCheckAll checks all endpoints of a provider now, side by side, and returns the health of each ID.
// If the context ends first, the error says so and the map holds what is known so far.
func (m *FailoverManager) HealthCheckAll(ctx context.Context, options ...Option) (map[string]types.HealthStatus, error) {
	if err := m.ready(ctx); err != nil {
		return nil, err
	}
	provider := m.providerOf(options)
	found, err := apart(ctx, func() (map[string]types.HealthStatus, error) {
		defer runtime.KeepAlive(m)
		document, err := m.native.checkAll(provider)
		if err != nil {
			return nil, err
		}
		var found map[string]types.HealthStatus
		return found, unmarshal(document, &found)
	})
	if err != nil && ctx != nil && ctx.Err() != nil {
		return m.known(provider), err
	}
	return found, err
}

// known is the health of a provider's endpoints without checking.
func (m *FailoverManager) known(provider string) map[string]types.HealthStatus {
	known := map[string]types.HealthStatus{}
	stats, err := m.stats()
	if err != nil {
		return known
	}
	list, err := m.core.list(provider)
	if err != nil {
		return known
	}
	if provider == "" {
		provider = m.defaultName()
	}
	for _, endpoint := range list {
		known[endpoint.ID] = stats[provider].Endpoints[endpoint.ID].Health
	}
	return known
}

// Finding is what the program found about an endpoint.
type Finding uint32

// The findings.
const (
	// FindingBad: it doesn't work.
	FindingBad Finding = iota
	// FindingGood: it is as expected.
	FindingGood
	// FindingDegraded: it works, and prefers to be spared.
	FindingDegraded
)

// ReportHealth takes the program's own finding, as if a check had found it, and returns what the endpoint
// is found to be: rise and fall apply.
func (m *FailoverManager) ReportHealth(endpointID string, finding Finding, reason string, options ...Option) (types.HealthStatus, error) {
	if m.fault != nil {
		return types.HealthUnknown, m.fault
	}
	defer runtime.KeepAlive(m)
	return m.native.report(m.providerOf(options), endpointID, finding, reason)
}

// WaitDrained waits until an endpoint has no attempt in flight.
func (m *FailoverManager) WaitDrained(ctx context.Context, endpointID string, options ...Option) error {
	if err := m.ready(ctx); err != nil {
		return err
	}
	provider := m.providerOf(options)
	return m.patiently(ctx, func(turn time.Duration) error { return m.native.waitDrained(provider, endpointID, turn) })
}

// checkNow answers the library's question for the health of an endpoint.
func (w *worker) checkNow(ctx context.Context, item work) types.Outcome {
	var read endpointDocument
	if w.core.check == nil || json.Unmarshal([]byte(item.payload), &read) != nil {
		return types.OutcomeLocal
	}
	if err := w.core.check(ctx, read.endpoint()); err != nil {
		w.core.logger.Debugf("health check of %s: %v", read.ID, err)
		return types.OutcomeFailure
	}
	return types.OutcomeSuccess
}
