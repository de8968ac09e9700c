/* Pick, report and step allocate nothing and make no system call, after one warm-up per thread. The
 * program counts allocations itself; `run.sh` looks with strace between the two calls of getppid. */
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static size_t allocations;

void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    allocations++;
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    allocations++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    allocations++;
    *out = __libc_memalign(alignment, size);
    return *out == NULL;
}

static void once(failover_pool *pool, const failover_request *request) {
    failover_lease lease;
    OK(failover_pool_pick(pool, request, &lease));
    OK(failover_pool_report(pool, &lease, FAILOVER_OUTCOME_SUCCESS, 0));
    OK(failover_pool_pick(pool, NULL, &lease));
    OK(failover_pool_report(pool, &lease, FAILOVER_OUTCOME_FAILURE, 1000));
    OK(failover_pool_pick(pool, NULL, &lease));
    OK(failover_pool_report(pool, &lease, FAILOVER_OUTCOME_SUCCESS, 1000));
    one_call(pool);
}

int main(void) {
    const char *algorithms[] = {"round_robin", "random",  "weighted", "least_connections",
                                "ip_hash",     "p2c_ewma"};
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        char config[200];
        failover_request request = new_request();
        snprintf(config, sizeof config, "{\"failover\": {\"load_balancer\": {\"algorithm\": \"%s\"}}}",
                 algorithms[i]);
        failover_manager *manager = new_manager(config);
        for (uint32_t n = 0; n < 20; n++) {
            char id[8];
            snprintf(id, sizeof id, "e%u", n);
            add(manager, id, 8000 + n);
        }
        failover_pool *pool = get_pool(manager);
        request.key = text("user-42");
        once(pool, &request);

        size_t before = allocations;
        syscall(SYS_getppid);
        for (int n = 0; n < 2000; n++) {
            once(pool, &request);
        }
        syscall(SYS_getppid);
        if (allocations != before) {
            fprintf(stderr, "hot: %s: %zu allocations\n", algorithms[i], allocations - before);
            return 1;
        }
        failover_pool_free(pool);
        failover_manager_free(manager);
    }
    CHECK(allocations > 0);
    printf("hot: no allocation in 6 x 2000 rounds\n");
    return 0;
}
