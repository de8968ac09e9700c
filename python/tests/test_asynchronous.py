"""Calls of asynchronous functions."""

from __future__ import annotations

import asyncio
import contextvars
import time
from typing import Any

import pytest

import failover

from conftest import add


def run(made: Any) -> Any:
    return asyncio.run(asyncio.wait_for(made, 20))


def test_a_call_that_never_suspends_needs_no_loop(pool: failover.Pool) -> None:
    async def get(endpoint: failover.Endpoint) -> str:
        return endpoint.id

    made = pool.execute_async(get)
    with pytest.raises(StopIteration) as ended:
        made.send(None)

    assert ended.value.value.result == "a"


def test_a_call_fails_over_and_waits(manager: failover.FailoverManager) -> None:
    pool = manager.pool("users", config={"retry_delay": "5ms", "backoff": "fixed"})

    async def get(endpoint: failover.Endpoint) -> str:
        await asyncio.sleep(0)
        if endpoint.id != "c":
            raise ConnectionResetError
        return endpoint.id

    result = run(pool.execute_async(get))

    assert (result.result, result.attempts) == ("c", 3)
    assert [one.outcome.value for one in result.history] == ["failure", "failure"]
    assert pool.stats()["retries"] == 2


def test_the_caller_gets_the_very_exception(pool: failover.Pool) -> None:
    raised: list[ValueError] = []

    async def get(endpoint: failover.Endpoint) -> None:
        if len(raised) % 2:
            await asyncio.sleep(0)
        raised.append(ValueError(endpoint.id))
        raise raised[-1]

    with pytest.raises(ValueError) as caught:
        run(pool.execute_async(get))

    assert caught.value is raised[-1]
    assert len(failover.attempts_of(caught.value)) == len(raised) == 4


@pytest.mark.parametrize("suspends_first", [True, False])
def test_an_attempt_whose_time_is_over_is_cancelled(
    manager: failover.FailoverManager, suspends_first: bool
) -> None:
    pool = manager.pool("users", config={"attempt_timeout": "20ms"})
    cut_off: list[str] = []

    async def hangs(endpoint: failover.Endpoint) -> str:
        if endpoint.id == "b":
            return endpoint.id
        try:
            if suspends_first:
                await asyncio.sleep(0)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut_off.append(endpoint.id)
            raise
        raise AssertionError

    result = run(pool.execute_async(hangs))

    assert (result.result, cut_off) == ("b", ["a"])
    assert [one.outcome.value for one in result.history] == ["timeout"]
    assert manager.in_flight == 0


def test_when_every_attempt_hangs_the_error_is_the_engines(manager: failover.FailoverManager) -> None:
    pool = manager.pool("users", config={"attempt_timeout": "10ms", "max_retries": 2})

    async def get(endpoint: failover.Endpoint) -> None:
        if endpoint.id == "a":
            raise OSError("reset")
        await asyncio.Event().wait()

    with pytest.raises(failover.FailoverError) as caught:
        run(pool.execute_async(get))

    assert [one.outcome.value for one in caught.value.attempts] == ["failure", "timeout", "timeout"]
    assert isinstance(caught.value.__cause__, OSError), "the last one that there was"
    assert manager.in_flight == 0


def test_a_cancelled_task_gives_its_attempt_back(manager: failover.FailoverManager) -> None:
    pool = manager.pool("users")

    async def main() -> None:
        begun = asyncio.Event()

        async def hangs(endpoint: failover.Endpoint) -> None:
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(pool.execute_async(hangs))
        await begun.wait()
        assert manager.in_flight == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())

    assert manager.in_flight == 0
    outcomes = manager.get_stats()["memory"]["endpoints"]["a"]["outcomes"]
    assert outcomes["cancelled"] == 1


def test_a_task_cancelled_in_a_wait_ends_the_call(manager: failover.FailoverManager) -> None:
    pool = manager.pool("users", config={"retry_delay": 5, "backoff": "fixed"})

    async def main() -> None:
        begun = asyncio.Event()

        async def fails(endpoint: failover.Endpoint) -> None:
            begun.set()
            raise OSError("reset")

        task = asyncio.create_task(pool.execute_async(fails))
        await begun.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())

    assert manager.in_flight == 0
    assert pool.stats()["failed_requests"] == 1


def test_a_caller_who_gives_up_at_the_same_time_is_heard(manager: failover.FailoverManager) -> None:
    pool = manager.pool("users", config={"attempt_timeout": "20ms", "max_retries": 100})

    async def hangs(endpoint: failover.Endpoint) -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(pool.execute_async(hangs), 0.11)

    run(main())
    assert manager.in_flight == 0


def test_a_hundred_calls_share_a_loop(manager: failover.FailoverManager) -> None:
    pool = manager.pool("users")

    async def get(endpoint: failover.Endpoint) -> str:
        await asyncio.sleep(0.001)
        if endpoint.id == "a":
            raise OSError("reset")
        return endpoint.id

    async def main() -> list[Any]:
        return await asyncio.gather(*(pool.execute_async(get) for _ in range(100)))

    results = run(main())

    assert {one.result for one in results} == {"b", "c"}
    assert manager.in_flight == 0


def test_anything_that_can_be_awaited_will_do(pool: failover.Pool) -> None:
    async def main() -> Any:
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        done.set_result("x")
        return (await pool.execute_async(lambda endpoint: done)).result

    assert run(main()) == "x"


def test_calls_on_a_manual_clock_wait_for_it() -> None:
    clock = failover.ManualClock()

    async def main() -> Any:
        async with failover.FailoverManager(
            clock=clock, seed=1, failover={"retry_delay": "10s", "max_retry_delay": "10s", "backoff": "fixed"}
        ) as manager:
            manager.register_endpoint(id="a", name="users", address="127.0.0.1", port=1)
            tries: list[float] = []

            async def get(endpoint: failover.Endpoint) -> str:
                tries.append(clock.now)
                if len(tries) == 1:
                    raise OSError("reset")
                return endpoint.id

            task = asyncio.create_task(manager.execute_with_failover_async(get))
            while not tries:
                await asyncio.sleep(0)
            clock.advance(9)
            await asyncio.sleep(0.02)
            assert len(tries) == 1, "ten seconds aren't over"
            clock.advance(1)
            await task
            return tries

    assert run(main()) == [0.0, 10.0]


def test_the_function_is_told_its_attempt_before_and_after_it_suspends(
    pool: failover.Pool,
) -> None:
    async def told(endpoint: failover.Endpoint) -> list[failover.Attempt | None]:
        before = failover.current_attempt()
        await asyncio.sleep(0)
        return [before, failover.current_attempt()]

    before, after = run(pool.execute_async(told)).result

    assert before == after and before.number == 1


def test_a_failure_that_is_handled_around_a_call_is_no_cause_in_it(pool: failover.Pool) -> None:
    tries: list[str] = []

    async def send(endpoint: failover.Endpoint) -> None:
        tries.append(endpoint.id)
        if endpoint.id != "a":
            await asyncio.sleep(0)
        raise OSError("it may have been done")

    async def main() -> None:
        for _ in range(2):
            try:
                raise ConnectionRefusedError("the first place")
            except ConnectionRefusedError:
                with pytest.raises(OSError, match="done") as caught:
                    await pool.execute_async(send, idempotent=False)
            outcomes = [one.outcome.value for one in failover.attempts_of(caught.value)]
            assert outcomes == ["failure"]

    run(main())
    assert tries == ["a", "b"], "once with a suspension and once without"


def test_the_exception_keeps_the_context_that_it_was_raised_in(pool: failover.Pool) -> None:
    async def get(endpoint: failover.Endpoint) -> None:
        await asyncio.sleep(0)
        try:
            raise KeyError("within")
        except KeyError:
            raise ValueError("outside")

    async def main() -> None:
        try:
            raise OSError("around")
        except OSError as around:
            with pytest.raises(ValueError) as caught:
                await pool.execute_async(get, idempotent=False)
            assert isinstance(caught.value.__context__, KeyError)
            assert caught.value.__context__.__context__ is around

    run(main())


def test_a_classifier_that_fails_leaves_nothing_in_flight(manager: failover.FailoverManager) -> None:
    pool = manager.pool("users")

    def broken(error: BaseException) -> str:
        raise LookupError("a defect of the classifier")

    async def get(endpoint: failover.Endpoint) -> None:
        await asyncio.sleep(0)
        raise OSError("reset")

    with pytest.raises(LookupError) as caught:
        run(pool.execute_async(get, classify=broken))

    assert manager.in_flight == 0, "also while the exception is held"
    assert isinstance(caught.value.__context__, OSError)


def test_a_caller_who_gives_up_while_a_cut_off_attempt_tidies_up_is_heard(
    manager: failover.FailoverManager,
) -> None:
    pool = manager.pool("users", config={"attempt_timeout": "10ms"})

    async def main() -> None:
        tidying = asyncio.Event()

        async def hangs(endpoint: failover.Endpoint) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                tidying.set()
                await asyncio.sleep(0.05)

        task = asyncio.create_task(pool.execute_async(hangs))
        await tidying.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    assert manager.in_flight == 0


def test_a_task_cancelled_while_a_strategy_thinks_ends_the_call() -> None:
    async def main() -> None:
        thinking = asyncio.Event()

        async def think(candidates: Any) -> Any:
            thinking.set()
            await asyncio.Event().wait()

        policy = failover.FailoverConfig(strategy="custom")
        async with failover.FailoverManager(policy, strategist=think) as manager:
            add(manager, "a")

            async def get(endpoint: failover.Endpoint) -> None:
                raise AssertionError

            task = asyncio.create_task(manager.execute_with_failover_async(get))
            await thinking.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert manager.in_flight == 0

    run(main())


def test_attempts_share_the_context_of_their_caller(pool: failover.Pool) -> None:
    trace: contextvars.ContextVar[str] = contextvars.ContextVar("trace")
    seen: list[str] = []

    async def get(endpoint: failover.Endpoint) -> str:
        seen.append(trace.get())
        await asyncio.sleep(0)
        trace.set(f"{trace.get()} {endpoint.id}")
        if endpoint.id != "c":
            raise ConnectionResetError
        return trace.get()

    async def main() -> str:
        trace.set("caller")
        await pool.execute_async(get)
        return trace.get()

    assert run(main()) == "caller a b c"
    assert seen == ["caller", "caller a", "caller a b"]


def test_who_gives_up_waiting_is_free_at_once() -> None:
    class Never:
        async def list(self) -> list[Any]:
            await asyncio.Event().wait()
            raise AssertionError

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(manager.wait_ready_async(60), 0.02)

    with failover.FailoverManager() as manager:
        manager.register_provider("never", Never())
        began = time.monotonic()
        asyncio.run(main())
        assert time.monotonic() - began < 20, "the loop's end waits for no thread"


def test_a_lease_in_flight_lets_the_loop_go_on_while_a_manager_closes() -> None:
    async def main() -> None:
        manager = failover.FailoverManager()
        add(manager, "a")
        lease = manager.pool().lease()
        closing = asyncio.create_task(manager.aclose(20))
        while not manager.is_closed:
            await asyncio.sleep(0)
        lease.report("success")
        await closing

    run(main())
