package failover

// Events: the last ones, and queues of them.

/*
#include "glue.h"
*/
import "C"

import (
	"strings"
	"time"
	"unsafe"

	"github.com/libfailover/libfailover/bindings/go/types"
)

func (m nativeManager) events(limit int) ([]byte, error) {
	return m.document(func(m *C.failover_manager, buf **C.failover_buf, err **C.failover_error) C.failover_code {
		return C.failover_events(m, C.uint32_t(min(max(limit, 0), 1<<20)), buf, err)
	})
}

type nativeEvents struct{ ptr *C.failover_queue }

func (m nativeManager) subscribe(kinds uint64, capacity int) (nativeEvents, error) {
	var made nativeEvents
	var object *C.failover_error
	code := C.failover_queue_new(m.ptr, C.uint64_t(kinds), C.uint32_t(min(max(capacity, 0), 1<<31)), &made.ptr, &object)
	return made, failed(code, object)
}

func (q nativeEvents) fd() (int, error) {
	var fd C.int32_t
	var object *C.failover_error
	code := C.failover_queue_fd(q.ptr, &fd, &object)
	return int(fd), failed(code, object)
}

func (q nativeEvents) poll() ([]types.FailoverEvent, error) {
	var buffer [batch]C.failover_event
	var count C.size_t
	code := C.failover_queue_poll(q.ptr, &buffer[0], C.size_t(unsafe.Sizeof(buffer[0])), batch, 0, &count)
	if code != C.FAILOVER_OK {
		return nil, bare(int(code))
	}
	events := make([]types.FailoverEvent, 0, int(count))
	kinds := types.EventTypes()
	for _, raw := range buffer[:count] {
		event := types.FailoverEvent{
			Sequence: uint64(raw.seq), Type: "unknown", Timestamp: time.Unix(0, int64(raw.time_ns)),
			Endpoint: goString(raw.endpoint), Reason: goString(raw.reason),
		}
		if int(raw.kind) < len(kinds) {
			event.Type = kinds[raw.kind]
		}
		event.Provider, event.Service, _ = strings.Cut(goString(raw.pool), "/")
		events = append(events, event)
	}
	return events, nil
}

func (q nativeEvents) dropped() uint64 {
	return uint64(C.failover_queue_dropped(q.ptr))
}

func (q nativeEvents) free() {
	C.failover_queue_free(q.ptr)
}
