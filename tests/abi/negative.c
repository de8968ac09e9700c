/* Misuse: NULL, bad UTF-8, stale handles, wrong struct_size, double close, use after close, for every
 * function. `run.sh` checks that every function of the header is named in this file. */
#include "check.h"

#define NULL_ARGUMENT(call) GIVES(FAILOVER_E_NULL_ARGUMENT, call)
#define INVALID_HANDLE(call) GIVES(FAILOVER_E_INVALID_HANDLE, call)
#define INVALID_UTF8(call) GIVES(FAILOVER_E_INVALID_UTF8, call)
#define UNSUPPORTED(call) GIVES(FAILOVER_E_UNSUPPORTED, call)
#define CLOSED(call) GIVES(FAILOVER_E_CLOSED, call)

static const failover_str NONE = {NULL, 0};
/* NULL with a length, and bytes that are not UTF-8. */
static const failover_str WRONG = {NULL, 3};
static const failover_str BAD = {"\xff\xfe", 2};

static uint32_t attempt(void *user_data, const failover_endpoint_desc *endpoint,
                        const failover_lease *lease, uint64_t timeout_ns) {
    (void)endpoint;
    (void)lease;
    (void)timeout_ns;
    return *(uint32_t *)user_data;
}

/* What an endpoint asks for in `hinting`. */
#define HINT_NS 20000000000ULL

static uint32_t hinting(void *user_data, const failover_endpoint_desc *endpoint,
                        const failover_lease *lease, uint64_t timeout_ns, uint64_t *hint_ns) {
    CHECK(*hint_ns == 0);
    *hint_ns = HINT_NS;
    return attempt(user_data, endpoint, lease, timeout_ns);
}

static void count_drop(void *user_data) { *(int *)user_data += 1; }
static void wake(void *user_data) { (void)user_data; }

/* An error object comes with the code, and says more than it. */
static void errors_and_buffers(failover_manager *manager) {
    failover_error *error = NULL;
    failover_buf *buf = NULL;
    failover_manager *out = NULL;
    GIVES(FAILOVER_E_INVALID_CONFIG, failover_manager_new(text("{\"x\": 1}"), &out, &error));
    CHECK(out == NULL);
    CHECK(failover_error_code(error) == FAILOVER_E_INVALID_CONFIG);
    CHECK(failover_error_type(error) == FAILOVER_TYPE_VALIDATION);
    CHECK(failover_error_flags(error) == 0);
    CHECK(failover_error_message(error).len > 0);
    CHECK(failover_error_details_json(error).len > 2);
    failover_error_free(error);
    failover_error_free(error);
    failover_error_free(NULL);
    INVALID_HANDLE(failover_error_code(error));
    NULL_ARGUMENT(failover_error_code(NULL));
    CHECK(failover_error_type(error) == 0 && failover_error_type(NULL) == 0);
    CHECK(failover_error_flags(error) == 0 && failover_error_flags(NULL) == 0);
    CHECK(failover_error_message(error).len == 0 && failover_error_message(NULL).len == 0);
    CHECK(failover_error_details_json(error).len == 0);
    CHECK(failover_error_details_json(NULL).len == 0);

    OK(failover_manager_config(manager, &buf, NULL));
    CHECK(failover_buf_view(buf).len > 2);
    failover_buf_free(buf);
    failover_buf_free(buf);
    failover_buf_free(NULL);
    CHECK(failover_buf_view(buf).len == 0 && failover_buf_view(NULL).len == 0);

    CHECK(strcmp(failover_code_name(FAILOVER_OK), "FAILOVER_OK") == 0);
    CHECK(strcmp(failover_code_name(FAILOVER_E_CLOSED), "FAILOVER_E_CLOSED") == 0);
    CHECK(strcmp(failover_code_name(5), "FAILOVER_E_UNKNOWN") == 0);
    CHECK(failover_version() != NULL);
    CHECK(failover_version_number() > 0);
    CHECK(failover_abi_version() > 0);
    NULL_ARGUMENT(failover_abi_check(FAILOVER_ABI_VERSION, NULL, 1));
    static const uint32_t sizes[2] = {sizeof(failover_str), 0};
    GIVES(FAILOVER_E_INVALID_ARGUMENT,
          failover_abi_check(FAILOVER_ABI_VERSION, (const void *)((const char *)sizes + 1), 1));
}

/* Every function that takes a manager, with NULL or a handle that isn't one. */
static void managers(const failover_manager *bad, failover_code code) {
    failover_endpoint_desc desc = describe("x", 80);
    failover_buf *buf = NULL;
    failover_pool *pool = NULL;
    failover_queue *queue = NULL;
    failover_log_queue *logs = NULL;
    uint32_t status = 0;
    const failover_str id = text("a");
    GIVES(code, failover_manager_close(bad, 0, NULL));
    GIVES(code, failover_manager_configure(bad, text("{}"), NULL));
    GIVES(code, failover_manager_config(bad, &buf, NULL));
    GIVES(code, failover_manager_advance(bad, 1, NULL));
    GIVES(code, failover_manager_wait_ready(bad, 0, NULL));
    CHECK(failover_manager_now(bad) == 0);
    CHECK(failover_manager_retain(bad) == NULL);
    GIVES(code, failover_provider_register(bad, id, text("{}"), NULL));
    GIVES(code, failover_provider_register_pushed(bad, id, NULL));
    GIVES(code, failover_provider_register_pulled(bad, id, 1, NULL));
    failover_work_queue *work = NULL;
    GIVES(code, failover_work_queue_new(bad, &work, NULL));
    GIVES(code, failover_work_complete(bad, 1, 1, NONE, NULL));
    GIVES(code, failover_provider_deregister(bad, id, NULL));
    GIVES(code, failover_provider_list(bad, &buf, NULL));
    GIVES(code, failover_provider_info(bad, &buf, NULL));
    GIVES(code, failover_provider_publish(bad, NONE, text("[]"), NULL));
    GIVES(code, failover_endpoint_register(bad, NONE, &desc, NULL));
    GIVES(code, failover_endpoint_update(bad, NONE, &desc, NULL));
    GIVES(code, failover_endpoint_register_json(bad, NONE, text("{}"), NULL));
    GIVES(code, failover_endpoint_update_json(bad, NONE, text("{}"), NULL));
    GIVES(code, failover_endpoint_deregister(bad, NONE, id, NULL));
    GIVES(code, failover_endpoint_get(bad, NONE, id, &buf, NULL));
    GIVES(code, failover_endpoint_list(bad, NONE, &buf, NULL));
    GIVES(code, failover_endpoint_set_admin(bad, NONE, id, 0, NULL));
    GIVES(code, failover_endpoint_wait_drained(bad, NONE, id, 0, NULL));
    GIVES(code, failover_pool_get(bad, NONE, NONE, &pool, NULL));
    GIVES(code, failover_health_check(bad, NONE, id, &status, NULL));
    GIVES(code, failover_health_check_all(bad, NONE, &buf, NULL));
    GIVES(code, failover_health_report(bad, NONE, id, 1, NONE, &status, NULL));
    GIVES(code, failover_queue_new(bad, 0, 1, &queue, NULL));
    GIVES(code, failover_log_queue_new(bad, 1, &logs, NULL));
    GIVES(code, failover_log_set_level(bad, FAILOVER_LOG_WARN));
    GIVES(code, failover_events(bad, 1, &buf, NULL));
    GIVES(code, failover_stats(bad, &buf, NULL));
    CHECK(buf == NULL && pool == NULL && queue == NULL && logs == NULL && status == 0);
}

/* Every out-argument that must not be NULL, and the codes that come with an error object. */
static void outs(failover_manager *manager, failover_pool *pool) {
    failover_error *error = NULL;
    failover_lease lease;
    memset(&lease, 0, sizeof lease);
    NULL_ARGUMENT(failover_manager_new(text("{}"), NULL, &error));
    CHECK(failover_error_code(error) == FAILOVER_E_NULL_ARGUMENT);
    CHECK(failover_error_flags(error) == FAILOVER_ERROR_CALLER_BUG);
    failover_error_free(error);
    NULL_ARGUMENT(failover_manager_config(manager, NULL, NULL));
    NULL_ARGUMENT(failover_provider_list(manager, NULL, NULL));
    NULL_ARGUMENT(failover_provider_info(manager, NULL, NULL));
    NULL_ARGUMENT(failover_endpoint_register(manager, NONE, NULL, NULL));
    NULL_ARGUMENT(failover_endpoint_update(manager, NONE, NULL, NULL));
    NULL_ARGUMENT(failover_endpoint_get(manager, NONE, text("a"), NULL, NULL));
    NULL_ARGUMENT(failover_endpoint_list(manager, NONE, NULL, NULL));
    NULL_ARGUMENT(failover_pool_get(manager, NONE, text("users"), NULL, NULL));
    NULL_ARGUMENT(failover_pool_derive(pool, text("{}"), NULL, NULL));
    NULL_ARGUMENT(failover_pool_snapshot(pool, NULL, NULL));
    NULL_ARGUMENT(failover_pool_pick(pool, NULL, NULL));
    NULL_ARGUMENT(failover_pool_report(pool, NULL, 1, 0));
    NULL_ARGUMENT(failover_pool_report_hint(pool, NULL, 6, 0, 1));
    NULL_ARGUMENT(failover_pool_explain(pool, NULL, NULL, NULL));
    NULL_ARGUMENT(failover_pool_figures(pool, NULL, NULL));
    NULL_ARGUMENT(failover_pool_refusal(pool, NULL, FAILOVER_E_CLOSED, NULL));
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_pool_refusal(pool, NULL, 1, &error));
    NULL_ARGUMENT(failover_pool_stats(pool, NULL, sizeof(failover_endpoint_stats), 0, NULL));
    NULL_ARGUMENT(failover_call_new(pool, NULL, NULL, NULL));
    NULL_ARGUMENT(failover_execute(pool, NULL, NULL, NULL, NULL, NULL));
    NULL_ARGUMENT(failover_execute_hint(pool, NULL, NULL, NULL, NULL, NULL));
    NULL_ARGUMENT(failover_health_check_all(manager, NONE, NULL, NULL));
    NULL_ARGUMENT(failover_queue_new(manager, 0, 1, NULL, NULL));
    NULL_ARGUMENT(failover_log_queue_new(manager, 1, NULL, NULL));
    NULL_ARGUMENT(failover_events(manager, 1, NULL, NULL));
    NULL_ARGUMENT(failover_stats(manager, NULL, NULL));
}

/* Every text: NULL with a length, and bytes that are not UTF-8. */
static void texts(failover_manager *manager, failover_pool *pool) {
    failover_manager *out = NULL;
    failover_pool *derived = NULL;
    failover_buf *buf = NULL;
    failover_lease lease;
    failover_call *call = NULL;
    uint32_t result = FAILOVER_OUTCOME_SUCCESS;
    failover_endpoint_desc desc = describe("x", 80);
    NULL_ARGUMENT(failover_manager_new(WRONG, &out, NULL));
    INVALID_UTF8(failover_manager_new(BAD, &out, NULL));
    INVALID_UTF8(failover_manager_configure(manager, BAD, NULL));
    INVALID_UTF8(failover_provider_register(manager, BAD, text("{}"), NULL));
    INVALID_UTF8(failover_provider_register(manager, text("x"), BAD, NULL));
    INVALID_UTF8(failover_provider_register_pushed(manager, BAD, NULL));
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_provider_register_pushed(manager, NONE, NULL));
    INVALID_UTF8(failover_provider_register_pulled(manager, BAD, 1, NULL));
    UNSUPPORTED(failover_provider_register_pulled(manager, text("x"), 16, NULL));
    INVALID_UTF8(failover_work_complete(manager, 1, 1, BAD, NULL));
    INVALID_UTF8(failover_provider_deregister(manager, BAD, NULL));
    INVALID_UTF8(failover_provider_publish(manager, BAD, text("[]"), NULL));
    INVALID_UTF8(failover_provider_publish(manager, NONE, BAD, NULL));
    INVALID_UTF8(failover_endpoint_register(manager, BAD, &desc, NULL));
    INVALID_UTF8(failover_endpoint_update(manager, BAD, &desc, NULL));
    INVALID_UTF8(failover_endpoint_register_json(manager, NONE, BAD, NULL));
    INVALID_UTF8(failover_endpoint_update_json(manager, NONE, BAD, NULL));
    INVALID_UTF8(failover_endpoint_deregister(manager, NONE, BAD, NULL));
    INVALID_UTF8(failover_endpoint_get(manager, NONE, BAD, &buf, NULL));
    INVALID_UTF8(failover_endpoint_list(manager, BAD, &buf, NULL));
    INVALID_UTF8(failover_endpoint_set_admin(manager, NONE, BAD, 0, NULL));
    INVALID_UTF8(failover_endpoint_wait_drained(manager, NONE, BAD, 0, NULL));
    INVALID_UTF8(failover_pool_get(manager, BAD, NONE, &derived, NULL));
    INVALID_UTF8(failover_pool_get(manager, NONE, BAD, &derived, NULL));
    INVALID_UTF8(failover_pool_derive(pool, BAD, &derived, NULL));
    INVALID_UTF8(failover_health_check(manager, NONE, BAD, NULL, NULL));
    INVALID_UTF8(failover_health_check_all(manager, BAD, &buf, NULL));
    INVALID_UTF8(failover_health_report(manager, NONE, text("a"), 1, BAD, NULL, NULL));
    failover_str *fields[] = {&desc.id,        &desc.name,          &desc.address,
                              &desc.protocol,  &desc.tags_json,     &desc.metadata_json,
                              &desc.health_check_json};
    for (size_t i = 0; i < 7; i++) {
        failover_str kept = *fields[i];
        *fields[i] = BAD;
        INVALID_UTF8(failover_endpoint_register(manager, NONE, &desc, NULL));
        *fields[i] = WRONG;
        NULL_ARGUMENT(failover_endpoint_register(manager, NONE, &desc, NULL));
        *fields[i] = kept;
    }
    failover_request request = new_request();
    failover_str *wishes[] = {&request.key,  &request.session, &request.client_ip,
                              &request.zone, &request.region,  &request.filter_json,
                              &request.scope};
    for (size_t i = 0; i < 7; i++) {
        *wishes[i] = BAD;
        INVALID_UTF8(failover_pool_pick(pool, &request, &lease));
        INVALID_UTF8(failover_pool_explain(pool, &request, &buf, NULL));
        INVALID_UTF8(failover_call_new(pool, &request, &call, NULL));
        INVALID_UTF8(failover_execute(pool, &request, attempt, &result, NULL, NULL));
        INVALID_UTF8(failover_execute_hint(pool, &request, hinting, &result, NULL, NULL));
        *wishes[i] = WRONG;
        NULL_ARGUMENT(failover_pool_pick(pool, &request, &lease));
        *wishes[i] = NONE;
    }
    request.filter_json = text("{\"tag\": 1}");
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_pool_pick(pool, &request, &lease));
    GIVES(FAILOVER_E_INVALID_ARGUMENT,
          failover_health_report(manager, NONE, text("a"), 3, NONE, NULL, NULL));
    CHECK(out == NULL && derived == NULL && buf == NULL && call == NULL);
}

/* Sizes of structs: too small, too large with something in the tail, and larger but zero. */
static void sizes(failover_manager *manager, failover_pool *pool) {
    struct {
        failover_request request;
        uint64_t tail;
    } newer;
    struct {
        failover_endpoint_desc desc;
        uint64_t tail;
    } grown;
    failover_lease lease;
    failover_endpoint_stats stats[2];
    size_t count = 0;
    memset(&newer, 0, sizeof newer);
    newer.request.struct_size = sizeof newer;
    OK(failover_pool_pick(pool, &newer.request, &lease));
    OK(failover_pool_report(pool, &lease, FAILOVER_OUTCOME_SUCCESS, 0));
    newer.tail = 1;
    UNSUPPORTED(failover_pool_pick(pool, &newer.request, &lease));
    newer.request.struct_size = 0;
    UNSUPPORTED(failover_pool_pick(pool, &newer.request, &lease));
    newer.request.struct_size = sizeof newer.request - 1;
    UNSUPPORTED(failover_pool_pick(pool, &newer.request, &lease));
    newer.request.struct_size = 0xffffffff;
    UNSUPPORTED(failover_pool_pick(pool, &newer.request, &lease));
    newer.request = new_request();
    newer.request.flags = 1U << 31;
    UNSUPPORTED(failover_pool_pick(pool, &newer.request, &lease));
    newer.request.flags = FAILOVER_REQUEST_IDEMPOTENT | FAILOVER_REQUEST_NON_IDEMPOTENT;
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_pool_pick(pool, &newer.request, &lease));
    newer.request.flags = FAILOVER_REQUEST_POSITION;
    newer.request.latitude = 91;
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_pool_pick(pool, &newer.request, &lease));
    newer.request = new_request();
    newer.request.exclude_len = 1;
    NULL_ARGUMENT(failover_pool_pick(pool, &newer.request, &lease));

    memset(&grown, 0, sizeof grown);
    grown.desc = describe("y", 80);
    grown.desc.struct_size = 4;
    UNSUPPORTED(failover_endpoint_register(manager, NONE, &grown.desc, NULL));
    grown.desc.struct_size = sizeof grown;
    grown.tail = 1;
    UNSUPPORTED(failover_endpoint_register(manager, NONE, &grown.desc, NULL));
    grown.desc.struct_size = sizeof grown.desc;
    grown.desc.flags = 1U << 31;
    UNSUPPORTED(failover_endpoint_register(manager, NONE, &grown.desc, NULL));

    UNSUPPORTED(failover_pool_stats(pool, stats, 1, 2, &count));
    UNSUPPORTED(failover_pool_stats(pool, stats, sizeof stats[0] + 1, 2, &count));
    NULL_ARGUMENT(failover_pool_stats(pool, NULL, sizeof stats[0], 2, &count));
    OK(failover_pool_stats(pool, NULL, sizeof stats[0], 0, &count));
    CHECK(count == 2);
}

/* How many attempts both endpoints of a pool have on their way. */
static uint64_t in_flight(const failover_pool *pool) {
    failover_endpoint_stats stats[2];
    size_t count = 0;
    OK(failover_pool_stats(pool, stats, sizeof stats[0], 2, &count));
    CHECK(count == 2);
    return stats[0].in_flight + stats[1].in_flight;
}

/* A lease is taken back by its own pool alone, also where both have one at the same place. */
static void strays(failover_pool *pool) {
    failover_manager *other = new_manager("{}");
    failover_pool *pools[3] = {pool, NULL, NULL};
    failover_lease leases[3];
    add(other, "x", 80);
    add(other, "y", 80);
    OK(failover_pool_derive(pool, text("{\"max_retries\": 7}"), &pools[1], NULL));
    pools[2] = get_pool(other);
    const uint64_t before = in_flight(pool);
    for (int i = 0; i < 3; i++) OK(failover_pool_pick(pools[i], NULL, &leases[i]));
    for (int i = 0; i < 3; i++) {
        const failover_lease *stray = &leases[(i + 1) % 3];
        GIVES(FAILOVER_E_INVALID_STATE, failover_pool_report(pools[i], stray, 1, 0));
        stray = &leases[(i + 2) % 3];
        GIVES(FAILOVER_E_INVALID_STATE, failover_pool_report_hint(pools[i], stray, 1, 0, 0));
    }
    for (int i = 0; i < 3; i++) OK(failover_pool_report(pools[i], &leases[i], 1, 0));
    CHECK(in_flight(pool) == before && in_flight(pools[2]) == 0);
    failover_pool_free(pools[1]);
    failover_pool_free(pools[2]);
    failover_manager_free(other);
}

/* Leases: reported twice, made up, of another outcome, untracked. */
static void leases(failover_pool *pool) {
    failover_lease lease, made;
    failover_request request = new_request();
    OK(failover_pool_pick(pool, NULL, &lease));
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_pool_report(pool, &lease, 0, 0));
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_pool_report(pool, &lease, 9, 0));
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_pool_report_hint(pool, &lease, 9, 0, 1));
    OK(failover_pool_report(pool, &lease, FAILOVER_OUTCOME_SUCCESS, 0));
    GIVES(FAILOVER_E_INVALID_STATE, failover_pool_report(pool, &lease, 1, 0));
    GIVES(FAILOVER_E_INVALID_STATE, failover_pool_report_hint(pool, &lease, 6, 0, 1));
    OK(failover_pool_pick(pool, NULL, &lease));
    OK(failover_pool_report_hint(pool, &lease, FAILOVER_OUTCOME_SUCCESS, 0, UINT64_MAX));
    memset(&made, 0xff, sizeof made);
    GIVES(FAILOVER_E_INVALID_STATE, failover_pool_report(pool, &made, 1, 0));
    request.flags = FAILOVER_REQUEST_UNTRACKED;
    OK(failover_pool_pick(pool, &request, &lease));
    CHECK(lease.flags & FAILOVER_LEASE_UNTRACKED);
    failover_endpoint_stats before[2], after[2];
    size_t count = 0;
    OK(failover_pool_stats(pool, before, sizeof before[0], 2, &count));
    OK(failover_pool_pick(pool, &request, &lease));
    OK(failover_pool_stats(pool, after, sizeof after[0], 2, &count));
    CHECK(lease.endpoint != 0 && memcmp(before, after, sizeof before) == 0);
    GIVES(FAILOVER_E_INVALID_STATE, failover_pool_report(pool, &lease, 1, 0));
    /* The endpoint of a lease that was tampered with is looked up, and isn't there. */
    OK(failover_pool_pick(pool, NULL, &lease));
    lease.endpoint = 0xffffffffffULL;
    OK(failover_pool_report(pool, &lease, 1, 0));
}

static void calls(failover_pool *pool) {
    failover_call *call = NULL;
    failover_action action;
    failover_input input;
    failover_error *error = NULL;
    failover_buf *json = NULL;
    failover_endpoint_id ids[4];
    size_t count = 0;
    memset(&input, 0, sizeof input);
    input.kind = FAILOVER_INPUT_TICK;
    OK(failover_call_new(pool, NULL, &call, NULL));
    GIVES(FAILOVER_E_INVALID_STATE, failover_call_step(call, &input, &action));
    NULL_ARGUMENT(failover_call_step(call, NULL, &action));
    NULL_ARGUMENT(failover_call_step(call, &input, NULL));
    NULL_ARGUMENT(failover_call_step(NULL, &input, &action));
    input.kind = 77;
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_call_step(call, &input, &action));
    input.kind = FAILOVER_INPUT_START;
    input.reserved = 1;
    UNSUPPORTED(failover_call_step(call, &input, &action));
    input.reserved = 0;
    OK(failover_call_step(call, &input, &action));
    GIVES(FAILOVER_E_INVALID_STATE, failover_call_step(call, &input, &action));
    GIVES(FAILOVER_E_INVALID_STATE, failover_pool_report(pool, &action.lease, 1, 0));
    input.kind = FAILOVER_INPUT_RESULT;
    input.attempt = 1;
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_call_step(call, &input, &action));
    GIVES(FAILOVER_E_INVALID_STATE, failover_call_error(call, &error));
    NULL_ARGUMENT(failover_call_error(call, NULL));
    NULL_ARGUMENT(failover_call_error(NULL, &error));
    NULL_ARGUMENT(failover_call_history(call, NULL));
    NULL_ARGUMENT(failover_call_history(NULL, &json));
    NULL_ARGUMENT(failover_call_candidates(call, ids, 4, NULL));
    NULL_ARGUMENT(failover_call_candidates(call, NULL, 4, &count));
    NULL_ARGUMENT(failover_call_candidates(NULL, ids, 4, &count));
    GIVES(FAILOVER_E_INVALID_ARGUMENT,
          failover_call_candidates(call, (void *)((char *)ids + 1), 3, &count));
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_call_candidates(call, ids, SIZE_MAX, &count));
    input.kind = FAILOVER_INPUT_CANCEL;
    OK(failover_call_step(call, &input, &action));
    CHECK(action.kind == FAILOVER_ACTION_FAIL && action.code == FAILOVER_E_CANCELLED);
    OK(failover_call_error(call, &error));
    CHECK(failover_error_code(error) == FAILOVER_E_CANCELLED);
    failover_error_free(error);
    failover_call_free(call);
    failover_call_free(call);
    failover_call_free(NULL);
    INVALID_HANDLE(failover_call_step(call, &input, &action));
    INVALID_HANDLE(failover_call_error(call, &error));
    INVALID_HANDLE(failover_call_history(call, &json));
    INVALID_HANDLE(failover_call_candidates(call, ids, 4, &count));
}

/* A host that steps with a time of its own chooses among the endpoints of that time. */
static void choices(void) {
    const uint64_t hour = 3600ULL * 1000000000;
    failover_manager *manager = new_manager("{\"failover\": {\"strategy\": \"custom\"}}");
    add(manager, "a", 80);
    add(manager, "b", 80);
    failover_pool *pool = get_pool(manager);
    failover_call *call = NULL;
    failover_action action;
    failover_input input;
    failover_endpoint_id ids[4];
    size_t count = 0;
    memset(&input, 0, sizeof input);
    /* The first endpoint asks to be left alone for a while. */
    input.kind = FAILOVER_INPUT_START;
    input.now_ns = failover_manager_now(manager);
    OK(failover_call_new(pool, NULL, &call, NULL));
    OK(failover_call_step(call, &input, &action));
    CHECK(action.kind == FAILOVER_ACTION_CHOOSE);
    OK(failover_call_candidates(call, ids, 4, &count));
    CHECK(count == 2);
    input.kind = FAILOVER_INPUT_CHOSEN;
    input.endpoint = ids[0];
    OK(failover_call_step(call, &input, &action));
    CHECK(action.kind == FAILOVER_ACTION_ATTEMPT);
    input.kind = FAILOVER_INPUT_RESULT;
    input.attempt = action.attempt;
    input.outcome = FAILOVER_OUTCOME_THROTTLED;
    input.hint_ns = hour;
    OK(failover_call_step(call, &input, &action));
    failover_call_free(call);
    for (int hours = 0; hours < 4; hours += 3) {
        memset(&input, 0, sizeof input);
        input.kind = FAILOVER_INPUT_START;
        input.now_ns = hours == 0 ? 0 : failover_manager_now(manager) + (uint64_t)hours * hour;
        OK(failover_call_new(pool, NULL, &call, NULL));
        OK(failover_call_step(call, &input, &action));
        CHECK(action.kind == FAILOVER_ACTION_CHOOSE);
        OK(failover_call_candidates(call, ids, 4, &count));
        CHECK(count == (hours == 0 ? 1 : 2));
        failover_call_free(call);
    }
    failover_pool_free(pool);
    failover_manager_free(manager);
}

/* The message of an error begins with what is at fault. */
static void begins(failover_error *error, const char *fault) {
    failover_str message = failover_error_message(error);
    if (message.len < strlen(fault) || memcmp(message.ptr, fault, strlen(fault)) != 0) {
        fprintf(stderr, "wanted %s, came %.*s\n", fault, (int)message.len, message.ptr);
        exit(1);
    }
    failover_error_free(error);
}

/* Whoever takes a request names what is at fault in it. */
static void names(const failover_pool *pool, const failover_request *request, failover_call **out,
                  const char *fault) {
    failover_error *error = NULL;
    failover_buf *json = NULL;
    failover_lease lease;
    uint32_t result = FAILOVER_OUTCOME_SUCCESS;
    CHECK(failover_call_new(pool, request, out, &error) != FAILOVER_OK);
    begins(error, fault);
    if (pool == NULL || out == NULL) return;
    CHECK(failover_execute(pool, request, attempt, &result, NULL, &error) != FAILOVER_OK);
    begins(error, fault);
    CHECK(failover_execute_hint(pool, request, hinting, &result, NULL, &error) != FAILOVER_OK);
    begins(error, fault);
    CHECK(failover_pool_explain(pool, request, &json, &error) != FAILOVER_OK);
    begins(error, fault);
    const failover_code code = failover_pool_pick(pool, request, &lease);
    OK(failover_pool_refusal(pool, request, code, &error));
    CHECK(failover_error_code(error) == code);
    begins(error, fault);
}

/* Each argument and field that can be at fault is named. */
static void faults(failover_manager *manager, const failover_pool *pool) {
    failover_call *call = NULL;
    failover_request request = new_request();
    names(NULL, &request, &call, "pool: is NULL");
    names(pool, &request, NULL, "out: is NULL");
    request.struct_size = 1;
    names(pool, &request, &call, "request: has a size");
    request = new_request();
    request.flags = 1U << 31;
    names(pool, &request, &call, "request.flags: has");
    request.flags = FAILOVER_REQUEST_IDEMPOTENT | FAILOVER_REQUEST_NON_IDEMPOTENT;
    names(pool, &request, &call, "request.flags: must");
    request.flags = FAILOVER_REQUEST_POSITION;
    request.longitude = 181;
    names(pool, &request, &call, "request.longitude: must");
    request.latitude = 91;
    names(pool, &request, &call, "request.latitude: must");
    request = new_request();
    request.filter_json = text("{\"tags\": \"x\"}");
    names(pool, &request, &call, "request.filter_json: must be like {");
    request.filter_json = NONE;
    char long_name[513];
    memset(long_name, 'x', sizeof long_name);
    request.scope = (failover_str){long_name, sizeof long_name};
    names(pool, &request, &call, "request.scope: must be at most 512 bytes");
    request.scope = NONE;
    request.key = BAD;
    names(pool, &request, &call, "request.key: is not UTF-8");
    request.key = WRONG;
    names(pool, &request, &call, "request.key: is NULL");
    request.key = NONE;
    request.exclude_len = 1;
    names(pool, &request, &call, "request.exclude: is NULL");
    failover_endpoint_id id = 1;
    request.exclude = &id;
    request.exclude_len = 1U << 20;
    names(pool, &request, &call, "request.exclude_len: must");
    CHECK(call == NULL);
    failover_error *error = NULL;
    failover_endpoint_desc desc = describe("x", 80);
    desc.flags = FAILOVER_ENDPOINT_RETIRED;
    UNSUPPORTED(failover_endpoint_register(manager, NONE, &desc, &error));
    begins(error, "desc.flags: has");
    desc = describe("x", 80);
    desc.reserved = 1;
    UNSUPPORTED(failover_endpoint_update(manager, NONE, &desc, &error));
    begins(error, "desc.reserved: has");
}

static void executes(failover_pool *pool) {
    failover_action last;
    failover_str details;
    char told[1024];
    failover_error *error = NULL;
    uint32_t result = 0;
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_execute(pool, NULL, attempt, &result, NULL, NULL));
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_execute_hint(pool, NULL, hinting, &result, NULL, NULL));
    result = FAILOVER_OUTCOME_REJECTED;
    GIVES(FAILOVER_E_REJECTED, failover_execute(pool, NULL, attempt, &result, &last, &error));
    CHECK(last.kind == FAILOVER_ACTION_FAIL && last.lease.endpoint != 0);
    /* A text of the library ends with its length, not with a zero. */
    details = failover_error_details_json(error);
    snprintf(told, sizeof told, "%.*s", (int)details.len, details.ptr);
    CHECK(strstr(told, "attempts") != NULL);
    failover_error_free(error);
    GIVES(FAILOVER_E_REJECTED, failover_execute_hint(pool, NULL, hinting, &result, NULL, NULL));
}

/* Who was throttled rests for as long as it asked, whether a lease or a call told of it. */
static void rests(void) {
    failover_manager *manager = new_manager("{\"clock\": \"manual\", \"failover\": {\"max_retries\": 0}}");
    failover_lease lease;
    failover_request request = new_request();
    uint32_t result = FAILOVER_OUTCOME_THROTTLED;
    add(manager, "a", 80);
    failover_pool *pool = get_pool(manager);
    OK(failover_pool_pick(pool, NULL, &lease));
    OK(failover_pool_report_hint(pool, &lease, FAILOVER_OUTCOME_THROTTLED, 1, 1000000000));
    request.now_ns = 999999999;
    GIVES(FAILOVER_E_NO_ENDPOINTS, failover_pool_pick(pool, &request, &lease));
    OK(failover_manager_advance(manager, 1000000001, NULL));
    GIVES(FAILOVER_E_ATTEMPTS_EXHAUSTED, failover_execute_hint(pool, NULL, hinting, &result, NULL, NULL));
    OK(failover_manager_advance(manager, HINT_NS - 1, NULL));
    GIVES(FAILOVER_E_NO_ENDPOINTS, failover_pool_pick(pool, NULL, &lease));
    OK(failover_manager_advance(manager, 1, NULL));
    OK(failover_pool_pick(pool, NULL, &lease));
    OK(failover_pool_report_hint(pool, &lease, FAILOVER_OUTCOME_FAILURE, 1, 1000000000));
    OK(failover_pool_pick(pool, NULL, &lease));
    OK(failover_pool_report(pool, &lease, FAILOVER_OUTCOME_CANCELLED, 0));
    failover_pool_free(pool);
    failover_manager_free(manager);
}

/* What an attempt of `frees_within` gives up. */
struct owned {
    failover_manager *manager;
    failover_pool *pool;
    unsigned attempts;
};

/* Frees the pool and its manager at the first attempt, which fails. */
static uint32_t freeing(void *user_data, const failover_endpoint_desc *endpoint,
                        const failover_lease *lease, uint64_t timeout_ns) {
    struct owned *owned = user_data;
    (void)endpoint;
    (void)lease;
    (void)timeout_ns;
    owned->attempts++;
    if (owned->attempts > 1) {
        return FAILOVER_OUTCOME_SUCCESS;
    }
    failover_pool_free(owned->pool);
    failover_manager_free(owned->manager);
    return FAILOVER_OUTCOME_UNSENT;
}

/* A call of `failover_execute` keeps what it needs, whatever its attempts free; after it the counts
 * are gone. */
static void frees_within(void) {
    failover_action last;
    struct owned owned = {new_manager("{}"), NULL, 0};
    add(owned.manager, "a", 80);
    add(owned.manager, "b", 80);
    owned.pool = get_pool(owned.manager);
    OK(failover_execute(owned.pool, NULL, freeing, &owned, &last, NULL));
    CHECK(owned.attempts == 2 && last.kind == FAILOVER_ACTION_DONE && last.lease.endpoint != 0);
    CHECK(failover_pool_retain(owned.pool) == NULL);
    CHECK(failover_manager_retain(owned.manager) == NULL);
}

static void snapshots(failover_pool *pool) {
    failover_snapshot *snapshot = NULL;
    failover_endpoint_id id = 0;
    failover_endpoint_desc desc;
    desc.struct_size = sizeof desc;
    OK(failover_pool_snapshot(pool, &snapshot, NULL));
    CHECK(failover_snapshot_len(snapshot) == 2);
    CHECK(failover_snapshot_version(snapshot) > 0);
    CHECK(failover_snapshot_retain(snapshot) == snapshot);
    failover_snapshot_free(snapshot);
    OK(failover_snapshot_get(snapshot, 1, &id, &desc));
    CHECK(desc.id.len == 1 && desc.id.ptr[0] == 'b' && desc.weight == 1);
    OK(failover_snapshot_find(snapshot, id, &desc));
    GIVES(FAILOVER_E_NOT_FOUND, failover_snapshot_get(snapshot, 2, &id, &desc));
    GIVES(FAILOVER_E_NOT_FOUND, failover_snapshot_find(snapshot, 12345678, &desc));
    NULL_ARGUMENT(failover_snapshot_find(snapshot, id, NULL));
    NULL_ARGUMENT(failover_snapshot_get(NULL, 0, &id, &desc));
    NULL_ARGUMENT(failover_snapshot_find(NULL, id, &desc));
    failover_snapshot_free(snapshot);
    failover_snapshot_free(snapshot);
    failover_snapshot_free(NULL);
    INVALID_HANDLE(failover_snapshot_get(snapshot, 0, &id, &desc));
    INVALID_HANDLE(failover_snapshot_find(snapshot, id, &desc));
    CHECK(failover_snapshot_len(snapshot) == 0 && failover_snapshot_len(NULL) == 0);
    CHECK(failover_snapshot_version(snapshot) == 0 && failover_snapshot_version(NULL) == 0);
    CHECK(failover_snapshot_retain(snapshot) == NULL && failover_snapshot_retain(NULL) == NULL);
}

static void queues(failover_manager *manager) {
    failover_queue *queue = NULL;
    failover_log_queue *logs = NULL;
    failover_event events[4];
    failover_log_record records[4];
    size_t count = 9;
    int drops = 0, fd = -1;
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_queue_new(manager, 0, 0, &queue, NULL));
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_queue_new(manager, 1ULL << 63, 1, &queue, NULL));
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_log_queue_new(manager, 0, &logs, NULL));
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_log_set_level(manager, 6));
    OK(failover_queue_new(manager, 0, 4, &queue, NULL));
    OK(failover_log_queue_new(manager, 4, &logs, NULL));
    UNSUPPORTED(failover_queue_poll(queue, events, 1, 4, 0, &count));
    UNSUPPORTED(failover_log_queue_poll(logs, records, 1, 4, 0, &count));
    NULL_ARGUMENT(failover_queue_poll(queue, NULL, sizeof events[0], 4, 0, &count));
    NULL_ARGUMENT(failover_queue_poll(queue, events, sizeof events[0], 4, 0, NULL));
    NULL_ARGUMENT(failover_queue_poll(NULL, events, sizeof events[0], 4, 0, &count));
    NULL_ARGUMENT(failover_log_queue_poll(logs, NULL, sizeof records[0], 4, 0, &count));
    NULL_ARGUMENT(failover_log_queue_poll(NULL, records, sizeof records[0], 4, 0, &count));
    CHECK(count == 9);
    OK(failover_queue_poll(queue, events, sizeof events[0], 4, 1, &count));
    CHECK(count == 0);
    OK(failover_log_queue_poll(logs, records, sizeof records[0], 4, 1, &count));
    NULL_ARGUMENT(failover_queue_fd(queue, NULL, NULL));
    NULL_ARGUMENT(failover_log_queue_fd(logs, NULL, NULL));
    NULL_ARGUMENT(failover_queue_fd(NULL, &fd, NULL));
    NULL_ARGUMENT(failover_log_queue_fd(NULL, &fd, NULL));
    OK(failover_queue_fd(queue, &fd, NULL));
    CHECK(fd >= 0);
    OK(failover_log_queue_fd(logs, &fd, NULL));

    /* The drop function runs once: when replaced, when refused, when the queue ends. */
    NULL_ARGUMENT(failover_queue_set_wake(NULL, wake, &drops, count_drop));
    CHECK(drops == 1);
    OK(failover_queue_set_wake(queue, wake, &drops, count_drop));
    CHECK(drops == 1);
    OK(failover_queue_set_wake(queue, wake, &drops, count_drop));
    CHECK(drops == 2);
    NULL_ARGUMENT(failover_log_queue_set_wake(NULL, wake, &drops, count_drop));
    CHECK(drops == 3);
    OK(failover_log_queue_set_wake(logs, wake, &drops, count_drop));
    failover_log_queue_free(logs);
    CHECK(drops == 4);
    failover_queue_free(queue);
    CHECK(drops == 5);
    failover_queue_free(queue);
    failover_queue_free(NULL);
    failover_log_queue_free(logs);
    failover_log_queue_free(NULL);
    INVALID_HANDLE(failover_queue_poll(queue, events, sizeof events[0], 4, 0, &count));
    INVALID_HANDLE(failover_log_queue_poll(logs, records, sizeof records[0], 4, 0, &count));
    INVALID_HANDLE(failover_queue_fd(queue, &fd, NULL));
    INVALID_HANDLE(failover_log_queue_fd(logs, &fd, NULL));
    INVALID_HANDLE(failover_queue_set_wake(queue, wake, &drops, count_drop));
    INVALID_HANDLE(failover_log_queue_set_wake(logs, wake, &drops, count_drop));
    CHECK(drops == 7);
    CHECK(failover_queue_dropped(queue) == 0 && failover_queue_dropped(NULL) == 0);
    CHECK(failover_log_queue_dropped(logs) == 0 && failover_log_queue_dropped(NULL) == 0);
}

static void work_queues(failover_manager *manager) {
    failover_work_queue *queue = NULL;
    failover_work work[2];
    size_t count = 9;
    NULL_ARGUMENT(failover_work_queue_new(manager, NULL, NULL));
    OK(failover_work_queue_new(manager, &queue, NULL));
    NULL_ARGUMENT(failover_work_poll(NULL, work, sizeof work[0], 2, 0, &count));
    NULL_ARGUMENT(failover_work_poll(queue, NULL, sizeof work[0], 2, 0, &count));
    NULL_ARGUMENT(failover_work_poll(queue, work, sizeof work[0], 2, 0, NULL));
    UNSUPPORTED(failover_work_poll(queue, work, 1, 2, 0, &count));
    CHECK(count == 9);
    OK(failover_work_poll(queue, work, sizeof work[0], 2, 1, &count));
    CHECK(count == 0);
    int drops = 0;
    int fd = -1;
    NULL_ARGUMENT(failover_work_queue_set_wake(NULL, wake, &drops, count_drop));
    CHECK(drops == 1);
    OK(failover_work_queue_set_wake(queue, wake, &drops, count_drop));
    OK(failover_work_queue_set_wake(queue, NULL, NULL, NULL));
    CHECK(drops == 2);
    OK(failover_work_queue_set_wake(queue, wake, &drops, count_drop));
    NULL_ARGUMENT(failover_work_queue_fd(NULL, &fd, NULL));
    NULL_ARGUMENT(failover_work_queue_fd(queue, NULL, NULL));
    OK(failover_work_queue_fd(queue, &fd, NULL));
    CHECK(fd >= 0);
    GIVES(FAILOVER_E_NOT_FOUND, failover_work_complete(manager, 99, 1, NONE, NULL));
    GIVES(FAILOVER_E_INVALID_ARGUMENT, failover_work_complete(manager, 99, 0, NONE, NULL));
    failover_work_queue_free(queue);
    CHECK(drops == 3);
    failover_work_queue_free(queue);
    failover_work_queue_free(NULL);
    INVALID_HANDLE(failover_work_poll(queue, work, sizeof work[0], 2, 0, &count));
    INVALID_HANDLE(failover_work_queue_fd(queue, &fd, NULL));
    INVALID_HANDLE(failover_work_queue_set_wake(queue, wake, &drops, count_drop));
    CHECK(drops == 4);
}

enum kind { MANAGER, POOL, BUFFER, SNAPSHOT, CALL, QUEUE, LOGS, WORK, ERROR, KINDS };

/* One function of a kind, and those that count its handles, with a handle of another kind: it is
 * told by its word, whatever its size, and stays what it is. */
static void mistaken(enum kind kind, void *handle) {
    failover_input input;
    failover_action action;
    failover_lease lease;
    failover_event event;
    failover_log_record record;
    failover_work work;
    failover_buf *buf = NULL;
    size_t count = 9;
    memset(&input, 0, sizeof input);
    input.kind = FAILOVER_INPUT_START;
    switch (kind) {
    case MANAGER:
        INVALID_HANDLE(failover_stats(handle, &buf, NULL));
        CHECK(failover_manager_retain(handle) == NULL);
        failover_manager_free(handle);
        break;
    case POOL:
        INVALID_HANDLE(failover_pool_pick(handle, NULL, &lease));
        CHECK(failover_pool_retain(handle) == NULL);
        failover_pool_free(handle);
        break;
    case BUFFER:
        CHECK(failover_buf_view(handle).ptr != NULL && failover_buf_view(handle).len == 0);
        failover_buf_free(handle);
        break;
    case SNAPSHOT:
        CHECK(failover_snapshot_len(handle) == 0);
        CHECK(failover_snapshot_retain(handle) == NULL);
        failover_snapshot_free(handle);
        break;
    case CALL:
        INVALID_HANDLE(failover_call_step(handle, &input, &action));
        failover_call_free(handle);
        break;
    case QUEUE:
        INVALID_HANDLE(failover_queue_poll(handle, &event, sizeof event, 1, 0, &count));
        failover_queue_free(handle);
        break;
    case LOGS:
        INVALID_HANDLE(failover_log_queue_poll(handle, &record, sizeof record, 1, 0, &count));
        failover_log_queue_free(handle);
        break;
    case WORK:
        INVALID_HANDLE(failover_work_poll(handle, &work, sizeof work, 1, 0, &count));
        failover_work_queue_free(handle);
        break;
    case ERROR:
        INVALID_HANDLE(failover_error_code(handle));
        failover_error_free(handle);
        break;
    case KINDS:
        break;
    }
    CHECK(buf == NULL && count == 9);
}

/* Every kind of handle where every other is wanted, and a word that is no handle at all. */
static void kinds(failover_manager *manager, failover_pool *pool) {
    uint64_t *stray = malloc(sizeof *stray);
    failover_buf *buf = NULL;
    failover_snapshot *snapshot = NULL;
    failover_call *call = NULL;
    failover_queue *queue = NULL;
    failover_log_queue *logs = NULL;
    failover_work_queue *work = NULL;
    failover_error *error = NULL;
    failover_pool *none = NULL;
    CHECK(stray != NULL);
    *stray = 1;
    OK(failover_stats(manager, &buf, NULL));
    OK(failover_pool_snapshot(pool, &snapshot, NULL));
    OK(failover_call_new(pool, NULL, &call, NULL));
    OK(failover_queue_new(manager, 0, 8, &queue, NULL));
    OK(failover_log_queue_new(manager, 8, &logs, NULL));
    OK(failover_work_queue_new(manager, &work, NULL));
    GIVES(FAILOVER_E_NOT_FOUND, failover_pool_get(manager, text("?"), NONE, &none, &error));
    void *handles[KINDS] = {manager, pool, buf, snapshot, call, queue, logs, work, error};
    for (int wanted = 0; wanted < KINDS; wanted++) {
        for (int given = 0; given < KINDS; given++) {
            if (given != wanted) {
                mistaken((enum kind)wanted, handles[given]);
            }
        }
        mistaken((enum kind)wanted, stray);
    }
    /* They are all as they were. */
    one_call(pool);
    CHECK(failover_buf_view(buf).len > 2 && failover_snapshot_len(snapshot) == 2);
    CHECK(failover_error_code(error) == FAILOVER_E_NOT_FOUND);
    failover_call_free(call);
    failover_queue_free(queue);
    failover_log_queue_free(logs);
    failover_work_queue_free(work);
    failover_snapshot_free(snapshot);
    failover_buf_free(buf);
    failover_error_free(error);
    free(stray);
}

/* Every function that takes a pool, with NULL or a handle that isn't one. */
static void pools(failover_pool *bad, failover_code code) {
    failover_lease lease;
    failover_pool *pool = NULL;
    failover_snapshot *snapshot = NULL;
    failover_call *call = NULL;
    failover_buf *json = NULL;
    failover_endpoint_stats stats[2];
    size_t count = 0;
    uint32_t result = FAILOVER_OUTCOME_SUCCESS;
    memset(&lease, 0, sizeof lease);
    GIVES(code, failover_pool_derive(bad, text("{}"), &pool, NULL));
    GIVES(code, failover_pool_snapshot(bad, &snapshot, NULL));
    GIVES(code, failover_pool_pick(bad, NULL, &lease));
    GIVES(code, failover_pool_report(bad, &lease, 1, 0));
    GIVES(code, failover_pool_report_hint(bad, &lease, 6, 0, 1));
    GIVES(code, failover_pool_explain(bad, NULL, &json, NULL));
    GIVES(code, failover_pool_figures(bad, &json, NULL));
    failover_error *error = NULL;
    GIVES(code, failover_pool_refusal(bad, NULL, FAILOVER_E_CLOSED, &error));
    GIVES(code, failover_pool_stats(bad, stats, sizeof stats[0], 2, &count));
    GIVES(code, failover_call_new(bad, NULL, &call, NULL));
    GIVES(code, failover_execute(bad, NULL, attempt, &result, NULL, NULL));
    GIVES(code, failover_execute_hint(bad, NULL, hinting, &result, NULL, NULL));
    CHECK(failover_pool_retain(bad) == NULL);
    CHECK(pool == NULL && snapshot == NULL && call == NULL && json == NULL);
}

/* A closed manager tells so, and what it knows can still be read. */
static void closed(failover_manager *manager, failover_pool *pool, failover_lease *open) {
    failover_endpoint_desc desc = describe("x", 80);
    failover_work_queue *work = NULL;
    failover_pool *other = NULL;
    failover_lease lease;
    failover_buf *json = NULL;
    uint32_t result = FAILOVER_OUTCOME_SUCCESS;
    const failover_str id = text("a");
    GIVES(FAILOVER_E_BUSY, failover_manager_close(manager, 10, NULL));
    OK(failover_manager_close(manager, 10, NULL));
    OK(failover_pool_report(pool, open, FAILOVER_OUTCOME_SUCCESS, 0));
    CLOSED(failover_pool_pick(pool, NULL, &lease));
    CLOSED(failover_execute(pool, NULL, attempt, &result, NULL, NULL));
    CLOSED(failover_execute_hint(pool, NULL, hinting, &result, NULL, NULL));
    CLOSED(failover_pool_get(manager, NONE, NONE, &other, NULL));
    CLOSED(failover_pool_derive(pool, text("{}"), &other, NULL));
    CLOSED(failover_manager_configure(manager, text("{}"), NULL));
    CLOSED(failover_manager_wait_ready(manager, 0, NULL));
    CLOSED(failover_work_queue_new(manager, &work, NULL));
    CLOSED(failover_endpoint_register(manager, NONE, &desc, NULL));
    CLOSED(failover_endpoint_deregister(manager, NONE, id, NULL));
    CLOSED(failover_endpoint_set_admin(manager, NONE, id, 0, NULL));
    CLOSED(failover_provider_register(manager, text("x"), text("{}"), NULL));
    CLOSED(failover_provider_register_pushed(manager, text("x"), NULL));
    CLOSED(failover_provider_register_pulled(manager, text("x"), 1, NULL));
    CLOSED(failover_provider_deregister(manager, text("x"), NULL));
    CLOSED(failover_provider_publish(manager, NONE, text("[]"), NULL));
    CLOSED(failover_health_check(manager, NONE, id, NULL, NULL));
    CLOSED(failover_health_check_all(manager, NONE, &json, NULL));
    CLOSED(failover_health_report(manager, NONE, id, 1, NONE, NULL, NULL));
    OK(failover_stats(manager, &json, NULL));
    failover_buf_free(json);
    OK(failover_events(manager, 10, &json, NULL));
    failover_buf_free(json);
    OK(failover_endpoint_list(manager, NONE, &json, NULL));
    failover_buf_free(json);
}

int main(void) {
    failover_manager *manager = new_manager("{}");
    failover_lease open;
    add(manager, "a", 80);
    add(manager, "b", 80);
    failover_pool *pool = get_pool(manager);
    CHECK(get_pool(manager) == pool);
    failover_pool_free(pool);

    errors_and_buffers(manager);
    managers(NULL, FAILOVER_E_NULL_ARGUMENT);
    managers((const failover_manager *)(const void *)pool, FAILOVER_E_INVALID_HANDLE);
    pools(NULL, FAILOVER_E_NULL_ARGUMENT);
    pools((failover_pool *)(void *)manager, FAILOVER_E_INVALID_HANDLE);
    outs(manager, pool);
    texts(manager, pool);
    sizes(manager, pool);
    leases(pool);
    strays(pool);
    rests();
    calls(pool);
    choices();
    faults(manager, pool);
    executes(pool);
    frees_within();
    snapshots(pool);
    queues(manager);
    work_queues(manager);
    kinds(manager, pool);
    GIVES(FAILOVER_E_INVALID_STATE, failover_manager_advance(manager, 1, NULL));

    OK(failover_pool_pick(pool, NULL, &open));
    closed(manager, pool, &open);

    /* A pool keeps its manager: the last count of either ends both. */
    failover_call *left = NULL;
    failover_manager_free(manager);
    OK(failover_manager_close(manager, 0, NULL));
    OK(failover_call_new(pool, NULL, &left, NULL));
    failover_call_free(left);
    CHECK(failover_pool_retain(pool) == pool);
    failover_pool_free(pool);
    failover_pool_free(pool);
    failover_pool_free(pool);
    failover_pool_free(NULL);
    failover_manager_free(manager);
    failover_manager_free(NULL);
    managers(manager, FAILOVER_E_INVALID_HANDLE);
    pools(pool, FAILOVER_E_INVALID_HANDLE);

    /* A manager that is freed while a call is open stays in memory for it. */
    manager = new_manager("{}");
    add(manager, "a", 80);
    pool = get_pool(manager);
    failover_action action;
    failover_input input;
    memset(&input, 0, sizeof input);
    input.kind = FAILOVER_INPUT_START;
    OK(failover_call_new(pool, NULL, &left, NULL));
    OK(failover_call_step(left, &input, &action));
    failover_pool_free(pool);
    failover_manager_free(manager);
    /* Its address isn't another one's, which would be taken for the call's. */
    for (int i = 0; i < 100; i++) {
        failover_manager *next = new_manager("{}");
        CHECK(next != manager);
        failover_manager_free(next);
    }
    input.kind = FAILOVER_INPUT_CANCEL;
    OK(failover_call_step(left, &input, &action));
    failover_call_free(left);

    failover_before_fork();
    failover_after_fork_parent();
    failover_after_fork_child();
    printf("negative: every misuse was refused\n");
    return 0;
}
