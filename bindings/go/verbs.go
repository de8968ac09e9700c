package failover

import (
	"context"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// The manager's own picks and calls, for programs that hold no pool.

// poolFor is the pool that a verb of the manager means, with the policy that it was given.
func (m *FailoverManager) poolFor(ctx context.Context, policy *types.FailoverConfig, options []Option) (*Pool, []Option, error) {
	if err := m.ready(ctx); err != nil {
		return nil, nil, err
	}
	if policy != nil {
		options = append(wishesOf(policy), options...)
	}
	var provider, service string
	if asked := requestOf(ctx, m.defaults, options); asked != nil {
		provider, service = asked.provider, asked.service
	}
	pool, err := m.get(provider, service)
	if err != nil {
		return nil, nil, err
	}
	pool, err = pool.Derive(policy)
	return pool, options, err
}

func orBackground(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}

// wishesOf are the options that stand in a policy's metadata.
func wishesOf(policy *types.FailoverConfig) []Option {
	if len(policy.Metadata) == 0 {
		return nil
	}
	makers := []func(string) Option{WithService, WithKey, WithSession, WithClientIP, WithZone, WithRegion}
	var wishes []Option
	for at, key := range wishKeys {
		if text, ok := policy.Metadata[key].(string); ok && text != "" {
			wishes = append(wishes, makers[at](text))
		}
	}
	return wishes
}

// SelectEndpoint picks an endpoint under a policy, nil for the one in force. Nobody tells what came of
// it: ExecuteWithFailover does.
func (m *FailoverManager) SelectEndpoint(ctx context.Context, config *types.FailoverConfig, options ...Option) (*types.FailoverResult, error) {
	pool, options, err := m.poolFor(ctx, config, options)
	if err != nil {
		return nil, err
	}
	endpoint, err := pool.Select(ctx, options...)
	if err != nil {
		return nil, err
	}
	return &types.FailoverResult{Endpoint: endpoint.Clone(), Success: true, Metadata: map[string]interface{}{}}, nil
}

// ExecuteWithFailover runs the function on one endpoint after the other under a policy, nil for the one
// in force, until one succeeds. If all fail there is an error, and the result tells of the attempts.
//
// Without a Timeout, here or in the manager's configuration, the function runs on this goroutine, and
// nothing can interrupt it. With one it runs on another, which is left behind when its time is over: the
// call goes on or ends, and what the function returns then is dropped. ExecuteContext gives the function
// a context instead.
func (m *FailoverManager) ExecuteWithFailover(ctx context.Context, config *types.FailoverConfig, fn func(endpoint *types.ServiceEndpoint) (interface{}, error), options ...Option) (*types.FailoverResult, error) {
	pool, options, err := m.poolFor(ctx, config, options)
	if err != nil {
		return &types.FailoverResult{Error: err.Error(), Metadata: map[string]interface{}{}}, err
	}
	isBounded := m.config.Timeout > 0 || config != nil && (config.Timeout > 0 || config.AttemptTimeout > 0)
	result, err := pool.executePlain(ctx, fn, isBounded, options)
	result.Endpoint = result.Endpoint.Clone()
	return result, err
}

// ExecuteContext is ExecuteWithFailover for a function that takes the attempt's context.
func (m *FailoverManager) ExecuteContext(ctx context.Context, config *types.FailoverConfig, fn func(ctx context.Context, endpoint *types.ServiceEndpoint) (interface{}, error), options ...Option) (*types.FailoverResult, error) {
	pool, options, err := m.poolFor(ctx, config, options)
	if err != nil {
		return &types.FailoverResult{Error: err.Error(), Metadata: map[string]interface{}{}}, err
	}
	result, err := pool.Execute(ctx, fn, options...)
	result.Endpoint = result.Endpoint.Clone()
	return result, err
}
