/* The end of a wait for work: by a free, by the manager's close or free, by another queue that was faster;
 * and the two ways to be woken. Readers of events and log records end alike. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "check.h"

/* Long enough that a wait that isn't ended fails the test by its time limit. */
enum { FOREVER_MS = 3600 * 1000 };

/* A reader in another thread, of any kind of queue. */
struct reader {
    void *queue;
    failover_code (*poll)(void *queue, uint32_t timeout_ms, size_t *count);
    failover_code code;
    size_t count;
};

static failover_code poll_work(void *queue, uint32_t timeout_ms, size_t *count) {
    failover_work work[2];
    return failover_work_poll(queue, work, sizeof work[0], 2, timeout_ms, count);
}

static failover_code poll_events(void *queue, uint32_t timeout_ms, size_t *count) {
    failover_event events[2];
    return failover_queue_poll(queue, events, sizeof events[0], 2, timeout_ms, count);
}

static failover_code poll_logs(void *queue, uint32_t timeout_ms, size_t *count) {
    failover_log_record records[2];
    return failover_log_queue_poll(queue, records, sizeof records[0], 2, timeout_ms, count);
}

static void *read_queue(void *given) {
    struct reader *reader = given;
    do {
        reader->code = reader->poll(reader->queue, FOREVER_MS, &reader->count);
        /* Whoever looks whether we wait polls too. */
    } while (reader->code == FAILOVER_E_CONCURRENT_USE);
    return NULL;
}

/* Starts a reader, and returns once it is inside its poll: then ours is refused. */
static pthread_t start(struct reader *reader) {
    pthread_t thread;
    size_t count = 0;
    reader->count = 99;
    CHECK(pthread_create(&thread, NULL, read_queue, reader) == 0);
    while (reader->poll(reader->queue, 0, &count) != FAILOVER_E_CONCURRENT_USE) {
        sched_yield();
    }
    return thread;
}

static void ends_closed(pthread_t thread, const struct reader *reader) {
    pthread_join(thread, NULL);
    GIVES(FAILOVER_E_CLOSED, reader->code);
    CHECK(reader->count == 99);
}

static failover_work_queue *new_queue(failover_manager *manager) {
    failover_work_queue *queue = NULL;
    OK(failover_work_queue_new(manager, &queue, NULL));
    return queue;
}

static void frees_end_polls(void) {
    failover_manager *manager = new_manager("{}");
    failover_queue *events = NULL;
    failover_log_queue *logs = NULL;

    struct reader worker = {.queue = new_queue(manager), .poll = poll_work};
    pthread_t thread = start(&worker);
    failover_work_queue_free(worker.queue);
    ends_closed(thread, &worker);

    OK(failover_queue_new(manager, 0, 16, &events, NULL));
    struct reader listener = {.queue = events, .poll = poll_events};
    thread = start(&listener);
    failover_queue_free(events);
    ends_closed(thread, &listener);

    OK(failover_log_queue_new(manager, 16, &logs, NULL));
    struct reader log_reader = {.queue = logs, .poll = poll_logs};
    thread = start(&log_reader);
    failover_log_queue_free(logs);
    ends_closed(thread, &log_reader);
    failover_manager_free(manager);
}

static void the_manager_ends_polls(void) {
    failover_manager *manager = new_manager("{}");
    failover_work_queue *queue = NULL, *late = NULL;
    size_t count = 99;

    queue = new_queue(manager);
    struct reader reader = {.queue = queue, .poll = poll_work};
    pthread_t thread = start(&reader);
    OK(failover_manager_close(manager, 1000, NULL));
    ends_closed(thread, &reader);
    GIVES(FAILOVER_E_CLOSED, poll_work(queue, FOREVER_MS, &count));
    GIVES(FAILOVER_E_CLOSED, failover_work_queue_new(manager, &late, NULL));
    CHECK(late == NULL && count == 99);
    failover_work_queue_free(queue);
    failover_manager_free(manager);

    manager = new_manager("{}");
    queue = new_queue(manager);
    reader.queue = queue;
    thread = start(&reader);
    failover_manager_free(manager);
    ends_closed(thread, &reader);
    failover_work_queue_free(queue);
}

/* A request for a check that some thread has to answer. */
struct check {
    failover_manager *manager;
    failover_code code;
    uint32_t health;
};

static void *ask(void *given) {
    struct check *check = given;
    check->code =
        failover_health_check(check->manager, text(""), text("c"), &check->health, NULL);
    return NULL;
}

/* A manager whose endpoint "c" is checked by the program, with the first check done. */
static failover_manager *checked_manager(failover_work_queue **queue) {
    failover_manager *manager = new_manager("{\"failover\": {\"health\": {\"fall\": 1, \"rise\": 1}}}");
    failover_endpoint_desc desc = describe("c", 80);
    failover_work work;
    size_t count = 0;
    desc.health_check_json = text("{\"type\": \"custom\", \"interval\": \"1h\", \"timeout\": \"1h\"}");
    *queue = new_queue(manager);
    OK(failover_endpoint_register(manager, text(""), &desc, NULL));
    OK(failover_work_poll(*queue, &work, sizeof work, 1, FOREVER_MS, &count));
    CHECK(count == 1 && work.kind == FAILOVER_WORK_HEALTH_CHECK);
    OK(failover_work_complete(manager, work.token, FAILOVER_OUTCOME_SUCCESS, text(""), NULL));
    return manager;
}

/* What is open when the last queue goes fails at once, and not at its deadline. */
static void the_last_queue_fails_what_is_open(void) {
    failover_work_queue *queue = NULL;
    failover_manager *manager = checked_manager(&queue);
    struct check check = {.manager = manager};
    failover_work work;
    size_t count = 0;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, ask, &check) == 0);
    OK(failover_work_poll(queue, &work, sizeof work, 1, FOREVER_MS, &count));
    CHECK(count == 1);
    failover_work_queue_free(queue);
    pthread_join(thread, NULL);
    OK(check.code);
    CHECK(check.health == FAILOVER_HEALTH_UNHEALTHY);
    GIVES(FAILOVER_E_NOT_FOUND, failover_work_complete(manager, work.token, 1, text(""), NULL));
    GIVES(FAILOVER_E_NO_WORKER, failover_health_check(manager, text(""), text("c"), NULL, NULL));
    failover_manager_free(manager);
}

/* Has the library ask for a set: one item. */
static void ask_for_a_set(failover_manager *manager) {
    static unsigned providers;
    char name[16];
    snprintf(name, sizeof name, "p%u", providers++);
    OK(failover_provider_register_pulled(manager, text(name), FAILOVER_PROVIDER_CAN_LIST, NULL));
}

static atomic_uint taken;

/* Takes one item after the other until the queue is closed. */
static void *take_all(void *given) {
    failover_work work[2];
    failover_code code;
    for (;;) {
        size_t count = 0;
        code = failover_work_poll(given, work, sizeof work[0], 2, FOREVER_MS, &count);
        if (code != FAILOVER_OK) {
            GIVES(FAILOVER_E_CLOSED, code);
            return NULL;
        }
        CHECK(count > 0);
        atomic_fetch_add(&taken, (unsigned)count);
    }
}

static void await_taken(unsigned count) {
    while (atomic_load(&taken) < count) {
        sched_yield();
    }
}

/* All queues are woken by one item; who loses waits on instead of coming back with nothing. */
static void the_slower_of_many_readers_wait_on(void) {
    enum { READERS = 8, ROUNDS = 500 };
    /* On a clock that stands no set is asked for twice. */
    failover_manager *manager = new_manager("{\"clock\": \"manual\"}");
    failover_work_queue *queues[READERS];
    pthread_t threads[READERS];
    for (int i = 0; i < READERS; i++) {
        queues[i] = new_queue(manager);
        CHECK(pthread_create(&threads[i], NULL, take_all, queues[i]) == 0);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        OK(failover_provider_register_pulled(manager, text("p"), FAILOVER_PROVIDER_CAN_LIST, NULL));
        await_taken(2 * round + 1);
        /* The question is taken back: another item. */
        OK(failover_provider_deregister(manager, text("p"), NULL));
        await_taken(2 * round + 2);
    }
    OK(failover_manager_close(manager, 0, NULL));
    for (int i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        failover_work_queue_free(queues[i]);
    }
    CHECK(atomic_load(&taken) == 2 * ROUNDS);
    failover_manager_free(manager);
}

static atomic_int wakes;
static atomic_int drops;

static void count_wake(void *user_data) { atomic_fetch_add((atomic_int *)user_data, 1); }

static void count_drop(void *user_data) {
    CHECK(user_data == &wakes);
    atomic_fetch_add(&drops, 1);
}

static int is_readable(int fd, int timeout_ms) {
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    int count = poll(&wanted, 1, timeout_ms);
    CHECK(count >= 0);
    return count == 1;
}

static void await_wakes(int count) {
    while (atomic_load(&wakes) < count) {
        sched_yield();
    }
    CHECK(atomic_load(&wakes) == count);
}

static void work_and_the_end_wake(void) {
    failover_manager *manager = new_manager("{\"clock\": \"manual\"}");
    failover_work_queue *queue = new_queue(manager);
    failover_work work[2];
    size_t count = 99;
    int fd = -1;
    OK(failover_work_queue_set_wake(queue, count_wake, &wakes, count_drop));
    OK(failover_work_queue_fd(queue, &fd, NULL));
    /* What was there before the descriptor was told to nobody. */
    CHECK(is_readable(fd, 0));
    OK(failover_work_poll(queue, work, sizeof work[0], 2, 0, &count));
    CHECK(count == 0 && !is_readable(fd, 0));

    ask_for_a_set(manager);
    CHECK(is_readable(fd, FOREVER_MS));
    await_wakes(1);
    ask_for_a_set(manager);
    await_wakes(2);
    OK(failover_work_poll(queue, work, sizeof work[0], 1, 0, &count));
    CHECK(count == 1 && is_readable(fd, 0));
    /* Who comes late is told at once of what waits. */
    OK(failover_work_queue_set_wake(queue, count_wake, &wakes, count_drop));
    CHECK(atomic_load(&wakes) == 3 && atomic_load(&drops) == 1);
    OK(failover_work_poll(queue, work, sizeof work[0], 2, 0, &count));
    CHECK(count == 1 && !is_readable(fd, 0));

    OK(failover_manager_close(manager, 0, NULL));
    CHECK(is_readable(fd, 0) && atomic_load(&wakes) == 4);
    for (int i = 0; i < 2; i++) {
        GIVES(FAILOVER_E_CLOSED, failover_work_poll(queue, work, sizeof work[0], 2, 0, &count));
        CHECK(is_readable(fd, 0));
    }
    failover_work_queue_free(queue);
    CHECK(atomic_load(&drops) == 2);
    failover_manager_free(manager);
}

int main(void) {
    frees_end_polls();
    the_manager_ends_polls();
    the_last_queue_fails_what_is_open();
    the_slower_of_many_readers_wait_on();
    work_and_the_end_wake();
    printf("work_wait: waits end and readers are woken\n");
    return 0;
}
