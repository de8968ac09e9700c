package failover

import (
	"context"
	"slices"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// The manager's own picks and calls, for programs that hold no pool.

// target is what a verb of the manager means.
type target struct {
	pool    *Pool
	options []Option
	// isBounded says that the program set a time for such calls.
	isBounded bool
}

// targetOf finds the pool, under the policy that the verb was given.
func (m *FailoverManager) targetOf(ctx context.Context, policy *types.FailoverConfig, options []Option) (target, error) {
	if err := m.ready(ctx); err != nil {
		return target{}, err
	}
	inForce := m.inForce.Load()
	wishes := append(wishesOf(inForce), wishesOf(policy)...)
	if len(wishes) > 0 {
		// What the policy asks for comes before the context's, and that before the call's own.
		options = slices.Concat(wishes, inherited(ctx), options)
	}
	meant := target{options: options, isBounded: m.isBounded || isBounded(inForce) || isBounded(policy)}
	var provider, service string
	if asked := requestOf(ctx, m.defaults, options); asked != nil {
		provider, service = asked.provider, asked.service
		meant.isBounded = meant.isBounded || asked.timeout > 0
	}
	pool, err := m.get(provider, service)
	if err != nil {
		return target{}, err
	}
	meant.pool, err = pool.Derive(policy)
	return meant, err
}

// isBounded tells whether a policy says how long a call or an attempt may take.
func isBounded(policy *types.FailoverConfig) bool {
	return policy != nil && (policy.Timeout > 0 || policy.AttemptTimeout > 0 || hasTimeout(policy.Options))
}

func orBackground(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}

// wishesOf are the options that stand in a policy's metadata.
func wishesOf(policy *types.FailoverConfig) []Option {
	if policy == nil || len(policy.Metadata) == 0 {
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
	meant, err := m.targetOf(ctx, config, options)
	if err != nil {
		return nil, err
	}
	lease, err := meant.pool.pick(requestOf(ctx, m.defaults, meant.options), requestUntracked)
	if err != nil {
		return nil, err
	}
	result := &types.FailoverResult{Endpoint: lease.endpoint.Clone(), Success: true, Metadata: map[string]interface{}{}}
	if lease.isPanic {
		result.Metadata["panic"] = true
	}
	return result, nil
}

// ExecuteWithFailover runs the function on one endpoint after the other under a policy, nil for the one
// in force, until one succeeds. If all fail there is an error, and the result tells of the attempts.
//
// Without a Timeout, here, in the policy in force, in the manager's configuration or by WithTimeout, the
// function runs on this goroutine, and nothing can interrupt it. With one it runs on another, which is left
// behind when its time is over: the call goes on or ends, and what the function returns then is dropped.
// ExecuteContext gives the function a context instead.
func (m *FailoverManager) ExecuteWithFailover(ctx context.Context, config *types.FailoverConfig, fn func(endpoint *types.ServiceEndpoint) (interface{}, error), options ...Option) (*types.FailoverResult, error) {
	meant, err := m.targetOf(ctx, config, options)
	if err != nil {
		return refused(err)
	}
	result, err := meant.pool.executePlain(ctx, fn, meant.isBounded, meant.options)
	result.Endpoint = result.Endpoint.Clone()
	return result, err
}

// ExecuteContext is ExecuteWithFailover for a function that takes the attempt's context.
func (m *FailoverManager) ExecuteContext(ctx context.Context, config *types.FailoverConfig, fn func(ctx context.Context, endpoint *types.ServiceEndpoint) (interface{}, error), options ...Option) (*types.FailoverResult, error) {
	meant, err := m.targetOf(ctx, config, options)
	if err != nil {
		return refused(err)
	}
	result, err := meant.pool.Execute(ctx, fn, meant.options...)
	result.Endpoint = result.Endpoint.Clone()
	return result, err
}
