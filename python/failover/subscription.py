"""Calls a function of the program for every event."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from .events import Event, Events

__all__ = ["call_for_each"]


def call_for_each(events: Events, function: Callable[[Event], Any]) -> Callable[[], None]:
    """Calls ``function`` for every event, on a daemon thread; returns what ends that."""

    def run() -> None:
        for event in events:
            try:
                function(event)
            except Exception:
                logging.getLogger("failover").exception("on_event: the function failed")

    threading.Thread(target=run, name="failover-events", daemon=True).start()
    return events.close
