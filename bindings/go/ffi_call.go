package failover

// The call machine.

/*
#cgo noescape glue_begin_plain
#cgo nocallback glue_begin_plain
#cgo noescape glue_begin_with
#cgo nocallback glue_begin_with
#cgo noescape glue_step
#cgo nocallback glue_step
#cgo noescape glue_succeed
#cgo nocallback glue_succeed
#cgo noescape failover_call_free
#cgo nocallback failover_call_free
#include "glue.h"
*/
import "C"

import (
	"time"
	"unsafe"

	"github.com/libfailover/libfailover/bindings/go/types"
)

const (
	inputResult = C.FAILOVER_INPUT_RESULT
	inputTick   = C.FAILOVER_INPUT_TICK
	inputCancel = C.FAILOVER_INPUT_CANCEL
	inputNext   = C.FAILOVER_INPUT_NEXT
	inputChosen = C.FAILOVER_INPUT_CHOSEN

	actionAttempt = C.FAILOVER_ACTION_ATTEMPT
	actionWait    = C.FAILOVER_ACTION_WAIT
	actionAbandon = C.FAILOVER_ACTION_ABANDON
	actionChoose  = C.FAILOVER_ACTION_CHOOSE
	actionPending = C.FAILOVER_ACTION_PENDING
	actionDone    = C.FAILOVER_ACTION_DONE
	actionFail    = C.FAILOVER_ACTION_FAIL

	flagPanic    = C.FAILOVER_ACTION_PANIC
	flagFallback = C.FAILOVER_ACTION_FALLBACK
)

// nativeCall is a call as a number; what C holds there isn't Go's to look at.
type nativeCall struct{ handle uintptr }

func (c nativeCall) ptr() *C.failover_call {
	return *(**C.failover_call)(unsafe.Pointer(&c.handle))
}

// action is what a call says to do, laid out as glue_action, which C writes in place.
type action struct {
	call              nativeCall
	endpoint, version uint64
	timer             uint64
	code              uint32
	kind, attempt     uint32
	flags, position   uint32
	why               uint32
}

// Both are of one size, or this doesn't compile.
var _ = [1]struct{}{}[unsafe.Sizeof(action{})-C.sizeof_glue_action]

func (a *action) place() *C.glue_action {
	return (*C.glue_action)(unsafe.Pointer(a))
}

func (p nativePool) begin(flags uint32, timeout uint64, into *action) {
	C.glue_begin_plain(p.number(), C.uint32_t(flags), C.uint64_t(timeout), into.place())
}

func (p nativePool) beginWith(w *wish, into *action) error {
	var object *C.failover_error
	exclude, count := w.excluded()
	code := C.glue_begin_with(p.ptr, w.plain(), str(w.key), str(w.session), str(w.clientIP), str(w.zone),
		str(w.region), str(w.scope), str(w.filter), exclude, count, into.place(), &object)
	return failed(code, object)
}

// input is what happened; what doesn't apply is 0. A latency of 0 is the time since the attempt began.
type input struct {
	kind, attempt uint32
	outcome       types.Outcome
	latency, hint time.Duration
	endpoint      uint64
}

func (c nativeCall) step(in input, into *action) {
	C.glue_step(C.uintptr_t(c.handle), C.uint32_t(in.kind), C.uint32_t(in.attempt), C.uint32_t(in.outcome),
		C.uint64_t(max(in.latency, 0)), C.uint64_t(max(in.hint, 0)), C.uint64_t(in.endpoint), into.place())
}

func (c nativeCall) succeed(attempt uint32, into *action) {
	C.glue_succeed(C.uintptr_t(c.handle), C.uint32_t(attempt), into.place())
}

func (c nativeCall) free() {
	C.failover_call_free(c.ptr())
}

func (c nativeCall) error() *types.FailoverError {
	var object *C.failover_error
	if code := C.failover_call_error(c.ptr(), &object); code != C.FAILOVER_OK {
		return bare(int(code))
	}
	return takeError(object)
}

func (c nativeCall) history() []byte {
	var buf *C.failover_buf
	if C.failover_call_history(c.ptr(), &buf) != C.FAILOVER_OK {
		return nil
	}
	return take(buf)
}

func (c nativeCall) candidates() ([]uint64, error) {
	for capacity := 64; ; {
		ids := make([]uint64, capacity)
		var count C.size_t
		code := C.failover_call_candidates(c.ptr(), (*C.failover_endpoint_id)(unsafe.Pointer(&ids[0])),
			C.size_t(capacity), &count)
		if code != C.FAILOVER_OK {
			return nil, bare(int(code))
		}
		if int(count) <= capacity {
			return ids[:count], nil
		}
		capacity = int(count)
	}
}
