"""Ctrl-C ends whatever blocks, and a second thread goes on meanwhile."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import failover

from conftest import add, eventually

WAITS = failover.FailoverConfig(retry_delay=20, max_retry_delay=20, backoff="fixed")


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def fails(endpoint: failover.Endpoint) -> None:
    raise OSError("reset")


def blocking(manager: failover.FailoverManager, silent: int) -> dict[str, Callable[[], Any]]:
    """Every verb that blocks, blocking for longer than any test."""
    add(manager, "a", "b")
    lease = manager.pool("users").lease(endpoint="a")
    manager.register_endpoint(
        id="mute",
        name="mute",
        address="127.0.0.1",
        port=silent,
        health_check={"type": "http", "timeout": 20, "interval": "1h"},
    )

    class Slow:
        def list(self) -> list[Any]:
            time.sleep(1)
            raise OSError("not there")

        def register(self, endpoint: failover.Endpoint) -> None:
            time.sleep(1)
            raise OSError("not there")

        def update(self, endpoint: failover.Endpoint) -> None:
            self.register(endpoint)

        def deregister(self, id: str) -> None:
            time.sleep(1)
            raise OSError("not there")

    async def think(candidates: Any) -> None:
        await asyncio.sleep(20)

    manager.set_strategist(think)
    manager.register_provider("slow", Slow())
    manager.register_provider("kept", Slow())
    manager.publish([{"id": "n", "name": "n", "address": "127.0.0.1", "port": 1}], provider="kept")
    chosen = manager.pool("users", config={"strategy": "custom"})
    events = manager.events("recovery")
    pool = manager.pool("users", config=WAITS)
    return {
        "execute": lambda: pool.execute(fails),
        "execute, a strategy": lambda: chosen.execute(fails),
        "health_check": lambda: manager.health_check("mute"),
        "health_check_all": manager.health_check_all,
        "wait_ready": lambda: manager.wait_ready(20),
        "wait_drained": lambda: manager.wait_drained("a", 20),
        "events": lambda: next(events),
        "poll": lambda: events.poll(20),
        "register_endpoint": lambda: manager.register_endpoint(
            {"id": "n", "name": "n", "address": "127.0.0.1", "port": 1}, provider="slow"
        ),
        "update_endpoint": lambda: manager.update_endpoint(
            {"id": "n", "name": "n", "address": "127.0.0.1", "port": 1}, provider="kept"
        ),
        "deregister_endpoint": lambda: manager.deregister_endpoint("n", provider="kept"),
        "close": lambda: (manager.close(20), lease),
    }


VERBS = [
    "execute",
    "execute, a strategy",
    "health_check",
    "health_check_all",
    "wait_ready",
    "wait_drained",
    "events",
    "poll",
    "register_endpoint",
    "update_endpoint",
    "deregister_endpoint",
    "close",
]


@pytest.mark.parametrize("verb", VERBS)
def test_ctrl_c_ends_it_and_another_thread_goes_on(verb: str, silent: int) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupted

    manager = failover.FailoverManager()
    block = blocking(manager, silent)
    assert set(block) == set(VERBS)
    before = signal.signal(signal.SIGUSR1, interrupt)
    main, counted = threading.get_ident(), [0]

    def count_and_interrupt() -> None:
        # Bytecode that runs while the main thread is inside the verb.
        deadline = time.monotonic() + 0.15
        while time.monotonic() < deadline:
            counted[0] += 1
        signal.pthread_kill(main, signal.SIGUSR1)

    other = threading.Thread(target=count_and_interrupt)
    began = time.monotonic()
    try:
        other.start()
        with pytest.raises(Interrupted):
            block[verb]()
    finally:
        other.join()
        signal.signal(signal.SIGUSR1, before)
        failover_ended = time.monotonic() - began
    assert failover_ended < 5, "it would have blocked for far longer"
    assert counted[0] > 1000, "the other thread went on"
    if verb.startswith("execute"):
        assert manager.in_flight == 1, "the lease alone"
    if not manager.is_closed:
        with pytest.raises(failover.BusyError):
            manager.close(0)
    eventually(lambda: manager.is_closed)


def test_a_closed_manager_ends_a_wait() -> None:
    manager = failover.FailoverManager(WAITS)
    add(manager, "a", "b")
    raised: list[BaseException] = []

    def call() -> None:
        try:
            manager.execute_with_failover(fails)
        except OSError as error:
            raised.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    eventually(lambda: manager.get_events() and manager.get_events()[0].type == "retry")
    manager.close()
    thread.join(10)

    assert isinstance(raised[0].failover_error, failover.ClosedError)  # type: ignore[attr-defined]
    with pytest.raises(failover.ClosedError):
        manager.pool("users")
