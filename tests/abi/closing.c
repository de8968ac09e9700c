/* A manager is closed while other threads are inside every function that waits: each comes back at once,
 * with a code of its own, and what is freed meanwhile stays usable for them until they are out. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "check.h"

/* Long enough that a wait that isn't ended fails the test by its time limit. */
enum { FOREVER_MS = 3600 * 1000 };

static failover_manager *manager;
static failover_pool *pool;
static failover_work_queue *work;
static atomic_int inside;

static uint32_t refuse(void *user_data, const failover_endpoint_desc *endpoint,
                       const failover_lease *lease, uint64_t timeout_ns) {
    (void)user_data;
    (void)endpoint;
    (void)lease;
    (void)timeout_ns;
    return FAILOVER_OUTCOME_FAILURE;
}

static failover_code execute(void) {
    failover_request request = new_request();
    request.flags = FAILOVER_REQUEST_IDEMPOTENT;
    return failover_execute(pool, &request, refuse, NULL, NULL, NULL);
}

static failover_code wait_ready(void) { return failover_manager_wait_ready(manager, FOREVER_MS, NULL); }

static failover_code wait_drained(void) {
    return failover_endpoint_wait_drained(manager, text(""), text("a"), FOREVER_MS, NULL);
}

/* A check that was begun ends, and finds the endpoint unhealthy; a later one isn't begun. */
static failover_code check(void) {
    uint32_t health = FAILOVER_HEALTH_UNKNOWN;
    failover_code code = failover_health_check(manager, text(""), text("checked"), &health, NULL);
    CHECK((code == FAILOVER_OK) == (health != FAILOVER_HEALTH_UNKNOWN));
    return code == FAILOVER_OK ? FAILOVER_E_CLOSED : code;
}

static failover_code enrol(void) {
    failover_endpoint_desc desc = describe("new", 80);
    return failover_endpoint_register(manager, text("pulled"), &desc, NULL);
}

static failover_code pull(void) {
    failover_work pieces[4];
    size_t count = 0;
    for (;;) {
        failover_code code = failover_work_poll(work, pieces, sizeof *pieces, 4, FOREVER_MS, &count);
        if (code != FAILOVER_OK) return code;
    }
}

static const struct waiting {
    const char *name;
    failover_code (*wait)(void);
    failover_code code;
} WAITING[] = {
    {"failover_execute", execute, FAILOVER_E_CLOSED},
    {"failover_manager_wait_ready", wait_ready, FAILOVER_E_CLOSED},
    {"failover_endpoint_wait_drained", wait_drained, FAILOVER_E_CLOSED},
    {"failover_health_check", check, FAILOVER_E_CLOSED},
    {"failover_endpoint_register", enrol, FAILOVER_E_CLOSED},
    {"failover_work_poll", pull, FAILOVER_E_CLOSED},
};
enum { COUNT = sizeof WAITING / sizeof *WAITING };

static void *wait(void *given) {
    const struct waiting *waiting = given;
    atomic_fetch_add(&inside, 1);
    failover_code came = waiting->wait();
    if (came != waiting->code) {
        fprintf(stderr, "%s: wanted %s, came %s\n", waiting->name, failover_code_name(waiting->code),
                failover_code_name(came));
        exit(1);
    }
    return NULL;
}

/* Everybody waits, whether it began before or after the close. */
static void close_amid_waits(int pauses) {
    pthread_t threads[COUNT];
    failover_lease lease;
    failover_endpoint_desc desc = describe("checked", 80);
    atomic_store(&inside, 0);
    manager = new_manager("{\"failover\": {\"retry_delay\": \"1h\", \"max_retry_delay\": \"1h\","
                          " \"timeout\": \"5h\", \"backoff\": \"fixed\"}}");
    OK(failover_work_queue_new(manager, &work, NULL));
    desc.name = text("other");
    desc.health_check_json = text("{\"type\": \"custom\", \"interval\": \"1h\", \"timeout\": \"1h\"}");
    OK(failover_endpoint_register(manager, text(""), &desc, NULL));
    OK(failover_provider_register_pulled(manager, text("pulled"), FAILOVER_PROVIDER_CAN_REGISTER, NULL));
    OK(failover_provider_register_pushed(manager, text("late"), NULL));
    add(manager, "a", 80);
    pool = get_pool(manager);
    OK(failover_pool_pick(pool, NULL, &lease));
    for (int i = 0; i < COUNT; i++) {
        CHECK(pthread_create(&threads[i], NULL, wait, (void *)&WAITING[i]) == 0);
    }
    while (atomic_load(&inside) < COUNT) sched_yield();
    for (int i = 0; i < pauses; i++) sched_yield();
    GIVES(FAILOVER_E_BUSY, failover_manager_close(manager, 0, NULL));
    for (int i = 0; i < COUNT; i++) pthread_join(threads[i], NULL);
    OK(failover_pool_report(pool, &lease, FAILOVER_OUTCOME_SUCCESS, 0));
    failover_work_queue_free(work);
    failover_pool_free(pool);
    failover_manager_free(manager);
}

static void *read_events(void *queue) {
    failover_event events[4];
    size_t count = 0;
    atomic_store(&inside, 1);
    GIVES(FAILOVER_E_CLOSED, failover_queue_poll(queue, events, sizeof *events, 4, FOREVER_MS, &count));
    return NULL;
}

/* A reader outlives its manager, and ends with its queue. */
static void free_amid_reading(void) {
    failover_queue *queue = NULL;
    pthread_t thread;
    atomic_store(&inside, 0);
    manager = new_manager("{}");
    OK(failover_queue_new(manager, 1ULL << FAILOVER_EVENT_TIMEOUT, 4, &queue, NULL));
    CHECK(pthread_create(&thread, NULL, read_events, queue) == 0);
    while (!atomic_load(&inside)) sched_yield();
    failover_manager_free(manager);
    failover_queue_free(queue);
    pthread_join(thread, NULL);
}

static void *read_on(void *queue) {
    failover_event events[4];
    size_t count = 0;
    failover_code code = FAILOVER_OK;
    atomic_store(&inside, 1);
    while (code == FAILOVER_OK) code = failover_queue_poll(queue, events, sizeof *events, 4, 0, &count);
    CHECK(code == FAILOVER_E_CLOSED || code == FAILOVER_E_INVALID_HANDLE);
    return NULL;
}

/* A queue is freed while its reader comes and goes: it is out of it, or in it until it is out. */
static void free_between_polls(int rounds) {
    manager = new_manager("{}");
    for (int i = 0; i < rounds; i++) {
        failover_queue *queue = NULL;
        pthread_t thread;
        atomic_store(&inside, 0);
        OK(failover_queue_new(manager, 0, 4, &queue, NULL));
        CHECK(pthread_create(&thread, NULL, read_on, queue) == 0);
        while (!atomic_load(&inside)) sched_yield();
        for (int pause = i % 97; pause > 0; pause--) atomic_load(&inside);
        failover_queue_free(queue);
        failover_queue_free(queue);
        pthread_join(thread, NULL);
    }
    failover_manager_free(manager);
}

int main(int count, char **arguments) {
    free_between_polls(count > 1 ? atoi(arguments[1]) : 200);
    for (int pauses = 0; pauses <= 10000; pauses = pauses == 0 ? 1 : pauses * 10) {
        close_amid_waits(pauses);
        free_amid_reading();
    }
    printf("closing: %d waits were ended\n", COUNT);
    return 0;
}
