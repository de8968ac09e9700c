"""Calls a function of the program for every event."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from .events import Event, Events
from .given import Given, spawn_thread

__all__ = ["call_for_each"]


def call_for_each(events: Events, function: Callable[[Event], Any]) -> Callable[[], None]:
    """Calls ``function`` for every event, one after another, in the context that it was given in: on a
    daemon thread, and what it returns to be awaited on its loop. Returns what ends that."""
    given = Given(function)

    async def wait(result: Awaitable[Any]) -> None:
        await result

    def run() -> None:
        for event in events:
            try:
                result = given.call(event)
                if inspect.isawaitable(result):
                    given.spawn(wait(result)).result()
            except Exception:
                logging.getLogger("failover").exception("on_event: the function failed")

    spawn_thread(run)
    return events.close
