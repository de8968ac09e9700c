package types

// The codes of errors. They never change meaning; docs/reference/errors.md lists them.
const (
	// CodeInvalidConfig: a configuration value is unknown, out of range or contradicts another.
	CodeInvalidConfig = 6001
	// CodeNoEndpoints: no endpoint is registered, or none may take traffic now.
	CodeNoEndpoints = 6002
	// CodeDeadlineExceeded: the call's own deadline passed. The last attempt may have had an effect.
	CodeDeadlineExceeded = 6003
	// CodeAttemptsExhausted: every permitted attempt failed; the last attempt's own error comes with it.
	CodeAttemptsExhausted = 6004
	// CodeCircuitOpen: breakers bar every endpoint that is left; the details say when the next probe is due.
	CodeCircuitOpen = 6005
	// CodeBudgetExhausted: the retry budget was empty, so the call ended with its last attempt's error.
	CodeBudgetExhausted = 6006
	// CodeRejected: the attempt ended the call: the caller's fault, not idempotent, or not retryable.
	CodeRejected = 6007
	// CodeCancelled: the caller cancelled the call.
	CodeCancelled = 6008
	// CodeClosed: the manager is closed.
	CodeClosed = 6009
	// CodeNotFound: no such endpoint, provider, service or pool.
	CodeNotFound = 6010
	// CodeAlreadyExists: the id or name is taken.
	CodeAlreadyExists = 6011
	// CodeInvalidArgument: an argument is malformed; the message names it and says what was expected.
	CodeInvalidArgument = 6012
	// CodeInvalidState: the function doesn't fit the state: a step on a finished call, `advance` on a system clock.
	CodeInvalidState = 6013
	// CodeTimeout: the time allowed for a blocking verb passed before it was done.
	CodeTimeout = 6014
	// CodeProvider: the provider failed or can't do what was asked.
	CodeProvider = 6015
	// CodeNoWorker: work for the program waits, and no worker of the program pulls it.
	CodeNoWorker = 6016
	// CodeNotAvailable: the name is reserved for a later release.
	CodeNotAvailable = 6017
	// CodeLimitExceeded: a limit was reached: endpoints in a provider, bytes in a document, open calls.
	CodeLimitExceeded = 6018
	// CodeNullArgument: a pointer that must not be NULL is NULL.
	CodeNullArgument = 6019
	// CodeInvalidHandle: a handle is not of this library, or was freed already.
	CodeInvalidHandle = 6020
	// CodeInvalidUTF8: text is not UTF-8.
	CodeInvalidUTF8 = 6021
	// CodeUnsupported: a struct's size, or a field beyond the known ones, is not understood by this release.
	CodeUnsupported = 6022
	// CodePanic: a defect of the library was caught at its border. Selection goes on.
	CodePanic = 6023
	// CodeForked: the process was forked, and its policy forbids use in the child.
	CodeForked = 6024
	// CodeConcurrentUse: a handle for one thread at a time was used by two at once.
	CodeConcurrentUse = 6025
	// CodeIO: input or output of the machine failed.
	CodeIO = 6026
	// CodeBusy: something is still open; the details count it.
	CodeBusy = 6027
)
