/* What the library says about the three servers: its events and its statistics, nothing else. The
 * demo's times are taken from here, so that they are what a program of your own would see. */
#ifndef DEMO_WATCH_H
#define DEMO_WATCH_H

#include "journal.h"
#include "load.h"

#include <failover.h>
#include <stdbool.h>
#include <stdint.h>

#define WATCH_KINDS (FAILOVER_EVENT_BUDGET_EXHAUSTED + 1)
#define WATCH_SAMPLES 16 /* at ten a second: the shares and rates of the last second and a half */

/* One server as the library sees it. */
struct server_view {
    char name;
    uint32_t port;
    failover_endpoint_stats stats;
    double share; /* of the picks of late, 0 to 1 */
    /* When each kind of event first came since watch_await, 0 for not yet. */
    uint64_t awaited_ns;
    uint64_t first_event_ns[WATCH_KINDS];
};

/* Counts at one moment, of which differences are shown. */
struct sample {
    uint64_t time_ns;
    uint64_t calls;
    uint64_t picks[LOAD_SERVERS];
};

struct watch {
    const failover_pool *pool;
    failover_queue *queue;
    struct server_view servers[LOAD_SERVERS];
    uint64_t events[WATCH_KINDS]; /* seen since the start */
    struct sample samples[WATCH_SAMPLES];
    size_t next_sample;
    size_t sample_count;
    double calls_per_second;
};

/* Subscribes to the events, before there can be any. Ended with watch_end. */
bool watch_begin(struct watch *watch, const failover_manager *manager);
/* Looks up the servers, once they are registered. */
bool watch_pool(struct watch *watch, const failover_pool *pool);
void watch_end(struct watch *watch);

/* Waits up to `timeout_ms` for events and writes them into the journal. */
void watch_events(struct watch *watch, uint32_t timeout_ms, struct journal *journal);

/* Reads the statistics. */
void watch_statistics(struct watch *watch, const struct load *load);

/* From now on keeps the first event of each kind of a server. */
void watch_await(struct watch *watch, unsigned server);

/* When a server was first found unfit for traffic since watch_await, 0 for not yet. */
uint64_t watch_ejected_ns(const struct watch *watch, unsigned server);

/* True if a server is healthy, its breaker closed, and it gets a fair share of the calls. */
bool watch_is_in_use(const struct watch *watch, unsigned server);

#endif
