/* What a scenario acts on: one manager on its manual clock, and the names that steps gave. */
#ifndef WORLD_H
#define WORLD_H

#include "value.h"

enum { MOST = 256 };

/* A call with the last thing it wanted. */
struct running {
    char name[32];
    failover_call *call;
    failover_action action;
};

struct leased {
    char name[32];
    failover_pool *pool;
    failover_lease lease;
};

struct named_pool {
    char name[32];
    failover_pool *pool;
};

struct world {
    failover_manager *manager;
    struct running calls[MOST];
    struct leased leases[MOST];
    struct named_pool pools[MOST];
    size_t call_count, lease_count, pool_count;
    /* Ids of the last `pick` step: a list. */
    cJSON *picked;
    /* Ids by number, also of endpoints that were removed since: an object. */
    cJSON *ids;
    /* The last event of the setting up. */
    double first_event;
};

int world_new(struct world *world, const cJSON *scenario);
void world_free(struct world *world);

/* Learns the numbers of all endpoints that are registered now. */
void world_learn(struct world *world);

/* The id behind a number, as far as this scenario has met it. */
const char *world_id(const struct world *world, failover_endpoint_id number);

/* The number of an id that this scenario has met; 0 and trouble otherwise. */
failover_endpoint_id world_number(const struct world *world, const char *id);

/* The pool that a step names, or the default one, with a count for the caller. */
failover_code world_pool(struct world *world, const cJSON *step, failover_pool **pool,
                         failover_error **error);

struct running *world_call(struct world *world, const cJSON *step);

/* Kinds of the events since the setting up, in order: those of single picks, or all others. */
cJSON *world_events(struct world *world, int of_picks);

/* The name of the provider that a step names, or of the default one. Lives as long as `step`, or
 * until the next call. */
const char *world_provider(struct world *world, const cJSON *step);

/* Every statistic. */
cJSON *world_stats(struct world *world);

/* Reads a request; its texts live as long as `value`, its lists until the next call. */
int world_request(const cJSON *value, const failover_pool *pool, failover_request *request);

/* The steps that do something, and those that look. */
int perform(struct world *world, const cJSON *step);
int expect(struct world *world, const cJSON *step);
int expect_end(struct world *world, const cJSON *then);
int expect_error(failover_code code, const cJSON *details, const cJSON *wanted);

#endif
