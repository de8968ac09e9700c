"""What the program supplies: providers, health checks, strategies; synchronous and asynchronous."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import pytest

import failover

from conftest import add, eventually


def endpoint(id: str, port: int = 8081) -> dict[str, Any]:
    return {"id": id, "name": "users", "address": "127.0.0.1", "port": port}


class Fixed:
    """A provider of two endpoints, which takes registrations."""

    def __init__(self) -> None:
        self.known = {"x": endpoint("x"), "y": endpoint("y")}
        self.asked: list[str] = []

    def list(self) -> Iterable[dict[str, Any]]:
        self.asked.append("list")
        return list(self.known.values())

    def register(self, given: failover.Endpoint) -> None:
        self.asked.append(f"register {given.id}")
        if given.id == "bad":
            raise ValueError("not here")
        self.known[given.id] = endpoint(given.id)

    def deregister(self, id: str) -> None:
        del self.known[id]


def test_a_provider_is_listed_and_takes_registrations() -> None:
    fixed = Fixed()
    with failover.FailoverManager(default_provider="fixed") as manager:
        manager.register_provider("fixed", fixed)
        manager.wait_ready(10)
        assert [one.id for one in manager.list_endpoints()] == ["x", "y"]

        manager.register_endpoint(endpoint("z"))
        manager.deregister_endpoint("x")

        assert set(fixed.known) == {"y", "z"}
        assert [one.id for one in manager.list_endpoints()] == ["y", "z"]
        with pytest.raises(failover.ProviderError, match="ValueError: not here"):
            manager.register_endpoint(endpoint("bad"))
        assert manager.get_provider("fixed")["is_ready"]
        assert manager.list_providers() == ["memory", "fixed"]
        manager.deregister_provider("fixed")
        with pytest.raises(failover.NotFoundError):
            manager.get_provider("fixed")


def test_an_asynchronous_provider_runs_on_the_loop_that_registered_it() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    class Remote:
        async def list(self) -> list[failover.Endpoint]:
            loops.append(asyncio.get_running_loop())
            await asyncio.sleep(0)
            return [failover.Endpoint("r", "users", "127.0.0.1", 80)]

    async def main() -> str:
        async with failover.FailoverManager() as manager:
            manager.register_provider("remote", Remote())
            await manager.wait_ready_async(10)
            assert loops == [asyncio.get_running_loop()]
            return manager.pool("users", provider="remote").select().id

    assert asyncio.run(main()) == "r"
    with failover.FailoverManager() as manager:
        manager.register_provider("remote", Remote())
        manager.wait_ready(10)
    assert len(loops) == 2, "without a loop it has one of the package's"


def test_a_watching_provider_publishes_what_changes() -> None:
    published: list[Callable[[Any], None]] = []
    ended = threading.Event()

    class Watched:
        authoritative = True

        def list(self) -> list[dict[str, Any]]:
            return [endpoint("one")]

        def watch(self, publish: Callable[[Any], None]) -> None:
            published.append(publish)

        def unwatch(self) -> None:
            ended.set()

    with failover.FailoverManager() as manager:
        manager.register_provider("watched", Watched())
        manager.wait_ready(10)
        pool = manager.pool("users", provider="watched")
        assert pool.select().id == "one"

        eventually(lambda: published)
        published[0]([endpoint("two"), endpoint("three", 8082)])

        eventually(lambda: {one.id for one in pool.endpoints()} == {"two", "three"})
        manager.deregister_provider("watched")
        assert ended.wait(10)


def test_a_watch_may_be_an_asynchronous_generator() -> None:
    class Stream:
        def list(self) -> list[dict[str, Any]]:
            return [endpoint("one")]

        async def watch(self) -> Any:
            yield [endpoint("one"), endpoint("two")]
            await asyncio.Event().wait()

    with failover.FailoverManager() as manager:
        manager.register_provider("stream", Stream())
        manager.wait_ready(10)
        pool = manager.pool("users", provider="stream")
        eventually(lambda: [one.id for one in pool.endpoints()] == ["one", "two"])


def test_a_provider_that_fails_leaves_the_last_good_set() -> None:
    class Flaky:
        poll_interval = "10ms"
        asked = 0

        def list(self) -> list[dict[str, Any]]:
            self.asked += 1
            if self.asked > 1:
                raise OSError("gone")
            return [endpoint("one")]

    flaky = Flaky()
    with failover.FailoverManager() as manager:
        manager.register_provider("flaky", flaky)
        manager.wait_ready(10)
        eventually(lambda: flaky.asked > 2)

        assert manager.pool("users", provider="flaky").select().id == "one"
        assert "OSError: gone" in str(manager.get_provider("flaky"))


def test_what_is_no_provider_is_refused() -> None:
    with failover.FailoverManager() as manager:
        with pytest.raises(TypeError, match="list"):
            manager.register_provider("nothing", object())  # type: ignore[arg-type]
        with pytest.raises(failover.ConfigError):
            manager.register_provider("file", {"type": "file"})


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (None, "healthy"),
        (True, "healthy"),
        (False, "unhealthy"),
        (failover.HealthStatus.DEGRADED, "degraded"),
        (("unhealthy", "on fire"), "unhealthy"),
        (OSError("no route"), "unhealthy"),
    ],
)
@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_check_of_the_program_decides(found: Any, status: str, way: str) -> None:
    seen: list[str] = []

    def check(at: failover.Endpoint) -> Any:
        seen.append(at.id)
        if isinstance(found, Exception):
            raise found
        return found

    async def check_async(at: failover.Endpoint) -> Any:
        await asyncio.sleep(0)
        return check(at)

    with failover.FailoverManager(check=check if way == "sync" else check_async) as manager:
        add(manager, "a", health_check={"type": "custom", "interval": "1h"})

        assert manager.health_check("a") == status
        assert manager.health_check_all() == {"a": status}
        assert set(seen) == {"a"}
        assert manager.get_stats()["memory"]["endpoints"]["a"]["active_health"] == status


def test_a_check_that_takes_too_long_is_a_bad_one() -> None:
    release = threading.Event()

    with failover.FailoverManager(check=lambda at: release.wait(20)) as manager:
        add(manager, "a", health_check={"type": "custom", "interval": "1h", "timeout": "50ms"})
        assert manager.health_check("a") is failover.HealthStatus.UNHEALTHY
        release.set()


def test_an_asynchronous_check_on_the_users_loop_doesnt_hold_it_up() -> None:
    async def check(at: failover.Endpoint) -> bool:
        await asyncio.sleep(0.01)
        return True

    async def main() -> None:
        async with failover.FailoverManager(check=check) as manager:
            add(manager, "a", "b", health_check={"type": "custom", "interval": "1h"})
            assert await manager.health_check_async("a") is failover.HealthStatus.HEALTHY
            assert len(await manager.health_check_all_async()) == 2

    asyncio.run(main())


def test_a_strategy_of_the_program_chooses() -> None:
    def last(candidates: Any) -> failover.Endpoint:
        return max(candidates, key=lambda one: one.id)

    async def last_async(candidates: Any) -> str:
        await asyncio.sleep(0)
        return last(candidates).id

    async def get(at: failover.Endpoint) -> str:
        return at.id

    for strategist in (last, last_async):
        with failover.FailoverManager(failover={"strategy": "custom"}, strategist=strategist) as manager:
            add(manager, "a", "b", "c")
            pool = manager.pool("users")
            assert pool.execute(lambda at: at.id).result == "c"
            assert asyncio.run(pool.execute_async(get)).result == "c"
            assert manager.in_flight == 0


def test_without_a_strategist_the_call_says_what_is_missing() -> None:
    with failover.FailoverManager(failover={"strategy": "custom"}) as manager:
        add(manager, "a")
        with pytest.raises(failover.FailoverError, match="needs a function that chooses") as caught:
            manager.execute_with_failover(lambda at: at.id)
        assert caught.value.kind == "invalid_state"

        def broken(candidates: Any) -> Any:
            raise LookupError("none is good enough")

        manager.set_strategist(broken)
        with pytest.raises(LookupError, match="good enough"):
            manager.execute_with_failover(lambda at: at.id)


def test_a_manager_that_is_let_go_of_ends_its_thread() -> None:
    manager = failover.FailoverManager(check=lambda at: True)
    add(manager, "a", health_check={"type": "custom", "interval": "1h"})
    assert manager.health_check("a") is failover.HealthStatus.HEALTHY
    worker = manager._worker
    assert worker is not None and worker._thread is not None
    thread, gone = worker._thread, weakref.ref(manager)
    del manager, worker

    gc.collect()

    assert gone() is None
    eventually(lambda: not thread.is_alive())


def test_a_watch_may_stay_for_as_long_as_it_watches() -> None:
    begun, ended = [], threading.Event()

    class Stays:
        def list(self) -> list[dict[str, Any]]:
            return [endpoint("one")]

        def watch(self, publish: Callable[[Any], None]) -> None:
            begun.append(publish)
            publish([endpoint("one"), endpoint("two")])
            ended.wait(20)

        def unwatch(self) -> None:
            ended.set()

    clock = failover.ManualClock()
    with failover.FailoverManager(clock=clock) as manager:
        manager.register_provider("stays", Stays())
        pool = manager.pool("users", provider="stays")

        def has_two() -> bool:
            # What a watch tells is gathered for a moment.
            clock.advance("100ms")
            return [one.id for one in pool.endpoints()] == ["one", "two"]

        eventually(has_two)
        for _ in range(5):
            clock.advance("1m")
        assert manager.get_provider("stays")["last_error"] is None
        assert len(begun) == 1
    assert ended.wait(10), "the manager is closed"


@pytest.mark.parametrize("way", ["sync", "async", "generator"])
def test_a_watch_that_is_lost_is_begun_again_after_another_listing(way: str) -> None:
    did: list[str] = []

    def so_far() -> list[Any]:
        # Nobody goes: a loss would be verified by another listing.
        return [endpoint(f"number-{at}") for at in range(did.count("list"))]

    class Base:
        poll_interval = "10ms"

        def list(self) -> Any:
            did.append("list")
            return so_far()

    class Sync(Base):
        def watch(self, publish: Any) -> None:
            did.append("watch")
            if did.count("watch") < 3:
                raise OSError("the connection is lost")

    class Async(Base):
        async def watch(self, publish: Any) -> None:
            await asyncio.sleep(0)
            Sync().watch(publish)

    class Generator(Base):
        async def watch(self) -> Any:
            did.append("watch")
            yield [*so_far(), endpoint("told")]
            if did.count("watch") >= 3:
                await asyncio.Event().wait()

    made = {"sync": Sync, "async": Async, "generator": Generator}[way]()
    with failover.FailoverManager() as manager:
        manager.register_provider("lossy", made)
        eventually(lambda: did.count("watch") == 3, within=30)
        assert did[:6] == ["list", "watch"] * 3
        info = manager.get_provider("lossy")
    assert ("the watch ended" if way == "generator" else "the connection is lost") in str(info)


@pytest.mark.parametrize("way", ["close", "deregister"])
def test_an_asynchronous_watch_is_cancelled_when_nobody_watches(way: str) -> None:
    async def main() -> None:
        begun, cancelled, told = asyncio.Event(), asyncio.Event(), asyncio.Event()

        class Stream:
            def list(self) -> list[dict[str, Any]]:
                return [endpoint("one")]

            async def watch(self, publish: Any) -> None:
                begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    cancelled.set()

            async def unwatch(self) -> None:
                told.set()

        async with failover.FailoverManager() as manager:
            manager.register_provider("stream", Stream())
            await begun.wait()
            if way == "close":
                await manager.aclose()
            else:
                manager.deregister_provider("stream")
            await cancelled.wait()
            await told.wait()

    asyncio.run(asyncio.wait_for(main(), 20))


def test_what_is_given_keeps_its_context() -> None:
    trace: contextvars.ContextVar[str] = contextvars.ContextVar("trace", default="nobody's")
    seen: dict[str, str] = {}

    def note(what: str) -> None:
        seen[what] = trace.get()

    class Source:
        def list(self) -> list[dict[str, Any]]:
            note("list")
            return [endpoint("one")]

        async def watch(self, publish: Any) -> None:
            note("watch")
            await asyncio.Event().wait()

    async def check(at: failover.Endpoint) -> bool:
        note("check")
        return True

    def give() -> failover.FailoverManager:
        trace.set("the giver's")
        manager = failover.FailoverManager(check=check, retry_delay=0)
        manager.register_provider("source", Source())
        manager.on_event(lambda event: note("event"), "failover")
        return manager

    with contextvars.Context().run(give) as manager:
        add(manager, "a", "b", health_check={"type": "custom", "interval": "1h"})
        manager.health_check("a")
        pool = manager.pool("users")
        pool.execute(lambda at: at.id == "b" or 1 / 0, endpoint="a")
        eventually(lambda: set(seen) == {"list", "watch", "check", "event"})

    assert set(seen.values()) == {"the giver's"}


def test_pieces_of_work_leave_nothing_behind() -> None:
    async def check(at: failover.Endpoint) -> bool:
        return True

    with failover.FailoverManager(check=check) as manager:
        add(manager, "a", health_check={"type": "custom", "interval": "1h"})
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            for _ in range(300):
                manager.health_check("a")
        finally:
            sys.setswitchinterval(before)
        worker = manager._worker
        assert worker is not None
        eventually(lambda: not worker._running)


def test_a_check_whose_loop_ends_is_answered() -> None:
    begun = threading.Event()

    async def check(at: failover.Endpoint) -> bool:
        begun.set()
        await asyncio.Event().wait()
        return True

    found: list[failover.HealthStatus] = []
    with failover.FailoverManager() as manager:
        health_check = {"type": "custom", "interval": "1h", "timeout": "1m"}
        add(manager, "a", health_check=health_check)

        async def main() -> None:
            manager.set_check(check)
            thread.start()
            await asyncio.to_thread(begun.wait, 10)

        thread = threading.Thread(target=lambda: found.append(manager.health_check("a")))
        asyncio.run(main())
        thread.join(20)

    assert found == [failover.HealthStatus.UNHEALTHY]


def test_a_report_that_is_no_status_is_refused(manager: failover.FailoverManager) -> None:
    assert manager.report_health("a", True) == "healthy"
    with pytest.raises(ValueError):
        manager.report_health("a", "HEALTHY")
    assert manager.get_stats()["memory"]["endpoints"]["a"]["active_health"] == "healthy"


def test_a_strategy_given_to_a_synchronous_call_may_take_its_time() -> None:
    async def slow(candidates: Any) -> str:
        await asyncio.sleep(0.02)
        return candidates[-1].id

    async def main() -> str:
        # On a loop's own thread: the strategy runs elsewhere, so that this ends.
        with failover.FailoverManager(failover={"strategy": "custom"}, strategist=slow) as manager:
            add(manager, "a", "b")
            return manager.execute_with_failover(lambda at: at.id).result

    assert asyncio.run(asyncio.wait_for(main(), 20)) == "b"
