/* Leaks on purpose: a memory checker that passes this one doesn't look. */
#include "check.h"

int main(void) {
    failover_manager *manager = new_manager("{}");
    char *volatile lost = malloc(64);
    CHECK(lost != NULL);
    lost = NULL;
    failover_manager_free(manager);
    return 0;
}
