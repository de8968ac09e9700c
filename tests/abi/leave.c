/* A short process that creates, uses, starts background work, and leaves without close. */
#include "check.h"

int main(void) {
    failover_manager *manager = new_manager("{\"log_level\": \"debug\"}");
    failover_endpoint_desc desc = describe("checked", 9);
    failover_queue *queue = NULL;
    failover_lease lease;
    uint32_t health = 0;
    desc.health_check_json = text("{\"type\": \"tcp\", \"interval\": \"1s\", \"timeout\": \"100ms\"}");
    OK(failover_endpoint_register(manager, text(""), &desc, NULL));
    failover_pool *pool = get_pool(manager);
    OK(failover_queue_new(manager, 0, 64, &queue, NULL));
    OK(failover_health_check(manager, text(""), text("checked"), &health, NULL));
    CHECK(health == FAILOVER_HEALTH_UNHEALTHY);
    add(manager, "a", 80);
    OK(failover_pool_pick(pool, NULL, &lease));
    return 0;
}
