package failover

// Work that the library asks of the program: its checks and its providers.

/*
#include "glue.h"
*/
import "C"

import (
	"unsafe"

	"github.com/libfailover/libfailover/bindings/go/types"
)

const (
	workHealthCheck = C.FAILOVER_WORK_HEALTH_CHECK
	workList        = C.FAILOVER_WORK_LIST
	workWatch       = C.FAILOVER_WORK_WATCH
	workUnwatch     = C.FAILOVER_WORK_UNWATCH
	workRegister    = C.FAILOVER_WORK_REGISTER
	workDeregister  = C.FAILOVER_WORK_DEREGISTER
	workUpdate      = C.FAILOVER_WORK_UPDATE
	workPing        = C.FAILOVER_WORK_PING
	workCancel      = C.FAILOVER_WORK_CANCEL
)

type nativeWork struct{ ptr *C.failover_work_queue }

func (m nativeManager) work() (nativeWork, error) {
	var made nativeWork
	var object *C.failover_error
	code := C.failover_work_queue_new(m.ptr, &made.ptr, &object)
	return made, failed(code, object)
}

func (q nativeWork) fd() (int, error) {
	var fd C.int32_t
	var object *C.failover_error
	code := C.failover_work_queue_fd(q.ptr, &fd, &object)
	return int(fd), failed(code, object)
}

// work is one piece of work that the library asks for.
type work struct {
	kind              uint32
	token, deadline   uint64
	provider, payload string
}

func (q nativeWork) poll() ([]work, error) {
	var buffer [batch]C.failover_work
	var count C.size_t
	code := C.failover_work_poll(q.ptr, &buffer[0], C.size_t(unsafe.Sizeof(buffer[0])), batch, 0, &count)
	if code != C.FAILOVER_OK {
		return nil, bare(int(code))
	}
	items := make([]work, 0, int(count))
	for _, raw := range buffer[:count] {
		items = append(items, work{uint32(raw.kind), uint64(raw.token), uint64(raw.deadline_ns),
			goString(raw.provider), goString(raw.payload_json)})
	}
	return items, nil
}

func (q nativeWork) free() {
	C.failover_work_queue_free(q.ptr)
}

func (m nativeManager) complete(token uint64, outcome types.Outcome, payload string) error {
	var object *C.failover_error
	code := C.failover_work_complete(m.ptr, C.uint64_t(token), C.uint32_t(outcome), str(payload), &object)
	return failed(code, object)
}
