package types

import "time"

// ProviderInfo says how a provider is doing and what it can do.
type ProviderInfo struct {
	// Name is how it was registered.
	Name string `json:"name"`
	// Type is its kind: memory, file or custom.
	Type string `json:"type"`
	// Status is live, stale, or what else the library says.
	Status string `json:"status"`
	// IsReady says that it delivered its first whole set.
	IsReady bool `json:"is_ready"`
	// SupportedFeatures are the things it can do, and no others.
	SupportedFeatures []FailoverFeature `json:"supported_features"`
	// Endpoints is how many it holds.
	Endpoints int `json:"endpoints"`
	// Errors counts reads that failed.
	Errors int64 `json:"errors"`
	// StaleFor is how long it couldn't be read; 0: it can.
	StaleFor time.Duration `json:"stale_for"`
	// LastError is the last one; empty: none.
	LastError string `json:"last_error"`
}

// FailoverFeature is something that a provider can do.
type FailoverFeature string

// The features.
const (
	// FeatureList: it can be asked for its endpoints.
	FeatureList FailoverFeature = "list"
	// FeatureWatch: it tells changes by itself.
	FeatureWatch FailoverFeature = "watch"
	// FeatureRegister: it takes registrations.
	FeatureRegister FailoverFeature = "register"
	// FeatureAuthoritative: an empty set of it is believed at once.
	FeatureAuthoritative FailoverFeature = "authoritative"
)
