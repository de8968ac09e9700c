/* Uses the library as a new user would, in C11: one manager, two endpoints, a pick and a call.
 * Exits 0 when all of it went well. Built by install tests from installed files alone. */
#include <failover.h>
#include <stdio.h>
#include <string.h>

static failover_str text(const char *chars) {
    failover_str made = {chars, strlen(chars)};
    return made;
}

static int tell(const char *what, failover_code code, failover_error *error) {
    failover_str message = failover_error_message(error);
    fprintf(stderr, "%s: %s: %.*s\n", what, failover_code_name(code), (int)message.len, message.ptr);
    failover_error_free(error);
    return 1;
}

/* The endpoint "a" refuses; every other one answers. */
static uint32_t attempt(void *user_data, const failover_endpoint_desc *endpoint,
                        const failover_lease *lease, uint64_t timeout_ns) {
    unsigned *attempts = user_data;
    (void)lease;
    (void)timeout_ns;
    *attempts += 1;
    if (endpoint->id.len == 1 && endpoint->id.ptr[0] == 'a') {
        return FAILOVER_OUTCOME_UNSENT;
    }
    return FAILOVER_OUTCOME_SUCCESS;
}

int main(void) {
    const uint32_t sizes[] = {sizeof(failover_str),           sizeof(failover_lease),
                              sizeof(failover_request),       sizeof(failover_input),
                              sizeof(failover_action),        sizeof(failover_endpoint_desc),
                              sizeof(failover_event),         sizeof(failover_log_record),
                              sizeof(failover_endpoint_stats),  sizeof(failover_work)};
    const char *ids[] = {"a", "b"};
    failover_manager *manager = NULL;
    failover_pool *pool = NULL;
    failover_error *error = NULL;
    failover_lease lease;
    unsigned attempts = 0;
    failover_code code = failover_abi_check(FAILOVER_ABI_VERSION, sizes, 10);
    if (code != FAILOVER_OK) {
        return tell("abi_check", code, NULL);
    }
    code = failover_manager_new(text("{\"failover\": {\"strategy\": \"round_robin\"}}"), &manager,
                                &error);
    if (code != FAILOVER_OK) {
        return tell("manager_new", code, error);
    }
    for (unsigned i = 0; i < 2; i++) {
        failover_endpoint_desc desc;
        memset(&desc, 0, sizeof desc);
        desc.struct_size = sizeof desc;
        desc.id = text(ids[i]);
        desc.name = text("users");
        desc.address = text("127.0.0.1");
        desc.port = 8080 + i;
        code = failover_endpoint_register(manager, text(""), &desc, &error);
        if (code != FAILOVER_OK) {
            return tell("endpoint_register", code, error);
        }
    }
    code = failover_pool_get(manager, text(""), text("users"), &pool, &error);
    if (code != FAILOVER_OK) {
        return tell("pool_get", code, error);
    }
    code = failover_pool_pick(pool, NULL, &lease);
    if (code != FAILOVER_OK) {
        return tell("pool_pick", code, NULL);
    }
    code = failover_pool_report(pool, &lease, FAILOVER_OUTCOME_SUCCESS, 0);
    if (code != FAILOVER_OK) {
        return tell("pool_report", code, NULL);
    }
    for (unsigned i = 0; i < 4; i++) {
        code = failover_execute(pool, NULL, attempt, &attempts, NULL, &error);
        if (code != FAILOVER_OK) {
            return tell("execute", code, error);
        }
    }
    code = failover_manager_close(manager, 1000, &error);
    if (code != FAILOVER_OK) {
        return tell("manager_close", code, error);
    }
    failover_pool_free(pool);
    failover_manager_free(manager);
    if (attempts < 5) {
        fprintf(stderr, "execute: 4 calls made %u attempts, so nothing was failed over\n", attempts);
        return 1;
    }
    printf("smoke: c %s attempts=%u\n", failover_version(), attempts);
    return 0;
}
