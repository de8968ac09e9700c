package types

import "fmt"

// HealthStatus is how an endpoint is doing. It prints as text and is text in JSON.
type HealthStatus int

// The states.
const (
	// HealthUnknown: never checked and never used. It takes traffic.
	HealthUnknown HealthStatus = iota
	// HealthHealthy takes traffic.
	HealthHealthy
	// HealthUnhealthy takes none, or only as a last resort.
	HealthUnhealthy
	// HealthDegraded takes traffic when nothing better is there.
	HealthDegraded
)

var healthNames = [...]string{"unknown", "healthy", "unhealthy", "degraded"}

// String returns unknown, healthy, unhealthy or degraded.
func (s HealthStatus) String() string {
	if s < 0 || int(s) >= len(healthNames) {
		return fmt.Sprintf("HealthStatus(%d)", int(s))
	}
	return healthNames[s]
}

// MarshalText writes the name.
func (s HealthStatus) MarshalText() ([]byte, error) {
	return []byte(s.String()), nil
}

// UnmarshalText reads a name.
func (s *HealthStatus) UnmarshalText(text []byte) error {
	for status, name := range healthNames {
		if string(text) == name {
			*s = HealthStatus(status)
			return nil
		}
	}
	return fmt.Errorf("health status: expected unknown, healthy, unhealthy or degraded, got %q", text)
}
