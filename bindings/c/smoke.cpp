// Uses the library as a new C++17 user would. Exits 0 when all of it went well; built from
// installed files alone, with and without exceptions.
#include <failover.hpp>

#include <cstdio>

int main() {
    auto manager = failover::manager::make(R"({"failover": {"strategy": "round_robin"}})");
    if (!manager) {
        std::fprintf(stderr, "make: %s\n", manager.error().what());
        return 1;
    }
    if (!manager->add({"a", "users", "127.0.0.1", 8080}) ||
        !manager->add({"b", "users", "127.0.0.1", 8081})) {
        return 1;
    }
    auto refused = manager->add({"a", "users", "127.0.0.1", 8080});
    if (refused || refused.error().code() != FAILOVER_E_ALREADY_EXISTS) {
        return 1;
    }
    auto pool = manager->get("users");
    if (!pool) {
        return 1;
    }
    auto lease = pool->pick();
    if (!lease || !pool->report(*lease, FAILOVER_OUTCOME_SUCCESS)) {
        return 1;
    }
    unsigned attempts = 0;
    for (int i = 0; i < 4; i++) {
        auto last = pool->execute({}, [&](const failover_endpoint_desc &endpoint,
                                          const failover_lease &, std::uint64_t) {
            attempts++;
            const bool is_dead = failover::view(endpoint.id) == "a";
            return is_dead ? FAILOVER_OUTCOME_UNSENT : FAILOVER_OUTCOME_SUCCESS;
        });
        if (!last) {
            std::fprintf(stderr, "execute: %s\n", last.error().what());
            return 1;
        }
    }
#if FAILOVER_HAS_EXCEPTIONS
    try {
        (void)pool->execute({}, [](const failover_endpoint_desc &, const failover_lease &,
                                   std::uint64_t) -> std::uint32_t { throw 42; });
        return 1;
    } catch (int thrown) {
        if (thrown != 42) {
            return 1;
        }
    }
    try {
        (void)failover::manager::make("{").value();
        return 1;
    } catch (const failover::error &error) {
        if (error.code() != FAILOVER_E_INVALID_CONFIG) {
            return 1;
        }
    }
#endif
    auto work = manager->work();
    if (!work || !work->fd() || work->poll(4)->size() != 0 ||
        manager->complete(1, FAILOVER_OUTCOME_SUCCESS).error().code() != FAILOVER_E_NOT_FOUND) {
        return 1;
    }
    failover::manager same = *manager;
    if (!same.close() || attempts < 5) {
        return 1;
    }
    if (work->poll(4, 1000).error().code() != FAILOVER_E_CLOSED) {
        return 1;
    }
    std::printf("smoke: c++ %s attempts=%u\n", failover_version(), attempts);
    return 0;
}
