package failover

import (
	"context"
	"runtime"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// GetStats returns the figures of every provider by its name.
func (m *FailoverManager) GetStats(ctx context.Context) (map[string]*types.FailoverStats, error) {
	if err := m.ready(ctx); err != nil {
		return nil, err
	}
	return m.stats()
}

func (m *FailoverManager) stats() (map[string]*types.FailoverStats, error) {
	document, err := m.native.stats()
	runtime.KeepAlive(m)
	if err != nil {
		return nil, err
	}
	var read map[string]*providerFigures
	if err := unmarshal(document, &read); err != nil {
		return nil, err
	}
	now := time.Now()
	stats := make(map[string]*types.FailoverStats, len(read))
	for name, figures := range read {
		stats[name] = figures.stats(name, now)
	}
	return stats, nil
}

// providerFigures is a provider's document; times are nanoseconds, those of the last things by the
// manager's clock.
type providerFigures struct {
	TotalRequests       int64                          `json:"total_requests"`
	SuccessfulRequests  int64                          `json:"successful_requests"`
	FailedRequests      int64                          `json:"failed_requests"`
	HealthChecks        int64                          `json:"health_checks"`
	Failovers           int64                          `json:"failovers"`
	Recoveries          int64                          `json:"recoveries"`
	Retries             int64                          `json:"retries"`
	Timeouts            int64                          `json:"timeouts"`
	AverageResponseTime int64                          `json:"average_response_time_ns"`
	LastFailover        int64                          `json:"last_failover_ns"`
	LastRecovery        int64                          `json:"last_recovery_ns"`
	Uptime              int64                          `json:"uptime_ns"`
	Endpoints           map[string]types.EndpointStats `json:"endpoints"`
	Pools               map[string]types.PoolStats     `json:"pools"`
}

func (f *providerFigures) stats(name string, now time.Time) *types.FailoverStats {
	return &types.FailoverStats{
		Provider: name, TotalRequests: f.TotalRequests, SuccessfulRequests: f.SuccessfulRequests,
		FailedRequests: f.FailedRequests, HealthChecks: f.HealthChecks, Failovers: f.Failovers,
		Recoveries: f.Recoveries, Retries: f.Retries, Timeouts: f.Timeouts,
		AverageResponseTime: time.Duration(f.AverageResponseTime), Uptime: time.Duration(f.Uptime),
		LastFailover: wall(f.LastFailover), LastRecovery: wall(f.LastRecovery),
		LastUpdate: now, Endpoints: f.Endpoints, Pools: f.Pools,
	}
}

// wall is a time since 1970 in nanoseconds; 0 is the zero time.
func wall(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos)
}
