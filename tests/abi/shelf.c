/* Freed handles serve again, however many threads make and free them at once: memory doesn't grow with
 * their number. A child that is forked meanwhile finds them too. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { THREADS = 8, ROUNDS = 100000, CHILDREN = 20, ROUNDS_OF_CHILD = 20000 };

static failover_manager *manager;
static failover_pool *pool;
static atomic_int is_over;

/* The memory that the process holds, in kilobytes. */
static long resident(void) {
    long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%ld %ld", &size, &pages) == 2);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Makes and frees one handle of three types. */
static void make_and_free(void) {
    failover_error *error = NULL;
    failover_pool *none = NULL;
    failover_snapshot *snapshot = NULL;
    failover_buf *buf = NULL;
    GIVES(FAILOVER_E_NOT_FOUND, failover_pool_get(manager, text("?"), text(""), &none, &error));
    failover_error_free(error);
    OK(failover_pool_snapshot(pool, &snapshot, NULL));
    failover_snapshot_free(snapshot);
    OK(failover_provider_list(manager, &buf, NULL));
    failover_buf_free(buf);
}

static void *work(void *rounds) {
    for (int i = 0; i < *(int *)rounds; i++) {
        make_and_free();
    }
    return NULL;
}

static void *work_on(void *unused) {
    while (!atomic_load(&is_over)) {
        make_and_free();
    }
    return unused;
}

static void all_work(int rounds) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, work, &rounds) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

/* Kilobytes that `rounds` more handles of each type take. */
static long growth(void (*run)(int), int rounds) {
    run(2000);
    long before = resident();
    run(rounds);
    return resident() - before;
}

static void alone(int rounds) { work(&rounds); }

int main(void) {
    pthread_t threads[THREADS];
    alarm(300);
    manager = new_manager("{}");
    add(manager, "a", 80);
    pool = get_pool(manager);

    /* What a handle takes, times the rounds, is 30 MB and more; arenas of the allocator are not. */
    long grown = growth(all_work, ROUNDS);
    CHECK(grown < 4096);

    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, work_on, NULL) == 0);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            alarm(60);
            CHECK(growth(alone, ROUNDS_OF_CHILD) < 1024);
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    atomic_store(&is_over, 1);
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    failover_pool_free(pool);
    failover_manager_free(manager);
    printf("shelf: %d handles took %ld kB, and %d children found the shelves\n",
           3 * THREADS * ROUNDS, grown, CHILDREN);
    return 0;
}
