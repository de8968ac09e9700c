package failover

// Checks that are made now, and what the program found by itself.

/*
#include "glue.h"
*/
import "C"

import (
	"github.com/libfailover/libfailover/bindings/go/types"
)

func (m nativeManager) check(provider, id string) (types.HealthStatus, error) {
	var status C.uint32_t
	var object *C.failover_error
	code := C.failover_health_check(m.ptr, str(provider), str(id), &status, &object)
	return types.HealthStatus(status), failed(code, object)
}

func (m nativeManager) checkAll(provider string) ([]byte, error) {
	return m.document(func(m *C.failover_manager, buf **C.failover_buf, err **C.failover_error) C.failover_code {
		return C.failover_health_check_all(m, str(provider), buf, err)
	})
}

func (m nativeManager) report(provider, id string, finding Finding, reason string) (types.HealthStatus, error) {
	var status C.uint32_t
	var object *C.failover_error
	code := C.failover_health_report(m.ptr, str(provider), str(id), C.uint32_t(finding), str(reason), &status, &object)
	return types.HealthStatus(status), failed(code, object)
}
