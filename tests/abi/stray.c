/* Strays on purpose: `library` has the library write to memory that was freed, `program` reads there
 * itself. A memory checker that passes either doesn't look at that part. */
#include "check.h"

int main(int count, char **arguments) {
    failover_manager *manager = new_manager("{}");
    failover_lease *volatile freed = malloc(sizeof *freed);
    CHECK(count == 2 && freed != NULL);
    add(manager, "a", 80);
    failover_pool *pool = get_pool(manager);
    OK(failover_pool_pick(pool, NULL, freed));
    free(freed);
    if (strcmp(arguments[1], "library") == 0) {
        OK(failover_pool_pick(pool, NULL, freed));
    } else {
        CHECK(freed->attempt == 0);
    }
    failover_pool_free(pool);
    failover_manager_free(manager);
    return 0;
}
