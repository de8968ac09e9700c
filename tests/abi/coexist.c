/* Our archive beside another Rust archive: it links, and both catch their panics. What is told of ours
 * takes no memory and outlives every free. */
#include "check.h"

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

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

uint32_t other_catches_its_own(void);
failover_code failover_test_panic(failover_error **error);

/* How many allocations a panic takes, its unwinding included. */
static size_t panics(failover_error **error) {
    size_t before = allocations;
    GIVES(FAILOVER_E_PANIC, failover_test_panic(error));
    return allocations - before;
}

static void tells_without_memory(void) {
    failover_error *error = NULL, *again = NULL;
    failover_str message;
    panics(NULL); /* the unwinder's first time */
    size_t untold = panics(NULL);
    CHECK(untold > 0 && panics(&error) == untold && panics(&again) == untold);
    CHECK(error != NULL && again == error);
    for (int i = 0; i < 3; i++) failover_error_free(error);
    CHECK(failover_error_code(error) == FAILOVER_E_PANIC);
    CHECK(failover_error_type(error) == FAILOVER_TYPE_INTERNAL);
    message = failover_error_message(error);
    CHECK(message.len > 10 && memcmp(message.ptr + message.len - 10, "on purpose", 10) == 0);
    CHECK(failover_error_details_json(error).len == 2);
}

int main(void) {
    failover_manager *manager = new_manager("{}");
    add(manager, "a", 80);
    failover_pool *pool = get_pool(manager);

    CHECK(other_catches_its_own() == 7);
    tells_without_memory();
    CHECK(other_catches_its_own() == 7);
    one_call(pool);

    failover_pool_free(pool);
    failover_manager_free(manager);
    return 0;
}
