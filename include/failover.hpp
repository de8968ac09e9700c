// C++17 over the C ABI: owners that free themselves, results that can't be overlooked.
//
// Header-only, and it works with -fno-exceptions: every fallible function returns a result<T>.
// result<T>::value() of a failure and result<T>::error() of a success throw failover::error where
// exceptions are on, and abort where they are off; `if (auto r = ...)` works in both. What each
// function does, and on which threads, is said in failover.h; a name here is the name there without
// its prefix.
#ifndef FAILOVER_HPP
#define FAILOVER_HPP

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "failover.h"

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS) || defined(_CPPUNWIND)
#define FAILOVER_HAS_EXCEPTIONS 1
#else
#define FAILOVER_HAS_EXCEPTIONS 0
#endif

namespace failover {

/// Borrows a text for C.
inline failover_str str(std::string_view text) noexcept { return {text.data(), text.size()}; }

/// Views a text that C lent.
inline std::string_view view(failover_str text) noexcept { return {text.ptr, text.len}; }

namespace detail {

struct release {
    void operator()(failover_error *handle) const noexcept { failover_error_free(handle); }
    void operator()(failover_buf *handle) const noexcept { failover_buf_free(handle); }
    void operator()(failover_manager *handle) const noexcept { failover_manager_free(handle); }
    void operator()(failover_pool *handle) const noexcept { failover_pool_free(handle); }
    void operator()(failover_snapshot *handle) const noexcept { failover_snapshot_free(handle); }
    void operator()(failover_call *handle) const noexcept { failover_call_free(handle); }
    void operator()(failover_queue *handle) const noexcept { failover_queue_free(handle); }
    void operator()(failover_work_queue *handle) const noexcept { failover_work_queue_free(handle); }
};

template <class T> using owner = std::unique_ptr<T, release>;

} // namespace detail

/// What went wrong.
class error : public std::exception {
public:
    /// Knows the code alone, and allocates nothing.
    explicit error(failover_code code) noexcept : code_(code), name_(failover_code_name(code)) {}
    /// Takes an error object over; NULL knows the code alone.
    error(failover_code code, failover_error *from) : error(code) {
        // What copies may throw: the object has its owner first.
        const detail::owner<failover_error> held(from);
        if (held != nullptr) {
            type_ = failover_error_type(from);
            flags_ = failover_error_flags(from);
            message_ = view(failover_error_message(from));
            details_ = view(failover_error_details_json(from));
        }
    }

    [[nodiscard]] failover_code code() const noexcept { return code_; }
    /// One of FAILOVER_TYPE_*, or 0 where the code alone is known.
    [[nodiscard]] std::uint32_t type() const noexcept { return type_; }
    [[nodiscard]] bool is_retryable() const noexcept { return flags_ & FAILOVER_ERROR_RETRYABLE; }
    [[nodiscard]] bool is_timeout() const noexcept { return flags_ & FAILOVER_ERROR_TIMEOUT; }
    /// For people; the name of the code where the code alone is known. Ends with a zero.
    [[nodiscard]] std::string_view message() const noexcept { return what(); }
    /// Facts for programs, as JSON.
    [[nodiscard]] const std::string &details() const noexcept { return details_; }
    [[nodiscard]] const char *what() const noexcept override {
        return message_.empty() ? name_ : message_.c_str();
    }

private:
    failover_code code_;
    /// Lives for ever.
    const char *name_;
    std::uint32_t type_ = 0;
    std::uint32_t flags_ = 0;
    std::string message_;
    std::string details_;
};

/// A value, or what went wrong.
template <class T> class [[nodiscard]] result {
public:
    result(T value) : inside_(std::in_place_index<0>, std::move(value)) {}
    result(failover::error error) : inside_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const noexcept { return inside_.index() == 0; }
    /// What went wrong. On a value it is misused, and does as value() does on an error: throws
    /// INVALID_STATE, or aborts.
    [[nodiscard]] const failover::error &error() const {
        if (inside_.index() != 1) {
            fail(failover::error(FAILOVER_E_INVALID_STATE));
        }
        return *std::get_if<1>(&inside_);
    }

    T &value() & {
        check();
        return *std::get_if<0>(&inside_);
    }
    T value() && {
        check();
        return std::move(*std::get_if<0>(&inside_));
    }
    T &operator*() & { return value(); }
    T *operator->() { return &value(); }

private:
    void check() const {
        if (inside_.index() != 0) {
            fail(*std::get_if<1>(&inside_));
        }
    }
    [[noreturn]] static void fail(const failover::error &why) {
#if FAILOVER_HAS_EXCEPTIONS
        throw why;
#else
        (void)why;
        std::abort();
#endif
    }

    std::variant<T, failover::error> inside_;
};

/// Done, or what went wrong.
using status = result<std::monostate>;

namespace detail {

inline status done(failover_code code, failover_error *from = nullptr) {
    if (code == FAILOVER_OK) {
        return std::monostate{};
    }
    return error(code, from);
}

inline result<std::string> text(failover_code code, failover_buf *buf, failover_error *from) {
    if (code != FAILOVER_OK) {
        return error(code, from);
    }
    const owner<failover_buf> held(buf);
    return std::string(view(failover_buf_view(buf)));
}

} // namespace detail

/// What one request wants. The texts it is given must live as long as it is used.
class request {
public:
    request() noexcept {
        std::memset(&raw_, 0, sizeof raw_);
        raw_.struct_size = sizeof raw_;
    }

    request &key(std::string_view key) noexcept { return put(raw_.key, key); }
    request &session(std::string_view session) noexcept { return put(raw_.session, session); }
    request &client_ip(std::string_view address) noexcept { return put(raw_.client_ip, address); }
    request &zone(std::string_view zone) noexcept { return put(raw_.zone, zone); }
    request &region(std::string_view region) noexcept { return put(raw_.region, region); }
    request &filter(std::string_view json) noexcept { return put(raw_.filter_json, json); }
    request &timeout_ns(std::uint64_t ns) noexcept {
        raw_.timeout_ns = ns;
        return *this;
    }
    request &now_ns(std::uint64_t ns) noexcept {
        raw_.now_ns = ns;
        return *this;
    }
    request &endpoint(failover_endpoint_id id) noexcept {
        raw_.endpoint = id;
        return *this;
    }
    request &position(double latitude, double longitude) noexcept {
        raw_.latitude = latitude;
        raw_.longitude = longitude;
        return flag(FAILOVER_REQUEST_POSITION);
    }
    request &idempotent(bool is_idempotent) noexcept {
        raw_.flags &= ~(FAILOVER_REQUEST_IDEMPOTENT | FAILOVER_REQUEST_NON_IDEMPOTENT);
        return flag(is_idempotent ? FAILOVER_REQUEST_IDEMPOTENT : FAILOVER_REQUEST_NON_IDEMPOTENT);
    }
    request &nested() noexcept { return flag(FAILOVER_REQUEST_NESTED); }
    request &untracked() noexcept { return flag(FAILOVER_REQUEST_UNTRACKED); }

    [[nodiscard]] const failover_request *raw() const noexcept { return &raw_; }

private:
    request &put(failover_str &field, std::string_view text) noexcept {
        field = str(text);
        return *this;
    }
    request &flag(std::uint32_t bit) noexcept {
        raw_.flags |= bit;
        return *this;
    }

    failover_request raw_;
};

/// One endpoint's description. The texts it is given must live as long as it is used.
struct endpoint {
    std::string_view id;
    std::string_view name;
    std::string_view address;
    std::uint16_t port = 0;
    std::string_view protocol = {};
    std::optional<std::int32_t> weight = {};
    std::int32_t priority = 0;
    std::string_view tags_json = {};
    std::string_view metadata_json = {};
    std::string_view health_check_json = {};

    [[nodiscard]] failover_endpoint_desc raw() const noexcept {
        failover_endpoint_desc desc;
        std::memset(&desc, 0, sizeof desc);
        desc.struct_size = sizeof desc;
        desc.priority = priority;
        desc.weight = weight.value_or(0);
        desc.flags = weight == 0 ? FAILOVER_ENDPOINT_WEIGHT_ZERO : 0U;
        desc.port = port;
        desc.id = str(id);
        desc.name = str(name);
        desc.address = str(address);
        desc.protocol = str(protocol);
        desc.tags_json = str(tags_json);
        desc.metadata_json = str(metadata_json);
        desc.health_check_json = str(health_check_json);
        return desc;
    }
};

/// Endpoints at one moment.
class snapshot {
public:
    explicit snapshot(failover_snapshot *handle) noexcept : handle_(handle) {}
    [[nodiscard]] std::size_t size() const noexcept { return failover_snapshot_len(raw()); }
    [[nodiscard]] std::uint64_t version() const noexcept { return failover_snapshot_version(raw()); }
    /// The texts in it live as long as the snapshot.
    [[nodiscard]] result<failover_endpoint_desc> find(failover_endpoint_id id) const {
        failover_endpoint_desc desc;
        desc.struct_size = sizeof desc;
        const failover_code code = failover_snapshot_find(raw(), id, &desc);
        if (code != FAILOVER_OK) {
            return failover::error(code);
        }
        return desc;
    }
    [[nodiscard]] const failover_snapshot *raw() const noexcept { return handle_.get(); }

private:
    detail::owner<failover_snapshot> handle_;
};

/// The call machine: the program performs attempts and waits.
class call {
public:
    explicit call(failover_call *handle) noexcept : handle_(handle) {}
    result<failover_action> step(const failover_input &input) {
        failover_action action;
        const failover_code code = failover_call_step(handle_.get(), &input, &action);
        if (code != FAILOVER_OK) {
            return failover::error(code);
        }
        return action;
    }
    result<failover_action> step(std::uint32_t kind, std::uint64_t now_ns = 0) {
        failover_input input = {};
        input.kind = kind;
        input.now_ns = now_ns;
        return step(input);
    }
    [[nodiscard]] std::optional<failover::error> error() const {
        failover_error *from = nullptr;
        const failover_code code = failover_call_error(handle_.get(), &from);
        if (code != FAILOVER_OK) {
            return std::nullopt;
        }
        return failover::error(failover_error_code(from), from);
    }
    [[nodiscard]] result<std::string> history() const {
        failover_buf *json = nullptr;
        return detail::text(failover_call_history(handle_.get(), &json), json, nullptr);
    }

private:
    detail::owner<failover_call> handle_;
};

/// One service of one provider under one policy.
class pool {
public:
    explicit pool(failover_pool *handle) noexcept : handle_(handle) {}
    pool(const pool &other) noexcept : handle_(failover_pool_retain(other.raw())) {}
    pool(pool &&) noexcept = default;
    pool &operator=(pool other) noexcept {
        handle_.swap(other.handle_);
        return *this;
    }
    ~pool() = default;

    result<failover_lease> pick(const request &wanted = {}) const noexcept {
        failover_lease lease;
        const failover_code code = failover_pool_pick(raw(), wanted.raw(), &lease);
        if (code != FAILOVER_OK) {
            return failover::error(code);
        }
        return lease;
    }
    status report(const failover_lease &lease, std::uint32_t outcome,
                  std::uint64_t latency_ns = 0) const {
        return detail::done(failover_pool_report(raw(), &lease, outcome, latency_ns));
    }
    result<pool> derive(std::string_view policy_json) const {
        failover_pool *made = nullptr;
        failover_error *from = nullptr;
        const failover_code code = failover_pool_derive(raw(), str(policy_json), &made, &from);
        if (code != FAILOVER_OK) {
            return failover::error(code, from);
        }
        return pool(made);
    }
    result<snapshot> take_snapshot() const {
        failover_snapshot *made = nullptr;
        failover_error *from = nullptr;
        const failover_code code = failover_pool_snapshot(raw(), &made, &from);
        if (code != FAILOVER_OK) {
            return failover::error(code, from);
        }
        return snapshot(made);
    }
    result<call> begin(const request &wanted = {}) const {
        failover_call *made = nullptr;
        failover_error *from = nullptr;
        const failover_code code = failover_call_new(raw(), wanted.raw(), &made, &from);
        if (code != FAILOVER_OK) {
            return failover::error(code, from);
        }
        return call(made);
    }
    result<std::string> explain(const request &wanted = {}) const {
        failover_buf *json = nullptr;
        failover_error *from = nullptr;
        const failover_code code = failover_pool_explain(raw(), wanted.raw(), &json, &from);
        return detail::text(code, json, from);
    }

    /// Makes a whole call. `attempt` takes (const failover_endpoint_desc &, const failover_lease &,
    /// std::uint64_t timeout_ns) and returns one of FAILOVER_OUTCOME_*. What it throws ends the
    /// call, says nothing about the endpoint, and is thrown on.
    template <class F> result<failover_action> execute(const request &wanted, F &&attempt) const {
        using function = std::remove_reference_t<F>;
        struct context {
            function *attempt;
            std::exception_ptr thrown;
        } inside{&attempt, nullptr};
        const failover_attempt_fn run = [](void *user_data, const failover_endpoint_desc *endpoint,
                                           const failover_lease *lease,
                                           std::uint64_t timeout_ns) -> std::uint32_t {
            auto *self = static_cast<context *>(user_data);
#if FAILOVER_HAS_EXCEPTIONS
            try {
                return (*self->attempt)(*endpoint, *lease, timeout_ns);
            } catch (...) {
                self->thrown = std::current_exception();
                return FAILOVER_OUTCOME_LOCAL;
            }
#else
            return (*self->attempt)(*endpoint, *lease, timeout_ns);
#endif
        };
        failover_action last = {};
        failover_error *from = nullptr;
        const failover_code code =
            failover_execute(raw(), wanted.raw(), run, &inside, &last, &from);
#if FAILOVER_HAS_EXCEPTIONS
        if (inside.thrown) {
            failover_error_free(from);
            std::rethrow_exception(inside.thrown);
        }
#endif
        if (code != FAILOVER_OK) {
            return failover::error(code, from);
        }
        return last;
    }

    [[nodiscard]] const failover_pool *raw() const noexcept { return handle_.get(); }

private:
    detail::owner<failover_pool> handle_;
};

/// A reader of events.
class queue {
public:
    explicit queue(failover_queue *handle) noexcept : handle_(handle) {}
    /// The texts in the events live until the next poll.
    result<std::vector<failover_event>> poll(std::size_t most, std::uint32_t timeout_ms = 0) {
        std::vector<failover_event> events(most);
        std::size_t count = 0;
        const failover_code code = failover_queue_poll(
            handle_.get(), events.data(), sizeof(failover_event), most, timeout_ms, &count);
        if (code != FAILOVER_OK) {
            return failover::error(code);
        }
        events.resize(count);
        return events;
    }
    [[nodiscard]] std::uint64_t dropped() const noexcept {
        return failover_queue_dropped(handle_.get());
    }

private:
    detail::owner<failover_queue> handle_;
};

/// A reader of work: checks and providers of the program's own.
class work_queue {
public:
    explicit work_queue(failover_work_queue *handle) noexcept : handle_(handle) {}
    /// The texts in the work live until the next poll. CLOSED once the manager is.
    result<std::vector<failover_work>> poll(std::size_t most, std::uint32_t timeout_ms = 0) {
        std::vector<failover_work> work(most);
        std::size_t count = 0;
        const failover_code code = failover_work_poll(
            handle_.get(), work.data(), sizeof(failover_work), most, timeout_ms, &count);
        if (code != FAILOVER_OK) {
            return failover::error(code);
        }
        work.resize(count);
        return work;
    }
    /// Readable while work waits and once the manager is closed; owned by the queue.
    result<int> fd() const {
        std::int32_t descriptor = -1;
        failover_error *from = nullptr;
        const failover_code code = failover_work_queue_fd(handle_.get(), &descriptor, &from);
        if (code != FAILOVER_OK) {
            return failover::error(code, from);
        }
        return static_cast<int>(descriptor);
    }

private:
    detail::owner<failover_work_queue> handle_;
};

/// One failover engine.
class manager {
public:
    explicit manager(failover_manager *handle) noexcept : handle_(handle) {}
    manager(const manager &other) noexcept : handle_(failover_manager_retain(other.raw())) {}
    manager(manager &&) noexcept = default;
    manager &operator=(manager other) noexcept {
        handle_.swap(other.handle_);
        return *this;
    }
    ~manager() = default;

    static result<manager> make(std::string_view config_json = "{}") {
        failover_manager *made = nullptr;
        failover_error *from = nullptr;
        const failover_code code = failover_manager_new(str(config_json), &made, &from);
        if (code != FAILOVER_OK) {
            return failover::error(code, from);
        }
        return manager(made);
    }
    status add(const endpoint &added, std::string_view provider = {}) const {
        const failover_endpoint_desc desc = added.raw();
        failover_error *from = nullptr;
        const auto code = failover_endpoint_register(raw(), str(provider), &desc, &from);
        return detail::done(code, from);
    }
    status remove(std::string_view id, std::string_view provider = {}) const {
        failover_error *from = nullptr;
        const auto code = failover_endpoint_deregister(raw(), str(provider), str(id), &from);
        return detail::done(code, from);
    }
    status publish(std::string_view endpoints_json, std::string_view provider = {}) const {
        failover_error *from = nullptr;
        const auto code =
            failover_provider_publish(raw(), str(provider), str(endpoints_json), &from);
        return detail::done(code, from);
    }
    result<pool> get(std::string_view service = {}, std::string_view provider = {}) const {
        failover_pool *made = nullptr;
        failover_error *from = nullptr;
        const auto code = failover_pool_get(raw(), str(provider), str(service), &made, &from);
        if (code != FAILOVER_OK) {
            return failover::error(code, from);
        }
        return pool(made);
    }
    status configure(std::string_view policy_json) const {
        failover_error *from = nullptr;
        const auto code = failover_manager_configure(raw(), str(policy_json), &from);
        return detail::done(code, from);
    }
    result<std::string> config() const {
        failover_buf *json = nullptr;
        failover_error *from = nullptr;
        const auto code = failover_manager_config(raw(), &json, &from);
        return detail::text(code, json, from);
    }
    result<std::string> stats() const {
        failover_buf *json = nullptr;
        failover_error *from = nullptr;
        const auto code = failover_stats(raw(), &json, &from);
        return detail::text(code, json, from);
    }
    result<queue> subscribe(std::uint64_t kinds = 0, std::uint32_t capacity = 1024) const {
        failover_queue *made = nullptr;
        failover_error *from = nullptr;
        const auto code = failover_queue_new(raw(), kinds, capacity, &made, &from);
        if (code != FAILOVER_OK) {
            return failover::error(code, from);
        }
        return queue(made);
    }
    result<work_queue> work() const {
        failover_work_queue *made = nullptr;
        failover_error *from = nullptr;
        const auto code = failover_work_queue_new(raw(), &made, &from);
        if (code != FAILOVER_OK) {
            return failover::error(code, from);
        }
        return work_queue(made);
    }
    status complete(std::uint64_t token, std::uint32_t outcome,
                    std::string_view payload_json = {}) const {
        failover_error *from = nullptr;
        const auto code =
            failover_work_complete(raw(), token, outcome, str(payload_json), &from);
        return detail::done(code, from);
    }
    status close(std::uint32_t timeout_ms = 5000) const {
        failover_error *from = nullptr;
        return detail::done(failover_manager_close(raw(), timeout_ms, &from), from);
    }

    [[nodiscard]] const failover_manager *raw() const noexcept { return handle_.get(); }

private:
    detail::owner<failover_manager> handle_;
};

} // namespace failover

#endif // FAILOVER_HPP
