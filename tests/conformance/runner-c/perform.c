/* The steps that do something. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

/* What a step came to: a code, and the details of its error. */
struct came {
    failover_code code;
    cJSON *details;
};

static struct came plain(failover_code code) {
    struct came came = {code, NULL};
    return came;
}

/* Takes an error object apart and frees it. */
static struct came with_error(failover_code code, failover_error *error) {
    struct came came = {code, NULL};
    if (error != NULL) {
        failover_str details = failover_error_details_json(error);
        came.details = cJSON_ParseWithLength(details.ptr, details.len);
        failover_error_free(error);
    }
    return came;
}

/* Prints a part of a step; the caller frees it. */
static char *print(const cJSON *step, const char *key) {
    return cJSON_PrintUnformatted(cJSON_GetObjectItem(step, key));
}

static struct came feed(struct world *world, const cJSON *step, failover_input input) {
    struct running *running = world_call(world, step);
    if (running == NULL) {
        return plain(FAILOVER_E_NOT_FOUND);
    }
    failover_code code = failover_call_step(running->call, &input, &running->action);
    world_learn(world);
    return plain(code);
}

static int name_is_taken(const struct world *world, const char *name) {
    for (size_t i = 0; i < world->call_count; i++) {
        if (strcmp(world->calls[i].name, name) == 0) {
            return 1;
        }
    }
    for (size_t i = 0; i < world->lease_count; i++) {
        if (strcmp(world->leases[i].name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static int take_name(const struct world *world, const cJSON *step, char *into) {
    const char *name = text_of(step, "as");
    if (name == NULL || strlen(name) > 31 || name_is_taken(world, name) ||
        world->call_count == MOST || world->lease_count == MOST) {
        return wrong("as: %s: missing, too long or taken", name == NULL ? "" : name);
    }
    strcpy(into, name);
    return 1;
}

static struct came do_call(struct world *world, const cJSON *step) {
    failover_pool *pool = NULL;
    failover_error *error = NULL;
    failover_request request;
    failover_input input;
    struct running *running = &world->calls[world->call_count];
    memset(&input, 0, sizeof input);
    input.kind = FAILOVER_INPUT_START;
    failover_code code = world_pool(world, step, &pool, &error);
    if (code != FAILOVER_OK) {
        return with_error(code, error);
    }
    world_learn(world);
    if (world_request(cJSON_GetObjectItem(step, "request"), pool, &request) &&
        take_name(world, step, running->name)) {
        code = failover_call_new(pool, &request, &running->call, &error);
        if (code == FAILOVER_OK) {
            world->call_count++;
            code = failover_call_step(running->call, &input, &running->action);
        }
    }
    failover_pool_free(pool);
    return with_error(code, error);
}

static struct came do_pick(struct world *world, const cJSON *step) {
    failover_pool *pool = NULL;
    failover_error *error = NULL;
    failover_request request;
    failover_lease lease;
    const cJSON *given = cJSON_GetObjectItem(step, "count");
    const char *outcome = cJSON_GetStringValue(cJSON_GetObjectItem(step, "outcome"));
    uint32_t reported = outcome == NULL ? FAILOVER_OUTCOME_CANCELLED : outcome_of(outcome);
    int count = given == NULL ? 1 : given->valueint;
    failover_code code = world_pool(world, step, &pool, &error);
    if (code != FAILOVER_OK) {
        return with_error(code, error);
    }
    world_learn(world);
    cJSON_Delete(world->picked);
    world->picked = cJSON_CreateArray();
    if (!world_request(cJSON_GetObjectItem(step, "request"), pool, &request)) {
        failover_pool_free(pool);
        return plain(FAILOVER_OK);
    }
    for (int i = 0; i < count && code == FAILOVER_OK; i++) {
        code = failover_pool_pick(pool, &request, &lease);
        if (code != FAILOVER_OK) {
            failover_pool_refusal(pool, &request, code, &error);
            break;
        }
        cJSON_AddItemToArray(world->picked, cJSON_CreateString(world_id(world, lease.endpoint)));
        if (cJSON_HasObjectItem(step, "as")) {
            struct leased *kept = &world->leases[world->lease_count];
            if (take_name(world, step, kept->name)) {
                kept->lease = lease;
                kept->pool = failover_pool_retain(pool);
                world->lease_count++;
            }
        } else {
            code = failover_pool_report(pool, &lease, reported, 0);
        }
    }
    failover_pool_free(pool);
    return with_error(code, error);
}

static struct came do_pool(struct world *world, const cJSON *step) {
    failover_pool *pool = NULL, *derived = NULL;
    failover_error *error = NULL;
    struct named_pool *kept = &world->pools[world->pool_count];
    const char *name = text_of(step, "as");
    failover_code code = failover_pool_get(world->manager, some_text(step, "provider"),
                                           some_text(step, "service"), &pool, &error);
    if (code == FAILOVER_OK && cJSON_HasObjectItem(step, "config")) {
        char *config = print(step, "config");
        code = failover_pool_derive(pool, str(config), &derived, &error);
        free(config);
        failover_pool_free(pool);
        pool = derived;
    }
    if (code == FAILOVER_OK && (world->pool_count == MOST || name == NULL || strlen(name) > 31)) {
        wrong("as: %s: missing, too long, or more than %d", name == NULL ? "" : name, MOST);
        failover_pool_free(pool);
    } else if (code == FAILOVER_OK) {
        snprintf(kept->name, sizeof kept->name, "%s", name);
        kept->pool = pool;
        world->pool_count++;
    }
    return with_error(code, error);
}

/* Takes a lease of that name out, if there is one. */
static int take_lease(struct world *world, const char *name, struct leased *taken) {
    for (size_t i = 0; name != NULL && i < world->lease_count; i++) {
        if (strcmp(world->leases[i].name, name) == 0) {
            *taken = world->leases[i];
            world->leases[i] = world->leases[--world->lease_count];
            return 1;
        }
    }
    return 0;
}

static struct came do_report(struct world *world, const cJSON *step) {
    struct leased lease;
    failover_input input;
    memset(&input, 0, sizeof input);
    input.kind = FAILOVER_INPUT_RESULT;
    input.outcome = outcome_of(text_of(step, "outcome"));
    input.latency_ns = some_time(step, "latency");
    input.hint_ns = some_time(step, "hint");
    if (take_lease(world, text_of(step, "of"), &lease)) {
        failover_code code =
            failover_pool_report(lease.pool, &lease.lease, input.outcome, input.latency_ns);
        failover_pool_free(lease.pool);
        return plain(code);
    }
    struct running *running = world_call(world, step);
    const cJSON *attempt = cJSON_GetObjectItem(step, "attempt");
    if (running == NULL) {
        return plain(FAILOVER_OK);
    }
    input.attempt = attempt == NULL ? running->action.attempt : (uint32_t)attempt->valuedouble;
    return feed(world, step, input);
}

static struct came do_drop(struct world *world, const cJSON *step) {
    struct leased lease;
    if (take_lease(world, text_of(step, "of"), &lease)) {
        failover_code code =
            failover_pool_report(lease.pool, &lease.lease, FAILOVER_OUTCOME_CANCELLED, 0);
        failover_pool_free(lease.pool);
        return plain(code);
    }
    struct running *running = world_call(world, step);
    if (running != NULL) {
        failover_call_free(running->call);
        *running = world->calls[--world->call_count];
    }
    return plain(FAILOVER_OK);
}

static struct came do_admin(struct world *world, const cJSON *step) {
    static const char *const states[] = {"active", "draining", "maintenance", "forced_open", "reset"};
    const char *state = text_of(step, "state");
    failover_error *error = NULL;
    for (uint32_t i = 0; state != NULL && i < 5; i++) {
        if (strcmp(states[i], state) == 0) {
            failover_code code =
                failover_endpoint_set_admin(world->manager, some_text(step, "provider"),
                                            str(text_of(step, "endpoint")), i, &error);
            return with_error(code, error);
        }
    }
    wrong("state: unknown %s", state);
    return plain(FAILOVER_OK);
}

static struct came do_endpoint(struct world *world, const cJSON *step, const char *verb) {
    const failover_str provider = some_text(step, "provider");
    failover_error *error = NULL;
    failover_code code = FAILOVER_OK;
    if (strcmp(verb, "deregister") == 0) {
        code = failover_endpoint_deregister(world->manager, provider, str(text_of(step, "endpoint")),
                                            &error);
        return with_error(code, error);
    }
    char *json = print(step, strcmp(verb, "publish") == 0 ? "endpoints" : "endpoint");
    if (strcmp(verb, "register") == 0) {
        code = failover_endpoint_register_json(world->manager, provider, str(json), &error);
    } else if (strcmp(verb, "update") == 0) {
        code = failover_endpoint_update_json(world->manager, provider, str(json), &error);
    } else {
        code = failover_provider_publish(world->manager, provider, str(json), &error);
    }
    free(json);
    return with_error(code, error);
}

static struct came do_health(struct world *world, const cJSON *step) {
    failover_error *error = NULL;
    failover_str reason = some_text(step, "reason");
    uint32_t finding = FAILOVER_CHECK_BAD;
    if (cJSON_IsTrue(cJSON_GetObjectItem(step, "good"))) {
        finding = cJSON_IsTrue(cJSON_GetObjectItem(step, "degraded")) ? FAILOVER_CHECK_DEGRADED
                                                                      : FAILOVER_CHECK_GOOD;
    }
    failover_code code = failover_health_report(
        world->manager, some_text(step, "provider"), str(text_of(step, "endpoint")), finding,
        reason.len == 0 ? str("reported") : reason, NULL, &error);
    return with_error(code, error);
}

static struct came do_provider(struct world *world, const cJSON *step) {
    failover_error *error = NULL;
    failover_code code = failover_provider_register_pushed(world->manager,
                                                           str(text_of(step, "name")), &error);
    return with_error(code, error);
}

static struct came do_configure(struct world *world, const cJSON *step) {
    failover_error *error = NULL;
    char *config = print(step, "config");
    failover_code code = failover_manager_configure(world->manager, str(config), &error);
    free(config);
    return with_error(code, error);
}

static struct came act(struct world *world, const cJSON *step, const char *verb) {
    failover_input input;
    memset(&input, 0, sizeof input);
    if (strcmp(verb, "call") == 0) {
        return do_call(world, step);
    } else if (strcmp(verb, "pick") == 0) {
        return do_pick(world, step);
    } else if (strcmp(verb, "pool") == 0) {
        return do_pool(world, step);
    } else if (strcmp(verb, "report") == 0) {
        return do_report(world, step);
    } else if (strcmp(verb, "drop") == 0) {
        return do_drop(world, step);
    } else if (strcmp(verb, "admin") == 0) {
        return do_admin(world, step);
    } else if (strcmp(verb, "health") == 0) {
        return do_health(world, step);
    } else if (strcmp(verb, "provider") == 0) {
        return do_provider(world, step);
    } else if (strcmp(verb, "configure") == 0) {
        return do_configure(world, step);
    } else if (strcmp(verb, "advance") == 0) {
        return plain(failover_manager_advance(world->manager, some_time(step, "by"), NULL));
    } else if (strcmp(verb, "tick") == 0) {
        input.kind = FAILOVER_INPUT_TICK;
        return feed(world, step, input);
    } else if (strcmp(verb, "next") == 0) {
        input.kind = FAILOVER_INPUT_NEXT;
        return feed(world, step, input);
    } else if (strcmp(verb, "cancel") == 0) {
        input.kind = FAILOVER_INPUT_CANCEL;
        return feed(world, step, input);
    } else if (strcmp(verb, "choose") == 0) {
        input.kind = FAILOVER_INPUT_CHOSEN;
        input.endpoint = world_number(world, text_of(step, "endpoint"));
        return feed(world, step, input);
    }
    return do_endpoint(world, step, verb);
}

/* The verbs with the keys they need, then those they may have. */
static const char *const VERBS[][2] = {
    {"call", "as|pool request"},
    {"report", "of outcome|latency hint attempt"},
    {"tick", "of|"},
    {"next", "of|"},
    {"cancel", "of|"},
    {"choose", "of endpoint|"},
    {"drop", "of|"},
    {"pick", "|as count outcome pool request"},
    {"pool", "as|provider service config"},
    {"advance", "by|"},
    {"register", "endpoint|provider"},
    {"update", "endpoint|provider"},
    {"deregister", "endpoint|provider"},
    {"publish", "endpoints|provider"},
    {"admin", "endpoint state|provider"},
    {"health", "endpoint good|degraded provider reason"},
    {"provider", "name|"},
    {"configure", "config|"},
};

int perform(struct world *world, const cJSON *step) {
    const char *verb = text_of(step, "do");
    const cJSON *fails = cJSON_GetObjectItem(step, "fails");
    size_t at = 0, count = sizeof VERBS / sizeof *VERBS;
    while (verb != NULL && at < count && strcmp(VERBS[at][0], verb) != 0) {
        at++;
    }
    if (verb == NULL || at == count) {
        return wrong("unknown verb %s", verb == NULL ? "" : verb);
    }
    if (!has_keys(verb, step, VERBS[at][1], "do fails note")) {
        return 0;
    }
    struct came came = act(world, step, verb);
    if (trouble[0] == '\0') {
        if (fails == NULL && came.code != FAILOVER_OK) {
            char *details = cJSON_PrintUnformatted(came.details);
            wrong("failed with %s: %s", kind_of(came.code), details == NULL ? "" : details);
            free(details);
        } else if (fails != NULL && came.code == FAILOVER_OK) {
            wrong("expected it to fail, and it did not");
        } else if (fails != NULL && has_keys("fails", fails, "kind|paths endpoints next_probe", "")) {
            expect_error(came.code, came.details, fails);
        }
    }
    cJSON_Delete(came.details);
    return trouble[0] == '\0';
}
