/* What libfailover does, as it happens: a queue of events with a descriptor, for the program's event loop.
 * Four calls run on a thread of their own; this loop prints what becomes of them.
 *
 * events '[{"id": "a", "address": "127.0.0.1", "port": 8081}, …]' */
#define _POSIX_C_SOURCE 200809L
#include <curl/curl.h>
#include <failover.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static size_t drop(char *data, size_t size, size_t count, void *nobody)
{
    (void)data;
    (void)nobody;
    return size * count;
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
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout_ns / 1000000) + 1);
    switch (curl_easy_perform(curl)) {
    case CURLE_OK: return FAILOVER_OUTCOME_SUCCESS;
    case CURLE_COULDNT_CONNECT: return FAILOVER_OUTCOME_UNSENT;
    case CURLE_OPERATION_TIMEDOUT: return FAILOVER_OUTCOME_TIMEOUT;
    default: return FAILOVER_OUTCOME_FAILURE;
    }
}

/* The program's work: four calls, none of which may fail. Then b is drained, which ends the loop. */
static void *work(void *given)
{
    failover_manager *manager = given;
    const failover_str none = { NULL, 0 }, b = { "b", 1 };
    failover_pool *pool = NULL;
    CURL *curl = curl_easy_init();
    failover_code code = failover_pool_get(manager, none, none, &pool, NULL);
    for (int call = 0; call < 4 && code == FAILOVER_OK; call++) {
        code = failover_execute(pool, NULL, get, curl, NULL, NULL);
    }
    if (code != FAILOVER_OK) fprintf(stderr, "events: %s\n", failover_code_name(code));
    failover_pool_free(pool);
    curl_easy_cleanup(curl);
    failover_endpoint_set_admin(manager, none, b, FAILOVER_ADMIN_DRAINING, NULL);
    return NULL;
}

/* Prints what the queue holds; true once b was drained. */
static int print_all(failover_queue *queue)
{
    failover_event events[16];
    size_t count = 0;
    int is_drained = 0;
    do {
        if (failover_queue_poll(queue, events, sizeof *events, 16, 0, &count) != FAILOVER_OK) return 1;
        for (size_t i = 0; i < count; i++) {
            const failover_event *event = &events[i];
            const char *name = event->kind == FAILOVER_EVENT_FAILOVER       ? "failover"
                               : event->kind == FAILOVER_EVENT_CIRCUIT_OPEN ? "circuit open"
                                                                            : "drain";
            printf("%-12s %.*s: %.*s\n", name, (int)event->endpoint.len, event->endpoint.ptr,
                   (int)event->reason.len, event->reason.ptr);
            is_drained |= event->kind == FAILOVER_EVENT_DRAIN;
        }
    } while (count == 16);
    return is_drained;
}

int main(int count, char **arguments)
{
    const char *list = count > 1 ? arguments[1] : "[]";
    const char *config = "{\"failover\": {\"circuit_breaker\": {\"failure_threshold\": 2}}}";
    const failover_str none = { NULL, 0 }, servers = { list, strlen(list) };
    const uint64_t kinds = UINT64_C(1) << FAILOVER_EVENT_FAILOVER |
                           UINT64_C(1) << FAILOVER_EVENT_CIRCUIT_OPEN |
                           UINT64_C(1) << FAILOVER_EVENT_DRAIN;
    failover_manager *manager = NULL;
    failover_queue *queue = NULL;
    failover_error *error = NULL;
    struct pollfd ready = { .events = POLLIN };
    pthread_t thread;
    curl_global_init(CURL_GLOBAL_DEFAULT);

    failover_code code =
        failover_manager_new((failover_str) { config, strlen(config) }, &manager, &error);
    if (code == FAILOVER_OK) code = failover_provider_publish(manager, none, servers, &error);
    if (code == FAILOVER_OK) code = failover_queue_new(manager, kinds, 1024, &queue, &error);
    if (code == FAILOVER_OK) code = failover_queue_fd(queue, &ready.fd, &error);
    if (code == FAILOVER_OK && pthread_create(&thread, NULL, work, manager) == 0) {
        while (!print_all(queue)) {
            poll(&ready, 1, -1);
        }
        pthread_join(thread, NULL);
        printf("%llu events were dropped\n", (unsigned long long)failover_queue_dropped(queue));
    }
    if (code != FAILOVER_OK) {
        const failover_str message = failover_error_message(error);
        fprintf(stderr, "events: %.*s\n", (int)message.len, message.ptr);
    }
    failover_error_free(error);
    failover_queue_free(queue);
    failover_manager_free(manager);
    curl_global_cleanup();
    return code != FAILOVER_OK;
}
