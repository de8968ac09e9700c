/* A list of addresses, libcurl, and three calls that don't notice that one of the servers is dead.
 *
 * quickstart '[{"id": "a", "address": "127.0.0.1", "port": 8081},
 *              {"id": "b", "address": "127.0.0.1", "port": 8082}]' */
#include <curl/curl.h>
#include <failover.h>
#include <stdio.h>
#include <string.h>

/* One attempt, on the server that libfailover chose; the answer goes to standard output. */
static uint32_t get(void *curl, const failover_endpoint_desc *endpoint,
                    const failover_lease *lease, uint64_t timeout_ns)
{
    (void)lease;
    char url[300];
    snprintf(url, sizeof url, "http://%.*s:%u/", (int)endpoint->address.len, endpoint->address.ptr,
             (unsigned)endpoint->port);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L); /* 4xx and 5xx are errors, and print nothing */
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout_ns / 1000000) + 1);
    switch (curl_easy_perform(curl)) {
    case CURLE_OK: return FAILOVER_OUTCOME_SUCCESS;
    case CURLE_COULDNT_CONNECT: return FAILOVER_OUTCOME_UNSENT; /* another gets it at once */
    case CURLE_OPERATION_TIMEDOUT: return FAILOVER_OUTCOME_TIMEOUT;
    default: return FAILOVER_OUTCOME_FAILURE;
    }
}

int main(int count, char **arguments)
{
    const char *list = count > 1 ? arguments[1] : "[]";
    failover_str servers = { list, strlen(list) }, defaults = { NULL, 0 };
    failover_manager *manager = NULL;
    failover_pool *pool = NULL;
    failover_error *error = NULL;
    CURL *curl = curl_easy_init();

    failover_code code = failover_manager_new(defaults, &manager, &error);
    if (code == FAILOVER_OK) code = failover_provider_publish(manager, defaults, servers, &error);
    if (code == FAILOVER_OK) code = failover_pool_get(manager, defaults, defaults, &pool, &error);
    for (int call = 0; call < 3 && code == FAILOVER_OK; call++) {
        code = failover_execute(pool, NULL, get, curl, NULL, &error);
    }
    if (code != FAILOVER_OK) {
        failover_str message = failover_error_message(error);
        fprintf(stderr, "quickstart: %.*s\n", (int)message.len, message.ptr);
    }
    failover_error_free(error);
    failover_pool_free(pool);
    failover_manager_free(manager);
    curl_easy_cleanup(curl);
    return code != FAILOVER_OK;
}
