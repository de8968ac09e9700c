// What failover.hpp promises beyond the C functions: no allocation where the code alone is known, no
// leak when a copy throws, and an end instead of undefined behaviour for error() of a success. And each of
// its verbs does what the C function does: `run.sh` sees to it that none is missing.
//
// Linked with --wrap, so that what the wrapper frees can be counted. Built with and without exceptions.
#include <failover.hpp>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <new>

#include <sys/wait.h>
#include <unistd.h>

#define CHECK(claim)                                                                \
    do {                                                                            \
        if (!(claim)) {                                                             \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim); \
            std::exit(1);                                                           \
        }                                                                           \
    } while (0)

static unsigned allocations, freed_errors, freed_buffers;
static bool is_memory_out;

// Not inlined: the compiler would take new and free for a pair that doesn't match.
__attribute__((noinline)) void *operator new(std::size_t size) {
    allocations++;
    void *made = is_memory_out ? nullptr : std::malloc(size);
    if (made == nullptr) {
#if FAILOVER_HAS_EXCEPTIONS
        throw std::bad_alloc();
#else
        std::abort();
#endif
    }
    return made;
}
__attribute__((noinline)) void operator delete(void *place) noexcept { std::free(place); }
__attribute__((noinline)) void operator delete(void *place, std::size_t) noexcept {
    std::free(place);
}

extern "C" {
void __real_failover_error_free(failover_error *error);
void __real_failover_buf_free(failover_buf *buf);
void __wrap_failover_error_free(failover_error *error);
void __wrap_failover_buf_free(failover_buf *buf);

void __wrap_failover_error_free(failover_error *error) {
    freed_errors++;
    __real_failover_error_free(error);
}
void __wrap_failover_buf_free(failover_buf *buf) {
    freed_buffers++;
    __real_failover_buf_free(buf);
}
}

static void error_of_a_success_ends() {
    const failover::status done = std::monostate{};
#if FAILOVER_HAS_EXCEPTIONS
    try {
        (void)done.error();
        CHECK(!"error() of a success returned");
    } catch (const failover::error &error) {
        CHECK(error.code() == FAILOVER_E_INVALID_STATE);
    }
#else
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        (void)done.error();
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
#endif
}

static void a_refused_pick_allocates_nothing(const failover::pool &pool) {
    static_assert(noexcept(pool.pick()), "a pick throws nothing");

    is_memory_out = true;
    const unsigned before = allocations;
    auto refused = pool.pick();
    const failover_code code = refused.error().code();
    is_memory_out = false;

    CHECK(!refused && code == FAILOVER_E_CLOSED && allocations == before);
    CHECK(refused.error().message() == "FAILOVER_E_CLOSED");
    CHECK(std::strcmp(refused.error().what(), "FAILOVER_E_CLOSED") == 0);
}

static void what_c_lent_is_freed_once(const failover::manager &manager) {
    const unsigned errors = freed_errors, buffers = freed_buffers;

    CHECK(manager.config().value().size() > 2);
    CHECK(manager.configure("{\"no_such_option\": 1}").error().details().size() > 2);

    CHECK(freed_buffers == buffers + 1 && freed_errors == errors + 1);
}

#if FAILOVER_HAS_EXCEPTIONS
template <class F> static bool runs_out_of_memory(F &&work) {
    is_memory_out = true;
    try {
        (void)work();
    } catch (const std::bad_alloc &) {
        is_memory_out = false;
        return true;
    }
    is_memory_out = false;
    return false;
}

static void a_copy_that_throws_leaks_nothing(const failover::manager &manager) {
    const unsigned errors = freed_errors, buffers = freed_buffers;

    CHECK(runs_out_of_memory([&] { return manager.config(); }));
    CHECK(runs_out_of_memory([&] { return manager.configure("{\"no_such_option\": 1}"); }));

    CHECK(freed_buffers == buffers + 1 && freed_errors == errors + 1);
}
#endif

static bool holds(const std::string &text, const char *what) {
    return text.find(what) != std::string::npos;
}

// A manager on a clock that stands, with the endpoints a and b, and checks that are made by hand.
static failover::manager standing(const char *strategy) {
    const std::string config = std::string(R"({"clock": "manual", "failover": {"health": {"rise": 1,)") +
                               R"( "fall": 1}, "strategy": ")" + strategy + "\"}}";
    auto made = failover::manager::make(config).value();
    CHECK(bool(made.add({"a", "users", "10.0.0.1", 80})));
    CHECK(bool(made.add({"b", "users", "10.0.0.2", 80})));
    return made;
}

static void the_program_chooses() {
    const auto manager = standing("custom");
    const auto pool = manager.get("users").value();
    auto call = pool.begin().value();

    CHECK(call.step(FAILOVER_INPUT_START)->kind == FAILOVER_ACTION_CHOOSE);
    const auto ids = call.candidates().value();
    CHECK(ids.size() == 2 && call.choose(12345).error().code() == FAILOVER_E_INVALID_ARGUMENT);
    auto action = call.choose(ids[1]).value();
    CHECK(action.kind == FAILOVER_ACTION_ATTEMPT && action.lease.endpoint == ids[1]);

    CHECK(call.report(action.attempt, FAILOVER_OUTCOME_REJECTED)->kind == FAILOVER_ACTION_FAIL);
    CHECK(call.error()->code() == FAILOVER_E_REJECTED);
    CHECK(holds(call.history().value(), "\"endpoint\":\"b\""));
}

static void endpoints_are_told_and_changed() {
    const auto manager = standing("round_robin");
    CHECK(bool(manager.add_json(R"({"id": "c", "name": "users", "address": "10.0.0.3", "port": 80})")));
    CHECK(bool(manager.update({"c", "users", "10.0.0.3", 80, {}, 7})));
    CHECK(holds(manager.describe("c").value(), "\"weight\":7"));
    CHECK(bool(manager.update_json(
        R"({"id": "c", "name": "users", "address": "10.0.0.3", "port": 80, "weight": 3})")));
    CHECK(holds(manager.list().value(), "\"weight\":3"));
    const auto pool = manager.get("users").value();

    auto snapshot = pool.take_snapshot().value();
    const failover::snapshot same = snapshot;
    snapshot = pool.take_snapshot().value();
    CHECK(same.size() == 3 && same.version() > 0 && same.raw() != snapshot.raw());
    const auto last = same.at(2).value();
    CHECK(failover::view(last.desc.id) == "c" && last.desc.weight == 3);
    CHECK(failover::view(same.find(last.id)->address) == "10.0.0.3");
    CHECK(same.at(3).error().code() == FAILOVER_E_NOT_FOUND);

    const std::vector<failover_endpoint_id> others = {same.at(0)->id, same.at(1)->id};
    CHECK(pool.pick(failover::request().exclude(others).untracked())->endpoint == last.id);
    CHECK(bool(manager.remove("c")) && manager.describe("c").error().code() == FAILOVER_E_NOT_FOUND);
}

static void a_drained_endpoint_is_left_alone() {
    const auto manager = standing("round_robin");
    const auto pool = manager.get("users").value();
    const auto a = pool.take_snapshot()->at(0)->id;
    auto lease = pool.pick(failover::request().endpoint(a)).value();

    CHECK(lease.endpoint == a && bool(manager.drain("a")));
    CHECK(manager.wait_drained("a", 0).error().is_timeout());
    CHECK(bool(pool.report(lease, FAILOVER_OUTCOME_SUCCESS, 1000000)));
    CHECK(bool(manager.wait_drained("a", 0)));
    CHECK(pool.pick(failover::request().endpoint(a).untracked())->endpoint != a);

    CHECK(bool(manager.set_admin("b", FAILOVER_ADMIN_MAINTENANCE)));
    const auto refused = pool.pick().error().code();
    CHECK(refused == FAILOVER_E_NO_ENDPOINTS);
    CHECK(holds(pool.refusal({}, refused).details(), "endpoints"));
    CHECK(pool.refusal({}, 1).code() == FAILOVER_E_INVALID_ARGUMENT);
    const auto stats = pool.stats().value();
    CHECK(stats.size() == 2 && stats[0].endpoint == a && stats[0].ok == 1);
    CHECK(pool.figures()->size() > 2 && manager.stats()->size() > 2 && pool.explain()->size() > 2);
}

static void a_scope_has_a_breaker_of_its_own() {
    const auto manager = standing("round_robin");
    const auto pool = manager.get("users").value();
    const auto a = pool.take_snapshot()->at(0)->id;

    for (int i = 0; i < 5; i++) {
        const auto lease = pool.pick(failover::request().scope("chat").endpoint(a)).value();
        CHECK(lease.endpoint == a && bool(pool.report(lease, FAILOVER_OUTCOME_FAILURE, 1000000)));
    }

    CHECK(pool.pick(failover::request().scope("chat").endpoint(a).untracked())->endpoint != a);
    CHECK(pool.pick(failover::request().scope("embed").endpoint(a).untracked())->endpoint == a);
    CHECK(holds(manager.stats().value(), "\"chat\":{"));
}

static void a_throttled_endpoint_rests_as_it_asked() {
    const std::uint64_t minute_ns = 60000000000;
    const auto manager = standing("round_robin");
    const auto pool = manager.get("users").value();
    const auto a = pool.take_snapshot()->at(0)->id;
    const auto lease = pool.pick(failover::request().endpoint(a)).value();

    CHECK(bool(pool.report_hint(lease, FAILOVER_OUTCOME_THROTTLED, 0, minute_ns)));
    CHECK(pool.pick(failover::request().endpoint(a).untracked())->endpoint != a);
    const auto once = pool.derive(R"({"max_retries": 0})").value();
    const auto last = once.execute({}, [&](const failover_endpoint_desc &endpoint,
                                           const failover_lease &, std::uint64_t) {
        CHECK(failover::view(endpoint.id) != "a");
        return failover::answer(FAILOVER_OUTCOME_THROTTLED, minute_ns);
    });

    CHECK(last.error().code() == FAILOVER_E_ATTEMPTS_EXHAUSTED);
    CHECK(pool.pick().error().code() == FAILOVER_E_NO_ENDPOINTS);
}

static void health_is_asked_and_told() {
    const auto manager = standing("round_robin");

    CHECK(*manager.report_check("a", FAILOVER_CHECK_BAD, "broken") == FAILOVER_HEALTH_UNHEALTHY);
    CHECK(*manager.check("a") == FAILOVER_HEALTH_UNHEALTHY);
    CHECK(holds(manager.check_all().value(), "\"a\":\"unhealthy\""));
    CHECK(manager.check("x").error().code() == FAILOVER_E_NOT_FOUND);
}

static void providers_come_and_go() {
    const auto manager = standing("round_robin");
    auto work = manager.work().value();

    CHECK(bool(manager.register_pushed("pushed")));
    CHECK(holds(manager.wait_ready(0).error().details() + manager.provider_info().value(), "pushed"));
    CHECK(bool(manager.publish(R"([{"id": "p", "address": "10.0.0.9", "port": 80}])", "pushed")));
    CHECK(bool(manager.wait_ready(60000)));
    CHECK(bool(manager.register_pulled("pulled", FAILOVER_PROVIDER_CAN_LIST)));
    auto asked = work.poll(1, 60000).value();
    CHECK(asked.size() == 1 && asked[0].kind == FAILOVER_WORK_LIST);
    CHECK(bool(manager.complete(asked[0].token, FAILOVER_OUTCOME_SUCCESS, "[]")));
    CHECK(manager.register_provider("file", "{}").error().code() == FAILOVER_E_INVALID_CONFIG);
    CHECK(bool(manager.deregister_provider("pulled")));
    CHECK(manager.providers().value() == R"(["memory","pushed"])");
    CHECK(bool(manager.close(0)));
    CHECK(work.poll(1, 60000).error().code() == FAILOVER_E_CLOSED);
}

static void readers_are_woken_until_they_let_go() {
    static std::atomic<unsigned> lives, woken;
    struct wake {
        wake() noexcept { lives++; }
        wake(const wake &) noexcept { lives++; }
        ~wake() { lives--; }
        void operator()() const noexcept { woken++; }
    };
    const auto manager = standing("round_robin");
    auto events = manager.subscribe(1ULL << FAILOVER_EVENT_DRAIN, 2).value();
    auto logs = manager.logs().value();
    auto work = manager.work().value();
    CHECK(bool(manager.set_log_level(FAILOVER_LOG_TRACE)));
    CHECK(events.fd().value() >= 0 && logs.fd().value() >= 0 && work.fd().value() >= 0);

    CHECK(bool(events.set_wake(wake())) && bool(logs.set_wake(wake())) && bool(work.set_wake(wake())));
    CHECK(lives == 3 && woken == 0);
    for (int i = 0; i < 3; i++) {
        CHECK(bool(manager.drain("a")) && bool(manager.set_admin("a", FAILOVER_ADMIN_ACTIVE)));
    }
    CHECK(woken == 1);
    /* Which is a warning, since nothing says where the caller is. */
    CHECK(bool(manager.configure(R"({"strategy": "geographic"})")) && woken == 2);
    CHECK(events.poll(8)->size() == 2 && events.dropped() == 4);
    const auto records = logs.poll(8).value();
    CHECK(records.size() == 1 && records[0].level == FAILOVER_LOG_WARN && logs.dropped() == 0);
    CHECK(holds(manager.events(1).value(), "config_applied"));
    CHECK(bool(events.unset_wake()) && lives == 2);
    CHECK(bool(manager.close(0)) && woken == 3);
    { const auto gone = std::move(logs); }
    CHECK(lives == 1);
    { const auto gone = std::move(work); }
    CHECK(lives == 0);
}

static void time_is_moved() {
    const auto manager = standing("round_robin");
    const auto before = manager.now_ns();

    CHECK(bool(manager.advance_ns(5)) && manager.now_ns() == before + 5);
}

int main() {
    error_of_a_success_ends();
    auto manager = failover::manager::make().value();
    CHECK(bool(manager.add({"a", "users", "127.0.0.1", 8080})));
    what_c_lent_is_freed_once(manager);
#if FAILOVER_HAS_EXCEPTIONS
    a_copy_that_throws_leaks_nothing(manager);
#endif
    auto pool = manager.get("users").value();
    CHECK(bool(manager.close(0)));
    a_refused_pick_allocates_nothing(pool);
    the_program_chooses();
    endpoints_are_told_and_changed();
    a_drained_endpoint_is_left_alone();
    a_scope_has_a_breaker_of_its_own();
    a_throttled_endpoint_rests_as_it_asked();
    health_is_asked_and_told();
    providers_come_and_go();
    readers_are_woken_until_they_let_go();
    time_is_moved();
    std::printf("wrapper: every verb is there and every end a defined one\n");
    return 0;
}
