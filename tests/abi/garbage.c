/* Numbers that no program should give: extreme times, made-up leases, steps out of order, wild flags.
 * Whatever is answered, nothing panics, no attempt is lost, and a call goes well afterwards. */
#include "check.h"

static uint64_t seed;

/* xorshift64*, by Sebastiano Vigna: the same numbers in each run. */
static uint64_t next(void) {
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * 2685821657736338717ULL;
}

static uint64_t below(uint64_t end) { return (next() >> 33) % end; }

/* A number as mistakes make them. */
static uint64_t number(void) {
    static const uint64_t EDGES[] = {0, 1, 2, 1000, 1000000000, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1,
                                     UINT64_MAX, UINT32_MAX, (uint64_t)UINT32_MAX + 1};
    return below(4) == 0 ? next() : EDGES[below(sizeof EDGES / sizeof *EDGES)];
}

static failover_code known(failover_code code, const char *what) {
    if (code == FAILOVER_E_PANIC || strcmp(failover_code_name(code), "FAILOVER_E_UNKNOWN") == 0) {
        fprintf(stderr, "%s: %s\n", what, failover_code_name(code));
        exit(1);
    }
    return code;
}

static failover_request wish(void) {
    failover_request request = new_request();
    if (below(2) == 0) request.flags = (uint32_t)below(32);
    if (below(2) == 0) request.now_ns = number();
    if (below(3) == 0) request.timeout_ns = number();
    if (below(3) == 0) request.endpoint = number();
    if (below(3) == 0) request.key = text("k");
    if (below(3) == 0) request.session = text("s");
    if (below(3) == 0) request.scope = text(below(2) == 0 ? "one" : "two");
    request.latitude = (double)(int64_t)number();
    request.longitude = (double)(int64_t)number();
    return request;
}

static void picks(const failover_pool *pool) {
    const failover_request request = wish();
    failover_lease lease, changed;
    failover_error *error = NULL;
    failover_buf *json = NULL;
    const failover_code code = known(failover_pool_pick(pool, &request, &lease), "pick");
    if (below(8) == 0 && known(failover_pool_explain(pool, &request, &json, NULL), "explain") == FAILOVER_OK) {
        failover_buf_free(json);
    }
    if (code != FAILOVER_OK) {
        OK(known(failover_pool_refusal(pool, &request, code, &error), "refusal"));
        failover_error_free(error);
        return;
    }
    /* Its ticket is the only number that must be right: the rest is taken as it is. */
    changed = lease;
    switch (below(12)) {
    case 0: changed.started_ns = number(); break;
    case 1: changed.pass_word = number(); break;
    case 2: changed.pass_generation = (uint32_t)number(); break;
    case 3: changed.pass_slot = (uint32_t)number(); break;
    case 4: changed.position = (uint32_t)number(); break;
    case 5: changed.snapshot_version = number(); break;
    case 6: changed.scope_pass_word = number(); break;
    case 7: changed.scope_pass_generation = (uint32_t)number(); break;
    case 8: changed.scope_pass_slot = (uint16_t)number(); break;
    case 9: changed.scope = (uint16_t)number(); break;
    default: break;
    }
    known(failover_pool_report(pool, &changed, (uint32_t)below(10), number()), "report");
    known(failover_pool_report(pool, &lease, FAILOVER_OUTCOME_SUCCESS, number()), "report");
}

static void steps(const failover_pool *pool) {
    const failover_request request = wish();
    failover_call *call = NULL;
    failover_action action;
    failover_error *error = NULL;
    failover_buf *json = NULL;
    failover_endpoint_id ids[4];
    size_t count = 0;
    memset(&action, 0, sizeof action);
    if (known(failover_call_new(pool, &request, &call, NULL), "call_new") != FAILOVER_OK) return;
    for (uint64_t left = below(20); left > 0; left--) {
        failover_input input;
        memset(&input, 0, sizeof input);
        input.kind = (uint32_t)below(8);
        input.attempt = below(3) == 0 ? (uint32_t)number() : action.attempt;
        input.outcome = (uint32_t)below(10);
        input.now_ns = number();
        input.latency_ns = number();
        input.hint_ns = number();
        input.endpoint = below(2) == 0 ? number() : action.lease.endpoint;
        known(failover_call_step(call, &input, &action), "step");
        known(failover_call_candidates(call, ids, 4, &count), "candidates");
    }
    if (known(failover_call_history(call, &json), "history") == FAILOVER_OK) failover_buf_free(json);
    if (known(failover_call_error(call, &error), "call_error") == FAILOVER_OK) failover_error_free(error);
    failover_call_free(call);
}

static void garbage(const char *config, int rounds) {
    failover_manager *manager = new_manager(config);
    failover_endpoint_stats stats[3];
    size_t count = 0;
    add(manager, "a", 80);
    add(manager, "b", 81);
    add(manager, "c", 82);
    failover_pool *pool = get_pool(manager);
    for (int round = 0; round < rounds; round++) {
        picks(pool);
        steps(pool);
        if (below(64) == 0) known(failover_manager_advance(manager, number(), NULL), "advance");
        OK(known(failover_pool_stats(pool, stats, sizeof *stats, 3, &count), "stats"));
    }
    /* Untracked picks and made-up passes aside, all came back. */
    for (size_t i = 0; i < 3; i++) {
        CHECK(stats[i].in_flight == 0);
        known(failover_endpoint_set_admin(manager, text(""), text(&"a\0b\0c"[2 * i]), FAILOVER_ADMIN_RESET, NULL),
              "set_admin");
    }
    failover_buf *json = NULL;
    OK(known(failover_stats(manager, &json, NULL), "stats"));
    failover_buf_free(json);
    OK(failover_manager_close(manager, 0, NULL));
    failover_pool_free(pool);
    failover_manager_free(manager);
}

int main(int count, char **arguments) {
    static const char *const WAYS[] = {
        "\"strategy\": \"round_robin\"", "\"strategy\": \"random\"", "\"strategy\": \"weighted\"",
        "\"strategy\": \"least_connections\"", "\"strategy\": \"health_based\"",
        "\"strategy\": \"geographic\"", "\"strategy\": \"custom\"",
        "\"load_balancer\": {\"algorithm\": \"ip_hash\"}", "\"load_balancer\": {\"algorithm\": \"p2c_ewma\"}",
        "\"load_balancer\": {\"sticky\": true}"};
    const int rounds = count > 1 ? atoi(arguments[1]) : 1000;
    seed = count > 2 ? strtoull(arguments[2], NULL, 10) : 88172645463325252ULL;
    for (size_t i = 0; i < sizeof WAYS / sizeof *WAYS; i++) {
        char config[200];
        const char *clock = i % 2 == 0 ? "manual" : "system";
        snprintf(config, sizeof config,
                 "{\"clock\": \"%s\", \"failover\": {%s}}", clock, WAYS[i]);
        garbage(config, rounds);
    }
    printf("garbage: %d rounds of wild numbers under each strategy and algorithm\n", rounds);
    return 0;
}
