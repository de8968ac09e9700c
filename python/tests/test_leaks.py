"""What many calls leave behind: nothing."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
from collections.abc import Callable

import pytest

import failover

from conftest import add

#: Executes in each of six blocks: a hundred thousand in the long version, 600,000 in all.
BLOCK = 100_000 if os.environ.get("FAILOVER_SOAK") == "1" else 10_000


def resident() -> int:
    """Resident memory in bytes."""
    with open("/proc/self/statm") as figures:
        return int(figures.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def live_heap() -> int:
    """Blocks that Python's allocator has handed out, after a collection."""
    gc.collect()
    return sys.getallocatedblocks()


def blocks(block: Callable[[], None]) -> None:
    heaps, memory = [], []
    for _ in range(6):
        block()
        heaps.append(live_heap())
        memory.append(resident())
    assert max(heaps[3:]) <= heaps[2] * 1.01, heaps
    assert max(memory[3:]) - memory[2] <= 4 << 20, memory


class Answered(Exception):
    """A failure with something in it."""

    def __init__(self, endpoint: failover.Endpoint) -> None:
        super().__init__(endpoint.id)
        self.body = bytes(1000)


@pytest.fixture
def unreliable() -> tuple[failover.FailoverManager, random.Random]:
    manager = failover.FailoverManager(
        seed=1,
        retry_attempts=2,
        retry_delay=0,
        failover={"circuit_breaker": {"enabled": False}, "retry_budget": {"enabled": False}},
    )
    add(manager, *(f"e{number}" for number in range(10)))
    return manager, random.Random(1)


def test_calls_that_fail_now_and_then_leave_nothing(
    unreliable: tuple[failover.FailoverManager, random.Random],
) -> None:
    manager, chance = unreliable
    pool = manager.pool("users")

    def get(endpoint: failover.Endpoint) -> list[str]:
        if chance.random() < 0.3:
            raise Answered(endpoint)
        return [endpoint.id]

    def block() -> None:
        for _ in range(BLOCK):
            try:
                pool.execute(get)
            except Answered as error:
                assert len(failover.attempts_of(error)) == 3

    blocks(block)
    assert manager.in_flight == 0


def test_asynchronous_calls_leave_nothing(
    unreliable: tuple[failover.FailoverManager, random.Random],
) -> None:
    manager, chance = unreliable
    pool = manager.pool("users")

    async def get(endpoint: failover.Endpoint) -> list[str]:
        dice = chance.random()
        if dice < 0.3:
            await asyncio.sleep(0)
        if dice < 0.1 or dice > 0.9:
            raise Answered(endpoint)
        return [endpoint.id]

    async def calls() -> None:
        for number in range(BLOCK // 2):
            made = pool.execute_async(get)
            if number % 50 == 0:
                task = asyncio.create_task(made)
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                continue
            try:
                await made
            except Answered as error:
                assert len(failover.attempts_of(error)) == 3

    blocks(lambda: asyncio.run(calls()))
    assert manager.in_flight == 0


def test_managers_endpoints_and_leases_leave_nothing() -> None:
    def block() -> None:
        for _ in range(BLOCK // 100):
            with failover.FailoverManager(check=lambda at: True) as manager:
                for round in range(4):
                    manager.publish(
                        [
                            {"id": f"{round}-{number}", "name": "s", "address": "h", "port": 1}
                            for number in range(5)
                        ]
                    )
                    pool = manager.pool("s")
                    pool.lease()
                    pool.execute(lambda at: at)
                    manager.events()
                    manager.get_events()

    blocks(block)
