/*
 * What ffi*.go call where a plain call would cost: inputs as scalars, results as one small struct by
 * value, so that nothing has to be on Go's heap and one crossing does the work of two.
 */
#ifndef FAILOVER_GO_GLUE_H
#define FAILOVER_GO_GLUE_H

#if defined(__has_include)
#if !__has_include(<failover.h>)
#error "failover.h is missing: run bindings/go/build.sh, or install the library and use the tag failover_dynamic"
#endif
#endif
#include <failover.h>

/*
 * On the hot path handles are numbers: the Go runtime looks at every pointer that crosses.
 */

/* What to do now, as far as Go wants to know; Go's `action` has the same layout and is written in place,
 * since what is copied as a block right after it was written is read back late. */
typedef struct {
    uintptr_t call; /* 0 once the call is freed */
    uint64_t endpoint;
    uint64_t version;
    uint64_t timer_ns;
    uint32_t code; /* of the step itself; FAIL's own is `why` */
    uint32_t kind;
    uint32_t attempt;
    uint32_t flags;
    uint32_t position;
    uint32_t why;
} glue_action;

static inline void glue_show(failover_code code, failover_call *call, const failover_action *action,
                             glue_action *shown)
{
    shown->call = (uintptr_t)call;
    shown->code = code;
    if (code == FAILOVER_OK) {
        shown->endpoint = action->lease.endpoint;
        shown->version = action->lease.snapshot_version;
        shown->timer_ns = action->timer_ns;
        shown->kind = action->kind;
        shown->attempt = action->attempt;
        shown->flags = action->flags;
        shown->position = action->lease.position;
        shown->why = action->code;
    }
}

/* Makes a call and starts it. */
static inline void glue_begin(const failover_pool *pool, const failover_request *request,
                              glue_action *shown)
{
    failover_call *call = NULL;
    failover_input input = {.kind = FAILOVER_INPUT_START};
    failover_action action;
    failover_code code = failover_call_new(pool, request, &call, NULL);
    if (code == FAILOVER_OK) {
        code = failover_call_step(call, &input, &action);
    }
    glue_show(code, call, &action, shown);
}

/* As glue_begin, for a request that wants no more than a time and flags. */
static inline void glue_begin_plain(uintptr_t handle, uint32_t flags, uint64_t timeout_ns,
                                    glue_action *shown)
{
    const failover_pool *pool = (const failover_pool *)handle;
    if (flags == 0 && timeout_ns == 0) {
        glue_begin(pool, NULL, shown);
        return;
    }
    failover_request request = {
        .struct_size = sizeof request, .flags = flags, .timeout_ns = timeout_ns};
    glue_begin(pool, &request, shown);
}

static inline void glue_step(uintptr_t handle, uint32_t kind, uint32_t attempt, uint32_t outcome,
                             uint64_t latency_ns, uint64_t hint_ns, uint64_t endpoint,
                             glue_action *shown)
{
    failover_input input = {.kind = kind,
                            .attempt = attempt,
                            .outcome = outcome,
                            .latency_ns = latency_ns,
                            .hint_ns = hint_ns,
                            .endpoint = endpoint};
    failover_call *call = (failover_call *)handle;
    failover_action action;
    glue_show(failover_call_step(call, &input, &action), call, &action, shown);
}

/* Tells that an attempt succeeded. A call that ends so with its first attempt is freed. */
static inline void glue_succeed(uintptr_t call, uint32_t attempt, glue_action *shown)
{
    glue_step(call, FAILOVER_INPUT_RESULT, attempt, FAILOVER_OUTCOME_SUCCESS, 0, 0, 0, shown);
    if (shown->code == FAILOVER_OK && shown->kind == FAILOVER_ACTION_DONE && attempt == 1) {
        failover_call_free((failover_call *)call);
        shown->call = 0;
    }
}

/* A pick that nobody will report. */
typedef struct {
    uint64_t endpoint;
    uint64_t version;
    uint64_t position;
} glue_pick;

static inline uint32_t glue_select(uintptr_t handle, glue_pick *picked)
{
    const failover_pool *pool = (const failover_pool *)handle;
    /* Made once: clearing one for each pick costs a quarter of it. */
    static const failover_request request = {.struct_size = sizeof request,
                                             .flags = FAILOVER_REQUEST_UNTRACKED};
    failover_lease lease;
    failover_code code = failover_pool_pick(pool, &request, &lease);
    if (code == FAILOVER_OK) {
        picked->endpoint = lease.endpoint;
        picked->version = lease.snapshot_version;
        picked->position = lease.position;
    }
    return code;
}

/* A request with everything; its texts and numbers are read before the call returns. */
typedef struct {
    uint32_t flags;
    uint64_t timeout_ns;
    uint64_t endpoint;
    double latitude;
    double longitude;
} glue_wish;

static inline failover_request glue_request(glue_wish wish, failover_str key, failover_str session,
                                            failover_str client_ip, failover_str zone,
                                            failover_str region, failover_str scope, failover_str filter,
                                            const uint64_t *exclude, size_t exclude_len)
{
    failover_request request = {
        .struct_size = sizeof request,
        .flags = wish.flags,
        .key = key,
        .session = session,
        .client_ip = client_ip,
        .zone = zone,
        .region = region,
        .scope = scope,
        .filter_json = filter,
        .latitude = wish.latitude,
        .longitude = wish.longitude,
        .timeout_ns = wish.timeout_ns,
        .endpoint = wish.endpoint,
        .exclude = exclude_len == 0 ? NULL : exclude,
        .exclude_len = exclude_len,
    };
    return request;
}

static inline failover_code glue_begin_with(const failover_pool *pool, glue_wish wish,
                                            failover_str key, failover_str session,
                                            failover_str client_ip, failover_str zone,
                                            failover_str region, failover_str scope,
                                            failover_str filter, const uint64_t *exclude,
                                            size_t exclude_len, glue_action *shown,
                                            failover_error **error)
{
    failover_request request = glue_request(wish, key, session, client_ip, zone, region, scope,
                                            filter, exclude, exclude_len);
    glue_begin(pool, &request, shown);
    if (shown->code != FAILOVER_OK) {
        failover_pool_refusal(pool, &request, shown->code, error);
    }
    return shown->code;
}

/* A pick under such a request; the error is made if there is a place for it. */
static inline failover_code glue_pick_with(const failover_pool *pool, glue_wish wish, failover_str key,
                                           failover_str session, failover_str client_ip,
                                           failover_str zone, failover_str region, failover_str scope,
                                           failover_str filter, const uint64_t *exclude,
                                           size_t exclude_len, failover_lease *lease, failover_error **error)
{
    failover_request request = glue_request(wish, key, session, client_ip, zone, region, scope,
                                            filter, exclude, exclude_len);
    failover_code code = failover_pool_pick(pool, &request, lease);
    if (code != FAILOVER_OK) {
        failover_pool_refusal(pool, &request, code, error);
    }
    return code;
}

static inline failover_code glue_explain(const failover_pool *pool, glue_wish wish, failover_str key,
                                         failover_str session, failover_str client_ip,
                                         failover_str zone, failover_str region, failover_str scope,
                                         failover_str filter, const uint64_t *exclude,
                                         size_t exclude_len, failover_buf **json,
                                         failover_error **error)
{
    failover_request request = glue_request(wish, key, session, client_ip, zone, region, scope,
                                            filter, exclude, exclude_len);
    return failover_pool_explain(pool, &request, json, error);
}

/* The same header and library on both sides? */
static inline failover_code glue_check(void)
{
    const uint32_t sizes[] = {
        sizeof(failover_str),        sizeof(failover_lease),      sizeof(failover_request),
        sizeof(failover_input),      sizeof(failover_action),     sizeof(failover_endpoint_desc),
        sizeof(failover_event),      sizeof(failover_log_record), sizeof(failover_endpoint_stats),
        sizeof(failover_work),
    };
    return failover_abi_check(FAILOVER_ABI_VERSION, sizes, sizeof sizes / sizeof *sizes);
}

#endif
