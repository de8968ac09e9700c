package failover

// Endpoints cross as JSON: registering one is no hot path.

/*
#include "glue.h"
*/
import "C"

import (
	"time"
)

func (m nativeManager) endpoints(provider string) ([]byte, error) {
	return m.document(func(m *C.failover_manager, buf **C.failover_buf, err **C.failover_error) C.failover_code {
		return C.failover_endpoint_list(m, str(provider), buf, err)
	})
}

func (m nativeManager) endpoint(provider, id string) ([]byte, error) {
	return m.document(func(m *C.failover_manager, buf **C.failover_buf, err **C.failover_error) C.failover_code {
		return C.failover_endpoint_get(m, str(provider), str(id), buf, err)
	})
}

func (m nativeManager) register(provider, document string) error {
	var object *C.failover_error
	return failed(C.failover_endpoint_register_json(m.ptr, str(provider), str(document), &object), object)
}

func (m nativeManager) update(provider, document string) error {
	var object *C.failover_error
	return failed(C.failover_endpoint_update_json(m.ptr, str(provider), str(document), &object), object)
}

func (m nativeManager) deregister(provider, id string) error {
	var object *C.failover_error
	return failed(C.failover_endpoint_deregister(m.ptr, str(provider), str(id), &object), object)
}

func (m nativeManager) setAdmin(provider, id string, state AdminState) error {
	var object *C.failover_error
	return failed(C.failover_endpoint_set_admin(m.ptr, str(provider), str(id), C.uint32_t(state), &object), object)
}

func (m nativeManager) waitDrained(provider, id string, timeout time.Duration) error {
	var object *C.failover_error
	return failed(C.failover_endpoint_wait_drained(m.ptr, str(provider), str(id), millis(timeout), &object), object)
}
