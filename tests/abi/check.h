/* What the C tests share: a check that tells where it failed, and texts. */
#ifndef CHECK_H
#define CHECK_H

#include <failover.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(claim)                                                                \
    do {                                                                            \
        if (!(claim)) {                                                             \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim);     \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

/* The call returns this code; says what it returned otherwise. */
#define GIVES(code, call)                                                           \
    do {                                                                            \
        failover_code came = (call);                                                \
        if (came != (code)) {                                                       \
            fprintf(stderr, "%s:%d: %s\n  wanted %s, came %s\n", __FILE__, __LINE__, \
                    #call, failover_code_name(code), failover_code_name(came));     \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

#define OK(call) GIVES(FAILOVER_OK, call)

static inline failover_str text(const char *chars) {
    failover_str made = {chars, strlen(chars)};
    return made;
}

static inline failover_manager *new_manager(const char *config) {
    failover_manager *manager = NULL;
    failover_error *error = NULL;
    failover_code code = failover_manager_new(text(config), &manager, &error);
    if (code != FAILOVER_OK) {
        failover_str message = failover_error_message(error);
        fprintf(stderr, "manager_new: %.*s\n", (int)message.len, message.ptr);
        exit(1);
    }
    return manager;
}

static inline failover_endpoint_desc describe(const char *id, uint32_t port) {
    failover_endpoint_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.struct_size = sizeof desc;
    desc.id = text(id);
    desc.name = text("users");
    desc.address = text("127.0.0.1");
    desc.port = port;
    return desc;
}

static inline void add(failover_manager *manager, const char *id, uint32_t port) {
    failover_endpoint_desc desc = describe(id, port);
    OK(failover_endpoint_register(manager, text(""), &desc, NULL));
}

static inline failover_pool *get_pool(failover_manager *manager) {
    failover_pool *pool = NULL;
    OK(failover_pool_get(manager, text(""), text("users"), &pool, NULL));
    return pool;
}

static inline failover_request new_request(void) {
    failover_request request;
    memset(&request, 0, sizeof request);
    request.struct_size = sizeof request;
    return request;
}

/* One successful call through the machine. */
static inline void one_call(failover_pool *pool) {
    failover_call *call = NULL;
    failover_action action;
    failover_input input;
    memset(&input, 0, sizeof input);
    OK(failover_call_new(pool, NULL, &call, NULL));
    input.kind = FAILOVER_INPUT_START;
    OK(failover_call_step(call, &input, &action));
    CHECK(action.kind == FAILOVER_ACTION_ATTEMPT);
    input.kind = FAILOVER_INPUT_RESULT;
    input.attempt = action.attempt;
    input.outcome = FAILOVER_OUTCOME_SUCCESS;
    OK(failover_call_step(call, &input, &action));
    CHECK(action.kind == FAILOVER_ACTION_DONE);
    failover_call_free(call);
}

#endif
