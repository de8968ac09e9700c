package types

import "time"

// FailoverResult is what a pick or a call came to.
type FailoverResult struct {
	// Endpoint is the last one that was tried, or the one that was picked; nil if there was none.
	Endpoint *ServiceEndpoint `json:"endpoint"`
	// Result is what the function returned.
	Result interface{} `json:"result"`
	// Attempts is how many were made; 0 for a pick.
	Attempts int `json:"attempts"`
	// Duration is the time of the whole call, with waits.
	Duration time.Duration `json:"duration"`
	// Success says whether it ended well.
	Success bool `json:"success"`
	// Error is the message of the error that was returned beside the result.
	Error string `json:"error,omitempty"`
	// Metadata holds "fallback" and "panic" if they are true: another provider served; an endpoint that
	// looked unfit was used, since none other was left.
	Metadata map[string]interface{} `json:"metadata"`
	// History lists the attempts that didn't succeed, in their order.
	History []Attempt `json:"history,omitempty"`
}

// Attempt is one attempt of a call.
type Attempt struct {
	// Number counts from 1.
	Number int `json:"attempt"`
	// Endpoint is its ID.
	Endpoint string `json:"endpoint"`
	// Outcome is what came of it.
	Outcome Outcome `json:"outcome"`
	// Latency is how long it took.
	Latency time.Duration `json:"latency_ns"`
}

// Outcome is what came of an attempt: it decides whether the call goes on, and what is thought of the
// endpoint.
type Outcome int

// The outcomes.
const (
	// OutcomeSuccess: a result was returned.
	OutcomeSuccess Outcome = iota + 1
	// OutcomeRejected: the endpoint answered that the caller is wrong. Ends the call.
	OutcomeRejected
	// OutcomeUnsent: the request certainly never arrived. Tried elsewhere at once.
	OutcomeUnsent
	// OutcomeFailure: it may have arrived, and failed. Tried again if the request is idempotent.
	OutcomeFailure
	// OutcomeTimeout: as failure, and slow.
	OutcomeTimeout
	// OutcomeThrottled: the endpoint asked for less. It rests for as long as it said.
	OutcomeThrottled
	// OutcomeCancelled: the caller gave up. Says nothing about the endpoint.
	OutcomeCancelled
	// OutcomeLocal: the callback itself is broken. Says nothing about the endpoint, and ends the call.
	OutcomeLocal
)

var outcomeNames = [...]string{"", "success", "rejected", "unsent", "failure", "timeout", "throttled",
	"cancelled", "local"}

// String returns the outcome's name.
func (o Outcome) String() string {
	if o < OutcomeSuccess || o > OutcomeLocal {
		return "none"
	}
	return outcomeNames[o]
}

// MarshalText writes the name.
func (o Outcome) MarshalText() ([]byte, error) {
	return []byte(o.String()), nil
}

// UnmarshalText reads a name; an unknown one is no outcome, 0.
func (o *Outcome) UnmarshalText(text []byte) error {
	*o = 0
	for outcome, name := range outcomeNames {
		if outcome > 0 && string(text) == name {
			*o = Outcome(outcome)
		}
	}
	return nil
}
