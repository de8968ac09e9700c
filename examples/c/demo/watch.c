#include "watch.h"

#include "clock.h"

#include <stdio.h>
#include <string.h>

/* All that this demo can meet. Others (a set of endpoints that changed) it causes itself. */
static const uint32_t KINDS[] = {
    FAILOVER_EVENT_FAILOVER,     FAILOVER_EVENT_RECOVERY,          FAILOVER_EVENT_ENDPOINT_UP,
    FAILOVER_EVENT_ENDPOINT_DOWN, FAILOVER_EVENT_CIRCUIT_OPEN,     FAILOVER_EVENT_CIRCUIT_HALF_OPEN,
    FAILOVER_EVENT_CIRCUIT_CLOSE, FAILOVER_EVENT_RETRY,            FAILOVER_EVENT_TIMEOUT,
    FAILOVER_EVENT_PANIC_ENTER,  FAILOVER_EVENT_PANIC_LEAVE,       FAILOVER_EVENT_BUDGET_EXHAUSTED,
};

/* More events than come in a second of the worst phase; what doesn't fit would be counted. */
#define QUEUE_CAPACITY 4096
#define EVENTS_AT_ONCE 64

bool watch_begin(struct watch *watch, const failover_manager *manager)
{
    *watch = (struct watch){ 0 };
    uint64_t kinds = 0;
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        kinds |= UINT64_C(1) << KINDS[i];
    }
    return failover_queue_new(manager, kinds, QUEUE_CAPACITY, &watch->queue, NULL) == FAILOVER_OK;
}

bool watch_pool(struct watch *watch, const failover_pool *pool)
{
    watch->pool = pool;
    failover_snapshot *snapshot = NULL;
    if (failover_pool_snapshot(pool, &snapshot, NULL) != FAILOVER_OK) {
        return false;
    }
    bool is_complete = failover_snapshot_len(snapshot) == LOAD_SERVERS;
    for (unsigned i = 0; is_complete && i < LOAD_SERVERS; i++) {
        failover_endpoint_desc endpoint = { .struct_size = sizeof endpoint };
        struct server_view *server = &watch->servers[i];
        is_complete = failover_snapshot_get(snapshot, i, NULL, &endpoint) == FAILOVER_OK;
        server->name = is_complete ? endpoint.id.ptr[0] : '?';
        server->port = endpoint.port;
    }
    failover_snapshot_free(snapshot);
    return is_complete;
}

void watch_end(struct watch *watch)
{
    failover_queue_free(watch->queue);
    watch->queue = NULL;
}

static struct server_view *server_of(struct watch *watch, failover_str id)
{
    for (unsigned i = 0; id.len == 1 && i < LOAD_SERVERS; i++) {
        if (watch->servers[i].name == id.ptr[0]) {
            return &watch->servers[i];
        }
    }
    return NULL; /* events of a call, such as retry, are of no server */
}

static void take_in(struct watch *watch, const failover_event *event, struct journal *journal)
{
    struct entry entry = {
        .time_ns = event->time_ns, .kind = event->kind, .count = 1, .server = JOURNAL_NOBODY,
    };
    snprintf(entry.text, sizeof entry.text, "%.*s", (int)event->reason.len, event->reason.ptr);
    struct server_view *server = server_of(watch, event->endpoint);
    bool is_counted = event->kind < WATCH_KINDS;
    if (is_counted) {
        watch->events[event->kind]++;
    }
    if (server != NULL) {
        entry.server = server->name;
        bool is_first = is_counted && server->first_event_ns[event->kind] == 0;
        if (is_first && event->time_ns >= server->awaited_ns) {
            server->first_event_ns[event->kind] = event->time_ns;
        }
    }
    journal_event(journal, &entry);
}

void watch_events(struct watch *watch, uint32_t timeout_ms, struct journal *journal)
{
    failover_event events[EVENTS_AT_ONCE];
    size_t count = 0;
    do {
        failover_code code = failover_queue_poll(watch->queue, events, sizeof *events,
                                                 EVENTS_AT_ONCE, timeout_ms, &count);
        if (code != FAILOVER_OK) {
            return;
        }
        for (size_t i = 0; i < count; i++) {
            take_in(watch, &events[i], journal);
        }
        timeout_ms = 0;
    } while (count == EVENTS_AT_ONCE);
}

static void compare(struct watch *watch, const struct sample *now, const struct sample *before)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < LOAD_SERVERS; i++) {
        all += now->picks[i] - before->picks[i];
    }
    for (unsigned i = 0; i < LOAD_SERVERS; i++) {
        uint64_t picks = now->picks[i] - before->picks[i];
        watch->servers[i].share = all > 0 ? (double)picks / (double)all : 0;
    }
    uint64_t elapsed_ns = now->time_ns - before->time_ns;
    double calls = (double)(now->calls - before->calls);
    watch->calls_per_second = elapsed_ns > 0 ? calls * 1e9 / (double)elapsed_ns : 0;
}

void watch_statistics(struct watch *watch, const struct load *load)
{
    failover_endpoint_stats stats[LOAD_SERVERS];
    size_t count = 0;
    failover_code code =
        failover_pool_stats(watch->pool, stats, sizeof *stats, LOAD_SERVERS, &count);
    if (code != FAILOVER_OK) {
        return; /* the figures of before stay */
    }
    struct sample now = { .time_ns = clock_now_ns(), .calls = atomic_load(&load->calls) };
    /* Both this and the snapshot are in the order of the ids. */
    for (size_t i = 0; i < count && i < LOAD_SERVERS; i++) {
        watch->servers[i].stats = stats[i];
        now.picks[i] = stats[i].picks;
    }
    /* The ring is overwritten from its oldest sample on, which is the one to compare with. */
    struct sample *place = &watch->samples[watch->next_sample];
    bool is_full = watch->sample_count == WATCH_SAMPLES;
    const struct sample before = is_full ? *place : watch->samples[0];
    *place = now;
    watch->next_sample = (watch->next_sample + 1) % WATCH_SAMPLES;
    watch->sample_count += !is_full;
    if (watch->sample_count > 1) {
        compare(watch, &now, &before);
    }
}

void watch_await(struct watch *watch, unsigned server)
{
    struct server_view *view = &watch->servers[server];
    memset(view->first_event_ns, 0, sizeof view->first_event_ns);
    /* Events of before that are still in the queue are told apart by their time. */
    view->awaited_ns = clock_now_ns();
}

uint64_t watch_ejected_ns(const struct watch *watch, unsigned server)
{
    const uint64_t *first = watch->servers[server].first_event_ns;
    uint64_t opened = first[FAILOVER_EVENT_CIRCUIT_OPEN];
    uint64_t down = first[FAILOVER_EVENT_ENDPOINT_DOWN];
    if (opened == 0 || down == 0) {
        return opened + down;
    }
    return opened < down ? opened : down;
}

bool watch_is_in_use(const struct watch *watch, unsigned server)
{
    const struct server_view *view = &watch->servers[server];
    /* Equal shares are 33 %; half of that says "in use" whatever the moment. */
    return view->stats.circuit == FAILOVER_CIRCUIT_CLOSED && view->share > 0.5 / LOAD_SERVERS;
}
