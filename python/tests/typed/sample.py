"""A typed program, checked by `mypy --strict` and never run: what it says of types must hold."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from typing_extensions import assert_type

import failover


class Directory:
    poll_interval = 5.0

    def list(self) -> list[failover.Endpoint]:
        return [failover.Endpoint("a", "users", "127.0.0.1", 8081)]


def check(endpoint: failover.Endpoint) -> failover.HealthStatus:
    return failover.HealthStatus.HEALTHY


manager = failover.FailoverManager(
    failover.ManagerConfig(timeout=timedelta(seconds=3), failover={"strategy": "weighted"}),
    check=check,
    clock=failover.ManualClock(),
)
manager.register_provider("directory", Directory())
manager.configure(failover.FailoverConfig(retry_delay="250ms", max_retries=2))
pool = manager.pool("users")


def length(endpoint: failover.Endpoint) -> int:
    return len(endpoint.url("/"))


async def length_async(endpoint: failover.Endpoint) -> int:
    return len(endpoint.url("/"))


assert_type(pool.execute(length).result, int)
assert_type(pool.execute(length, timeout=2, key="u", idempotent=False), failover.FailoverResult[int])
assert_type(manager.execute_with_failover(length).value, int)
assert_type(pool.select(exclude=["a"]), failover.Endpoint)
assert_type(manager.health_check("a"), failover.HealthStatus)
assert_type(manager.get_config(), failover.FailoverConfig)


@pool.wrap
def user(endpoint: failover.Endpoint, id: int, *, detail: bool = False) -> str:
    return endpoint.id


@pool.wrap(timeout=2)
async def user_async(endpoint: failover.Endpoint, id: int) -> str:
    return endpoint.id


assert_type(user(42, detail=True), str)
user("42")  # type: ignore[arg-type]
pool.execute(length, timout=2)  # type: ignore[call-arg]
pool.select(key=5)  # type: ignore[arg-type]
manager.execute_with_failover(length, kex="u")  # type: ignore[call-arg]
manager.select_endpoint(service="users", timeout="250ms")


async def main() -> None:
    async with failover.FailoverManager() as other:
        assert_type(await other.pool("users").execute_async(length_async), failover.FailoverResult[int])
        assert_type(await user_async(42), str)
        await other.pool("users").execute_async(length_async, timout=2)  # type: ignore[call-arg]
        async for event in other.events("failover"):
            assert_type(event, failover.Event)


try:
    with pool.lease() as lease:
        assert_type(lease.endpoint, failover.Endpoint)
except failover.FailoverError as error:
    assert_type(error.attempts, tuple[failover.AttemptRecord, ...])
    assert_type(error.type, failover.ErrorType)

asyncio.run(main())
