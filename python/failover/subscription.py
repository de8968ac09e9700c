"""Calls a function of the program for every event."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from .events import Event, Events
from .given import Given, spawn_thread

__all__ = ["call_for_each", "restart_in_child"]

#: What runs for which events, to run in a forked child as well.
_RUNNING: dict[Events, Callable[[], None]] = {}


def call_for_each(events: Events, function: Callable[[Event], Any]) -> Callable[[], None]:
    """Calls ``function`` for every event, one after another, in the context that it was given in: on a
    daemon thread, and what it returns to be awaited on its loop. Returns what ends that."""
    given = Given(function)

    async def wait(result: Awaitable[Any]) -> None:
        await result

    def tell(event: Event) -> None:
        try:
            result = given.call(event)
            if inspect.isawaitable(result):
                given.spawn(wait(result)).result()
        except Exception:
            logging.getLogger("failover").exception("on_event: the function failed")

    def run() -> None:
        try:
            for event in events:
                tell(event)
        finally:
            _RUNNING.pop(events, None)

    _RUNNING[events] = run
    spawn_thread(run)
    return events.close


def restart_in_child() -> None:
    """Starts the threads again in a forked child, for what happens there."""
    for events, run in list(_RUNNING.items()):
        # What waits was told in the parent.
        while events.poll():
            pass
        spawn_thread(run)
