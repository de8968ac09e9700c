package failover

// Requests: what a pick or a call wants.

/*
#include "glue.h"
*/
import "C"

import (
	"unsafe"
)

const (
	requestNested        = C.FAILOVER_REQUEST_NESTED
	requestNonIdempotent = C.FAILOVER_REQUEST_NON_IDEMPOTENT
	requestIdempotent    = C.FAILOVER_REQUEST_IDEMPOTENT
	requestUntracked     = C.FAILOVER_REQUEST_UNTRACKED
	requestPosition      = C.FAILOVER_REQUEST_POSITION
)

// wish is what a request wants beyond a time and flags.
type wish struct {
	flags                                               uint32
	timeout                                             uint64
	endpoint                                            uint64
	latitude, longitude                                 float64
	key, session, clientIP, zone, region, scope, filter string
	exclude                                             []uint64
}

func (w *wish) plain() C.glue_wish {
	return C.glue_wish{
		flags: C.uint32_t(w.flags), timeout_ns: C.uint64_t(w.timeout), endpoint: C.uint64_t(w.endpoint),
		latitude: C.double(w.latitude), longitude: C.double(w.longitude),
	}
}

func (w *wish) excluded() (*C.uint64_t, C.size_t) {
	return (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(w.exclude))), C.size_t(len(w.exclude))
}
