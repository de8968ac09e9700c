/* A provider of the program's own that is asked for more than its set: changes of endpoints, which are in
 * the set once it agreed, and watches; what expires or is not wanted any more is taken back. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include "check.h"

/* Long enough that a wait that isn't ended fails the test by its time limit. */
enum { FOREVER_MS = 3600 * 1000 };

/* More than the ten seconds in which an answer must come. */
static const uint64_t TOO_LATE_NS = 11000000000;

static failover_manager *manager;
static failover_work_queue *queue;

/* On a clock that stands no set is read twice and nothing expires by itself; checks are made by hand. */
static void begin(void) {
    manager = new_manager("{\"clock\": \"manual\","
                          " \"failover\": {\"health_check\": false}}");
    OK(failover_work_queue_new(manager, &queue, NULL));
}

static void end(void) {
    failover_work_queue_free(queue);
    OK(failover_manager_close(manager, 0, NULL));
    failover_manager_free(manager);
}

/* The next piece of work, which must be of this kind. */
static failover_work next(uint32_t kind) {
    failover_work work;
    size_t count = 0;
    OK(failover_work_poll(queue, &work, sizeof work, 1, FOREVER_MS, &count));
    CHECK(count == 1);
    if (work.kind != kind) {
        fprintf(stderr, "wanted work %u, came %u\n", kind, work.kind);
        exit(1);
    }
    return work;
}

static void nothing_waits(void) {
    failover_work work;
    size_t count = 99;
    OK(failover_work_poll(queue, &work, sizeof work, 1, 0, &count));
    CHECK(count == 0);
}

static void complete(uint64_t token, uint32_t outcome, const char *payload) {
    OK(failover_work_complete(manager, token, outcome, text(payload), NULL));
    GIVES(FAILOVER_E_NOT_FOUND, failover_work_complete(manager, token, outcome, text(payload), NULL));
}

static int holds(failover_str where, const char *what) {
    return memmem(where.ptr, where.len, what, strlen(what)) != NULL;
}

/* A verb that waits for an answer, on a thread of its own. */
enum verb { REGISTER, UPDATE, DEREGISTER, HEALTH };

struct request {
    enum verb verb;
    const char *provider;
    uint32_t weight;
    failover_code code;
    failover_error *error;
    uint32_t health;
    pthread_t thread;
};

static void *perform(void *given) {
    struct request *request = given;
    failover_endpoint_desc desc = describe("r", 80);
    failover_str provider = text(request->provider);
    desc.weight = request->weight;
    switch (request->verb) {
    case REGISTER:
        request->code = failover_endpoint_register(manager, provider, &desc, &request->error);
        break;
    case UPDATE:
        request->code = failover_endpoint_update(manager, provider, &desc, &request->error);
        break;
    case DEREGISTER:
        request->code = failover_endpoint_deregister(manager, provider, text("r"), &request->error);
        break;
    case HEALTH:
        request->code =
            failover_health_check(manager, provider, text("c"), &request->health, &request->error);
        break;
    }
    return NULL;
}

static void start(struct request *request) {
    CHECK(pthread_create(&request->thread, NULL, perform, request) == 0);
}

static void ends(struct request *request, failover_code code) {
    pthread_join(request->thread, NULL);
    GIVES(code, request->code);
    failover_error_free(request->error);
}

/* True if the provider's endpoint "r" is described like this; with NULL, if there is one. */
static int is_there(const char *provider, const char *words) {
    failover_buf *json = NULL;
    failover_code code = failover_endpoint_get(manager, text(provider), text("r"), &json, NULL);
    if (code != FAILOVER_OK) {
        GIVES(FAILOVER_E_NOT_FOUND, code);
        return 0;
    }
    int found = words == NULL || holds(failover_buf_view(json), words);
    failover_buf_free(json);
    return found;
}

/* Answers the reading that follows a change, and waits until it is taken in. */
static void answer_list(const char *list, int reads) {
    char wanted[32];
    int is_read = 0;
    complete(next(FAILOVER_WORK_LIST).token, FAILOVER_OUTCOME_SUCCESS, list);
    snprintf(wanted, sizeof wanted, "\"reads\":%d,", reads);
    while (!is_read) {
        failover_buf *json = NULL;
        OK(failover_provider_info(manager, &json, NULL));
        is_read = holds(failover_buf_view(json), wanted);
        failover_buf_free(json);
        sched_yield();
    }
}

static void changes_are_asked_and_then_in_the_set(void) {
    const char *with = "[{\"id\": \"r\", \"name\": \"users\", \"address\": \"127.0.0.1\", \"port\": 80}]";
    const char *heavy = "[{\"id\": \"r\", \"name\": \"users\", \"address\": \"127.0.0.1\", \"port\": 80,"
                        " \"weight\": 7}]";
    failover_pool *pool = NULL;
    begin();
    OK(failover_provider_register_pulled(
        manager, text("mine"),
        FAILOVER_PROVIDER_CAN_LIST | FAILOVER_PROVIDER_CAN_REGISTER | FAILOVER_PROVIDER_AUTHORITATIVE,
        NULL));
    answer_list("[]", 1);

    struct request request = {.verb = REGISTER, .provider = "mine"};
    start(&request);
    failover_work work = next(FAILOVER_WORK_REGISTER);
    CHECK(holds(work.provider, "mine") && holds(work.payload_json, "\"id\":\"r\""));
    CHECK(!is_there("mine", NULL));
    complete(work.token, FAILOVER_OUTCOME_SUCCESS, "");
    ends(&request, FAILOVER_OK);
    CHECK(is_there("mine", NULL));
    OK(failover_pool_get(manager, text("mine"), text("users"), &pool, NULL));
    one_call(pool);
    failover_pool_free(pool);
    answer_list(with, 2);
    CHECK(is_there("mine", NULL));

    /* What can't be applied is asked of nobody. */
    struct request again = {.verb = REGISTER, .provider = "mine"};
    start(&again);
    ends(&again, FAILOVER_E_ALREADY_EXISTS);
    nothing_waits();

    struct request update = {.verb = UPDATE, .provider = "mine", .weight = 7};
    start(&update);
    work = next(FAILOVER_WORK_UPDATE);
    CHECK(holds(work.payload_json, "\"weight\":7"));
    complete(work.token, FAILOVER_OUTCOME_SUCCESS, "");
    ends(&update, FAILOVER_OK);
    CHECK(is_there("mine", "\"weight\":7"));
    answer_list(heavy, 3);

    struct request refused = {.verb = DEREGISTER, .provider = "mine"};
    start(&refused);
    complete(next(FAILOVER_WORK_DEREGISTER).token, FAILOVER_OUTCOME_REJECTED, "");
    ends(&refused, FAILOVER_E_PROVIDER);
    CHECK(is_there("mine", NULL));
    nothing_waits();

    struct request removal = {.verb = DEREGISTER, .provider = "mine"};
    start(&removal);
    work = next(FAILOVER_WORK_DEREGISTER);
    CHECK(work.payload_json.len == 3 && holds(work.payload_json, "\"r\""));
    complete(work.token, FAILOVER_OUTCOME_SUCCESS, "");
    ends(&removal, FAILOVER_OK);
    CHECK(!is_there("mine", NULL));
    answer_list("[]", 4);
    end();
}

/* A set that was asked for before a registration, and told after it, is asked for again. */
static void an_older_set_does_not_undo_a_registration(void) {
    begin();
    OK(failover_provider_register_pulled(
        manager, text("mine"),
        FAILOVER_PROVIDER_CAN_LIST | FAILOVER_PROVIDER_CAN_REGISTER | FAILOVER_PROVIDER_AUTHORITATIVE,
        NULL));
    failover_work older = next(FAILOVER_WORK_LIST);
    struct request request = {.verb = REGISTER, .provider = "mine"};
    start(&request);
    complete(next(FAILOVER_WORK_REGISTER).token, FAILOVER_OUTCOME_SUCCESS, "");
    ends(&request, FAILOVER_OK);
    complete(older.token, FAILOVER_OUTCOME_SUCCESS, "[]");
    failover_work newer = next(FAILOVER_WORK_LIST);
    CHECK(is_there("mine", NULL));
    complete(newer.token, FAILOVER_OUTCOME_FAILURE, "");
    end();
}

static void who_asks_learns_why_nothing_was_changed(void) {
    begin();
    OK(failover_provider_register_pulled(manager, text("mine"), FAILOVER_PROVIDER_CAN_REGISTER, NULL));
    OK(failover_provider_register_pulled(manager, text("read"), 0, NULL));
    struct request request = {.verb = REGISTER, .provider = "read"};
    start(&request);
    ends(&request, FAILOVER_E_PROVIDER);
    nothing_waits();

    /* The provider goes while it is asked. */
    struct request gone = {.verb = REGISTER, .provider = "mine"};
    start(&gone);
    failover_work work = next(FAILOVER_WORK_REGISTER);
    OK(failover_provider_deregister(manager, text("mine"), NULL));
    complete(work.token, FAILOVER_OUTCOME_SUCCESS, "");
    ends(&gone, FAILOVER_E_NOT_FOUND);

    /* The last queue goes, and then there is none. */
    OK(failover_provider_register_pulled(manager, text("other"), FAILOVER_PROVIDER_CAN_REGISTER, NULL));
    for (int round = 0; round < 2; round++) {
        struct request open = {.verb = REGISTER, .provider = "other"};
        start(&open);
        if (round == 0) {
            work = next(FAILOVER_WORK_REGISTER);
            failover_work_queue_free(queue);
        }
        ends(&open, FAILOVER_E_NO_WORKER);
        CHECK(!is_there("other", NULL));
    }

    /* The manager is closed. */
    OK(failover_work_queue_new(manager, &queue, NULL));
    struct request late = {.verb = REGISTER, .provider = "other"};
    start(&late);
    work = next(FAILOVER_WORK_REGISTER);
    OK(failover_manager_close(manager, 0, NULL));
    ends(&late, FAILOVER_E_CLOSED);
    GIVES(FAILOVER_E_NOT_FOUND, failover_work_complete(manager, work.token, 1, text(""), NULL));
    end();
}

static void what_expires_is_taken_back(void) {
    failover_endpoint_desc desc = describe("c", 80);
    begin();
    OK(failover_provider_register_pulled(manager, text("mine"), FAILOVER_PROVIDER_CAN_REGISTER, NULL));
    struct request request = {.verb = REGISTER, .provider = "mine"};
    start(&request);
    failover_work work = next(FAILOVER_WORK_REGISTER);
    OK(failover_manager_advance(manager, TOO_LATE_NS, NULL));
    ends(&request, FAILOVER_E_TIMEOUT);
    CHECK(next(FAILOVER_WORK_CANCEL).token == work.token);
    GIVES(FAILOVER_E_NOT_FOUND, failover_work_complete(manager, work.token, 1, text(""), NULL));
    CHECK(!is_there("mine", NULL));

    /* What nobody took is gone without a word. */
    struct pollfd wanted = {.events = POLLIN};
    OK(failover_work_queue_fd(queue, &wanted.fd, NULL));
    nothing_waits();
    struct request unseen = {.verb = REGISTER, .provider = "mine"};
    start(&unseen);
    CHECK(poll(&wanted, 1, FOREVER_MS) == 1);
    OK(failover_manager_advance(manager, TOO_LATE_NS, NULL));
    ends(&unseen, FAILOVER_E_TIMEOUT);
    nothing_waits();

    /* A check: expiry is failure. */
    desc.health_check_json = text("{\"type\": \"custom\", \"interval\": \"1h\", \"timeout\": \"5s\"}");
    OK(failover_endpoint_register(manager, text(""), &desc, NULL));
    struct request check = {.verb = HEALTH, .provider = ""};
    start(&check);
    work = next(FAILOVER_WORK_HEALTH_CHECK);
    OK(failover_manager_advance(manager, TOO_LATE_NS, NULL));
    ends(&check, FAILOVER_OK);
    CHECK(check.health == FAILOVER_HEALTH_UNHEALTHY);
    CHECK(next(FAILOVER_WORK_CANCEL).token == work.token);
    GIVES(FAILOVER_E_NOT_FOUND, failover_work_complete(manager, work.token, 1, text(""), NULL));
    end();
}

static void watches_begin_and_end_with_a_word(void) {
    const char *set = "[{\"id\": \"w\", \"name\": \"users\", \"address\": \"127.0.0.1\", \"port\": 80}]";
    const uint32_t able = FAILOVER_PROVIDER_CAN_WATCH | FAILOVER_PROVIDER_CAN_REGISTER;
    begin();
    OK(failover_provider_register_pulled(manager, text("mine"), able, NULL));
    complete(next(FAILOVER_WORK_WATCH).token, FAILOVER_OUTCOME_SUCCESS, "");
    OK(failover_provider_publish(manager, text("mine"), text(set), NULL));
    OK(failover_manager_wait_ready(manager, FOREVER_MS, NULL));

    /* A registration doesn't interrupt the watch. */
    struct request request = {.verb = REGISTER, .provider = "mine"};
    start(&request);
    complete(next(FAILOVER_WORK_REGISTER).token, FAILOVER_OUTCOME_SUCCESS, "");
    ends(&request, FAILOVER_OK);
    CHECK(is_there("mine", NULL));
    OK(failover_provider_deregister(manager, text("mine"), NULL));
    failover_work work = next(FAILOVER_WORK_UNWATCH);
    CHECK(holds(work.provider, "mine"));
    complete(work.token, FAILOVER_OUTCOME_SUCCESS, "");

    /* The word needs no answer. */
    OK(failover_provider_register_pulled(manager, text("mine"), able, NULL));
    complete(next(FAILOVER_WORK_WATCH).token, FAILOVER_OUTCOME_SUCCESS, "");
    /* The answer is taken in before the change, whose question comes after it. */
    struct request other = {.verb = REGISTER, .provider = "mine"};
    start(&other);
    complete(next(FAILOVER_WORK_REGISTER).token, FAILOVER_OUTCOME_SUCCESS, "");
    ends(&other, FAILOVER_OK);
    OK(failover_provider_deregister(manager, text("mine"), NULL));
    work = next(FAILOVER_WORK_UNWATCH);
    OK(failover_manager_advance(manager, TOO_LATE_NS, NULL));
    GIVES(FAILOVER_E_NOT_FOUND, failover_work_complete(manager, work.token, 1, text(""), NULL));

    /* A watch that never began is taken back instead. */
    OK(failover_provider_register_pulled(manager, text("mine"), able, NULL));
    work = next(FAILOVER_WORK_WATCH);
    OK(failover_provider_deregister(manager, text("mine"), NULL));
    CHECK(next(FAILOVER_WORK_CANCEL).token == work.token);
    nothing_waits();
    end();
}

int main(void) {
    changes_are_asked_and_then_in_the_set();
    an_older_set_does_not_undo_a_registration();
    who_asks_learns_why_nothing_was_changed();
    what_expires_is_taken_back();
    watches_begin_and_end_with_a_word();
    printf("work_provider: changes and watches were asked, late answers refused\n");
    return 0;
}
