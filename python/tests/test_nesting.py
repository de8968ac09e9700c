"""Calls within calls don't multiply retries, wherever the context goes."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

import failover


def fails(tries: list[str]) -> object:
    def inner(endpoint: failover.Endpoint) -> None:
        tries.append(endpoint.id)
        raise OSError("reset")

    return inner


def test_a_call_inside_a_synchronous_function_is_tried_once(pool: failover.Pool) -> None:
    tries: list[str] = []

    with pytest.raises(OSError):
        pool.execute(lambda endpoint: pool.execute(fails(tries)))  # type: ignore[arg-type]

    assert len(tries) == 4, "four attempts outside, one each inside"
    with pytest.raises(OSError):
        pool.execute(fails(tries))  # type: ignore[arg-type]
    assert len(tries) == 8, "outside again, it is tried four times"


def test_a_call_inside_an_asynchronous_function_is_tried_once(pool: failover.Pool) -> None:
    tries: list[str] = []

    async def inner(endpoint: failover.Endpoint) -> None:
        tries.append(endpoint.id)
        raise OSError("reset")

    async def outer(endpoint: failover.Endpoint) -> None:
        await asyncio.gather(pool.execute_async(inner))

    async def later(endpoint: failover.Endpoint) -> None:
        await asyncio.sleep(0)
        await asyncio.gather(pool.execute_async(inner))

    for function in (outer, later):
        tries.clear()
        with pytest.raises(OSError):
            asyncio.run(pool.execute_async(function))
        assert len(tries) == 4


def test_the_mark_goes_along_to_a_thread_of_an_asynchronous_function(pool: failover.Pool) -> None:
    tries: list[str] = []

    async def outer(endpoint: failover.Endpoint) -> None:
        await asyncio.to_thread(pool.execute, fails(tries))

    with pytest.raises(OSError):
        asyncio.run(pool.execute_async(outer, idempotent=False))

    assert len(tries) == 1


def test_a_loop_inside_a_synchronous_function_is_inside(pool: failover.Pool) -> None:
    tries: list[str] = []

    async def inner(endpoint: failover.Endpoint) -> None:
        tries.append(endpoint.id)
        await asyncio.sleep(0)
        raise OSError("reset")

    with pytest.raises(OSError):
        pool.execute(lambda endpoint: asyncio.run(pool.execute_async(inner)), idempotent=False)

    assert len(tries) == 1


def test_other_tasks_and_threads_are_outside(pool: failover.Pool) -> None:
    tries: list[str] = []

    async def waits(endpoint: failover.Endpoint) -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        waiting = asyncio.create_task(pool.execute_async(waits))
        await asyncio.sleep(0)
        with pytest.raises(OSError):
            await asyncio.to_thread(pool.execute, fails(tries))
        waiting.cancel()

    asyncio.run(main())
    assert len(tries) == 4


def test_a_context_is_left_as_it_was(pool: failover.Pool) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="before")

    def sets(endpoint: failover.Endpoint) -> str:
        variable.set("inside")
        return variable.get()

    assert pool.execute(sets).result == "inside"
    assert variable.get() == "inside", "the function runs in its caller's context"
    assert failover.current_attempt() is None
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(failover.current_attempt()))
    thread.start()
    thread.join()
    assert seen == [None]


def test_greenlets_of_one_thread_are_apart(pool: failover.Pool, monkeypatch: object) -> None:
    # What matters here is that the module is loaded: then contexts tell, since threads don't.
    import sys

    monkeypatch.setitem(sys.modules, "greenlet", sys)  # type: ignore[attr-defined]
    tries: list[str] = []

    def in_another_context(endpoint: failover.Endpoint) -> None:
        with pytest.raises(OSError):
            contextvars.Context().run(pool.execute, fails(tries))

    pool.execute(in_another_context)
    assert len(tries) == 4
    with pytest.raises(OSError):
        pool.execute(lambda endpoint: pool.execute(fails(tries)), idempotent=False)  # type: ignore[arg-type]
    assert len(tries) == 5
