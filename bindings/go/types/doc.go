// Package types holds what the failover package takes and gives: configuration, endpoints, results,
// statistics, events and errors, as plain structs with JSON names.
//
// Use keyed literals: fields may be added at the end.
package types
