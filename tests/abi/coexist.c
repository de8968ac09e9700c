/* Our archive beside another Rust archive: it links, and both catch their panics. */
#include "check.h"

uint32_t other_catches_its_own(void);
failover_code failover_test_panic(void);

int main(void) {
    failover_manager *manager = new_manager("{}");
    add(manager, "a", 80);
    failover_pool *pool = get_pool(manager);

    CHECK(other_catches_its_own() == 7);
    GIVES(FAILOVER_E_PANIC, failover_test_panic());
    CHECK(other_catches_its_own() == 7);
    one_call(pool);

    failover_pool_free(pool);
    failover_manager_free(manager);
    return 0;
}
