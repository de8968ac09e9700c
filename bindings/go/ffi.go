package failover

// The files ffi*.go are the only ones that know C, one for each topic of the library's own border. Handles
// stay in there; what leaves is Go's. No Go pointer stays in C, and C never calls back. Texts cross as pointer
// and length, borrowed for the time of the call.
//
// Here: how the library is linked, and how texts and times cross.

/*
#cgo !failover_dynamic,linux,amd64 CFLAGS: -I${SRCDIR}/lib/linux_amd64
#cgo !failover_dynamic,linux,amd64 LDFLAGS: ${SRCDIR}/lib/linux_amd64/libfailover.a -lpthread -ldl -lm
#cgo failover_dynamic pkg-config: failover
#cgo noescape failover_version_number
#cgo nocallback failover_version_number
#include "glue.h"
*/
import "C"

import (
	"time"
	"unsafe"
)

// Version is the release of the library that is linked.
func Version() string {
	return C.GoString(C.failover_version())
}

// version is the cheapest of all calls: what a crossing costs.
func (m nativeManager) version() uint32 {
	return uint32(C.failover_version_number())
}

// batch is how many records are taken off a queue at once.
const batch = 64

func str(text string) C.failover_str {
	return C.failover_str{ptr: (*C.char)(unsafe.Pointer(unsafe.StringData(text))), len: C.size_t(len(text))}
}

func goString(text C.failover_str) string {
	return C.GoStringN(text.ptr, C.int(text.len))
}

// take copies a buffer's text and frees it.
func take(buf *C.failover_buf) []byte {
	view := C.failover_buf_view(buf)
	text := C.GoBytes(unsafe.Pointer(view.ptr), C.int(view.len))
	C.failover_buf_free(buf)
	return text
}

func millis(timeout time.Duration) C.uint32_t {
	return C.uint32_t(min(max(timeout.Milliseconds(), 0), 1<<32-1))
}
