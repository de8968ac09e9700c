package failover

// The manager.

/*
#cgo noescape failover_manager_now
#cgo nocallback failover_manager_now
#include "glue.h"
*/
import "C"

import (
	"fmt"
	"time"
)

type nativeManager struct{ ptr *C.failover_manager }

func newManager(config string) (nativeManager, error) {
	if code := C.glue_check(); code != C.FAILOVER_OK {
		return nativeManager{}, fmt.Errorf("failover: the library %s and this module don't belong together: %w",
			Version(), bare(int(code)))
	}
	var made nativeManager
	var object *C.failover_error
	code := C.failover_manager_new(str(config), &made.ptr, &object)
	return made, failed(code, object)
}

func (m nativeManager) free() {
	C.failover_manager_free(m.ptr)
}

func (m nativeManager) close(timeout time.Duration) error {
	var object *C.failover_error
	return failed(C.failover_manager_close(m.ptr, millis(timeout), &object), object)
}

func (m nativeManager) now() uint64 {
	return uint64(C.failover_manager_now(m.ptr))
}

func (m nativeManager) advance(by time.Duration) error {
	var object *C.failover_error
	return failed(C.failover_manager_advance(m.ptr, C.uint64_t(max(by, 0)), &object), object)
}

func (m nativeManager) configure(policy string) error {
	var object *C.failover_error
	return failed(C.failover_manager_configure(m.ptr, str(policy), &object), object)
}

func (m nativeManager) waitReady(timeout time.Duration) error {
	var object *C.failover_error
	return failed(C.failover_manager_wait_ready(m.ptr, millis(timeout), &object), object)
}

// document reads one of the manager's documents.
func (m nativeManager) document(read func(*C.failover_manager, **C.failover_buf, **C.failover_error) C.failover_code) ([]byte, error) {
	var buf *C.failover_buf
	var object *C.failover_error
	if err := failed(read(m.ptr, &buf, &object), object); err != nil {
		return nil, err
	}
	return take(buf), nil
}

func (m nativeManager) config() ([]byte, error) {
	return m.document(func(m *C.failover_manager, buf **C.failover_buf, err **C.failover_error) C.failover_code {
		return C.failover_manager_config(m, buf, err)
	})
}

func (m nativeManager) stats() ([]byte, error) {
	return m.document(func(m *C.failover_manager, buf **C.failover_buf, err **C.failover_error) C.failover_code {
		return C.failover_stats(m, buf, err)
	})
}
