"""What a pick and a call cost, next to what the same costs without the engine. Minima of many batches."""

from __future__ import annotations

import asyncio
import gc
import platform
import time
from collections.abc import Awaitable, Callable

import failover

BATCH, BATCHES = 2_000, 200

manager = failover.FailoverManager()
manager.publish(
    [{"id": f"e{n:03}", "name": "users", "address": "127.0.0.1", "port": 8000 + n} for n in range(100)]
)
pool = manager.pool("users")
endpoint = pool.select()


def no_op(endpoint: failover.Endpoint) -> None:
    return None


async def no_op_async(endpoint: failover.Endpoint) -> None:
    return None


def per_call(batch: Callable[[int], object]) -> float:
    best = float("inf")
    for _ in range(BATCHES):
        began = time.perf_counter_ns()
        batch(BATCH)
        best = min(best, (time.perf_counter_ns() - began) / BATCH)
    return best


def loop(count: int) -> None:
    for _ in range(count):
        pass


def bridge(count: int) -> None:
    # The cheapest method of the extension: a lease that was returned is asked to be so again.
    cancel = HELD.cancel
    for _ in range(count):
        cancel()


def select(count: int) -> None:
    select = pool.select
    for _ in range(count):
        select()


def lease(count: int) -> None:
    lease = pool.lease
    for _ in range(count):
        lease().report("success")


def plain(count: int) -> None:
    for _ in range(count):
        no_op(endpoint)


def execute(count: int) -> None:
    execute = pool.execute
    for _ in range(count):
        execute(no_op)


async def plain_async(count: int) -> None:
    for _ in range(count):
        await no_op_async(endpoint)


async def execute_async(count: int) -> None:
    execute = pool.execute_async
    for _ in range(count):
        await execute(no_op_async)


def on_a_loop(batch: Callable[[int], Awaitable[None]]) -> float:
    async def measure() -> float:
        best = float("inf")
        for _ in range(BATCHES):
            began = time.perf_counter_ns()
            await batch(BATCH)
            best = min(best, (time.perf_counter_ns() - began) / BATCH)
        return best

    return asyncio.run(measure())


HELD = pool.lease()
HELD.cancel()
gc.collect()
empty = per_call(loop)
rows = [
    ("select", per_call(select), per_call(bridge), 80.0),
    ("lease, report", per_call(lease), per_call(bridge), None),
    ("execute, no-op", per_call(execute), per_call(plain), 350.0),
    ("execute_async, no-op", on_a_loop(execute_async), on_a_loop(plain_async), 800.0),
]
print(f"Python {platform.python_version()}, 100 endpoints, ns")
print(f"{'':24}{'cost':>8}{'floor':>8}{'at most':>9}")
for name, cost, floor, most in rows:
    limit = "" if most is None else f"{most:9.0f}"
    print(f"{name:24}{cost - empty:8.0f}{floor - empty:8.0f}{limit}")
manager.close()
