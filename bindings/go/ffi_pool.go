package failover

// Pools, and picks that nobody reports.

/*
#cgo noescape glue_select
#cgo nocallback glue_select
#include "glue.h"
*/
import "C"

import (
	"unsafe"
)

type nativePool struct{ ptr *C.failover_pool }

// number is the handle as the hot path takes it.
func (p nativePool) number() C.uintptr_t {
	return C.uintptr_t(uintptr(unsafe.Pointer(p.ptr)))
}

func (m nativeManager) pool(provider, service string) (nativePool, error) {
	var got nativePool
	var object *C.failover_error
	code := C.failover_pool_get(m.ptr, str(provider), str(service), &got.ptr, &object)
	return got, failed(code, object)
}

func (p nativePool) derive(policy string) (nativePool, error) {
	var got nativePool
	var object *C.failover_error
	code := C.failover_pool_derive(p.ptr, str(policy), &got.ptr, &object)
	return got, failed(code, object)
}

func (p nativePool) free() {
	C.failover_pool_free(p.ptr)
}

func (p nativePool) figures() ([]byte, error) {
	var buf *C.failover_buf
	var object *C.failover_error
	if err := failed(C.failover_pool_figures(p.ptr, &buf, &object), object); err != nil {
		return nil, err
	}
	return take(buf), nil
}

// pick picks for somebody who won't report. Plain results: a struct would be copied through memory.
func (p nativePool) pick() (endpoint, version uint64, position uint32, code int) {
	var got C.glue_pick
	refused := C.glue_select(p.number(), &got)
	return uint64(got.endpoint), uint64(got.version), uint32(got.position), int(refused)
}

// refusal is the error of a plain pick that was refused.
func (p nativePool) refusal(code int) error {
	var object *C.failover_error
	if C.failover_pool_refusal(p.ptr, nil, C.failover_code(code), &object) != C.FAILOVER_OK {
		return bare(code)
	}
	return takeError(object)
}

func (p nativePool) explain(w *wish) ([]byte, error) {
	var buf *C.failover_buf
	var object *C.failover_error
	exclude, count := w.excluded()
	code := C.glue_explain(p.ptr, w.plain(), str(w.key), str(w.session), str(w.clientIP), str(w.zone),
		str(w.region), str(w.scope), str(w.filter), exclude, count, &buf, &object)
	if err := failed(code, object); err != nil {
		return nil, err
	}
	return take(buf), nil
}
