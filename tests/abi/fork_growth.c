/* A child picks from the pool whose tables other threads were making larger when it was forked: they take
 * leases and return none, and the tables double again and again. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* Leases that a thread takes of one pool: enough that a good part of the time goes into tables. */
enum { LEASES = 1 << 18, THREADS = 2 };

static atomic_int busy;

static void *hoard(void *pool) {
    failover_lease lease;
    for (int i = 0; i < LEASES; i++) {
        OK(failover_pool_pick(pool, NULL, &lease));
    }
    atomic_fetch_sub(&busy, 1);
    return NULL;
}

/* Forks as long as the threads are at it, and gives how often. */
static int fork_amid_growth(void) {
    failover_manager *manager = new_manager("{}");
    pthread_t threads[THREADS];
    int forks = 0;
    add(manager, "a", 8080);
    failover_pool *pool = get_pool(manager);
    atomic_store(&busy, THREADS);
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, hoard, pool) == 0);
    }
    for (; atomic_load(&busy) > 0; forks++) {
        int status = -1;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            failover_lease lease;
            alarm(20);
            for (int i = 0; i < 20; i++) {
                OK(failover_pool_pick(pool, NULL, &lease));
            }
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    failover_pool_free(pool);
    failover_manager_free(manager);
    return forks;
}

int main(int count, char **arguments) {
    const int rounds = count > 1 ? atoi(arguments[1]) : 50;
    int forks = 0;
    for (int i = 0; i < rounds; i++) {
        forks += fork_amid_growth();
    }
    CHECK(forks >= rounds);
    printf("fork_growth: %d rounds of children amid growing tables\n", rounds);
    return 0;
}
