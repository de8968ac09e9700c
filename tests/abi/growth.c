/* Structs that may grow: every function that takes or fills one is given each size that a program of an
 * older or newer release, or a broken one, might say. The memory is exactly as large as said, so that
 * memcheck and the sanitizer see a byte that is touched beyond it. */
#include "check.h"

static failover_manager *manager;
static failover_pool *pool;
static failover_snapshot *snapshot;
static failover_queue *queue;
static failover_log_queue *logs;
static failover_work_queue *work;

/* One struct or array element of `size` bytes, given to one function. */
typedef failover_code (*use_fn)(void *memory, size_t size);

static void end(failover_code code, failover_call *call) {
    if (code == FAILOVER_OK) failover_call_free(call);
}

static failover_code pick(void *request, size_t size) {
    (void)size;
    failover_lease lease;
    failover_code code = failover_pool_pick(pool, request, &lease);
    if (code == FAILOVER_OK) OK(failover_pool_report(pool, &lease, FAILOVER_OUTCOME_SUCCESS, 0));
    return code;
}

static failover_code begin(void *request, size_t size) {
    (void)size;
    failover_call *call = NULL;
    failover_code code = failover_call_new(pool, request, &call, NULL);
    end(code, call);
    return code;
}

static uint32_t succeed(void *user_data, const failover_endpoint_desc *endpoint,
                        const failover_lease *lease, uint64_t timeout_ns) {
    (void)user_data;
    (void)endpoint;
    (void)lease;
    (void)timeout_ns;
    return FAILOVER_OUTCOME_SUCCESS;
}

static failover_code execute(void *request, size_t size) {
    (void)size;
    return failover_execute(pool, request, succeed, NULL, NULL, NULL);
}

static uint32_t succeed_at_once(void *user_data, const failover_endpoint_desc *endpoint,
                                const failover_lease *lease, uint64_t timeout_ns, uint64_t *hint_ns) {
    *hint_ns = 0;
    return succeed(user_data, endpoint, lease, timeout_ns);
}

static failover_code execute_hint(void *request, size_t size) {
    (void)size;
    return failover_execute_hint(pool, request, succeed_at_once, NULL, NULL, NULL);
}

static failover_code explain(void *request, size_t size) {
    (void)size;
    failover_buf *json = NULL;
    failover_code code = failover_pool_explain(pool, request, &json, NULL);
    failover_buf_free(json);
    return code;
}

static failover_code refusal(void *request, size_t size) {
    (void)size;
    failover_error *error = NULL;
    OK(failover_pool_refusal(pool, request, FAILOVER_E_NO_ENDPOINTS, &error));
    const failover_code code = failover_error_code(error);
    failover_error_free(error);
    return code == FAILOVER_E_NO_ENDPOINTS ? FAILOVER_OK : code;
}

static failover_code add_one(void *desc, size_t size) {
    (void)size;
    failover_code code = failover_endpoint_register(manager, text(""), desc, NULL);
    if (code == FAILOVER_OK) OK(failover_endpoint_deregister(manager, text(""), text("new"), NULL));
    return code;
}

static failover_code update(void *desc, size_t size) {
    add(manager, "new", 80);
    (void)size;
    failover_code code = failover_endpoint_update(manager, text(""), desc, NULL);
    OK(failover_endpoint_deregister(manager, text(""), text("new"), NULL));
    return code;
}

static failover_code get(void *desc, size_t size) {
    (void)size;
    failover_endpoint_id id = 0;
    failover_code code = failover_snapshot_get(snapshot, 0, &id, desc);
    CHECK((code == FAILOVER_OK) == (id != 0));
    return code;
}

static failover_code find(void *desc, size_t size) {
    (void)size;
    failover_endpoint_id id = 0;
    OK(failover_snapshot_get(snapshot, 0, &id, NULL));
    return failover_snapshot_find(snapshot, id, desc);
}

static failover_code events(void *element, size_t size) {
    size_t count = 0;
    OK(failover_endpoint_set_admin(manager, text(""), text("a"), FAILOVER_ADMIN_DRAINING, NULL));
    OK(failover_endpoint_set_admin(manager, text(""), text("a"), FAILOVER_ADMIN_ACTIVE, NULL));
    failover_code code = failover_queue_poll(queue, element, size, 1, 0, &count);
    CHECK((code == FAILOVER_OK) == (count == 1));
    return code;
}

static failover_code records(void *element, size_t size) {
    size_t count = 0;
    /* Which is a warning, since nothing says where the caller is. */
    OK(failover_manager_configure(manager, text("{\"strategy\": \"geographic\"}"), NULL));
    failover_code code = failover_log_queue_poll(logs, element, size, 1, 0, &count);
    CHECK((code == FAILOVER_OK) == (count == 1));
    return code;
}

static failover_code pieces(void *element, size_t size) {
    size_t count = 0;
    return failover_work_poll(work, element, size, 1, 0, &count);
}

static failover_code figures(void *element, size_t size) {
    size_t count = 0;
    return failover_pool_stats(pool, element, size, 1, &count);
}

/* Everything that may grow. Sizes are those of the first release that had the struct: they never change,
 * and a program that was compiled against it says them for ever. */
enum { READ, FILLED, ELEMENT };
static const struct row {
    const char *name;
    size_t first;
    int manner;
    use_fn use;
} ROWS[] = {
    {"failover_pool_pick", 176, READ, pick},
    {"failover_call_new", 176, READ, begin},
    {"failover_execute", 176, READ, execute},
    {"failover_execute_hint", 176, READ, execute_hint},
    {"failover_pool_explain", 176, READ, explain},
    {"failover_pool_refusal", 176, READ, refusal},
    {"failover_endpoint_register", 136, READ, add_one},
    {"failover_endpoint_update", 136, READ, update},
    {"failover_snapshot_get", 136, FILLED, get},
    {"failover_snapshot_find", 136, FILLED, find},
    {"failover_queue_poll", 80, ELEMENT, events},
    {"failover_log_queue_poll", 56, ELEMENT, records},
    {"failover_work_poll", 64, ELEMENT, pieces},
    {"failover_pool_stats", 88, ELEMENT, figures},
};
enum { COUNT = sizeof ROWS / sizeof *ROWS };

/* Memory as a program has it that says `said` and owns `owned` bytes: what comes first is valid. */
static void *memory(const struct row *row, uint32_t said, size_t owned) {
    const failover_endpoint_desc desc = describe("new", 80);
    unsigned char *made = malloc(owned);
    CHECK(made != NULL);
    memset(made, row->manner == READ ? 0 : 0xff, owned);
    if (row->manner == READ && row->first == sizeof desc) {
        memcpy(made, &desc, owned < sizeof desc ? owned : sizeof desc);
    }
    if (row->manner != ELEMENT) memcpy(made, &said, sizeof said);
    return made;
}

static void gives(const struct row *row, failover_code wanted, uint32_t said, size_t owned) {
    void *given = memory(row, said, owned);
    failover_code came = row->use(given, said);
    if (came != wanted) {
        fprintf(stderr, "%s with %u bytes: wanted %s, came %s\n", row->name, said,
                failover_code_name(wanted), failover_code_name(came));
        exit(1);
    }
    free(given);
}

/* Sizes that no release has. */
static void nonsense(const struct row *row) {
    const uint32_t sizes[] = {0, 1, 4, 8, (uint32_t)row->first - 8, (uint32_t)row->first - 1,
                              (uint32_t)row->first + 1, (uint32_t)row->first + 4, 4097, 4104, UINT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        gives(row, FAILOVER_E_UNSUPPORTED, sizes[i], 4200);
    }
}

/* A program of a later release, with a field that this one doesn't know. */
static void later(const struct row *row) {
    const size_t size = row->first + 16, larger[] = {row->first + 8, row->first + 1024, 4096};
    for (size_t i = 0; i < 3; i++) gives(row, FAILOVER_OK, (uint32_t)larger[i], larger[i]);
    for (size_t at = row->first; at < size; at++) {
        unsigned char *given = memory(row, (uint32_t)size, size);
        given[at] = 1;
        GIVES(row->manner == READ ? FAILOVER_E_UNSUPPORTED : FAILOVER_OK, row->use(given, size));
        for (size_t tail = row->first; row->manner != READ && row->use != pieces && tail < size; tail++) {
            CHECK(given[tail] == 0);
        }
        free(given);
    }
}

/* What was filled says still how large it is, and can be given back. */
static void filled(void) {
    failover_endpoint_desc desc;
    memset(&desc, 0xff, sizeof desc);
    desc.struct_size = sizeof desc;
    OK(failover_snapshot_get(snapshot, 0, NULL, &desc));
    CHECK(desc.struct_size == sizeof desc && desc.port == 80 && desc.reserved == 0);
    OK(failover_endpoint_update(manager, text(""), &desc, NULL));
}

/* The check at load takes the same sizes, in the order that it documents. */
static void at_load(void) {
    const uint32_t now[] = {16, 80, 176, 48, 120, 136, 80, 56, 88, 64};
    for (size_t i = 0; i < 10; i++) {
        const int grows = i != 0 && i != 1 && i != 3 && i != 4;
        uint32_t other[10];
        memcpy(other, now, sizeof now);
        OK(failover_abi_check(FAILOVER_ABI_VERSION, other, 10));
        other[i] = now[i] + 8;
        GIVES(grows ? FAILOVER_OK : FAILOVER_E_UNSUPPORTED,
              failover_abi_check(FAILOVER_ABI_VERSION, other, 10));
        other[i] = now[i] - 8;
        GIVES(FAILOVER_E_UNSUPPORTED, failover_abi_check(FAILOVER_ABI_VERSION, other, 10));
        other[i] = 0;
        GIVES(FAILOVER_E_UNSUPPORTED, failover_abi_check(FAILOVER_ABI_VERSION, other, 10));
    }
}

int main(void) {
    manager = new_manager("{}");
    add(manager, "a", 80);
    pool = get_pool(manager);
    OK(failover_pool_snapshot(pool, &snapshot, NULL));
    OK(failover_queue_new(manager, 1ULL << FAILOVER_EVENT_DRAIN, 1000, &queue, NULL));
    OK(failover_log_set_level(manager, FAILOVER_LOG_TRACE));
    OK(failover_log_queue_new(manager, 1000, &logs, NULL));
    OK(failover_work_queue_new(manager, &work, NULL));
    for (size_t i = 0; i < COUNT; i++) {
        gives(&ROWS[i], FAILOVER_OK, (uint32_t)ROWS[i].first, ROWS[i].first);
        nonsense(&ROWS[i]);
        later(&ROWS[i]);
    }
    filled();
    at_load();
    failover_work_queue_free(work);
    failover_log_queue_free(logs);
    failover_queue_free(queue);
    failover_snapshot_free(snapshot);
    failover_pool_free(pool);
    failover_manager_free(manager);
    printf("growth: %d functions take structs of other releases, and no others\n", COUNT);
    return 0;
}
