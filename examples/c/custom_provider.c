/* Servers that the program itself knows how to find: here, the lines of an inventory. libfailover asks for
 * them when it wants to know, and a thread of the program answers.
 *
 * custom_provider FILE     each line of it: ID ADDRESS PORT */
#include <curl/curl.h>
#include <failover.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct inventory {
    const char *path;
    failover_manager *manager;
    failover_work_queue *work;
};

/* Writes the inventory as the JSON list that libfailover wants. */
static failover_str list(const char *path, char *json, size_t room)
{
    FILE *file = fopen(path, "r");
    char id[64], address[256];
    unsigned port = 0;
    size_t used = (size_t)snprintf(json, room, "[");
    while (file != NULL && used < room && fscanf(file, "%63s %255s %u", id, address, &port) == 3) {
        used += (size_t)snprintf(json + used, room - used,
                                 "%s{\"id\": \"%s\", \"address\": \"%s\", \"port\": %u}",
                                 used > 1 ? ", " : "", id, address, port);
    }
    if (file != NULL) fclose(file);
    if (used < room) used += (size_t)snprintf(json + used, room - used, "]");
    return (failover_str) { json, used < room ? used : room - 1 };
}

/* Pulls what libfailover asks for until the manager is closed. */
static void *answer(void *given)
{
    struct inventory *inventory = given;
    failover_work work;
    size_t count = 0;
    while (failover_work_poll(inventory->work, &work, sizeof work, 1, UINT32_MAX, &count) == FAILOVER_OK) {
        char json[16384];
        const failover_str nothing = { NULL, 0 };
        if (count == 0 || work.kind == FAILOVER_WORK_CANCEL) continue;
        const int is_list = work.kind == FAILOVER_WORK_LIST;
        failover_work_complete(inventory->manager, work.token,
                               is_list ? FAILOVER_OUTCOME_SUCCESS : FAILOVER_OUTCOME_LOCAL,
                               is_list ? list(inventory->path, json, sizeof json) : nothing, NULL);
    }
    return NULL;
}

static uint32_t get(void *curl, const failover_endpoint_desc *endpoint,
                    const failover_lease *lease, uint64_t timeout_ns)
{
    (void)lease;
    char url[300];
    snprintf(url, sizeof url, "http://%.*s:%u/", (int)endpoint->address.len, endpoint->address.ptr,
             (unsigned)endpoint->port);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout_ns / 1000000) + 1);
    switch (curl_easy_perform(curl)) {
    case CURLE_OK: return FAILOVER_OUTCOME_SUCCESS;
    case CURLE_COULDNT_CONNECT: return FAILOVER_OUTCOME_UNSENT;
    case CURLE_OPERATION_TIMEDOUT: return FAILOVER_OUTCOME_TIMEOUT;
    default: return FAILOVER_OUTCOME_FAILURE;
    }
}

int main(int count, char **arguments)
{
    const failover_str none = { NULL, 0 }, name = { "inventory", 9 };
    struct inventory inventory = { count > 1 ? arguments[1] : "/dev/null", NULL, NULL };
    failover_pool *pool = NULL;
    failover_snapshot *servers = NULL;
    failover_error *error = NULL;
    pthread_t thread;
    CURL *curl = curl_easy_init();

    /* The queue first: a provider that nobody answers for has no servers. */
    failover_code code = failover_manager_new(none, &inventory.manager, &error);
    if (code == FAILOVER_OK) code = failover_work_queue_new(inventory.manager, &inventory.work, &error);
    const int is_answered = code == FAILOVER_OK && pthread_create(&thread, NULL, answer, &inventory) == 0;
    if (is_answered) {
        code = failover_provider_register_pulled(inventory.manager, name, FAILOVER_PROVIDER_CAN_LIST, &error);
        if (code == FAILOVER_OK) code = failover_manager_wait_ready(inventory.manager, 5000, &error);
        if (code == FAILOVER_OK) code = failover_pool_get(inventory.manager, name, none, &pool, &error);
        if (code == FAILOVER_OK) code = failover_pool_snapshot(pool, &servers, &error);
        if (code == FAILOVER_OK) printf("%zu servers\n", failover_snapshot_len(servers));
        for (int call = 0; call < 3 && code == FAILOVER_OK; call++) {
            code = failover_execute(pool, NULL, get, curl, NULL, &error);
        }
        failover_manager_close(inventory.manager, 1000, NULL); /* which ends the thread */
        pthread_join(thread, NULL);
    }
    if (code != FAILOVER_OK) {
        const failover_str message = failover_error_message(error);
        fprintf(stderr, "custom_provider: %.*s\n", (int)message.len, message.ptr);
    }
    failover_error_free(error);
    failover_snapshot_free(servers);
    failover_pool_free(pool);
    failover_work_queue_free(inventory.work);
    failover_manager_free(inventory.manager);
    curl_easy_cleanup(curl);
    return code != FAILOVER_OK || !is_answered;
}
