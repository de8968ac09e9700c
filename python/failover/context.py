"""What a function that runs within a call can ask: its attempt, and how long that may take."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Optional

__all__ = ["Attempt", "current_attempt"]

#: What the context says: None outside of every call's function, True inside of a synchronous one, the
#: call inside of an asynchronous one.
ATTEMPT: ContextVar[Any] = ContextVar("failover_attempt", default=None)


@dataclass(frozen=True)
class Attempt:
    """The attempt that runs here."""

    #: Its number in its call, from 1.
    number: int
    #: Seconds that it was given when it began.
    timeout: float


def current_attempt() -> Optional[Attempt]:
    """The attempt that runs here; None outside of every call's function."""
    from . import _failover

    told = _failover.current_attempt()
    return None if told is None else Attempt(*told)
