package failover

import (
	"context"
	"runtime"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// Provider is where endpoints come from. One of the program's own need do no more than list them; what
// else it can do is told by Watcher, Registrar, Pinger and Authority. Its methods run on goroutines of
// their own, and their contexts end when nobody waits for the answer any more.
type Provider interface {
	// Name tells it from the others.
	Name() string
	// List returns all its endpoints.
	List(ctx context.Context) ([]*types.ServiceEndpoint, error)
}

// Watcher is a provider that tells changes by itself. Watch returns when the context ends; if it returns
// before, it is called again after a while.
type Watcher interface {
	Watch(ctx context.Context, publish func([]*types.ServiceEndpoint) error) error
}

// Registrar is a provider that takes registrations. What it took is in the set at once; the next set that
// it lists or publishes should hold it.
type Registrar interface {
	Register(ctx context.Context, endpoint *types.ServiceEndpoint) error
	Update(ctx context.Context, endpoint *types.ServiceEndpoint) error
	Deregister(ctx context.Context, endpointID string) error
}

// Pinger is a provider that can say whether its source is there.
type Pinger interface {
	Ping(ctx context.Context) error
}

// Authority is a provider that knows its set for sure, so that an empty one is believed at once.
type Authority interface {
	IsAuthoritative() bool
}

// RegisterProvider registers a provider of the program's own.
func (m *FailoverManager) RegisterProvider(provider Provider) error {
	if m.fault != nil {
		return m.fault
	}
	if provider == nil {
		return invalidArgument("provider: must not be nil")
	}
	if err := m.startWorker(); err != nil {
		return err
	}
	name := provider.Name()
	m.core.lock.Lock()
	_, isTaken := m.custom[name]
	if !isTaken {
		m.custom[name] = provider // before the library asks for its list
	}
	m.core.lock.Unlock()
	if isTaken {
		return bare(types.CodeAlreadyExists)
	}
	err := m.native.addPulled(name, capabilitiesOf(provider))
	runtime.KeepAlive(m)
	if err != nil {
		m.dropCustom(name)
	}
	return err
}

func (m *FailoverManager) dropCustom(name string) {
	m.core.lock.Lock()
	defer m.core.lock.Unlock()
	delete(m.custom, name)
}

func capabilitiesOf(provider Provider) uint32 {
	can := uint32(canList)
	if _, ok := provider.(Watcher); ok {
		can |= canWatch
	}
	if _, ok := provider.(Registrar); ok {
		can |= canRegister
	}
	if authority, ok := provider.(Authority); ok && authority.IsAuthoritative() {
		can |= isAuthoritative
	}
	return can
}

// AddProvider registers a provider of a built-in kind: AddProvider("servers", map[string]any{"type":
// "file", "path": "servers.toml"}). It begins in the background; WaitReady waits for it.
func (m *FailoverManager) AddProvider(name string, options map[string]any) error {
	if m.fault != nil {
		return m.fault
	}
	document, err := marshal(options)
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(m)
	return m.native.addProvider(name, document)
}

// AddPushed registers a provider whose whole sets the program gives by Publish.
func (m *FailoverManager) AddPushed(name string) error {
	if m.fault != nil {
		return m.fault
	}
	defer runtime.KeepAlive(m)
	return m.native.addPushed(name)
}

// Publish replaces a provider's whole set; "" is the default one. All faults come at once, and with one
// nothing changes.
func (m *FailoverManager) Publish(provider string, endpoints []*types.ServiceEndpoint) error {
	if m.fault != nil {
		return m.fault
	}
	defer runtime.KeepAlive(m)
	return m.core.publish(provider, endpoints)
}

func (c *core) publish(provider string, endpoints []*types.ServiceEndpoint) error {
	documents, err := writeEndpoints(endpoints)
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(c)
	return c.native.publish(provider, documents)
}

func writeEndpoints(endpoints []*types.ServiceEndpoint) (string, error) {
	documents := make([]endpointDocument, 0, len(endpoints))
	for _, endpoint := range endpoints {
		document, err := writeEndpoint(endpoint)
		if err != nil {
			return "", err
		}
		documents = append(documents, document)
	}
	return marshal(documents)
}

// RemoveProvider removes a provider with its endpoints. The embedded one, memory, stays.
func (m *FailoverManager) RemoveProvider(name string) error {
	if m.fault != nil {
		return m.fault
	}
	err := m.native.removeProvider(name)
	runtime.KeepAlive(m)
	if err == nil {
		m.dropCustom(name)
	}
	return err
}

// GetProvider returns the provider of a name: the program's own, or one that lists a built-in one.
func (m *FailoverManager) GetProvider(name string) (Provider, error) {
	if m.fault != nil {
		return nil, m.fault
	}
	m.core.lock.Lock()
	custom := m.custom[name]
	m.core.lock.Unlock()
	if custom != nil {
		return custom, nil
	}
	for _, known := range m.ListProviders() {
		if known == name {
			return builtIn{m, name}, nil
		}
	}
	missing := bare(types.CodeNotFound)
	missing.Message = "provider \"" + name + "\": not registered"
	return nil, missing
}

// GetDefaultProvider returns the provider that serves calls that name none. Where the configured one isn't
// registered, that is the embedded one, unless fallback is off.
func (m *FailoverManager) GetDefaultProvider() (Provider, error) {
	if m.fault != nil {
		return nil, m.fault
	}
	return m.GetProvider(m.defaultName())
}

// defaultName is the name of the provider that serves as the default one.
func (m *FailoverManager) defaultName() string {
	document, err := m.Document()
	if err != nil {
		return embedded
	}
	name, _ := document["default_provider"].(string)
	for _, known := range m.ListProviders() {
		if known == name {
			return name
		}
	}
	if isEnabled, _ := document["fallback_enabled"].(bool); !isEnabled {
		return name
	}
	return embedded
}

// embedded is the provider that every manager has.
const embedded = "memory"

// builtIn is a provider of the library's own.
type builtIn struct {
	manager *FailoverManager
	name    string
}

func (b builtIn) Name() string {
	return b.name
}

func (b builtIn) List(ctx context.Context) ([]*types.ServiceEndpoint, error) {
	return b.manager.ListEndpointsWithProvider(ctx, b.name)
}

// ListProviders returns the names of the providers, in the order of their registration.
func (m *FailoverManager) ListProviders() []string {
	if m.fault != nil {
		return nil
	}
	document, err := m.native.providers()
	runtime.KeepAlive(m)
	var names []string
	if err != nil || unmarshal(document, &names) != nil {
		return nil
	}
	return names
}

// GetProviderInfo tells of every provider how it is doing and what it can do.
func (m *FailoverManager) GetProviderInfo() map[string]*types.ProviderInfo {
	if m.fault != nil {
		return nil
	}
	document, err := m.native.providerInfo()
	runtime.KeepAlive(m)
	var read []providerDocument
	if err != nil || unmarshal(document, &read) != nil {
		return nil
	}
	info := make(map[string]*types.ProviderInfo, len(read))
	for at := range read {
		info[read[at].Name] = read[at].info()
	}
	return info
}

type providerDocument struct {
	Name         string `json:"name"`
	Type         string `json:"type"`
	Status       string `json:"status"`
	IsReady      bool   `json:"is_ready"`
	Capabilities struct {
		CanList         bool `json:"can_list"`
		CanWatch        bool `json:"can_watch"`
		CanRegister     bool `json:"can_register"`
		IsAuthoritative bool `json:"is_authoritative"`
	} `json:"capabilities"`
	Endpoints int     `json:"endpoints"`
	Errors    int64   `json:"errors"`
	StaleFor  *int64  `json:"stale_for_ms"`
	LastError *string `json:"last_error"`
}

func (d *providerDocument) info() *types.ProviderInfo {
	info := &types.ProviderInfo{
		Name: d.Name, Type: d.Type, Status: d.Status, IsReady: d.IsReady, Endpoints: d.Endpoints, Errors: d.Errors,
	}
	features := []struct {
		has     bool
		feature types.FailoverFeature
	}{
		{d.Capabilities.CanList, types.FeatureList}, {d.Capabilities.CanWatch, types.FeatureWatch},
		{d.Capabilities.CanRegister, types.FeatureRegister}, {d.Capabilities.IsAuthoritative, types.FeatureAuthoritative},
	}
	for _, one := range features {
		if one.has {
			info.SupportedFeatures = append(info.SupportedFeatures, one.feature)
		}
	}
	if d.StaleFor != nil {
		info.StaleFor = time.Duration(*d.StaleFor) * time.Millisecond
	}
	if d.LastError != nil {
		info.LastError = *d.LastError
	}
	return info
}
