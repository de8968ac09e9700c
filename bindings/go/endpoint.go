package failover

import (
	"context"
	"encoding/json"
	"runtime"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// RegisterEndpoint registers an endpoint. It may take traffic at once.
func (m *FailoverManager) RegisterEndpoint(ctx context.Context, endpoint *types.ServiceEndpoint) error {
	return m.RegisterEndpointWithProvider(ctx, "", endpoint)
}

// RegisterEndpointWithProvider registers it with a provider; "" is the default one.
func (m *FailoverManager) RegisterEndpointWithProvider(ctx context.Context, provider string, endpoint *types.ServiceEndpoint) error {
	return m.change(ctx, endpoint, func(document string) error { return m.native.register(provider, document) })
}

// UpdateEndpoint replaces an endpoint's description. What is known of it stays while service, address and
// port do.
func (m *FailoverManager) UpdateEndpoint(ctx context.Context, endpoint *types.ServiceEndpoint) error {
	return m.UpdateEndpointWithProvider(ctx, "", endpoint)
}

// UpdateEndpointWithProvider replaces it at a provider; "" is the default one.
func (m *FailoverManager) UpdateEndpointWithProvider(ctx context.Context, provider string, endpoint *types.ServiceEndpoint) error {
	return m.change(ctx, endpoint, func(document string) error { return m.native.update(provider, document) })
}

func (m *FailoverManager) change(ctx context.Context, endpoint *types.ServiceEndpoint, make func(document string) error) error {
	if err := m.ready(ctx); err != nil {
		return err
	}
	written, err := writeEndpoint(endpoint)
	if err != nil {
		return err
	}
	document, err := marshal(written)
	if err != nil {
		return err
	}
	return m.mayAsk(ctx, func() error { return make(document) })
}

// mayAsk runs a verb that waits for an answer where the provider is the program's own.
func (m *FailoverManager) mayAsk(ctx context.Context, run func() error) error {
	defer runtime.KeepAlive(m)
	m.core.lock.Lock()
	asks := len(m.custom) > 0
	m.core.lock.Unlock()
	if !asks {
		return run()
	}
	_, err := apart(ctx, func() (struct{}, error) { return struct{}{}, run() })
	return err
}

// DeregisterEndpoint removes an endpoint; attempts on it end normally.
func (m *FailoverManager) DeregisterEndpoint(ctx context.Context, endpointID string) error {
	return m.DeregisterEndpointWithProvider(ctx, "", endpointID)
}

// DeregisterEndpointWithProvider removes it from a provider; "" is the default one.
func (m *FailoverManager) DeregisterEndpointWithProvider(ctx context.Context, provider, endpointID string) error {
	if err := m.ready(ctx); err != nil {
		return err
	}
	return m.mayAsk(ctx, func() error { return m.native.deregister(provider, endpointID) })
}

// GetEndpoint returns a copy of an endpoint's description.
func (m *FailoverManager) GetEndpoint(ctx context.Context, endpointID string) (*types.ServiceEndpoint, error) {
	return m.GetEndpointWithProvider(ctx, "", endpointID)
}

// GetEndpointWithProvider returns that of a provider; "" is the default one.
func (m *FailoverManager) GetEndpointWithProvider(ctx context.Context, provider, endpointID string) (*types.ServiceEndpoint, error) {
	if err := m.ready(ctx); err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(m)
	return m.core.get(provider, endpointID)
}

func (c *core) get(provider, id string) (*types.ServiceEndpoint, error) {
	document, err := c.native.endpoint(provider, id)
	if err != nil {
		return nil, err
	}
	return readEndpoint(document)
}

func readEndpoint(document []byte) (*types.ServiceEndpoint, error) {
	var read endpointDocument
	if err := unmarshal(document, &read); err != nil {
		return nil, err
	}
	return read.endpoint(), nil
}

// ListEndpoints returns copies of all endpoints of the default provider, in the order of their IDs.
func (m *FailoverManager) ListEndpoints(ctx context.Context) ([]*types.ServiceEndpoint, error) {
	return m.ListEndpointsWithProvider(ctx, "")
}

// ListEndpointsWithProvider returns those of a provider; "" is the default one.
func (m *FailoverManager) ListEndpointsWithProvider(ctx context.Context, provider string) ([]*types.ServiceEndpoint, error) {
	if err := m.ready(ctx); err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(m)
	return m.core.list(provider)
}

func (c *core) list(provider string) ([]*types.ServiceEndpoint, error) {
	document, err := c.native.endpoints(provider)
	if err != nil {
		return nil, err
	}
	var read []endpointDocument
	if err := unmarshal(document, &read); err != nil {
		return nil, err
	}
	list := make([]*types.ServiceEndpoint, len(read))
	for at := range read {
		list[at] = read[at].endpoint()
	}
	return list, nil
}

// stampTimes adds the times of registration, which snapshots don't hold, to members of a provider.
func (c *core) stampTimes(provider string, members []member) {
	document, err := c.native.endpoints(provider)
	if err != nil {
		return // without a provider of this name there are no times either
	}
	var read []endpointDocument
	if json.Unmarshal(document, &read) != nil {
		return
	}
	times := make(map[string]*endpointDocument, len(read))
	for at := range read {
		times[read[at].ID] = &read[at]
	}
	for _, member := range members {
		if known := times[member.endpoint.ID]; known != nil && known.CreatedAt != nil && known.UpdatedAt != nil {
			member.endpoint.CreatedAt, member.endpoint.UpdatedAt = *known.CreatedAt, *known.UpdatedAt
		}
	}
}

// AdminState is the program's own word on an endpoint.
type AdminState uint32

// The states, and what undoes them.
const (
	// AdminActive takes traffic.
	AdminActive AdminState = iota
	// AdminDraining takes no new traffic but that of its sticky sessions.
	AdminDraining
	// AdminMaintenance takes no traffic at all.
	AdminMaintenance
	// AdminForcedOpen has its breaker held open.
	AdminForcedOpen
	// AdminReset closes its breaker, and forgets what led to its opening.
	AdminReset
)

// SetAdmin says what the program thinks of an endpoint. Options name the provider.
func (m *FailoverManager) SetAdmin(endpointID string, state AdminState, options ...Option) error {
	if m.fault != nil {
		return m.fault
	}
	defer runtime.KeepAlive(m)
	return m.native.setAdmin(m.providerOf(options), endpointID, state)
}

func (m *FailoverManager) providerOf(options []Option) string {
	if asked := requestOf(context.Background(), m.defaults, options); asked != nil {
		return asked.provider
	}
	return ""
}
