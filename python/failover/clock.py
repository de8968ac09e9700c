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
            self._now_ns = max(self._now_ns, engine.now_ns)

    @property
    def now(self) -> float:
        """Seconds that it was moved since its first manager was made."""
        for engine in list(self._engines):
            self._now_ns = max(self._now_ns, engine.now_ns)
        return self._now_ns / 1e9

    def _serve(self, engine: _failover.Manager) -> None:
        if self.now > 0:
            engine.advance(f"{self._now_ns}ns")
        self._engines.add(engine)
