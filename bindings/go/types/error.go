package types

import "context"

// FailoverError is the one error of the library. Branch on Code or Type, or use errors.Is with the
// values of the failover package; the Message is for people. errors.Is and errors.As also reach the
// last error of the callback.
type FailoverError struct {
	// Type is the family.
	Type ErrorType `json:"type"`
	// Message is for people; its words may change.
	Message string `json:"message"`
	// Code is the stable number: one of the Code constants.
	Code int `json:"code"`
	// Details are the facts: faults, attempts, endpoints with their reasons, next_probe_in_ns.
	Details map[string]interface{} `json:"details"`
	// Cause is the last error of the callback, or what ended the context; nil if there was none.
	Cause error `json:"-"`
	// Attempts lists the attempts of the call that didn't succeed, if it was one.
	Attempts []Attempt `json:"attempts,omitempty"`
	// Retryable says that the same call may succeed when it is made again later.
	Retryable bool `json:"retryable,omitempty"`
}

// Error returns the message, with the cause if there is one.
func (e *FailoverError) Error() string {
	if e.Cause == nil {
		return e.Message
	}
	return e.Message + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *FailoverError) Unwrap() error {
	return e.Cause
}

// Is tells whether the target is an error of the same code. An error that says only its type is any of
// that type; context.Canceled and context.DeadlineExceeded are calls that ended so.
func (e *FailoverError) Is(target error) bool {
	switch target {
	case context.Canceled:
		return e.Code == CodeCancelled
	case context.DeadlineExceeded:
		return e.Code == CodeDeadlineExceeded || e.Code == CodeTimeout
	}
	other, ok := target.(*FailoverError)
	if !ok || other == nil {
		return false
	}
	if other.Code == 0 {
		return other.Type == e.Type
	}
	return other.Code == e.Code
}

// ErrorType is a family of errors.
type ErrorType string

// The families.
const (
	// ErrorTypeConnection: an endpoint or provider could not be reached, or failed.
	ErrorTypeConnection ErrorType = "connection"
	// ErrorTypeValidation: the caller gave something that can't be used.
	ErrorTypeValidation ErrorType = "validation"
	// ErrorTypeNotFound: something named does not exist.
	ErrorTypeNotFound ErrorType = "not_found"
	// ErrorTypeTimeout: time ran out.
	ErrorTypeTimeout ErrorType = "timeout"
	// ErrorTypeCircuitBreaker: breakers forbid traffic.
	ErrorTypeCircuitBreaker ErrorType = "circuit_breaker"
	// ErrorTypeInternal: the rest.
	ErrorTypeInternal ErrorType = "internal"
)
