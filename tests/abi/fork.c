/* A child selects and executes at once, the parent goes on, and neither hangs: with one thread, with
 * threads that use the library while the process forks, with threads that change endpoints, policy
 * and pools meanwhile, with two threads that fork, with leases and calls open over it, and in the middle
 * of a snapshot's texts. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static atomic_int is_over;

static void *use(void *given) {
    failover_pool *pool = given;
    while (!atomic_load(&is_over)) {
        one_call(pool);
    }
    return NULL;
}

static uint32_t attempt(void *user_data, const failover_endpoint_desc *endpoint,
                        const failover_lease *lease, uint64_t timeout_ns) {
    (void)user_data;
    (void)endpoint;
    (void)lease;
    (void)timeout_ns;
    return FAILOVER_OUTCOME_SUCCESS;
}

/* What the child does: everything that the parent can. */
static int child(failover_manager *manager, failover_pool *pool, const failover_lease *inherited,
                 failover_call *call) {
    failover_lease lease;
    failover_endpoint_stats stats[4];
    size_t count = 0;
    alarm(20);
    OK(failover_pool_pick(pool, NULL, &lease));
    OK(failover_pool_report(pool, &lease, FAILOVER_OUTCOME_SUCCESS, 0));
    OK(failover_execute(pool, NULL, attempt, NULL, NULL, NULL));
    OK(failover_pool_report(pool, inherited, FAILOVER_OUTCOME_SUCCESS, 0));
    failover_call_free(call);
    OK(failover_pool_stats(pool, stats, sizeof stats[0], 4, &count));
    CHECK(count == 2);
    CHECK(stats[0].in_flight + stats[1].in_flight == 0);
    add(manager, "late", 8082);
    OK(failover_manager_close(manager, 0, NULL));
    failover_pool_free(pool);
    failover_manager_free(manager);
    return 0;
}

static void fork_once(failover_manager *manager, failover_pool *pool) {
    failover_lease lease;
    failover_call *call = NULL;
    failover_action action;
    failover_input input;
    int status = -1;
    memset(&input, 0, sizeof input);
    input.kind = FAILOVER_INPUT_START;
    OK(failover_pool_pick(pool, NULL, &lease));
    OK(failover_call_new(pool, NULL, &call, NULL));
    OK(failover_call_step(call, &input, &action));
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        _exit(child(manager, pool, &lease, call));
    }
    one_call(pool);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    OK(failover_pool_report(pool, &lease, FAILOVER_OUTCOME_SUCCESS, 0));
    GIVES(FAILOVER_E_INVALID_STATE, failover_pool_report(pool, &lease, FAILOVER_OUTCOME_SUCCESS, 0));
    failover_call_free(call);
}

/* What a second thread changes while the first one forks. */
static void *change(void *given) {
    failover_manager *manager = given;
    for (unsigned round = 0; !atomic_load(&is_over); round++) {
        failover_endpoint_desc desc = describe("passing", 9000);
        failover_buf *buf = NULL;
        failover_pool *pool = NULL;
        char service[16];
        /* A service of its own now and then: a pool is made. */
        snprintf(service, sizeof service, "s%u", round / 16 % 64);
        desc.name = text(service);
        OK(failover_endpoint_register(manager, text(""), &desc, NULL));
        OK(failover_pool_get(manager, text(""), text(service), &pool, NULL));
        failover_pool_free(pool);
        OK(failover_manager_configure(manager, text("{\"max_retries\": 2}"), NULL));
        OK(failover_health_report(manager, text(""), text("passing"), 0, text(""), NULL, NULL));
        OK(failover_events(manager, 4, &buf, NULL));
        failover_buf_free(buf);
        OK(failover_endpoint_deregister(manager, text(""), text("passing"), NULL));
    }
    return NULL;
}

/* What a child does that was made in the middle of a change. */
static void after_change(failover_manager *manager, failover_pool *pool) {
    failover_queue *queue = NULL;
    failover_event events[8];
    failover_buf *buf = NULL;
    size_t count = 0;
    /* Whatever waits for a lock of a thread that isn't here dies of it. */
    alarm(20);
    add(manager, "own", 8083);
    one_call(pool);
    OK(failover_execute(pool, NULL, attempt, NULL, NULL, NULL));
    OK(failover_queue_new(manager, 0, 16, &queue, NULL));
    OK(failover_manager_configure(manager, text("{\"max_retries\": 1}"), NULL));
    OK(failover_queue_poll(queue, events, sizeof events[0], 8, 1000, &count));
    CHECK(count == 1);
    /* More than the ring holds. */
    for (int i = 0; i < 1100; i++) {
        OK(failover_health_report(manager, text(""), text("own"), i % 2 == 0, text(""), NULL, NULL));
    }
    OK(failover_events(manager, 1024, &buf, NULL));
    failover_buf_free(buf);
    OK(failover_stats(manager, &buf, NULL));
    failover_buf_free(buf);
    OK(failover_endpoint_deregister(manager, text(""), text("own"), NULL));
    failover_queue_free(queue);
    OK(failover_manager_close(manager, 0, NULL));
}

struct forker {
    failover_manager *manager;
    failover_pool *pool;
    int rounds;
};

static void *fork_amid_changes(void *given) {
    const struct forker *forker = given;
    for (int i = 0; i < forker->rounds; i++) {
        int status = -1;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            after_change(forker->manager, forker->pool);
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    return NULL;
}

/* The hooks are counted: a program, its libraries and `fork` itself may all call them. */
static void fork_between_hooks(failover_manager *manager, failover_pool *pool, int times) {
    int status = -1;
    for (int i = 0; i < times; i++) {
        failover_before_fork();
    }
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        alarm(20);
        for (int i = 0; i < times; i++) {
            failover_after_fork_child();
        }
        one_call(pool);
        CHECK(get_pool(manager) == pool);
        _exit(0);
    }
    for (int i = 0; i < times; i++) {
        failover_after_fork_parent();
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(get_pool(manager) == pool);
    failover_pool_free(pool);
}

/* With the policy `error` a child changes nothing and serves nobody, and reads what is known. */
static void refused_in_child(void) {
    failover_manager *manager = new_manager("{\"fork_policy\": \"error\"}");
    add(manager, "a", 8080);
    failover_pool *pool = get_pool(manager);
    pid_t pid = fork();
    int status = -1;
    CHECK(pid >= 0);
    if (pid == 0) {
        failover_endpoint_desc desc = describe("late", 8082);
        failover_pool *other = NULL;
        failover_lease lease;
        failover_buf *json = NULL;
        alarm(20);
        GIVES(FAILOVER_E_FORKED, failover_endpoint_register(manager, text(""), &desc, NULL));
        GIVES(FAILOVER_E_FORKED, failover_manager_configure(manager, text("{}"), NULL));
        GIVES(FAILOVER_E_FORKED, failover_pool_get(manager, text(""), text("users"), &other, NULL));
        GIVES(FAILOVER_E_CLOSED, failover_pool_pick(pool, NULL, &lease));
        GIVES(FAILOVER_E_CLOSED, failover_execute(pool, NULL, attempt, NULL, NULL, NULL));
        OK(failover_stats(manager, &json, NULL));
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    failover_pool_free(pool);
    failover_manager_free(manager);
}

enum { MANY = 2000 };

static atomic_uintptr_t shown;

static void read_all(const failover_snapshot *snapshot) {
    failover_endpoint_desc desc;
    desc.struct_size = sizeof desc;
    for (size_t i = 0; i < MANY; i++) {
        OK(failover_snapshot_get(snapshot, i, NULL, &desc));
        CHECK(desc.tags_json.len == 5);
    }
}

/* Reads one snapshot after the other, each for the first time: its texts are made meanwhile. */
static void *show(void *given) {
    failover_snapshot *snapshot = NULL;
    while (!atomic_load(&is_over)) {
        OK(failover_pool_snapshot(given, &snapshot, NULL));
        atomic_store(&shown, (uintptr_t)snapshot);
        read_all(snapshot);
        while (atomic_load(&shown) != 0 && !atomic_load(&is_over)) {
            sched_yield();
        }
        failover_snapshot_free(snapshot);
    }
    return NULL;
}

/* The child goes on with the snapshot that another thread was in. */
static void fork_amid_reading(int rounds) {
    failover_manager *manager = new_manager("{}");
    pthread_t thread;
    for (int i = 0; i < MANY; i++) {
        char id[16];
        snprintf(id, sizeof id, "e%d", i);
        failover_endpoint_desc desc = describe(id, 80);
        desc.tags_json = text("[\"x\"]");
        OK(failover_endpoint_register(manager, text(""), &desc, NULL));
    }
    failover_pool *pool = get_pool(manager);
    atomic_store(&is_over, 0);
    CHECK(pthread_create(&thread, NULL, show, pool) == 0);
    for (int i = 0; i < rounds; i++) {
        int status = -1;
        uintptr_t taken = 0;
        while ((taken = atomic_load(&shown)) == 0) {
            sched_yield();
        }
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            alarm(20);
            read_all((const failover_snapshot *)taken);
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        atomic_store(&shown, 0);
    }
    atomic_store(&is_over, 1);
    pthread_join(thread, NULL);
    failover_pool_free(pool);
    failover_manager_free(manager);
}

int main(int count, char **arguments) {
    int rounds = count > 1 ? atoi(arguments[1]) : 20;
    failover_manager *manager = new_manager("{}");
    add(manager, "a", 8080);
    add(manager, "b", 8081);
    failover_pool *pool = get_pool(manager);
    pthread_t threads[2];
    alarm(300);
    refused_in_child();
    for (int i = 0; i < rounds; i++) {
        fork_once(manager, pool);
    }
    for (int times = 0; times <= 3; times++) {
        fork_between_hooks(manager, pool, times);
        /* Without a before: nothing to end, and the next fork finds all as it was. */
        failover_after_fork_parent();
        failover_after_fork_child();
    }
    for (int i = 0; i < 2; i++) {
        CHECK(pthread_create(&threads[i], NULL, use, pool) == 0);
    }
    for (int i = 0; i < rounds; i++) {
        pid_t pid = fork();
        int status = -1;
        CHECK(pid >= 0);
        if (pid == 0) {
            alarm(20);
            one_call(pool);
            OK(failover_execute(pool, NULL, attempt, NULL, NULL, NULL));
            add(manager, "late", 8082);
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    atomic_store(&is_over, 1);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    atomic_store(&is_over, 0);
    CHECK(pthread_create(&threads[0], NULL, change, manager) == 0);
    struct forker forker = {manager, pool, 2 * rounds};
    CHECK(pthread_create(&threads[1], NULL, fork_amid_changes, &forker) == 0);
    fork_amid_changes(&forker);
    pthread_join(threads[1], NULL);
    atomic_store(&is_over, 1);
    pthread_join(threads[0], NULL);
    fork_amid_reading(rounds);
    one_call(pool);
    OK(failover_manager_close(manager, 1000, NULL));
    failover_pool_free(pool);
    failover_manager_free(manager);
    printf("fork: %d children\n", 7 * rounds + 5);
    return 0;
}
