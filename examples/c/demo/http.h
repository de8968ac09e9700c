/* HTTP by libcurl, and what its results mean to libfailover. */
#ifndef DEMO_HTTP_H
#define DEMO_HTTP_H

#include <curl/curl.h>
#include <stdint.h>

/* One client per thread: it keeps connections open, and a CURL handle is for one thread. NULL if
 * there is no memory. Ended with curl_easy_cleanup. */
CURL *http_client_new(void);

/* Makes one GET of http://127.0.0.1:port/path and returns a FAILOVER_OUTCOME_*. */
uint32_t http_get(CURL *client, uint32_t port, const char *path, uint64_t timeout_ns);

#endif
