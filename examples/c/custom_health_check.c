/* Health checks of the program's own: whoever answers "ok" to a question of ours is healthy. Calls pass
 * over the server that doesn't, so that none of them has to find out.
 *
 * custom_health_check '[{"id": "a", "address": "127.0.0.1", "port": 8081,
 *                        "health_check": {"type": "custom", "interval": "5s", "timeout": "1s"}}, …]' */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <failover.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct checker {
    failover_manager *manager;
    failover_work_queue *work;
};

/* Keeps the beginning of an answer, in a text of eight bytes. */
static size_t keep(char *data, size_t size, size_t count, void *answer)
{
    const size_t used = strlen(answer), more = size * count;
    strncat(answer, data, more < 7 - used ? more : 7 - used);
    return more;
}

/* True if the server in this document is well. */
static int is_well(failover_str document)
{
    char answer[8] = "", url[300];
    cJSON *server = cJSON_ParseWithLength(document.ptr, document.len);
    const cJSON *address = cJSON_GetObjectItem(server, "address");
    const cJSON *port = cJSON_GetObjectItem(server, "port");
    CURL *curl = curl_easy_init();
    if (curl != NULL && cJSON_IsString(address) && cJSON_IsNumber(port)) {
        snprintf(url, sizeof url, "http://%s:%d/ready", address->valuestring, port->valueint);
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 500L);
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
        curl_easy_perform(curl);
    }
    curl_easy_cleanup(curl);
    cJSON_Delete(server);
    return strncmp(answer, "ok", 2) == 0;
}

/* Makes the checks that libfailover finds due, until the manager is closed. */
static void *check(void *given)
{
    const failover_str nothing = { NULL, 0 };
    struct checker *checker = given;
    failover_work work;
    size_t count = 0;
    while (failover_work_poll(checker->work, &work, sizeof work, 1, UINT32_MAX, &count) == FAILOVER_OK) {
        if (count == 0 || work.kind == FAILOVER_WORK_CANCEL) continue;
        uint32_t outcome = FAILOVER_OUTCOME_LOCAL;
        if (work.kind == FAILOVER_WORK_HEALTH_CHECK) {
            outcome = is_well(work.payload_json) ? FAILOVER_OUTCOME_SUCCESS : FAILOVER_OUTCOME_FAILURE;
        }
        failover_work_complete(checker->manager, work.token, outcome, nothing, NULL);
    }
    return NULL;
}

/* An attempt, which counts itself. */
static uint32_t get(void *attempts, const failover_endpoint_desc *endpoint,
                    const failover_lease *lease, uint64_t timeout_ns)
{
    (void)lease;
    char url[300];
    CURL *curl = curl_easy_init();
    snprintf(url, sizeof url, "http://%.*s:%u/", (int)endpoint->address.len, endpoint->address.ptr,
             (unsigned)endpoint->port);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout_ns / 1000000) + 1);
    const CURLcode result = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    *(unsigned *)attempts += 1;
    return result == CURLE_OK                ? FAILOVER_OUTCOME_SUCCESS
           : result == CURLE_COULDNT_CONNECT ? FAILOVER_OUTCOME_UNSENT
                                             : FAILOVER_OUTCOME_FAILURE;
}

int main(int count, char **arguments)
{
    const char *list = count > 1 ? arguments[1] : "[]";
    /* One finding is enough to change what is thought of a server. */
    const char *config = "{\"failover\": {\"health\": {\"rise\": 1, \"fall\": 1}}}";
    const failover_str none = { NULL, 0 }, servers = { list, strlen(list) };
    struct checker checker = { NULL, NULL };
    failover_pool *pool = NULL;
    failover_buf *health = NULL;
    failover_error *error = NULL;
    unsigned attempts = 0;
    pthread_t thread;
    curl_global_init(CURL_GLOBAL_DEFAULT);

    failover_code code =
        failover_manager_new((failover_str) { config, strlen(config) }, &checker.manager, &error);
    if (code == FAILOVER_OK) code = failover_work_queue_new(checker.manager, &checker.work, &error);
    const int is_checked = code == FAILOVER_OK && pthread_create(&thread, NULL, check, &checker) == 0;
    if (is_checked) {
        code = failover_provider_publish(checker.manager, none, servers, &error);
        /* They are checked by and by; here nothing begins before all were. */
        if (code == FAILOVER_OK) code = failover_health_check_all(checker.manager, none, &health, &error);
        if (code == FAILOVER_OK) {
            const failover_str found = failover_buf_view(health);
            printf("%.*s\n", (int)found.len, found.ptr);
            code = failover_pool_get(checker.manager, none, none, &pool, &error);
        }
        for (int call = 0; call < 3 && code == FAILOVER_OK; call++) {
            code = failover_execute(pool, NULL, get, &attempts, NULL, &error);
        }
        if (code == FAILOVER_OK) printf("3 calls, %u attempts\n", attempts);
        failover_manager_close(checker.manager, 1000, NULL); /* which ends the thread */
        pthread_join(thread, NULL);
    }
    if (code != FAILOVER_OK) {
        const failover_str message = failover_error_message(error);
        fprintf(stderr, "custom_health_check: %.*s\n", (int)message.len, message.ptr);
    }
    failover_error_free(error);
    failover_buf_free(health);
    failover_pool_free(pool);
    failover_work_queue_free(checker.work);
    failover_manager_free(checker.manager);
    curl_global_cleanup();
    return code != FAILOVER_OK || !is_checked;
}
