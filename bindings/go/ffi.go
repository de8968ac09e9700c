package failover

// The only file that knows C. Handles stay in here; what leaves is Go's. No Go pointer stays in C, and
// C never calls back. Texts cross as pointer and length, borrowed for the time of the call.

/*
#cgo !failover_dynamic,linux,amd64 CFLAGS: -I${SRCDIR}/lib/linux_amd64
#cgo !failover_dynamic,linux,amd64 LDFLAGS: ${SRCDIR}/lib/linux_amd64/libfailover.a -lpthread -ldl -lm
#cgo failover_dynamic pkg-config: failover
#cgo noescape glue_begin_plain
#cgo nocallback glue_begin_plain
#cgo noescape glue_begin_with
#cgo nocallback glue_begin_with
#cgo noescape glue_step
#cgo nocallback glue_step
#cgo noescape glue_succeed
#cgo nocallback glue_succeed
#cgo noescape glue_select
#cgo nocallback glue_select
#cgo noescape glue_pick_with
#cgo nocallback glue_pick_with
#cgo noescape failover_call_free
#cgo nocallback failover_call_free
#cgo noescape failover_pool_report
#cgo nocallback failover_pool_report
#cgo noescape failover_manager_now
#cgo nocallback failover_manager_now
#cgo noescape failover_version_number
#cgo nocallback failover_version_number
#include "glue.h"
*/
import "C"

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unsafe"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// The numbers that Go decides by.
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

	requestNested        = C.FAILOVER_REQUEST_NESTED
	requestNonIdempotent = C.FAILOVER_REQUEST_NON_IDEMPOTENT
	requestIdempotent    = C.FAILOVER_REQUEST_IDEMPOTENT
	requestUntracked     = C.FAILOVER_REQUEST_UNTRACKED
	requestPosition      = C.FAILOVER_REQUEST_POSITION

	workHealthCheck = C.FAILOVER_WORK_HEALTH_CHECK
	workList        = C.FAILOVER_WORK_LIST
	workWatch       = C.FAILOVER_WORK_WATCH
	workUnwatch     = C.FAILOVER_WORK_UNWATCH
	workRegister    = C.FAILOVER_WORK_REGISTER
	workDeregister  = C.FAILOVER_WORK_DEREGISTER
	workUpdate      = C.FAILOVER_WORK_UPDATE
	workPing        = C.FAILOVER_WORK_PING
	workCancel      = C.FAILOVER_WORK_CANCEL

	canList         = C.FAILOVER_PROVIDER_CAN_LIST
	canWatch        = C.FAILOVER_PROVIDER_CAN_WATCH
	canRegister     = C.FAILOVER_PROVIDER_CAN_REGISTER
	isAuthoritative = C.FAILOVER_PROVIDER_AUTHORITATIVE
)

// Version is the release of the library that is linked.
func Version() string {
	return C.GoString(C.failover_version())
}

// version is the cheapest of all calls: what a crossing costs.
func (m nativeManager) version() uint32 {
	return uint32(C.failover_version_number())
}

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

// failed makes the error of a code, from its object if there is one, which it frees.
func failed(code C.failover_code, object *C.failover_error) error {
	if code == C.FAILOVER_OK {
		return nil
	}
	if object == nil {
		return bare(int(code))
	}
	return takeError(object)
}

// bare is the error of a code without an object.
func bare(code int) *types.FailoverError {
	return &types.FailoverError{
		Type: typeOfCode(code), Code: code, Message: strings.ReplaceAll(nameOfCode(code), "_", " "),
	}
}

// nameOfCode is a code's name without its prefix, in lower case.
func nameOfCode(code int) string {
	name := C.GoString(C.failover_code_name(C.failover_code(code)))
	return strings.ToLower(strings.TrimPrefix(name, "FAILOVER_E_"))
}

func takeError(object *C.failover_error) *types.FailoverError {
	taken := &types.FailoverError{
		Code:      int(C.failover_error_code(object)),
		Type:      errorTypes[C.failover_error_type(object)],
		Message:   goString(C.failover_error_message(object)),
		Retryable: C.failover_error_flags(object)&C.FAILOVER_ERROR_RETRYABLE != 0,
	}
	// The library's own text; a document that can't be read leaves the details empty.
	details := goString(C.failover_error_details_json(object))
	if json.Unmarshal([]byte(details), &taken.Details) == nil {
		taken.Attempts = attemptsOf(details)
	}
	C.failover_error_free(object)
	return taken
}

var errorTypes = map[C.uint32_t]types.ErrorType{
	C.FAILOVER_TYPE_CONNECTION:      types.ErrorTypeConnection,
	C.FAILOVER_TYPE_VALIDATION:      types.ErrorTypeValidation,
	C.FAILOVER_TYPE_NOT_FOUND:       types.ErrorTypeNotFound,
	C.FAILOVER_TYPE_TIMEOUT:         types.ErrorTypeTimeout,
	C.FAILOVER_TYPE_CIRCUIT_BREAKER: types.ErrorTypeCircuitBreaker,
	C.FAILOVER_TYPE_INTERNAL:        types.ErrorTypeInternal,
}

// --- the manager

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

func millis(timeout time.Duration) C.uint32_t {
	return C.uint32_t(min(max(timeout.Milliseconds(), 0), 1<<32-1))
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

func (m nativeManager) events(limit int) ([]byte, error) {
	return m.document(func(m *C.failover_manager, buf **C.failover_buf, err **C.failover_error) C.failover_code {
		return C.failover_events(m, C.uint32_t(min(max(limit, 0), 1<<20)), buf, err)
	})
}

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

func (m nativeManager) checkAll(provider string) ([]byte, error) {
	return m.document(func(m *C.failover_manager, buf **C.failover_buf, err **C.failover_error) C.failover_code {
		return C.failover_health_check_all(m, str(provider), buf, err)
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

func (m nativeManager) check(provider, id string) (types.HealthStatus, error) {
	var status C.uint32_t
	var object *C.failover_error
	code := C.failover_health_check(m.ptr, str(provider), str(id), &status, &object)
	return types.HealthStatus(status), failed(code, object)
}

func (m nativeManager) report(provider, id string, finding Finding, reason string) (types.HealthStatus, error) {
	var status C.uint32_t
	var object *C.failover_error
	code := C.failover_health_report(m.ptr, str(provider), str(id), C.uint32_t(finding), str(reason), &status, &object)
	return types.HealthStatus(status), failed(code, object)
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

func (m nativeManager) waitReady(timeout time.Duration) error {
	var object *C.failover_error
	return failed(C.failover_manager_wait_ready(m.ptr, millis(timeout), &object), object)
}

func (m nativeManager) waitDrained(provider, id string, timeout time.Duration) error {
	var object *C.failover_error
	return failed(C.failover_endpoint_wait_drained(m.ptr, str(provider), str(id), millis(timeout), &object), object)
}

func (m nativeManager) complete(token uint64, outcome types.Outcome, payload string) error {
	var object *C.failover_error
	code := C.failover_work_complete(m.ptr, C.uint64_t(token), C.uint32_t(outcome), str(payload), &object)
	return failed(code, object)
}

// --- pools

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

// wish is what a request wants beyond a time and flags.
type wish struct {
	flags                                               uint32
	timeout                                             uint64
	endpoint                                            uint64
	latitude, longitude                                 float64
	key, session, clientIP, zone, region, scope, filter string
	exclude                                             []uint64
}

func (w *wish) plain() C.glue_wish {
	return C.glue_wish{
		flags: C.uint32_t(w.flags), timeout_ns: C.uint64_t(w.timeout), endpoint: C.uint64_t(w.endpoint),
		latitude: C.double(w.latitude), longitude: C.double(w.longitude),
	}
}

func (w *wish) excluded() (*C.uint64_t, C.size_t) {
	return (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(w.exclude))), C.size_t(len(w.exclude))
}

// nativeLease is a pick that has to be reported.
type nativeLease struct{ lease C.failover_lease }

func (l *nativeLease) picked() (endpoint, version uint64, position uint32) {
	return uint64(l.lease.endpoint), uint64(l.lease.snapshot_version), uint32(l.lease.position)
}

func (l *nativeLease) isPanic() bool {
	return l.lease.flags&C.FAILOVER_LEASE_PANIC != 0
}

func (p nativePool) pickWith(w *wish, lease *nativeLease) error {
	var object *C.failover_error
	exclude, count := w.excluded()
	code := C.glue_pick_with(p.ptr, w.plain(), str(w.key), str(w.session), str(w.clientIP), str(w.zone),
		str(w.region), str(w.scope), str(w.filter), exclude, count, &lease.lease, &object)
	return failed(code, object)
}

func (p nativePool) report(lease *nativeLease, outcome types.Outcome, latency uint64) error {
	return failed(C.failover_pool_report(p.ptr, &lease.lease, C.uint32_t(outcome), C.uint64_t(latency)), nil)
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

// member is an endpoint of a snapshot.
type member struct {
	number   uint64
	retired  bool
	endpoint *types.ServiceEndpoint
}

// version is that of the set as it is now.
func (p nativePool) version() (uint64, error) {
	var snapshot *C.failover_snapshot
	var object *C.failover_error
	if err := failed(C.failover_pool_snapshot(p.ptr, &snapshot, &object), object); err != nil {
		return 0, err
	}
	defer C.failover_snapshot_free(snapshot)
	return uint64(C.failover_snapshot_version(snapshot)), nil
}

func (p nativePool) snapshot() (version uint64, members []member, err error) {
	var snapshot *C.failover_snapshot
	var object *C.failover_error
	if err := failed(C.failover_pool_snapshot(p.ptr, &snapshot, &object), object); err != nil {
		return 0, nil, err
	}
	defer C.failover_snapshot_free(snapshot)
	members = make([]member, int(C.failover_snapshot_len(snapshot)))
	for at := range members {
		var number C.failover_endpoint_id
		desc := C.failover_endpoint_desc{struct_size: C.sizeof_failover_endpoint_desc}
		code := C.failover_snapshot_get(snapshot, C.size_t(at), &number, &desc)
		if code != C.FAILOVER_OK {
			return 0, nil, bare(int(code))
		}
		endpoint := &types.ServiceEndpoint{
			ID: goString(desc.id), Name: goString(desc.name), Address: goString(desc.address),
			Port: int(desc.port), Protocol: goString(desc.protocol), Weight: int(desc.weight),
			Priority: int(desc.priority),
		}
		readLabels(endpoint, goString(desc.tags_json), goString(desc.metadata_json), goString(desc.health_check_json))
		members[at] = member{uint64(number), desc.flags&C.FAILOVER_ENDPOINT_RETIRED != 0, endpoint}
	}
	return uint64(C.failover_snapshot_version(snapshot)), members, nil
}

// --- calls

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

// --- queues

// batch is how many records are taken off a queue at once.
const batch = 64

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
