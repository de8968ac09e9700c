/* The program that is to notice nothing: threads that make one call after another. */
#ifndef DEMO_LOAD_H
#define DEMO_LOAD_H

#include <curl/curl.h>
#include <failover.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LOAD_THREADS 4
#define LOAD_CALLS_PER_SECOND 200 /* all threads together */
#define LOAD_SERVERS 3            /* a, b and c */

struct load;

/* One thread with its HTTP client. */
struct caller {
    struct load *load;
    unsigned number;
    CURL *client;
    pthread_t thread;
};

struct load {
    const failover_pool *pool;
    struct caller callers[LOAD_THREADS];
    unsigned started; /* callers whose thread runs */
    atomic_bool is_over;
    atomic_uint_fast64_t calls;
    atomic_uint_fast64_t failed;
    atomic_uint_fast64_t attempts;
    /* By server: when it first answered well since load_await_success, or 0. */
    atomic_uint_fast64_t first_success_ns[LOAD_SERVERS];
    /* Why the first failed call failed; written once, by whoever raised `failed` from 0. */
    char first_fault[256];
};

/* Begins to call. Ended with load_stop, also when it returns false. */
bool load_start(struct load *load, const failover_pool *pool);

/* Ends the calls, waits for the last ones, and gives everything back. */
void load_stop(struct load *load);

/* From now on waits for the next success on a server. */
void load_await_success(struct load *load, unsigned server);

#endif
