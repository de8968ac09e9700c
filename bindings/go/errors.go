package failover

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"reflect"
	"syscall"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// Error is the one error type of the library.
type Error = types.FailoverError

// The errors to compare with by errors.Is.
var (
	ErrInvalidConfig     = sentinel(types.CodeInvalidConfig)
	ErrNoEndpoints       = sentinel(types.CodeNoEndpoints)
	ErrDeadlineExceeded  = sentinel(types.CodeDeadlineExceeded)
	ErrAttemptsExhausted = sentinel(types.CodeAttemptsExhausted)
	ErrCircuitOpen       = sentinel(types.CodeCircuitOpen)
	ErrBudgetExhausted   = sentinel(types.CodeBudgetExhausted)
	ErrRejected          = sentinel(types.CodeRejected)
	ErrCancelled         = sentinel(types.CodeCancelled)
	ErrClosed            = sentinel(types.CodeClosed)
	ErrNotFound          = sentinel(types.CodeNotFound)
	ErrAlreadyExists     = sentinel(types.CodeAlreadyExists)
	ErrInvalidArgument   = sentinel(types.CodeInvalidArgument)
	ErrInvalidState      = sentinel(types.CodeInvalidState)
	ErrTimeout           = sentinel(types.CodeTimeout)
	ErrProvider          = sentinel(types.CodeProvider)
	ErrNoWorker          = sentinel(types.CodeNoWorker)
	ErrNotAvailable      = sentinel(types.CodeNotAvailable)
	ErrLimitExceeded     = sentinel(types.CodeLimitExceeded)
	ErrBusy              = sentinel(types.CodeBusy)
)

func sentinel(code int) error {
	return bare(code)
}

// typeOfCode is the family of a code, as docs/reference/errors.md has it.
func typeOfCode(code int) types.ErrorType {
	switch code {
	case types.CodeNoEndpoints, types.CodeNotFound:
		return types.ErrorTypeNotFound
	case types.CodeDeadlineExceeded, types.CodeTimeout:
		return types.ErrorTypeTimeout
	case types.CodeAttemptsExhausted, types.CodeBudgetExhausted, types.CodeRejected, types.CodeProvider, types.CodeIO:
		return types.ErrorTypeConnection
	case types.CodeCircuitOpen:
		return types.ErrorTypeCircuitBreaker
	case types.CodeCancelled, types.CodeClosed, types.CodeNoWorker, types.CodePanic, types.CodeForked, types.CodeBusy:
		return types.ErrorTypeInternal
	}
	return types.ErrorTypeValidation
}

func invalidArgument(message string) error {
	err := bare(types.CodeInvalidArgument)
	err.Message = message
	return err
}

// code is the code of an error of this library; 0 for others.
func code(err error) int {
	if ours, ok := err.(*types.FailoverError); ok {
		return ours.Code
	}
	return 0
}

// ended is the error of a context that was over, before or while the library worked.
func ended(ctx context.Context) *types.FailoverError {
	err := bare(types.CodeCancelled)
	if ctx.Err() == context.DeadlineExceeded {
		err = bare(types.CodeDeadlineExceeded)
	}
	err.Cause = context.Cause(ctx)
	return err
}

// attemptsOf reads the attempts from the details of an error.
func attemptsOf(details string) []types.Attempt {
	var read struct{ Attempts []types.Attempt }
	if json.Unmarshal([]byte(details), &read) != nil {
		return nil
	}
	return read.Attempts
}

// Tagged is an error with its outcome stated by the callback.
type Tagged struct {
	// Outcome is what came of the attempt.
	Outcome types.Outcome
	// Rest is how long the endpoint asked to be left alone; 0: it didn't.
	Rest time.Duration
	// Err is the error itself.
	Err error
}

// Error returns the text of the error itself.
func (t *Tagged) Error() string {
	if t.Err == nil {
		return t.Outcome.String()
	}
	return t.Err.Error()
}

// Unwrap returns the error itself.
func (t *Tagged) Unwrap() error {
	return t.Err
}

// Tag states the outcome of an error; nil stays nil.
func Tag(outcome types.Outcome, err error) error {
	if err == nil {
		return nil
	}
	return &Tagged{Outcome: outcome, Err: err}
}

// Permanent says that trying again would not help, and that the endpoint isn't to blame: a 4xx.
func Permanent(err error) error {
	return Tag(types.OutcomeRejected, err)
}

// Unsent says that the request certainly never arrived, so that another endpoint gets it at once.
func Unsent(err error) error {
	return Tag(types.OutcomeUnsent, err)
}

// Ignore says that the error tells nothing about the endpoint, and ends the call.
func Ignore(err error) error {
	return Tag(types.OutcomeLocal, err)
}

// RetryAfter says that the endpoint asked to be left alone for that long: 429, Retry-After.
func RetryAfter(err error, rest time.Duration) error {
	if err == nil {
		return nil
	}
	return &Tagged{Outcome: types.OutcomeThrottled, Rest: rest, Err: err}
}

// Classify tells which outcome an error of a callback means, and how long its endpoint asked to rest.
//
// In this order: a Tagged error, an error of this library, what the standard library tells of contexts and
// of the network, else a failure. WithClassifier comes after the first.
func Classify(err error) (types.Outcome, time.Duration) {
	var tagged *Tagged
	if errors.As(err, &tagged) {
		return tagged.Outcome, tagged.Rest
	}
	var ours *types.FailoverError
	if errors.As(err, &ours) {
		return outcomeOfType(ours.Type), 0
	}
	return outcomeOfSystem(err), 0
}

func outcomeOfType(family types.ErrorType) types.Outcome {
	switch family {
	case types.ErrorTypeValidation, types.ErrorTypeNotFound:
		return types.OutcomeRejected
	case types.ErrorTypeTimeout:
		return types.OutcomeTimeout
	case types.ErrorTypeInternal:
		return types.OutcomeLocal
	}
	return types.OutcomeFailure
}

func outcomeOfSystem(err error) types.Outcome {
	var network net.Error
	var dial *net.OpError
	var name *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		return types.OutcomeCancelled
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH),
		errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return types.OutcomeUnsent
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &network) && network.Timeout():
		return types.OutcomeTimeout
	case errors.As(err, &name), errors.As(err, &dial) && dial.Op == "dial", isHandshake(err):
		return types.OutcomeUnsent
	}
	return types.OutcomeFailure
}

// isHandshake tells whether a TLS handshake failed, before anything was sent. By name, since naming the
// types would link crypto/tls into every program.
func isHandshake(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		kind := reflect.TypeOf(err)
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		switch kind.PkgPath() + "." + kind.Name() {
		case "crypto/tls.CertificateVerificationError", "crypto/tls.RecordHeaderError",
			"crypto/x509.UnknownAuthorityError", "crypto/x509.HostnameError",
			"crypto/x509.CertificateInvalidError":
			return true
		}
	}
	return false
}
