#include "http.h"

#include <failover.h>
#include <limits.h>
#include <stdio.h>

/* The answer's body: read, so that the connection can carry the next request, and dropped. */
static size_t drop_body(char *bytes, size_t size, size_t count, void *user_data)
{
    (void)bytes;
    (void)user_data;
    return size * count;
}

CURL *http_client_new(void)
{
    CURL *client = curl_easy_init();
    if (client == NULL) {
        return NULL;
    }
    /* Timeouts by signal can't be used in a program with threads. */
    curl_easy_setopt(client, CURLOPT_NOSIGNAL, 1L);
    /* A proxy of the environment would carry requests for 127.0.0.1 off this machine. */
    curl_easy_setopt(client, CURLOPT_PROXY, "");
    curl_easy_setopt(client, CURLOPT_WRITEFUNCTION, drop_body);
    return client;
}

/* What went wrong on the wire. What was certainly not sent may go to another server at once; all
 * else may have had an effect, and is repeated only because a GET may be. */
static uint32_t outcome_of_wire(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return FAILOVER_OUTCOME_UNSENT;
    case CURLE_OPERATION_TIMEDOUT:
        return FAILOVER_OUTCOME_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_URL_MALFORMAT:
        return FAILOVER_OUTCOME_LOCAL; /* no server's fault, and none could do better */
    default:
        return FAILOVER_OUTCOME_FAILURE;
    }
}

static uint32_t outcome_of_status(long status)
{
    if (status == 429) {
        return FAILOVER_OUTCOME_THROTTLED;
    }
    if (status >= 500) {
        return FAILOVER_OUTCOME_FAILURE;
    }
    return status >= 400 ? FAILOVER_OUTCOME_REJECTED : FAILOVER_OUTCOME_SUCCESS;
}

uint32_t http_get(CURL *client, uint32_t port, const char *path, uint64_t timeout_ns)
{
    char url[256];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", (unsigned)port, path);
    /* To curl, 0 would mean to wait for ever. */
    uint64_t timeout_ms = timeout_ns / 1000000 + (timeout_ns < 1000000);
    long limit_ms = (long)(timeout_ms < INT_MAX ? timeout_ms : INT_MAX);
    curl_easy_setopt(client, CURLOPT_TIMEOUT_MS, limit_ms);
    curl_easy_setopt(client, CURLOPT_URL, url);

    CURLcode code = curl_easy_perform(client);
    if (code != CURLE_OK) {
        return outcome_of_wire(code);
    }
    long status = 0;
    curl_easy_getinfo(client, CURLINFO_RESPONSE_CODE, &status);
    return outcome_of_status(status);
}
