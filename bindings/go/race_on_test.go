//go:build race

package failover_test

// isRace says that the race detector is on: its own memory grows with every call.
const isRace = true
