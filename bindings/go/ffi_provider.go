package failover

// Providers.

/*
#include "glue.h"
*/
import "C"

const (
	canList         = C.FAILOVER_PROVIDER_CAN_LIST
	canWatch        = C.FAILOVER_PROVIDER_CAN_WATCH
	canRegister     = C.FAILOVER_PROVIDER_CAN_REGISTER
	isAuthoritative = C.FAILOVER_PROVIDER_AUTHORITATIVE
)

func (m nativeManager) providers() ([]byte, error) {
	return m.document(func(m *C.failover_manager, buf **C.failover_buf, err **C.failover_error) C.failover_code {
		return C.failover_provider_list(m, buf, err)
	})
}

func (m nativeManager) providerInfo() ([]byte, error) {
	return m.document(func(m *C.failover_manager, buf **C.failover_buf, err **C.failover_error) C.failover_code {
		return C.failover_provider_info(m, buf, err)
	})
}

func (m nativeManager) addProvider(name, config string) error {
	var object *C.failover_error
	return failed(C.failover_provider_register(m.ptr, str(name), str(config), &object), object)
}

func (m nativeManager) addPulled(name string, capabilities uint32) error {
	var object *C.failover_error
	return failed(C.failover_provider_register_pulled(m.ptr, str(name), C.uint32_t(capabilities), &object), object)
}

func (m nativeManager) addPushed(name string) error {
	var object *C.failover_error
	return failed(C.failover_provider_register_pushed(m.ptr, str(name), &object), object)
}

func (m nativeManager) removeProvider(name string) error {
	var object *C.failover_error
	return failed(C.failover_provider_deregister(m.ptr, str(name), &object), object)
}

func (m nativeManager) publish(provider, documents string) error {
	var object *C.failover_error
	return failed(C.failover_provider_publish(m.ptr, str(provider), str(documents), &object), object)
}
