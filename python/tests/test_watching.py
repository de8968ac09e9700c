"""Events, statistics and logs."""

from __future__ import annotations

import asyncio
import logging
import threading
from datetime import datetime, timezone

import pytest

import failover

from conftest import add, eventually


def fail_over(pool: failover.Pool) -> None:
    def get(endpoint: failover.Endpoint) -> str:
        if endpoint.id == "a":
            raise ConnectionRefusedError
        return endpoint.id

    pool.execute(get, endpoint="a")


def test_recent_events_come_newest_first(manager: failover.FailoverManager) -> None:
    fail_over(manager.pool("users"))

    newest, *older = manager.get_events()

    assert newest.type is failover.EventKind.FAILOVER
    assert (newest.pool, newest.endpoint) == ("memory/users", "b")
    assert newest.reason == "the previous attempt failed"
    assert abs((datetime.now(timezone.utc) - newest.time).total_seconds()) < 60
    assert [one.sequence for one in older] == sorted((one.sequence for one in older), reverse=True)
    assert len(manager.get_events(2)) == 2


def test_an_iterator_of_events_waits_and_ends_with_the_manager() -> None:
    manager = failover.FailoverManager(retry_delay=0)
    add(manager, "a", "b")
    events = manager.events(failover.EventKind.FAILOVER)
    seen: list[failover.Event] = []

    def read() -> None:
        seen.extend(events)

    reader = threading.Thread(target=read)
    reader.start()
    fail_over(manager.pool("users"))
    eventually(lambda: seen)
    manager.close()
    reader.join(10)

    assert not reader.is_alive()
    assert [one.type for one in seen] == [failover.EventKind.FAILOVER]
    with pytest.raises(ValueError, match="unknown kind"):
        manager.events("nothing")


def test_an_asynchronous_iterator_of_events_waits_on_the_loop() -> None:
    async def main() -> list[str]:
        manager = failover.FailoverManager(retry_delay=0)
        add(manager, "a", "b")
        events = manager.events("failover")

        async def read() -> list[str]:
            return [one.type.value async for one in events]

        reader = asyncio.create_task(read())
        await asyncio.sleep(0)
        await asyncio.to_thread(fail_over, manager.pool("users"))
        await asyncio.to_thread(fail_over, manager.pool("users"))
        await manager.aclose()
        return await asyncio.wait_for(reader, 10)

    assert asyncio.run(main()) == ["failover", "failover"]


def test_a_function_is_called_for_every_event(
    manager: failover.FailoverManager, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[failover.Event] = []

    def take(event: failover.Event) -> None:
        seen.append(event)
        if len(seen) == 1:
            raise RuntimeError("a defect of the program")

    stop = manager.on_event(take, "failover")
    for _ in range(3):
        fail_over(manager.pool("users"))
    eventually(lambda: len(seen) == 3)
    stop()

    assert "the function failed" in caplog.text


def test_an_asynchronous_function_is_awaited_for_every_event(
    manager: failover.FailoverManager,
) -> None:
    seen: list[int] = []

    async def take(event: failover.Event) -> None:
        await asyncio.sleep(0)
        seen.append(event.sequence)

    stop = manager.on_event(take, "failover")
    for _ in range(3):
        fail_over(manager.pool("users"))
    eventually(lambda: len(seen) == 3)
    stop()

    assert seen == sorted(seen)


def test_a_slow_reader_loses_the_oldest_and_is_told_how_many(
    manager: failover.FailoverManager,
) -> None:
    events = manager.events("failover", capacity=2)
    for _ in range(5):
        fail_over(manager.pool("users"))

    read = events.poll()

    assert len(read) == 2
    assert events.dropped == 3
    assert events.poll() == []


def test_statistics_are_by_provider_pool_and_endpoint(manager: failover.FailoverManager) -> None:
    pool = manager.pool("users")
    fail_over(pool)

    stats = manager.get_stats()["memory"]

    assert (stats["total_requests"], stats["failovers"]) == (1, 1)
    assert stats["pools"]["users"] == pool.stats()
    assert stats["endpoints"]["a"]["outcomes"]["unsent"] == 1


def test_explain_says_why(manager: failover.FailoverManager) -> None:
    manager.set_admin("a", "maintenance")

    shown = manager.pool("users").explain()

    assert {one["id"]: one["objection"] for one in shown["endpoints"]} == {
        "a": "in maintenance",
        "b": None,
        "c": None,
    }


def test_the_engine_logs_to_the_logger_failover(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "failover")
    with failover.FailoverManager(default_provider="consul") as manager:
        add(manager, "a")
        manager.configure({"strategy": "round_robin", "load_balancer": {"algorithm": "weighted"}})
        assert manager.get_default_provider() == "memory"

    texts = [record.getMessage() for record in caplog.records]
    assert any("consul" in text and "not registered" in text for text in texts), texts
    assert any(text.startswith("config: ") for text in texts), texts
    assert {record.name for record in caplog.records} == {"failover"}
