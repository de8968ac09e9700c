"""A clock that a test moves by hand."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from .document import Duration

if TYPE_CHECKING:
    from . import _failover

__all__ = ["ManualClock"]


class ManualClock:
    """A clock that stands at 0 until :meth:`advance` moves it: nothing sleeps on it.

    ``FailoverManager(clock=ManualClock(), seed=1)`` gives the same picks for the same inputs. With
    ``auto_advance`` whoever waits moves it himself, so that a test with one thread doesn't hang.
    """

    def __init__(self, auto_advance: bool = False) -> None:
        self.auto_advance = auto_advance
        self._engines: weakref.WeakSet[_failover.Manager] = weakref.WeakSet()
        self._now_ns = 0

    def advance(self, by: Duration) -> None:
        """Moves the clock forward, for every manager that goes by it."""
        for engine in list(self._engines):
            engine.advance(by)

    @property
    def now(self) -> float:
        """Seconds since the clock was made."""
        return max((engine.now_ns for engine in self._engines), default=0) / 1e9

    def _serve(self, engine: _failover.Manager) -> None:
        self._engines.add(engine)
