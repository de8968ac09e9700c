/* The steps that look, and the end of a scenario. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

/* Adds the paths of faults, or a list of paths, to a sorted object: a set. */
static cJSON *set_of(const cJSON *list, const char *key) {
    cJSON *set = cJSON_CreateObject();
    const cJSON *one;
    cJSON_ArrayForEach(one, list) {
        const char *name =
            cJSON_GetStringValue(key == NULL ? one : cJSON_GetObjectItem(one, key));
        if (name != NULL && !cJSON_HasObjectItem(set, name)) {
            cJSON_AddTrueToObject(set, name);
        }
    }
    return set;
}

int expect_error(failover_code code, const cJSON *details, const cJSON *wanted) {
    if (cJSON_HasObjectItem(wanted, "kind") &&
        !same_text("kind", text_of(wanted, "kind"), kind_of(code))) {
        return 0;
    }
    if (cJSON_HasObjectItem(wanted, "paths")) {
        cJSON *left = set_of(cJSON_GetObjectItem(wanted, "paths"), NULL);
        cJSON *right = set_of(cJSON_GetObjectItem(details, "faults"), "path");
        same("paths", left, right);
        cJSON_Delete(left);
        cJSON_Delete(right);
    }
    if (cJSON_HasObjectItem(wanted, "endpoints")) {
        same("endpoints", cJSON_GetObjectItem(wanted, "endpoints"),
             cJSON_GetObjectItem(details, "endpoints"));
    }
    if (cJSON_HasObjectItem(wanted, "next_probe")) {
        same_number("next_probe", (double)some_time(wanted, "next_probe"),
                    cJSON_GetNumberValue(cJSON_GetObjectItem(details, "next_probe_in_ns")));
    }
    return trouble[0] == '\0';
}

static void some_number(const cJSON *step, const char *key, uint32_t found) {
    if (cJSON_HasObjectItem(step, key)) {
        same_number(key, cJSON_GetNumberValue(cJSON_GetObjectItem(step, key)), found);
    }
}

static void some_flag(const cJSON *step, const char *key, int found) {
    if (cJSON_HasObjectItem(step, key)) {
        same_number(key, cJSON_IsTrue(cJSON_GetObjectItem(step, key)), found != 0);
    }
}

static void some_left(const cJSON *step, const char *key, uint64_t until, uint64_t now) {
    if (cJSON_HasObjectItem(step, key)) {
        same_number(key, (double)some_time(step, key), until > now ? (double)(until - now) : 0);
    }
}

static int figures(const cJSON *wanted, const cJSON *found) {
    const cJSON *one;
    cJSON_ArrayForEach(one, wanted) {
        same(one->string, one, cJSON_GetObjectItem(found, one->string));
    }
    return trouble[0] == '\0';
}

static int history(struct world *world, const struct running *running, const cJSON *step) {
    failover_buf *buf = NULL;
    const cJSON *one;
    if (!cJSON_HasObjectItem(step, "history")) {
        return 1;
    }
    failover_code code = failover_call_history(running->call, &buf);
    if (code != FAILOVER_OK) {
        return wrong("history: %s", failover_code_name(code));
    }
    cJSON *records = document(buf), *found = cJSON_CreateArray();
    cJSON_ArrayForEach(one, records) {
        cJSON *record = cJSON_CreateObject();
        double number = cJSON_GetNumberValue(cJSON_GetObjectItem(one, "number"));
        cJSON_AddStringToObject(record, "endpoint", world_id(world, (failover_endpoint_id)number));
        cJSON_AddItemToObject(record, "outcome",
                              cJSON_Duplicate(cJSON_GetObjectItem(one, "outcome"), 1));
        cJSON_AddItemToArray(found, record);
    }
    same("history", cJSON_GetObjectItem(step, "history"), found);
    cJSON_Delete(records);
    cJSON_Delete(found);
    return trouble[0] == '\0';
}

static const char *const KINDS[] = {"nothing", "attempt", "wait",  "abandon",
                                    "choose",  "pending", "done", "fail"};

static int expect_fail(struct world *world, const struct running *running, const cJSON *step) {
    failover_error *error = NULL;
    same_text("kind", text_of(step, "kind"), kind_of(running->action.code));
    some_number(step, "attempts", running->action.attempt);
    history(world, running, step);
    failover_code code = failover_call_error(running->call, &error);
    if (code != FAILOVER_OK) {
        return wrong("a failed call has no error: %s", failover_code_name(code));
    }
    failover_str text = failover_error_details_json(error);
    cJSON *details = cJSON_ParseWithLength(text.ptr, text.len);
    expect_error(failover_error_code(error), details, step);
    cJSON_Delete(details);
    failover_error_free(error);
    return trouble[0] == '\0';
}

static int expect_choose(struct world *world, const struct running *running, const cJSON *step) {
    failover_endpoint_id ids[MOST];
    size_t count = 0;
    failover_code code = failover_call_candidates(running->call, ids, MOST, &count);
    if (code != FAILOVER_OK) {
        return wrong("candidates: %s", failover_code_name(code));
    }
    if (count > MOST) {
        return wrong("candidates: %zu are more than %d", count, MOST);
    }
    cJSON *found = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        cJSON_AddItemToArray(found, cJSON_CreateString(world_id(world, ids[i])));
    }
    same("candidates", cJSON_GetObjectItem(step, "candidates"), found);
    cJSON_Delete(found);
    return trouble[0] == '\0';
}

static int expect_action(struct world *world, const cJSON *step, const char *verb) {
    const struct running *running = world_call(world, step);
    const uint64_t now = failover_manager_now(world->manager);
    if (running == NULL) {
        return 0;
    }
    const failover_action *action = &running->action;
    if (strcmp(verb, KINDS[action->kind <= 7 ? action->kind : 0]) != 0) {
        return wrong("the call wants %s (%s), endpoint %s",
                     KINDS[action->kind <= 7 ? action->kind : 0], failover_code_name(action->code),
                     world_id(world, action->lease.endpoint));
    }
    switch (action->kind) {
    case FAILOVER_ACTION_ATTEMPT:
        same_text("endpoint", text_of(step, "endpoint"), world_id(world, action->lease.endpoint));
        some_number(step, "number", action->attempt);
        some_left(step, "timeout", action->timer_ns, now);
        break;
    case FAILOVER_ACTION_WAIT: {
        const cJSON *wanted = cJSON_GetObjectItem(step, "for");
        if (cJSON_IsObject(wanted)) {
            uint64_t most = some_time(wanted, "at_most"), left = action->timer_ns - now;
            return left <= most || wrong("for: more than at_most");
        }
        some_left(step, "for", action->timer_ns, now);
        break;
    }
    case FAILOVER_ACTION_PENDING:
        some_left(step, "for", action->timer_ns, now);
        break;
    case FAILOVER_ACTION_ABANDON:
        some_number(step, "number", action->attempt);
        break;
    case FAILOVER_ACTION_CHOOSE:
        return expect_choose(world, running, step);
    case FAILOVER_ACTION_DONE:
        same_text("result", text_of(step, "result"), "success");
        some_flag(step, "fallback", action->flags & FAILOVER_ACTION_FALLBACK);
        some_flag(step, "panic", action->flags & FAILOVER_ACTION_PANIC);
        some_number(step, "attempts", action->attempt);
        return history(world, running, step);
    default:
        return expect_fail(world, running, step);
    }
    return trouble[0] == '\0';
}

static int expect_picks(struct world *world, const cJSON *step) {
    const cJSON *one;
    if (cJSON_HasObjectItem(step, "ids")) {
        return same("ids", cJSON_GetObjectItem(step, "ids"), world->picked);
    }
    cJSON *counts = cJSON_CreateObject();
    cJSON_ArrayForEach(one, world->picked) {
        cJSON *known = cJSON_GetObjectItemCaseSensitive(counts, one->valuestring);
        if (known == NULL) {
            cJSON_AddNumberToObject(counts, one->valuestring, 1);
        } else {
            cJSON_SetNumberValue(known, known->valuedouble + 1);
        }
    }
    same("counts", cJSON_GetObjectItem(step, "counts"), counts);
    cJSON_Delete(counts);
    return trouble[0] == '\0';
}

static int expect_endpoint(struct world *world, const cJSON *step) {
    const char *id = text_of(step, "endpoint");
    cJSON *stats = world_stats(world);
    const cJSON *one, *provider = cJSON_GetObjectItem(stats, world_provider(world, step));
    const cJSON *found =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItem(provider, "endpoints"), id);
    if (cJSON_HasObjectItem(step, "absent")) {
        some_flag(step, "absent", found == NULL);
    } else if (found == NULL) {
        wrong("endpoint %s: not registered", id);
    } else {
        cJSON_ArrayForEach(one, step) {
            if (strstr(" expect endpoint provider note ", one->string) != NULL) {
                continue;
            }
            const cJSON *own = cJSON_GetObjectItem(found, one->string);
            if (strcmp(one->string, "outcomes") == 0) {
                figures(one, own);
            } else if (strcmp(one->string, "scopes") == 0) {
                const cJSON *scope;
                cJSON_ArrayForEach(scope, one) {
                    figures(scope, cJSON_GetObjectItemCaseSensitive(own, scope->string));
                }
            } else {
                same(one->string, one, own);
            }
        }
    }
    cJSON_Delete(stats);
    return trouble[0] == '\0';
}

static int expect_explain(struct world *world, const cJSON *step) {
    failover_pool *pool = NULL;
    failover_request request;
    failover_buf *buf = NULL;
    const cJSON *one;
    failover_code code = world_pool(world, step, &pool, NULL);
    if (code != FAILOVER_OK) {
        return wrong("pool: %s", failover_code_name(code));
    }
    if (world_request(cJSON_GetObjectItem(step, "request"), pool, &request)) {
        code = failover_pool_explain(pool, &request, &buf, NULL);
    }
    failover_pool_free(pool);
    if (buf == NULL) {
        return wrong("explain: %s", failover_code_name(code));
    }
    cJSON *told = document(buf), *objections = cJSON_CreateObject();
    cJSON *chosen = cJSON_CreateNull();
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(told, "endpoints")) {
        const char *id = cJSON_GetStringValue(cJSON_GetObjectItem(one, "id"));
        cJSON_AddItemToObject(objections, id,
                              cJSON_Duplicate(cJSON_GetObjectItem(one, "objection"), 1));
        if (cJSON_IsTrue(cJSON_GetObjectItem(one, "is_chosen"))) {
            cJSON_Delete(chosen);
            chosen = cJSON_CreateString(id);
        }
    }
    same("endpoints", cJSON_GetObjectItem(step, "endpoints"), objections);
    if (cJSON_HasObjectItem(step, "chosen")) {
        same("chosen", cJSON_GetObjectItem(step, "chosen"), chosen);
    }
    cJSON_Delete(told);
    cJSON_Delete(objections);
    cJSON_Delete(chosen);
    return trouble[0] == '\0';
}

static int expect_stats(struct world *world, const cJSON *step) {
    cJSON *stats = world_stats(world);
    const cJSON *wanted = cJSON_GetObjectItem(step, "figures");
    if (cJSON_HasObjectItem(step, "pool")) {
        cJSON_Delete(stats);
        failover_pool *pool = NULL;
        failover_buf *buf = NULL;
        failover_code code = world_pool(world, step, &pool, NULL);
        if (code == FAILOVER_OK) {
            code = failover_pool_figures(pool, &buf, NULL);
        }
        failover_pool_free(pool);
        if (code != FAILOVER_OK) {
            return wrong("pool: %s", failover_code_name(code));
        }
        stats = document(buf);
        figures(wanted, stats);
    } else {
        figures(wanted, cJSON_GetObjectItem(stats, world_provider(world, step)));
    }
    cJSON_Delete(stats);
    return trouble[0] == '\0';
}

static int expect_events(struct world *world, const cJSON *wanted) {
    cJSON *found = world_events(world, 0);
    same("events", wanted, found);
    cJSON_Delete(found);
    return trouble[0] == '\0';
}

static int expect_told_picks(struct world *world, const cJSON *step) {
    cJSON *found = world_events(world, 1);
    some_number(step, "load_balance", (uint32_t)cJSON_GetArraySize(found));
    cJSON_Delete(found);
    return trouble[0] == '\0';
}

/* The verbs with the keys they need, then those they may have. */
static const char *const VERBS[][2] = {
    {"attempt", "of endpoint|number timeout"},
    {"wait", "of for|"},
    {"pending", "of|for"},
    {"abandon", "of|number"},
    {"choose", "of candidates|"},
    {"done", "of result attempts|history fallback panic"},
    {"fail", "of kind attempts|history endpoints next_probe"},
    {"picks", "|ids counts"},
    {"endpoint", "endpoint|provider absent health active_health circuit admin in_flight picks "
                 "is_resting outcomes scopes average_latency_ns"},
    {"explain", "endpoints|pool request chosen"},
    {"stats", "figures|provider pool"},
    {"events", "kinds|load_balance"},
};

int expect(struct world *world, const cJSON *step) {
    const char *verb = text_of(step, "expect");
    size_t at = 0, count = sizeof VERBS / sizeof *VERBS;
    while (verb != NULL && at < count && strcmp(VERBS[at][0], verb) != 0) {
        at++;
    }
    if (verb == NULL || at == count) {
        return wrong("unknown verb %s", verb == NULL ? "" : verb);
    }
    if (!has_keys(verb, step, VERBS[at][1], "expect note")) {
        return 0;
    }
    if (strcmp(verb, "picks") == 0) {
        return expect_picks(world, step);
    } else if (strcmp(verb, "endpoint") == 0) {
        return expect_endpoint(world, step);
    } else if (strcmp(verb, "explain") == 0) {
        return expect_explain(world, step);
    } else if (strcmp(verb, "stats") == 0) {
        return expect_stats(world, step);
    } else if (strcmp(verb, "events") == 0) {
        return expect_events(world, cJSON_GetObjectItem(step, "kinds")) &&
               expect_told_picks(world, step);
    }
    return expect_action(world, step, verb);
}

int expect_end(struct world *world, const cJSON *then) {
    if (!has_keys("then", then, "events|stats", "") ||
        !expect_events(world, cJSON_GetObjectItem(then, "events"))) {
        return 0;
    }
    const cJSON *wanted = cJSON_GetObjectItem(then, "stats");
    if (wanted != NULL) {
        cJSON *stats = world_stats(world);
        figures(wanted, cJSON_GetObjectItem(stats, world_provider(world, then)));
        cJSON_Delete(stats);
    }
    return trouble[0] == '\0';
}
