/* Work over a fork: what the parent was asked stays the parent's, a queue from before takes the child's own
 * work, and a poll that waits in the parent keeps nobody out in the child. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* Long enough that a wait that isn't ended fails the test by its time limit. */
enum { FOREVER_MS = 3600 * 1000 };

static failover_manager *manager;
static failover_work_queue *queue;
static failover_queue *events;

static size_t take(failover_work *work, uint32_t timeout_ms) {
    size_t count = 99;
    OK(failover_work_poll(queue, work, sizeof *work, 1, timeout_ms, &count));
    return count;
}

static void *register_one(void *given) {
    failover_endpoint_desc desc = describe("r", 80);
    *(failover_code *)given = failover_endpoint_register(manager, text("mine"), &desc, NULL);
    return NULL;
}

/* The child is woken for, and answers, a question of its own. */
static void answer_own(void) {
    failover_work work;
    struct pollfd wanted = {.events = POLLIN};
    OK(failover_work_queue_fd(queue, &wanted.fd, NULL));
    CHECK(poll(&wanted, 1, 0) == 1 && take(&work, 0) == 0 && poll(&wanted, 1, 0) == 0);
    OK(failover_provider_register_pulled(manager, text("own"), FAILOVER_PROVIDER_CAN_REGISTER, NULL));
    OK(failover_provider_register_pulled(manager, text("read"), FAILOVER_PROVIDER_CAN_LIST, NULL));
    CHECK(poll(&wanted, 1, FOREVER_MS) == 1);
    CHECK(take(&work, 0) == 1 && work.kind == FAILOVER_WORK_LIST);
    OK(failover_work_complete(manager, work.token, FAILOVER_OUTCOME_SUCCESS, text("[]"), NULL));
    OK(failover_provider_deregister(manager, text("read"), NULL));
}

static void in_child(void (*act)(const failover_work *), const failover_work *known) {
    int status = -1;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        alarm(20);
        act(known);
        answer_own();
        OK(failover_manager_close(manager, 0, NULL));
        failover_work_queue_free(queue);
        failover_manager_free(manager);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* What waits, or was taken, in the parent isn't there. */
static void finds_nothing(const failover_work *known) {
    failover_work work;
    CHECK(take(&work, 0) == 0);
    if (known != NULL) {
        GIVES(FAILOVER_E_NOT_FOUND, failover_work_complete(manager, known->token, 1, text(""), NULL));
    }
}

/* The parent's readers don't keep the child out. */
static void polls(const failover_work *known) {
    failover_event event;
    size_t count = 0;
    finds_nothing(known);
    OK(failover_queue_poll(events, &event, sizeof event, 1, 0, &count));
}

static void *read_work(void *given) {
    failover_work work;
    size_t count = 0;
    failover_code *code = given;
    do {
        *code = failover_work_poll(queue, &work, sizeof work, 1, FOREVER_MS, &count);
    } while (*code == FAILOVER_E_CONCURRENT_USE);
    return NULL;
}

static void *read_events(void *given) {
    failover_event event;
    size_t count = 0;
    failover_code *code = given;
    do {
        *code = failover_queue_poll(events, &event, sizeof event, 1, FOREVER_MS, &count);
    } while (*code == FAILOVER_E_CONCURRENT_USE);
    return NULL;
}

int main(void) {
    failover_work work;
    failover_event event;
    failover_code codes[2];
    pthread_t threads[2];
    struct pollfd wanted = {.events = POLLIN};
    size_t count = 0;
    alarm(120);
    manager = new_manager("{\"clock\": \"manual\"}");
    OK(failover_work_queue_new(manager, &queue, NULL));
    OK(failover_provider_register_pulled(manager, text("mine"), FAILOVER_PROVIDER_CAN_REGISTER, NULL));
    OK(failover_work_queue_fd(queue, &wanted.fd, NULL));
    CHECK(take(&work, 0) == 0);

    CHECK(pthread_create(&threads[0], NULL, register_one, &codes[0]) == 0);
    CHECK(poll(&wanted, 1, FOREVER_MS) == 1);
    in_child(finds_nothing, NULL);
    /* The child's polls left the parent's descriptor alone. */
    CHECK(poll(&wanted, 1, 0) == 1);
    CHECK(take(&work, 0) == 1 && work.kind == FAILOVER_WORK_REGISTER);
    in_child(finds_nothing, &work);
    OK(failover_work_complete(manager, work.token, FAILOVER_OUTCOME_SUCCESS, text(""), NULL));
    pthread_join(threads[0], NULL);
    OK(codes[0]);

    OK(failover_queue_new(manager, 1ULL << FAILOVER_EVENT_FAILOVER, 4, &events, NULL));
    CHECK(pthread_create(&threads[0], NULL, read_work, &codes[0]) == 0);
    CHECK(pthread_create(&threads[1], NULL, read_events, &codes[1]) == 0);
    while (failover_work_poll(queue, &work, sizeof work, 1, 0, &count) != FAILOVER_E_CONCURRENT_USE ||
           failover_queue_poll(events, &event, sizeof event, 1, 0, &count) != FAILOVER_E_CONCURRENT_USE) {
        sched_yield();
    }
    in_child(polls, NULL);
    failover_work_queue_free(queue);
    failover_queue_free(events);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        GIVES(FAILOVER_E_CLOSED, codes[i]);
    }
    failover_manager_free(manager);
    printf("work_fork: parent and child each had their own work\n");
    return 0;
}
