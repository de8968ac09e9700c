/* Work that the program pulls: custom checks and a provider of its own; without a worker the answer
 * is NO_WORKER, and a worker that goes away fails what is open at once. */
#include <pthread.h>

#include "check.h"

static failover_manager *manager;
static failover_work_queue *queue;
static uint32_t verdict = FAILOVER_OUTCOME_SUCCESS;

/* Answers one item, and tells its kind. */
static uint32_t answer_one(void) {
    failover_work work;
    size_t count = 0;
    const char *list = "[{\"id\": \"p\", \"name\": \"pulled\", \"address\": \"10.0.0.1\", \"port\": 80}]";
    OK(failover_work_poll(queue, &work, sizeof work, 1, 10000, &count));
    CHECK(count == 1);
    CHECK(work.token != 0);
    if (work.kind == FAILOVER_WORK_LIST) {
        CHECK(work.provider.len == 4 && memcmp(work.provider.ptr, "mine", 4) == 0);
        OK(failover_work_complete(manager, work.token, FAILOVER_OUTCOME_SUCCESS, text(list), NULL));
    } else {
        OK(failover_work_complete(manager, work.token, verdict, text(""), NULL));
    }
    GIVES(FAILOVER_E_NOT_FOUND, failover_work_complete(manager, work.token, 1, text(""), NULL));
    return work.kind;
}

static void *answer(void *given) {
    *(uint32_t *)given = answer_one();
    return NULL;
}

/* Checks the endpoint "c" while another thread answers. */
static uint32_t check(void) {
    pthread_t thread;
    uint32_t kind = 0, health = 99;
    CHECK(pthread_create(&thread, NULL, answer, &kind) == 0);
    OK(failover_health_check(manager, text(""), text("c"), &health, NULL));
    pthread_join(thread, NULL);
    CHECK(kind == FAILOVER_WORK_HEALTH_CHECK);
    return health;
}

int main(void) {
    failover_endpoint_desc desc = describe("c", 80);
    failover_pool *pool = NULL;
    uint32_t health = 0;
    manager = new_manager("{\"failover\": {\"health\": {\"fall\": 1, \"rise\": 1}}}");
    desc.health_check_json = text("{\"type\": \"custom\", \"interval\": \"1h\", \"timeout\": \"5s\"}");

    /* Nobody pulls: the program's own check can't be run. */
    OK(failover_work_queue_new(manager, &queue, NULL));
    pthread_t thread;
    uint32_t kind = 0;
    CHECK(pthread_create(&thread, NULL, answer, &kind) == 0);
    OK(failover_endpoint_register(manager, text(""), &desc, NULL));
    pthread_join(thread, NULL);
    CHECK(kind == FAILOVER_WORK_HEALTH_CHECK);

    verdict = FAILOVER_OUTCOME_FAILURE;
    CHECK(check() == FAILOVER_HEALTH_UNHEALTHY);
    verdict = FAILOVER_OUTCOME_SUCCESS;
    CHECK(check() == FAILOVER_HEALTH_HEALTHY);

    /* A provider of the program's own. */
    OK(failover_provider_register_pulled(manager, text("mine"), FAILOVER_PROVIDER_CAN_LIST, NULL));
    CHECK(answer_one() == FAILOVER_WORK_LIST);
    OK(failover_manager_wait_ready(manager, 10000, NULL));
    OK(failover_pool_get(manager, text("mine"), text("pulled"), &pool, NULL));
    one_call(pool);
    failover_pool_free(pool);

    failover_work_queue_free(queue);
    GIVES(FAILOVER_E_NO_WORKER, failover_health_check(manager, text(""), text("c"), &health, NULL));
    failover_buf *json = NULL;
    GIVES(FAILOVER_E_NO_WORKER, failover_health_check_all(manager, text(""), &json, NULL));
    CHECK(json == NULL);
    OK(failover_manager_close(manager, 1000, NULL));
    failover_manager_free(manager);
    printf("work: checks and a provider were answered\n");
    return 0;
}
