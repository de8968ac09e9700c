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
    void operator()(failover_log_queue *handle) const noexcept { failover_log_queue_free(handle); }
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
    const T &value() const & {
        check();
        return *std::get_if<0>(&inside_);
    }
    T value() && {
        check();
        return std::move(*std::get_if<0>(&inside_));
    }
    T &operator*() & { return value(); }
    const T &operator*() const & { return value(); }
    T operator*() && { return std::move(*this).value(); }
    T *operator->() { return &value(); }
    const T *operator->() const { return &value(); }

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

/// Makes a status of a code that comes alone.
inline status done(failover_code code) {
    if (code != FAILOVER_OK) {
        return error(code);
    }
    return std::monostate{};
}

/// Asks for something with (failover_error **).
template <class F> status perform(F &&ask) {
    failover_error *from = nullptr;
    const failover_code code = ask(&from);
    if (code != FAILOVER_OK) {
        return error(code, from);
    }
    return std::monostate{};
}

/// Asks for a plain value with (C *, failover_error **), and gives it as a T.
template <class T, class C = T, class F> result<T> value(F &&ask) {
    C made = {};
    failover_error *from = nullptr;
    const failover_code code = ask(&made, &from);
    if (code != FAILOVER_OK) {
        return error(code, from);
    }
    return T(made);
}

/// Asks for a text with (failover_buf **, failover_error **).
template <class F> result<std::string> text(F &&ask) {
    failover_buf *buf = nullptr;
    failover_error *from = nullptr;
    const failover_code code = ask(&buf, &from);
    if (code != FAILOVER_OK) {
        return error(code, from);
    }
    const owner<failover_buf> held(buf);
    return std::string(view(failover_buf_view(buf)));
}

/// A reader of records that wait: what events, log records and work have in common.
template <class Handle, class Record,
          failover_code (*Poll)(const Handle *, Record *, std::size_t, std::size_t, std::uint32_t,
                                std::size_t *),
          failover_code (*Fd)(const Handle *, std::int32_t *, failover_error **),
          failover_code (*SetWake)(const Handle *, failover_wake_fn, void *, failover_drop_fn)>
class reader {
public:
    explicit reader(Handle *handle) noexcept : handle_(handle) {}

    /// Up to `most` records, none after the time-out. The texts in them live until the next poll.
    result<std::vector<Record>> poll(std::size_t most, std::uint32_t timeout_ms = 0) {
        std::vector<Record> records(most);
        std::size_t count = 0;
        const failover_code code =
            Poll(raw(), records.data(), sizeof(Record), most, timeout_ms, &count);
        if (code != FAILOVER_OK) {
            return error(code);
        }
        records.resize(count);
        return records;
    }
    /// Readable while something waits; owned by the queue.
    result<int> fd() const {
        return value<int, std::int32_t>(
            [&](std::int32_t *fd, failover_error **from) { return Fd(raw(), fd, from); });
    }
    /// Calls `wake()` whenever something comes, in place of the one before. It runs on the thread that
    /// caused it, must not block and must not call the library. What it throws ends the program.
    template <class F> status set_wake(F &&wake) {
        using function = std::decay_t<F>;
        auto *held = new function(std::forward<F>(wake));
        const failover_wake_fn call = [](void *inside) noexcept { (*static_cast<function *>(inside))(); };
        const failover_drop_fn drop = [](void *inside) noexcept { delete static_cast<function *>(inside); };
        return done(SetWake(raw(), call, held, drop));
    }
    /// Lets go of what set_wake was given.
    status unset_wake() { return done(SetWake(raw(), nullptr, nullptr, nullptr)); }

    [[nodiscard]] const Handle *raw() const noexcept { return handle_.get(); }

private:
    owner<Handle> handle_;
};

} // namespace detail

/// What one request wants. The texts and lists it is given must live as long as it is used.
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
    request &scope(std::string_view name) noexcept { return put(raw_.scope, name); }
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
    request &exclude(const std::vector<failover_endpoint_id> &ids) noexcept {
        raw_.exclude = ids.data();
        raw_.exclude_len = ids.size();
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

/// Endpoints at one moment. Its texts live as long as it or a copy does.
class snapshot {
public:
    /// An endpoint and its number.
    struct member {
        failover_endpoint_id id;
        failover_endpoint_desc desc;
    };

    explicit snapshot(failover_snapshot *handle) noexcept : handle_(handle) {}
    snapshot(const snapshot &other) noexcept : handle_(failover_snapshot_retain(other.raw())) {}
    snapshot(snapshot &&) noexcept = default;
    snapshot &operator=(snapshot other) noexcept {
        handle_.swap(other.handle_);
        return *this;
    }
    ~snapshot() = default;

    [[nodiscard]] std::size_t size() const noexcept { return failover_snapshot_len(raw()); }
    [[nodiscard]] std::uint64_t version() const noexcept { return failover_snapshot_version(raw()); }
    [[nodiscard]] result<member> at(std::size_t position) const {
        member found = {};
        found.desc.struct_size = sizeof found.desc;
        const failover_code code =
            failover_snapshot_get(raw(), position, &found.id, &found.desc);
        if (code != FAILOVER_OK) {
            return failover::error(code);
        }
        return found;
    }
    [[nodiscard]] result<failover_endpoint_desc> find(failover_endpoint_id id) const {
        failover_endpoint_desc desc = {};
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
    /// After the action CHOOSE: the endpoints among which the program chooses.
    [[nodiscard]] result<std::vector<failover_endpoint_id>> candidates() const {
        std::size_t count = 0;
        std::vector<failover_endpoint_id> ids;
        failover_code code = failover_call_candidates(handle_.get(), nullptr, 0, &count);
        // They may become more between the two.
        while (code == FAILOVER_OK && count > ids.size()) {
            ids.resize(count);
            code = failover_call_candidates(handle_.get(), ids.data(), ids.size(), &count);
        }
        if (code != FAILOVER_OK) {
            return failover::error(code);
        }
        ids.resize(count);
        return ids;
    }
    /// Takes one of the candidates.
    result<failover_action> choose(failover_endpoint_id id, std::uint64_t now_ns = 0) {
        failover_input input = {};
        input.kind = FAILOVER_INPUT_CHOSEN;
        input.endpoint = id;
        input.now_ns = now_ns;
        return step(input);
    }
    /// Tells what came of attempt number `attempt`, and how long the endpoint asked to be left alone.
    result<failover_action> report(std::uint32_t attempt, std::uint32_t outcome,
                                   std::uint64_t now_ns = 0, std::uint64_t hint_ns = 0) {
        failover_input input = {};
        input.kind = FAILOVER_INPUT_RESULT;
        input.attempt = attempt;
        input.outcome = outcome;
        input.now_ns = now_ns;
        input.hint_ns = hint_ns;
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
        return detail::text([&](failover_buf **json, failover_error **) {
            return failover_call_history(handle_.get(), json);
        });
    }

private:
    detail::owner<failover_call> handle_;
};

/// What an attempt came to: one of FAILOVER_OUTCOME_*, and how long a throttled endpoint asked to be left
/// alone.
struct answer {
    answer(std::uint32_t came, std::uint64_t asked_ns = 0) noexcept
        : hint_ns(asked_ns), outcome(came) {}
    std::uint64_t hint_ns;
    std::uint32_t outcome;
    std::uint32_t reserved = 0;
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
    /// As report, and how long a throttled endpoint asked to be left alone.
    status report_hint(const failover_lease &lease, std::uint32_t outcome, std::uint64_t latency_ns,
                       std::uint64_t hint_ns) const {
        return detail::done(
            failover_pool_report_hint(raw(), &lease, outcome, latency_ns, hint_ns));
    }
    result<pool> derive(std::string_view policy_json) const {
        return detail::value<pool, failover_pool *>(
            [&](failover_pool **made, failover_error **from) {
                return failover_pool_derive(raw(), str(policy_json), made, from);
            });
    }
    result<snapshot> take_snapshot() const {
        return detail::value<snapshot, failover_snapshot *>(
            [&](failover_snapshot **made, failover_error **from) {
                return failover_pool_snapshot(raw(), made, from);
            });
    }
    result<call> begin(const request &wanted = {}) const {
        return detail::value<call, failover_call *>(
            [&](failover_call **made, failover_error **from) {
                return failover_call_new(raw(), wanted.raw(), made, from);
            });
    }
    result<std::string> explain(const request &wanted = {}) const {
        return detail::text([&](failover_buf **json, failover_error **from) {
            return failover_pool_explain(raw(), wanted.raw(), json, from);
        });
    }
    /// What is behind the code with which pick refused a request.
    [[nodiscard]] failover::error refusal(const request &wanted, failover_code code) const {
        failover_error *from = nullptr;
        const failover_code told = failover_pool_refusal(raw(), wanted.raw(), code, &from);
        if (told != FAILOVER_OK) {
            return failover::error(told);
        }
        return failover::error(failover_error_code(from), from);
    }
    /// How each endpoint is doing, in the order of their ids.
    result<std::vector<failover_endpoint_stats>> stats() const {
        std::size_t count = 0;
        std::vector<failover_endpoint_stats> each;
        const std::size_t size = sizeof(failover_endpoint_stats);
        failover_code code = failover_pool_stats(raw(), nullptr, size, 0, &count);
        // They may become more between the two.
        while (code == FAILOVER_OK && count > each.size()) {
            each.resize(count);
            code = failover_pool_stats(raw(), each.data(), size, each.size(), &count);
        }
        if (code != FAILOVER_OK) {
            return failover::error(code);
        }
        each.resize(count);
        return each;
    }
    /// The pool's own statistics, as JSON.
    result<std::string> figures() const {
        return detail::text([&](failover_buf **json, failover_error **from) {
            return failover_pool_figures(raw(), json, from);
        });
    }

    /// Makes a whole call. `attempt` takes (const failover_endpoint_desc &, const failover_lease &,
    /// std::uint64_t timeout_ns) and returns one of FAILOVER_OUTCOME_*, or an answer. What it throws
    /// ends the call, says nothing about the endpoint, and is thrown on.
    template <class F> result<failover_action> execute(const request &wanted, F &&attempt) const {
        using function = std::remove_reference_t<F>;
        struct context {
            function *attempt;
            std::exception_ptr thrown;
            answer make(const failover_endpoint_desc &endpoint, const failover_lease &lease,
                        std::uint64_t timeout_ns) {
#if FAILOVER_HAS_EXCEPTIONS
                try {
                    return (*attempt)(endpoint, lease, timeout_ns);
                } catch (...) {
                    thrown = std::current_exception();
                    return FAILOVER_OUTCOME_LOCAL;
                }
#else
                return (*attempt)(endpoint, lease, timeout_ns);
#endif
            }
        } inside{&attempt, nullptr};
        failover_action last = {};
        failover_error *from = nullptr;
        failover_code code = FAILOVER_OK;
        using said = std::invoke_result_t<function &, const failover_endpoint_desc &,
                                          const failover_lease &, std::uint64_t>;
        if constexpr (std::is_convertible_v<said, std::uint32_t>) {
            const failover_attempt_fn run =
                [](void *user_data, const failover_endpoint_desc *endpoint,
                   const failover_lease *lease, std::uint64_t timeout_ns) -> std::uint32_t {
                auto *self = static_cast<context *>(user_data);
                return self->make(*endpoint, *lease, timeout_ns).outcome;
            };
            code = failover_execute(raw(), wanted.raw(), run, &inside, &last, &from);
        } else {
            const failover_attempt_hint_fn run =
                [](void *user_data, const failover_endpoint_desc *endpoint,
                   const failover_lease *lease, std::uint64_t timeout_ns,
                   std::uint64_t *hint_ns) -> std::uint32_t {
                auto *self = static_cast<context *>(user_data);
                const answer made = self->make(*endpoint, *lease, timeout_ns);
                *hint_ns = made.hint_ns;
                return made.outcome;
            };
            code = failover_execute_hint(raw(), wanted.raw(), run, &inside, &last, &from);
        }
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
class queue : public detail::reader<failover_queue, failover_event, failover_queue_poll,
                                    failover_queue_fd, failover_queue_set_wake> {
public:
    using reader::reader;
    /// How many events were dropped because nobody read them.
    [[nodiscard]] std::uint64_t dropped() const noexcept { return failover_queue_dropped(raw()); }
};

/// A reader of log records.
class log_queue
    : public detail::reader<failover_log_queue, failover_log_record, failover_log_queue_poll,
                            failover_log_queue_fd, failover_log_queue_set_wake> {
public:
    using reader::reader;
    /// How many records were dropped because nobody read them.
    [[nodiscard]] std::uint64_t dropped() const noexcept {
        return failover_log_queue_dropped(raw());
    }
};

/// A reader of work: checks and providers of the program's own. A poll gives CLOSED once the manager is
/// closed, and the descriptor is readable from then on.
class work_queue : public detail::reader<failover_work_queue, failover_work, failover_work_poll,
                                         failover_work_queue_fd, failover_work_queue_set_wake> {
public:
    using reader::reader;
};

/// One failover engine. Where a provider isn't named, the default one is meant.
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
        return detail::value<manager, failover_manager *>(
            [&](failover_manager **made, failover_error **from) {
                return failover_manager_new(str(config_json), made, from);
            });
    }
    status close(std::uint32_t timeout_ms = 5000) const {
        return detail::perform(
            [&](failover_error **from) { return failover_manager_close(raw(), timeout_ms, from); });
    }
    status configure(std::string_view policy_json) const {
        return detail::perform([&](failover_error **from) {
            return failover_manager_configure(raw(), str(policy_json), from);
        });
    }
    result<std::string> config() const {
        return detail::text([&](failover_buf **json, failover_error **from) {
            return failover_manager_config(raw(), json, from);
        });
    }
    /// Waits until every provider has delivered its first whole set.
    status wait_ready(std::uint32_t timeout_ms) const {
        return detail::perform([&](failover_error **from) {
            return failover_manager_wait_ready(raw(), timeout_ms, from);
        });
    }
    result<pool> get(std::string_view service = {}, std::string_view provider = {}) const {
        return detail::value<pool, failover_pool *>(
            [&](failover_pool **made, failover_error **from) {
                return failover_pool_get(raw(), str(provider), str(service), made, from);
            });
    }

    // Endpoints.

    status add(const endpoint &added, std::string_view provider = {}) const {
        const failover_endpoint_desc desc = added.raw();
        return detail::perform([&](failover_error **from) {
            return failover_endpoint_register(raw(), str(provider), &desc, from);
        });
    }
    status add_json(std::string_view json, std::string_view provider = {}) const {
        return detail::perform([&](failover_error **from) {
            return failover_endpoint_register_json(raw(), str(provider), str(json), from);
        });
    }
    status update(const endpoint &changed, std::string_view provider = {}) const {
        const failover_endpoint_desc desc = changed.raw();
        return detail::perform([&](failover_error **from) {
            return failover_endpoint_update(raw(), str(provider), &desc, from);
        });
    }
    status update_json(std::string_view json, std::string_view provider = {}) const {
        return detail::perform([&](failover_error **from) {
            return failover_endpoint_update_json(raw(), str(provider), str(json), from);
        });
    }
    status remove(std::string_view id, std::string_view provider = {}) const {
        return detail::perform([&](failover_error **from) {
            return failover_endpoint_deregister(raw(), str(provider), str(id), from);
        });
    }
    /// One endpoint's document, as JSON.
    result<std::string> describe(std::string_view id, std::string_view provider = {}) const {
        return detail::text([&](failover_buf **json, failover_error **from) {
            return failover_endpoint_get(raw(), str(provider), str(id), json, from);
        });
    }
    /// All documents of a provider, as a JSON list.
    result<std::string> list(std::string_view provider = {}) const {
        return detail::text([&](failover_buf **json, failover_error **from) {
            return failover_endpoint_list(raw(), str(provider), json, from);
        });
    }
    /// `state` is one of FAILOVER_ADMIN_*.
    status set_admin(std::string_view id, std::uint32_t state, std::string_view provider = {}) const {
        return detail::perform([&](failover_error **from) {
            return failover_endpoint_set_admin(raw(), str(provider), str(id), state, from);
        });
    }
    status drain(std::string_view id, std::string_view provider = {}) const {
        return set_admin(id, FAILOVER_ADMIN_DRAINING, provider);
    }
    /// Waits until an endpoint has no attempt in flight.
    status wait_drained(std::string_view id, std::uint32_t timeout_ms,
                        std::string_view provider = {}) const {
        return detail::perform([&](failover_error **from) {
            return failover_endpoint_wait_drained(raw(), str(provider), str(id), timeout_ms, from);
        });
    }

    // Health.

    /// Checks one endpoint now, and gives one of FAILOVER_HEALTH_*.
    result<std::uint32_t> check(std::string_view id, std::string_view provider = {}) const {
        return detail::value<std::uint32_t>([&](std::uint32_t *found, failover_error **from) {
            return failover_health_check(raw(), str(provider), str(id), found, from);
        });
    }
    /// Checks all endpoints of a provider now, and gives a JSON object with the health of each.
    result<std::string> check_all(std::string_view provider = {}) const {
        return detail::text([&](failover_buf **json, failover_error **from) {
            return failover_health_check_all(raw(), str(provider), json, from);
        });
    }
    /// Takes the program's finding, one of FAILOVER_CHECK_*, and gives one of FAILOVER_HEALTH_*.
    result<std::uint32_t> report_check(std::string_view id, std::uint32_t finding,
                                       std::string_view reason = {},
                                       std::string_view provider = {}) const {
        return detail::value<std::uint32_t>([&](std::uint32_t *found, failover_error **from) {
            return failover_health_report(raw(), str(provider), str(id), finding, str(reason), found,
                                          from);
        });
    }

    // Providers.

    status register_provider(std::string_view name, std::string_view config_json) const {
        return detail::perform([&](failover_error **from) {
            return failover_provider_register(raw(), str(name), str(config_json), from);
        });
    }
    /// A provider whose whole sets the program pushes with publish.
    status register_pushed(std::string_view name) const {
        return detail::perform([&](failover_error **from) {
            return failover_provider_register_pushed(raw(), str(name), from);
        });
    }
    /// A provider of the program's own, which is asked through the work queue; `capabilities` are
    /// FAILOVER_PROVIDER_*.
    status register_pulled(std::string_view name, std::uint32_t capabilities) const {
        return detail::perform([&](failover_error **from) {
            return failover_provider_register_pulled(raw(), str(name), capabilities, from);
        });
    }
    status deregister_provider(std::string_view name) const {
        return detail::perform([&](failover_error **from) {
            return failover_provider_deregister(raw(), str(name), from);
        });
    }
    status publish(std::string_view endpoints_json, std::string_view provider = {}) const {
        return detail::perform([&](failover_error **from) {
            return failover_provider_publish(raw(), str(provider), str(endpoints_json), from);
        });
    }
    /// The names of the providers, as a JSON list.
    result<std::string> providers() const {
        return detail::text([&](failover_buf **json, failover_error **from) {
            return failover_provider_list(raw(), json, from);
        });
    }
    /// How each provider is doing, as a JSON list.
    result<std::string> provider_info() const {
        return detail::text([&](failover_buf **json, failover_error **from) {
            return failover_provider_info(raw(), json, from);
        });
    }
    result<work_queue> work() const {
        return detail::value<work_queue, failover_work_queue *>(
            [&](failover_work_queue **made, failover_error **from) {
                return failover_work_queue_new(raw(), made, from);
            });
    }
    /// Answers a piece of work.
    status complete(std::uint64_t token, std::uint32_t outcome,
                    std::string_view payload_json = {}) const {
        return detail::perform([&](failover_error **from) {
            return failover_work_complete(raw(), token, outcome, str(payload_json), from);
        });
    }

    // Watching.

    /// `kinds` has a bit for each kind wanted, 1 << FAILOVER_EVENT_*; 0 is all.
    result<queue> subscribe(std::uint64_t kinds = 0, std::uint32_t capacity = 1024) const {
        return detail::value<queue, failover_queue *>(
            [&](failover_queue **made, failover_error **from) {
                return failover_queue_new(raw(), kinds, capacity, made, from);
            });
    }
    /// The last events as a JSON list, the newest first.
    result<std::string> events(std::uint32_t limit = 1024) const {
        return detail::text([&](failover_buf **json, failover_error **from) {
            return failover_events(raw(), limit, json, from);
        });
    }
    result<log_queue> logs(std::uint32_t capacity = 1024) const {
        return detail::value<log_queue, failover_log_queue *>(
            [&](failover_log_queue **made, failover_error **from) {
                return failover_log_queue_new(raw(), capacity, made, from);
            });
    }
    /// `level` is one of FAILOVER_LOG_*.
    status set_log_level(std::uint32_t level) const {
        return detail::done(failover_log_set_level(raw(), level));
    }
    result<std::string> stats() const {
        return detail::text([&](failover_buf **json, failover_error **from) {
            return failover_stats(raw(), json, from);
        });
    }

    // Time.

    [[nodiscard]] std::uint64_t now_ns() const noexcept { return failover_manager_now(raw()); }
    /// Moves a manual clock.
    status advance_ns(std::uint64_t ns) const {
        return detail::perform(
            [&](failover_error **from) { return failover_manager_advance(raw(), ns, from); });
    }

    [[nodiscard]] const failover_manager *raw() const noexcept { return handle_.get(); }

private:
    detail::owner<failover_manager> handle_;
};

} // namespace failover

#endif // FAILOVER_HPP
