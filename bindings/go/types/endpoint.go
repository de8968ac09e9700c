package types

import (
	"net"
	"strconv"
	"time"
)

// ServiceEndpoint describes one endpoint of a service. What a pool hands to a callback is shared by
// all its users and must not be changed; everything else that the library returns is a copy.
type ServiceEndpoint struct {
	// ID tells it from all others of its provider, 1 to 512 bytes.
	ID string `json:"id"`
	// Name is the service it belongs to.
	Name string `json:"name"`
	// Address is a host name or an IP address.
	Address string `json:"address"`
	// Port is 1 to 65535; 0 only for protocols other than http, https and tcp.
	Port int `json:"port"`
	// Protocol is http (the default), https, tcp or any other name in lower case.
	Protocol string `json:"protocol"`
	// HealthCheck says how to check it; nil: it is never checked.
	HealthCheck *HealthCheck `json:"health_check"`
	// Metadata are labels; zone, region, latitude and longitude tell where it stands.
	Metadata map[string]string `json:"metadata"`
	// Tags are labels without a value.
	Tags []string `json:"tags"`
	// Weight is its share of the load, up to 1,000,000; 0 is the default, 1. LoadBalancerConfig.Weights
	// can set a real 0.
	Weight int `json:"weight"`
	// Priority is its tier; 0 is most preferred.
	Priority int `json:"priority"`
	// CreatedAt is when it was registered; the library sets it.
	CreatedAt time.Time `json:"created_at"`
	// UpdatedAt is when its description last changed; the library sets it.
	UpdatedAt time.Time `json:"updated_at"`
}

// Clone returns a copy that shares nothing with the endpoint.
func (e *ServiceEndpoint) Clone() *ServiceEndpoint {
	if e == nil {
		return nil
	}
	copied := *e
	copied.HealthCheck = e.HealthCheck.Clone()
	copied.Metadata = cloneMap(e.Metadata)
	copied.Tags = append([]string(nil), e.Tags...)
	return &copied
}

// HealthCheck says how an endpoint is checked. Fields that are zero have the policy's or the library's
// default: a GET for /health, answered with 200 to 399.
type HealthCheck struct {
	// Path of the request; empty: /health.
	Path string `json:"path"`
	// Interval between two checks, at least 10 ms; 0: the policy's, 10 s.
	Interval time.Duration `json:"interval"`
	// Timeout of one check; 0: the policy's, 2 s.
	Timeout time.Duration `json:"timeout"`
	// Method of the request; empty: GET.
	Method string `json:"method"`
	// Headers of the request. Their values are never shown: reading an endpoint back gives "***".
	Headers map[string]string `json:"headers"`
	// Body of the request; never shown either.
	Body string `json:"body"`
	// Type is what is asked: CheckAuto (the default), CheckHTTP, CheckHTTPS, CheckTCP or CheckCustom.
	Type CheckType `json:"type,omitempty"`
	// Port that answers checks; 0: the endpoint's own.
	Port int `json:"port,omitempty"`
	// ExpectedStatuses are those that count as healthy: "204" or "300-399"; empty: 200-399.
	ExpectedStatuses []string `json:"expected_statuses,omitempty"`
	// ExpectedBody is text that the answer has to contain.
	ExpectedBody string `json:"expected_body,omitempty"`
}

// Clone returns a copy that shares nothing with the check.
func (c *HealthCheck) Clone() *HealthCheck {
	if c == nil {
		return nil
	}
	copied := *c
	copied.Headers = cloneMap(c.Headers)
	copied.ExpectedStatuses = append([]string(nil), c.ExpectedStatuses...)
	return &copied
}

// CheckType is what a health check asks.
type CheckType string

// The types of checks.
const (
	// CheckAuto follows the endpoint's protocol, with TCP for those that aren't HTTP.
	CheckAuto CheckType = "auto"
	// CheckHTTP makes an HTTP request.
	CheckHTTP CheckType = "http"
	// CheckHTTPS makes an HTTPS request.
	CheckHTTPS CheckType = "https"
	// CheckTCP makes a connection.
	CheckTCP CheckType = "tcp"
	// CheckCustom asks the function of failover.WithHealthCheck.
	CheckCustom CheckType = "custom"
)

func cloneMap[V any](given map[string]V) map[string]V {
	if given == nil {
		return nil
	}
	copied := make(map[string]V, len(given))
	for key, value := range given {
		copied[key] = value
	}
	return copied
}

// HostPort returns address and port as net.Dial takes them.
func (e *ServiceEndpoint) HostPort() string {
	return net.JoinHostPort(e.Address, strconv.Itoa(e.Port))
}

// URL returns the URL of a path of the endpoint: protocol, address, port, path.
func (e *ServiceEndpoint) URL(path string) string {
	protocol := e.Protocol
	if protocol == "" {
		protocol = "http"
	}
	return protocol + "://" + e.HostPort() + path
}
