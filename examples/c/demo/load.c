#define _POSIX_C_SOURCE 200809L
#include "load.h"

#include "clock.h"
#include "http.h"

#include <signal.h>
#include <stdio.h>

/* The call under way, for the callback. */
struct work {
    struct caller *caller;
    unsigned attempts;
};

static void note_success(struct load *load, failover_str id)
{
    unsigned server = id.len == 1 ? (unsigned)(id.ptr[0] - 'a') : LOAD_SERVERS;
    if (server < LOAD_SERVERS) {
        uint_fast64_t never = 0;
        atomic_compare_exchange_strong(&load->first_success_ns[server], &never, clock_now_ns());
    }
}

/* One attempt: all that a program has to write to have failover. */
static uint32_t attempt(void *user_data, const failover_endpoint_desc *endpoint,
                        const failover_lease *lease, uint64_t attempt_timeout_ns)
{
    (void)lease;
    struct work *work = user_data;
    work->attempts++;
    uint32_t outcome = http_get(work->caller->client, endpoint->port, "/work", attempt_timeout_ns);
    if (outcome == FAILOVER_OUTCOME_SUCCESS) {
        note_success(work->caller->load, endpoint->id);
    }
    return outcome;
}

static void note_failure(struct load *load, const failover_error *error)
{
    if (atomic_fetch_add(&load->failed, 1) == 0) {
        failover_str message = failover_error_message(error);
        snprintf(load->first_fault, sizeof load->first_fault, "%.*s", (int)message.len,
                 message.ptr);
    }
}

static void call(struct caller *caller)
{
    struct load *load = caller->load;
    struct work work = { .caller = caller };
    failover_error *error = NULL;
    failover_code code = failover_execute(load->pool, NULL, attempt, &work, NULL, &error);
    if (code != FAILOVER_OK) {
        note_failure(load, error);
        failover_error_free(error);
    }
    atomic_fetch_add(&load->attempts, work.attempts);
    atomic_fetch_add(&load->calls, 1);
}

static void *run(void *user_data)
{
    struct caller *caller = user_data;
    const uint64_t pause_ns = NANOS_PER_SECOND * LOAD_THREADS / LOAD_CALLS_PER_SECOND;
    /* Spread over the pause, so that the servers see a stream and not bursts. */
    clock_sleep_ns(pause_ns * caller->number / LOAD_THREADS);
    while (!atomic_load(&caller->load->is_over)) {
        uint64_t begun = clock_now_ns();
        call(caller);
        uint64_t taken = clock_now_ns() - begun;
        if (taken < pause_ns) {
            clock_sleep_ns(pause_ns - taken);
        }
    }
    return NULL;
}

bool load_start(struct load *load, const failover_pool *pool)
{
    *load = (struct load){ .pool = pool };
    /* Ctrl-C is the main thread's business. */
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    bool has_started = true;
    while (has_started && load->started < LOAD_THREADS) {
        struct caller *caller = &load->callers[load->started];
        *caller = (struct caller){ .load = load, .number = load->started };
        caller->client = http_client_new();
        has_started =
            caller->client != NULL && pthread_create(&caller->thread, NULL, run, caller) == 0;
        if (has_started) {
            load->started++;
        } else if (caller->client != NULL) {
            curl_easy_cleanup(caller->client);
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return has_started;
}

void load_stop(struct load *load)
{
    atomic_store(&load->is_over, true);
    while (load->started > 0) {
        struct caller *caller = &load->callers[--load->started];
        pthread_join(caller->thread, NULL);
        curl_easy_cleanup(caller->client);
    }
}

void load_await_success(struct load *load, unsigned server)
{
    atomic_store(&load->first_success_ns[server], 0);
}
