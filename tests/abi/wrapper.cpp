// What failover.hpp promises beyond the C functions: no allocation where the code alone is known, no
// leak when a copy throws, and an end instead of undefined behaviour for error() of a success.
//
// Linked with --wrap, so that what the wrapper frees can be counted. Built with and without exceptions.
#include <failover.hpp>

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

void *operator new(std::size_t size) {
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
void operator delete(void *place) noexcept { std::free(place); }
void operator delete(void *place, std::size_t) noexcept { std::free(place); }

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
    std::printf("wrapper: every end is a defined one\n");
    return 0;
}
