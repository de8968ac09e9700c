#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int world_new(struct world *world, const cJSON *scenario) {
    const cJSON *given = cJSON_GetObjectItem(scenario, "manager");
    const cJSON *config = cJSON_GetObjectItem(scenario, "config");
    const cJSON *seed = cJSON_GetObjectItem(scenario, "seed");
    const cJSON *one;
    failover_error *error = NULL;
    memset(world, 0, sizeof *world);
    world->picked = cJSON_CreateArray();
    world->ids = cJSON_CreateObject();
    cJSON *made = given == NULL ? cJSON_CreateObject() : cJSON_Duplicate(given, 1);
    cJSON_AddStringToObject(made, "clock", "manual");
    cJSON_AddItemToObject(made, "seed", seed == NULL ? cJSON_CreateNumber(1) : cJSON_Duplicate(seed, 1));
    cJSON_AddItemToObject(made, "failover",
                          config == NULL ? cJSON_CreateObject() : cJSON_Duplicate(config, 1));
    char *chars = cJSON_PrintUnformatted(made);
    failover_code code = failover_manager_new(str(chars), &world->manager, &error);
    free(chars);
    cJSON_Delete(made);
    if (code != FAILOVER_OK) {
        failover_str message = failover_error_message(error);
        wrong("manager: %.*s", (int)message.len, message.ptr);
        failover_error_free(error);
        return 0;
    }
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(scenario, "endpoints")) {
        cJSON *endpoint = cJSON_Duplicate(one, 1);
        cJSON *provider = cJSON_DetachItemFromObject(endpoint, "provider");
        chars = cJSON_PrintUnformatted(endpoint);
        code = failover_endpoint_register_json(
            world->manager, provider == NULL ? str("memory") : str(provider->valuestring), str(chars),
            NULL);
        if (code != FAILOVER_OK) {
            wrong("endpoints: %s: %s", chars, failover_code_name(code));
        }
        free(chars);
        cJSON_Delete(provider);
        cJSON_Delete(endpoint);
    }
    failover_buf *buf = NULL;
    if (failover_events(world->manager, 1, &buf, NULL) == FAILOVER_OK) {
        cJSON *events = document(buf);
        const cJSON *last = cJSON_GetArrayItem(events, 0);
        world->first_event =
            last == NULL ? 0 : cJSON_GetNumberValue(cJSON_GetObjectItem(last, "sequence"));
        cJSON_Delete(events);
    }
    world_learn(world);
    return trouble[0] == '\0';
}

void world_free(struct world *world) {
    for (size_t i = 0; i < world->call_count; i++) {
        failover_call_free(world->calls[i].call);
    }
    for (size_t i = 0; i < world->lease_count; i++) {
        failover_pool_free(world->leases[i].pool);
    }
    for (size_t i = 0; i < world->pool_count; i++) {
        failover_pool_free(world->pools[i].pool);
    }
    cJSON_Delete(world->picked);
    cJSON_Delete(world->ids);
    failover_manager_free(world->manager);
}

cJSON *world_stats(struct world *world) {
    failover_buf *buf = NULL;
    failover_code code = failover_stats(world->manager, &buf, NULL);
    if (code != FAILOVER_OK) {
        wrong("stats: %s", failover_code_name(code));
        return NULL;
    }
    return document(buf);
}

void world_learn(struct world *world) {
    cJSON *stats = world_stats(world);
    const cJSON *provider, *endpoint;
    cJSON_ArrayForEach(provider, stats) {
        cJSON_ArrayForEach(endpoint, cJSON_GetObjectItem(provider, "endpoints")) {
            char key[32];
            double number = cJSON_GetNumberValue(cJSON_GetObjectItem(endpoint, "number"));
            snprintf(key, sizeof key, "%.0f", number);
            if (!cJSON_HasObjectItem(world->ids, key)) {
                cJSON_AddStringToObject(world->ids, key, endpoint->string);
            }
        }
    }
    cJSON_Delete(stats);
}

const char *world_id(const struct world *world, failover_endpoint_id number) {
    char key[32];
    snprintf(key, sizeof key, "%" PRIu64, number);
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItem(world->ids, key));
    return id == NULL ? "unknown" : id;
}

failover_endpoint_id world_number(const struct world *world, const char *id) {
    const cJSON *one;
    cJSON_ArrayForEach(one, world->ids) {
        if (id != NULL && strcmp(one->valuestring, id) == 0) {
            return strtoull(one->string, NULL, 10);
        }
    }
    wrong("endpoint %s: not met by this scenario", id);
    return 0;
}

failover_code world_pool(struct world *world, const cJSON *step, failover_pool **pool,
                         failover_error **error) {
    if (!cJSON_HasObjectItem(step, "pool")) {
        return failover_pool_get(world->manager, str(NULL), str(NULL), pool, error);
    }
    const char *name = text_of(step, "pool");
    for (size_t i = world->pool_count; name != NULL && i-- > 0;) {
        if (strcmp(world->pools[i].name, name) == 0) {
            *pool = failover_pool_retain(world->pools[i].pool);
            return FAILOVER_OK;
        }
    }
    wrong("pool %s: no step made it", name);
    return FAILOVER_E_NOT_FOUND;
}

struct running *world_call(struct world *world, const cJSON *step) {
    const char *name = text_of(step, "of");
    for (size_t i = 0; name != NULL && i < world->call_count; i++) {
        if (strcmp(world->calls[i].name, name) == 0) {
            return &world->calls[i];
        }
    }
    wrong("call %s: no step made it", name);
    return NULL;
}

cJSON *world_events(struct world *world, int of_picks) {
    cJSON *kinds = cJSON_CreateArray();
    failover_buf *buf = NULL;
    failover_code code = failover_events(world->manager, 1024, &buf, NULL);
    if (code != FAILOVER_OK) {
        wrong("events: %s", failover_code_name(code));
        return kinds;
    }
    cJSON *events = document(buf);
    for (int i = cJSON_GetArraySize(events) - 1; i >= 0; i--) {
        const cJSON *event = cJSON_GetArrayItem(events, i);
        const char *kind = cJSON_GetStringValue(cJSON_GetObjectItem(event, "type"));
        double number = cJSON_GetNumberValue(cJSON_GetObjectItem(event, "sequence"));
        if (number > world->first_event && (strcmp(kind, "load_balance") == 0) == of_picks) {
            cJSON_AddItemToArray(kinds, cJSON_CreateString(kind));
        }
    }
    cJSON_Delete(events);
    return kinds;
}

const char *world_provider(struct world *world, const cJSON *step) {
    static char name[128];
    failover_buf *buf = NULL;
    const cJSON *one;
    if (cJSON_HasObjectItem(step, "provider")) {
        return text_of(step, "provider");
    }
    snprintf(name, sizeof name, "memory");
    if (failover_manager_config(world->manager, &buf, NULL) == FAILOVER_OK) {
        cJSON *config = document(buf);
        const char *wanted = cJSON_GetStringValue(cJSON_GetObjectItem(config, "default_provider"));
        if (failover_provider_list(world->manager, &buf, NULL) == FAILOVER_OK) {
            cJSON *list = document(buf);
            cJSON_ArrayForEach(one, list) {
                if (wanted != NULL && strcmp(one->valuestring, wanted) == 0) {
                    snprintf(name, sizeof name, "%s", wanted);
                }
            }
            cJSON_Delete(list);
        }
        cJSON_Delete(config);
    }
    return name;
}

/* The number of an endpoint of a pool. */
static failover_endpoint_id find(const failover_pool *pool, const char *id) {
    failover_snapshot *snapshot = NULL;
    failover_endpoint_id number = 0, found = 0;
    failover_endpoint_desc desc;
    desc.struct_size = sizeof desc;
    if (id != NULL && failover_pool_snapshot(pool, &snapshot, NULL) == FAILOVER_OK) {
        for (size_t i = 0; i < failover_snapshot_len(snapshot); i++) {
            if (failover_snapshot_get(snapshot, i, &number, &desc) == FAILOVER_OK &&
                !(desc.flags & FAILOVER_ENDPOINT_RETIRED) && desc.id.len == strlen(id) &&
                memcmp(desc.id.ptr, id, desc.id.len) == 0) {
                found = number;
            }
        }
        failover_snapshot_free(snapshot);
    }
    if (found == 0) {
        wrong("endpoint %s: not in the pool", id);
    }
    return found;
}

/* The keys that a request may have. */
static const char REQUEST[] = "|key session client_ip zone region scope timeout latitude "
                              "longitude idempotent nested filter endpoint exclude";

int world_request(const cJSON *value, const failover_pool *pool, failover_request *request) {
    static failover_endpoint_id excluded[MOST];
    static char filter[4096];
    const cJSON *one;
    memset(request, 0, sizeof *request);
    request->struct_size = sizeof *request;
    if (value == NULL) {
        return 1;
    }
    if (!has_keys("request", value, REQUEST, "")) {
        return 0;
    }
    request->key = some_text(value, "key");
    request->session = some_text(value, "session");
    request->client_ip = some_text(value, "client_ip");
    request->zone = some_text(value, "zone");
    request->region = some_text(value, "region");
    request->scope = some_text(value, "scope");
    request->timeout_ns = some_time(value, "timeout");
    if (cJSON_HasObjectItem(value, "latitude") || cJSON_HasObjectItem(value, "longitude")) {
        request->flags |= FAILOVER_REQUEST_POSITION;
        request->latitude = cJSON_GetNumberValue(cJSON_GetObjectItem(value, "latitude"));
        request->longitude = cJSON_GetNumberValue(cJSON_GetObjectItem(value, "longitude"));
    }
    if (cJSON_HasObjectItem(value, "idempotent")) {
        request->flags |= cJSON_IsTrue(cJSON_GetObjectItem(value, "idempotent"))
                              ? FAILOVER_REQUEST_IDEMPOTENT
                              : FAILOVER_REQUEST_NON_IDEMPOTENT;
    }
    if (cJSON_IsTrue(cJSON_GetObjectItem(value, "nested"))) {
        request->flags |= FAILOVER_REQUEST_NESTED;
    }
    if (cJSON_HasObjectItem(value, "filter")) {
        if (!cJSON_PrintPreallocated(cJSON_GetObjectItem(value, "filter"), filter, sizeof filter,
                                     0)) {
            return wrong("filter: longer than %zu bytes", sizeof filter);
        }
        request->filter_json = str(filter);
    }
    if (cJSON_HasObjectItem(value, "endpoint")) {
        request->endpoint = find(pool, text_of(value, "endpoint"));
    }
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(value, "exclude")) {
        if (request->exclude_len == MOST) {
            return wrong("exclude: more than %d", MOST);
        }
        excluded[request->exclude_len++] = find(pool, cJSON_GetStringValue(one));
    }
    request->exclude = request->exclude_len == 0 ? NULL : excluded;
    return trouble[0] == '\0';
}
