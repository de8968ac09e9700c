"""What the tests share: managers that are closed, and a way to wait for something without sleeping blindly."""

from __future__ import annotations

import faulthandler
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import failover


@pytest.fixture(autouse=True)
def nothing_hangs() -> Iterator[None]:
    """Ends the whole run with everybody's stack if a test takes far too long."""
    faulthandler.dump_traceback_later(300, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def manager() -> Iterator[failover.FailoverManager]:
    """A manager of three endpoints of one service, whose retries don't wait."""
    with failover.FailoverManager(seed=1, retry_delay=0) as made:
        add(made, "a", "b", "c")
        yield made


@pytest.fixture
def pool(manager: failover.FailoverManager) -> failover.Pool:
    """The pool of that service."""
    return manager.pool("users")


def add(manager: failover.FailoverManager, *ids: str, **fields: Any) -> None:
    """Registers endpoints of the service `users`."""
    for port, id in enumerate(ids, 8081):
        given = {"name": "users", "address": "127.0.0.1", "port": port, **fields}
        manager.register_endpoint(id=id, **given)


def eventually(holds: Callable[[], Any], within: float = 10.0) -> Any:
    """Waits until something holds, and returns what it gave."""
    deadline = time.monotonic() + within
    tick = threading.Event()
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < deadline, "it never came to hold"
        tick.wait(0.005)
