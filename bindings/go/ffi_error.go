package failover

// Errors cross as an object that is read and freed at once, or as a code alone.

/*
#include "glue.h"
*/
import "C"

import (
	"encoding/json"
	"strings"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// failed makes the error of a code, from its object if there is one, which it frees.
func failed(code C.failover_code, object *C.failover_error) error {
	if code == C.FAILOVER_OK {
		return nil
	}
	if object == nil {
		return bare(int(code))
	}
	return takeError(object)
}

// bare is the error of a code without an object.
func bare(code int) *types.FailoverError {
	return &types.FailoverError{
		Type: typeOfCode(code), Code: code, Message: strings.ReplaceAll(nameOfCode(code), "_", " "),
	}
}

// nameOfCode is a code's name without its prefix, in lower case.
func nameOfCode(code int) string {
	name := C.GoString(C.failover_code_name(C.failover_code(code)))
	return strings.ToLower(strings.TrimPrefix(name, "FAILOVER_E_"))
}

func takeError(object *C.failover_error) *types.FailoverError {
	taken := &types.FailoverError{
		Code:      int(C.failover_error_code(object)),
		Type:      errorTypes[C.failover_error_type(object)],
		Message:   goString(C.failover_error_message(object)),
		Retryable: C.failover_error_flags(object)&C.FAILOVER_ERROR_RETRYABLE != 0,
	}
	// The library's own text; a document that can't be read leaves the details empty.
	details := goString(C.failover_error_details_json(object))
	if json.Unmarshal([]byte(details), &taken.Details) == nil {
		taken.Attempts = attemptsOf(details)
	}
	C.failover_error_free(object)
	return taken
}

var errorTypes = map[C.uint32_t]types.ErrorType{
	C.FAILOVER_TYPE_CONNECTION:      types.ErrorTypeConnection,
	C.FAILOVER_TYPE_VALIDATION:      types.ErrorTypeValidation,
	C.FAILOVER_TYPE_NOT_FOUND:       types.ErrorTypeNotFound,
	C.FAILOVER_TYPE_TIMEOUT:         types.ErrorTypeTimeout,
	C.FAILOVER_TYPE_CIRCUIT_BREAKER: types.ErrorTypeCircuitBreaker,
	C.FAILOVER_TYPE_INTERNAL:        types.ErrorTypeInternal,
}
