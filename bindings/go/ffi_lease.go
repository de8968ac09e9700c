package failover

// Leases: picks that have to be reported.

/*
#cgo noescape glue_pick_with
#cgo nocallback glue_pick_with
#cgo noescape failover_pool_report
#cgo nocallback failover_pool_report
#include "glue.h"
*/
import "C"

import (
	"github.com/libfailover/libfailover/bindings/go/types"
)

// nativeLease is a pick that has to be reported.
type nativeLease struct{ lease C.failover_lease }

func (l *nativeLease) picked() (endpoint, version uint64, position uint32) {
	return uint64(l.lease.endpoint), uint64(l.lease.snapshot_version), uint32(l.lease.position)
}

func (l *nativeLease) isPanic() bool {
	return l.lease.flags&C.FAILOVER_LEASE_PANIC != 0
}

func (p nativePool) pickWith(w *wish, lease *nativeLease) error {
	var object *C.failover_error
	exclude, count := w.excluded()
	code := C.glue_pick_with(p.ptr, w.plain(), str(w.key), str(w.session), str(w.clientIP), str(w.zone),
		str(w.region), str(w.scope), str(w.filter), exclude, count, &lease.lease, &object)
	return failed(code, object)
}

func (p nativePool) report(lease *nativeLease, outcome types.Outcome, latency uint64) error {
	return failed(C.failover_pool_report(p.ptr, &lease.lease, C.uint32_t(outcome), C.uint64_t(latency)), nil)
}
