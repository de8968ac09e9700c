"""Calls of synchronous functions."""

from __future__ import annotations

import socket
import threading
import traceback
from datetime import timedelta

import pytest

import failover

from conftest import add


def test_a_call_returns_what_the_function_returned(pool: failover.Pool) -> None:
    result = pool.execute(lambda endpoint: endpoint.url("/users/42"))

    assert result.result == result.value == result.endpoint.url("/users/42")
    assert (result.attempts, result.success, result.error, result.history) == (1, True, None, ())
    assert result.metadata == {"fallback": False, "panic": False}
    assert 0 < result.duration < 5


def test_what_fails_on_one_endpoint_succeeds_on_the_next(pool: failover.Pool) -> None:
    def get(endpoint: failover.Endpoint) -> str:
        if endpoint.id != "c":
            raise ConnectionRefusedError("nobody listens")
        return endpoint.id

    result = pool.execute(get)

    assert (result.result, result.attempts) == ("c", 3)
    assert [(one.endpoint.id, one.outcome) for one in result.history] == [
        ("a", failover.Outcome.UNSENT),
        ("b", failover.Outcome.UNSENT),
    ]


def test_the_caller_gets_the_very_exception_with_its_stack_and_the_attempts(
    pool: failover.Pool,
) -> None:
    raised: list[ValueError] = []

    def deep(endpoint: failover.Endpoint) -> None:
        raised.append(ValueError(endpoint.id))
        raise raised[-1]

    with pytest.raises(ValueError) as caught:
        pool.execute(deep)

    assert caught.value is raised[-1]
    assert "deep" in [frame.name for frame in traceback.extract_tb(caught.tb)]
    error = caught.value.failover_error  # type: ignore[attr-defined]
    assert isinstance(error, failover.AttemptsExhaustedError)
    assert (error.code, error.type) == (6004, failover.ErrorType.CONNECTION)
    attempts = failover.attempts_of(caught.value)
    assert attempts == error.attempts
    assert [one.outcome.value for one in attempts] == ["failure"] * 4
    assert attempts[-1].endpoint.id == str(raised[-1])


def test_a_broken_function_is_nobodys_fault_and_tried_once(pool: failover.Pool) -> None:
    with pytest.raises(TypeError) as caught:
        pool.execute(lambda endpoint: endpoint + 1)  # type: ignore[operator]

    attempts = failover.attempts_of(caught.value)
    assert [one.outcome for one in attempts] == [failover.Outcome.LOCAL]
    assert pool.stats()["failed_requests"] == 1


def test_an_exception_without_room_for_attributes_is_raised_all_the_same(
    pool: failover.Pool,
) -> None:
    class Narrow(Exception):
        __slots__ = ()

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

    with pytest.raises(Narrow):
        pool.execute(lambda endpoint: (_ for _ in ()).throw(Narrow()))


def test_without_endpoints_the_error_says_so() -> None:
    with failover.FailoverManager() as manager:
        with pytest.raises(failover.NoEndpointsError) as caught:
            manager.execute_with_failover(lambda endpoint: None, service="users")

    assert caught.value.kind == "no_endpoints"
    assert caught.value.is_retryable
    assert caught.value.details == {"endpoints": {}}


def test_open_breakers_end_a_call_at_once(manager: failover.FailoverManager) -> None:
    pool = manager.pool("users")
    for id in "abc":
        manager.set_admin(id, failover.AdminState.FORCED_OPEN)

    with pytest.raises(failover.CircuitOpenError) as caught:
        pool.execute(lambda endpoint: None)

    assert caught.value.type is failover.ErrorType.CIRCUIT_BREAKER
    assert set(caught.value.details["endpoints"]) == {"a", "b", "c"}


@pytest.mark.parametrize("timeout", [0.05, timedelta(milliseconds=50), "50ms"])
def test_a_call_ends_with_its_time(manager: failover.FailoverManager, timeout: object) -> None:
    pool = manager.pool("users", config={"retry_delay": 10, "max_retry_delay": 10, "backoff": "fixed"})

    with pytest.raises(OSError) as caught:
        pool.execute(lambda endpoint: (_ for _ in ()).throw(OSError("reset")), timeout=timeout)

    error = caught.value.failover_error  # type: ignore[attr-defined]
    assert isinstance(error, failover.DeadlineExceededError)
    assert isinstance(error, TimeoutError)


def test_an_outcome_can_be_stated(pool: failover.Pool) -> None:
    def throttled(endpoint: failover.Endpoint) -> str:
        if endpoint.id == "a":
            raise failover.tag(OSError("429"), failover.Outcome.THROTTLED, rest=60)
        return endpoint.id

    result = pool.execute(throttled)

    assert [one.outcome.value for one in result.history] == ["throttled"]
    assert {pool.select().id for _ in range(6)} == {"b", "c"}, "it rests"


def test_the_callers_classifier_comes_before_the_usual_rules(pool: failover.Pool) -> None:
    seen: list[BaseException] = []

    def classify(error: BaseException) -> str | None:
        seen.append(error)
        return "rejected" if isinstance(error, KeyError) else None

    def get(endpoint: failover.Endpoint) -> None:
        raise KeyError(endpoint.id)

    with pytest.raises(KeyError) as caught:
        pool.execute(get, classify=classify)

    assert seen == [caught.value]
    assert [one.outcome.value for one in failover.attempts_of(caught.value)] == ["rejected"]


def test_a_request_says_what_it_wants(pool: failover.Pool) -> None:
    wanted = failover.Request(endpoint="b")

    assert {pool.select(request=wanted).id for _ in range(5)} == {"b"}
    assert {pool.select(exclude=["a", "b"]).id for _ in range(5)} == {"c"}
    assert len({pool.select(key="user-42").id for _ in range(5)}) == 3, "round robin knows no key"
    with pytest.raises(failover.NotFoundError):
        pool.select(endpoint="nobody")
    with pytest.raises(TypeError, match="unexpected option .kex."):
        pool.select(kex="x")
    with pytest.raises(TypeError, match="request"):
        pool.select(request=wanted, key="x")


def test_an_endpoint_is_one_object_while_its_description_is_the_same(
    manager: failover.FailoverManager,
) -> None:
    pool = manager.pool("users")
    first = pool.select(endpoint="a")

    assert pool.select(endpoint="a") is first
    assert manager.pool("*").select(endpoint="a") is first
    assert manager.get_endpoint("a") is first

    manager.update_endpoint(id="a", name="users", address="127.0.0.1", port=8081, weight=5)

    second = pool.select(endpoint="a")
    assert second is not first
    assert (first.weight, second.weight) == (None, 5)


def test_a_lease_is_returned_once(manager: failover.FailoverManager) -> None:
    pool = manager.pool("users")
    lease = pool.lease()
    assert manager.in_flight == 1

    assert lease.report("success")
    assert not lease.report("failure")
    with pytest.raises(OSError):
        with pool.lease() as held:
            assert held.endpoint.id == "b"
            raise OSError("reset")
    assert manager.in_flight == 0
    pool.lease()
    assert manager.in_flight == 0, "what is let go of comes back"
    outcomes = manager.get_stats()["memory"]["endpoints"]["b"]["outcomes"]
    assert (outcomes["failure"], outcomes["success"]) == (1, 0)


def test_the_function_is_told_its_attempt(pool: failover.Pool) -> None:
    def told(endpoint: failover.Endpoint) -> failover.Attempt | None:
        if endpoint.id == "a":
            raise ConnectionRefusedError
        return failover.current_attempt()

    attempt = pool.execute(told).result

    assert attempt is not None and attempt.number == 2
    assert 9 < attempt.timeout <= 10, "a third of what is left of thirty seconds"
    assert failover.current_attempt() is None


def test_real_refused_connections_fail_over_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with failover.FailoverManager() as manager:
            for id, port in (("dead", held.getsockname()[1]), ("alive", server.getsockname()[1])):
                manager.register_endpoint(id=id, name="s", address="127.0.0.1", port=port)

            def connect(endpoint: failover.Endpoint) -> str:
                socket.create_connection((endpoint.address, endpoint.port), timeout=5).close()
                return endpoint.id

            results = [manager.execute_with_failover(connect) for _ in range(4)]

    assert {one.result for one in results} == {"alive"}
    assert {one.outcome.value for two in results for one in two.history} == {"unsent"}


def test_threads_share_a_pool() -> None:
    with failover.FailoverManager() as manager:
        add(manager, "a", "b", "c")
        pool = manager.pool("users")

        def work() -> None:
            for _ in range(500):
                pool.execute(lambda endpoint: endpoint.id)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert pool.stats()["successful_requests"] == 4000
        assert manager.in_flight == 0


def test_a_failure_that_is_handled_around_a_call_is_no_cause_in_it(
    manager: failover.FailoverManager,
) -> None:
    pool, tries = manager.pool("users"), []

    def send(endpoint: failover.Endpoint) -> None:
        tries.append(endpoint.id)
        raise OSError("it may have been done")

    try:
        raise failover.tag(ConnectionRefusedError("the first place"), "unsent")
    except ConnectionRefusedError as first:
        with pytest.raises(OSError, match="done") as caught:
            pool.execute(send, idempotent=False)
        assert caught.value.__context__ is first
        with pytest.raises(OSError, match="done"):
            with pool.lease(endpoint="c") as lease:
                send(lease.endpoint)

    assert [one.outcome.value for one in failover.attempts_of(caught.value)] == ["failure"]
    assert len(tries) == 2, "an unsent attempt would have been followed by another"
    assert manager.get_stats()["memory"]["endpoints"]["c"]["outcomes"]["failure"] == 1


def test_what_led_to_an_exception_within_an_attempt_counts(pool: failover.Pool) -> None:
    def get(endpoint: failover.Endpoint) -> str:
        if endpoint.id == "b":
            return endpoint.id
        try:
            raise ConnectionRefusedError
        except OSError:
            raise RuntimeError("the client's own")

    result = pool.execute(get, idempotent=False)

    assert [one.outcome.value for one in result.history] == ["unsent"]


def test_an_asynchronous_function_is_refused_rather_than_never_awaited(
    manager: failover.FailoverManager,
) -> None:
    async def get(endpoint: failover.Endpoint) -> str:
        return endpoint.id

    with pytest.raises(TypeError, match="execute_async"):
        manager.pool("users").execute(get)
    with pytest.raises(TypeError, match="execute_async"):
        manager.pool("users").wrap(lambda endpoint: get(endpoint))()
    assert manager.in_flight == 0


def test_a_results_type_can_be_written_down() -> None:
    assert failover.FailoverResult[int].__args__ == (int,)


def test_a_derived_pool_is_derived_from_its_own_policy(manager: failover.FailoverManager) -> None:
    once = manager.pool("users", config={"max_retries": 0})
    tries: list[str] = []

    def fails(endpoint: failover.Endpoint) -> None:
        tries.append(endpoint.id)
        raise OSError("reset")

    with pytest.raises(OSError):
        once.derive({"timeout": 9}).execute(fails)

    assert len(tries) == 1, "it has the retries of what it was derived from"
    assert isinstance(once.derive({}), failover.Pool)


def test_what_ended_a_block_is_told_rather_than_what_it_left_open() -> None:
    with pytest.raises(KeyError, match="the program's own"):
        with failover.FailoverManager() as manager:
            add(manager, "a")
            lease = manager.pool().lease()
            raise KeyError("the program's own")
    assert lease.is_open and manager.is_closed
