package failover

// Log records.

/*
#include "glue.h"
*/
import "C"

import (
	"unsafe"
)

type nativeLogs struct{ ptr *C.failover_log_queue }

func (m nativeManager) logs(capacity int) (nativeLogs, error) {
	var made nativeLogs
	var object *C.failover_error
	code := C.failover_log_queue_new(m.ptr, C.uint32_t(capacity), &made.ptr, &object)
	return made, failed(code, object)
}

func (q nativeLogs) fd() (int, error) {
	var fd C.int32_t
	var object *C.failover_error
	code := C.failover_log_queue_fd(q.ptr, &fd, &object)
	return int(fd), failed(code, object)
}

// record is one line of the log.
type record struct {
	level           int
	target, message string
}

func (q nativeLogs) poll() ([]record, error) {
	var buffer [batch]C.failover_log_record
	var count C.size_t
	code := C.failover_log_queue_poll(q.ptr, &buffer[0], C.size_t(unsafe.Sizeof(buffer[0])), batch, 0, &count)
	if code != C.FAILOVER_OK {
		return nil, bare(int(code))
	}
	records := make([]record, 0, int(count))
	for _, raw := range buffer[:count] {
		records = append(records, record{int(raw.level), goString(raw.target), goString(raw.message)})
	}
	return records, nil
}

func (q nativeLogs) free() {
	C.failover_log_queue_free(q.ptr)
}
