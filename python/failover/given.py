"""A function that the program gave away, to be called later: with the context and the loop of that moment.

An asynchronous one runs on the loop that ran when it was given, or on a loop of this module.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import inspect
import os
import threading
from collections.abc import Callable
from typing import Any, Optional

__all__ = ["Given", "forget_own_loop", "own_loop", "spawn_thread"]


class Given:
    """A function of the program with the context and the loop that it was given in."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._context = contextvars.copy_context()
        self._process = os.getpid()
        try:
            self._loop: Optional[asyncio.AbstractEventLoop] = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    @property
    def is_async(self) -> bool:
        """True for what does its work on a loop, and returns at once."""
        return inspect.iscoroutinefunction(self.function) or inspect.isasyncgenfunction(self.function)

    def call(self, *args: Any) -> Any:
        """Calls it in its context."""
        return self._context.copy().run(self.function, *args)

    def spawn(self, coroutine: Any) -> concurrent.futures.Future[None]:
        """Runs a coroutine in its context, on the loop for what it returns."""
        context = self._context.copy()
        return context.run(asyncio.run_coroutine_threadsafe, coroutine, self._its_loop())

    def _its_loop(self) -> asyncio.AbstractEventLoop:
        # In a forked child the parent's loop says that it runs, and does not.
        if self._loop is not None and self._process == os.getpid() and self._loop.is_running():
            return self._loop
        return own_loop()


def spawn_thread(work: Callable[[], None]) -> None:
    """Has work done on a daemon thread of its own."""
    threading.Thread(target=work, name="failover-call", daemon=True).start()


class _OwnLoop:
    """A loop on a daemon thread, for asynchronous functions that came without one."""

    lock = threading.Lock()
    loop: Optional[asyncio.AbstractEventLoop] = None


def own_loop() -> asyncio.AbstractEventLoop:
    """The loop for asynchronous functions that came without one."""
    with _OwnLoop.lock:
        if _OwnLoop.loop is None:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="failover-loop", daemon=True).start()
            _OwnLoop.loop = loop
        return _OwnLoop.loop


def forget_own_loop() -> None:
    """Forgets the loop in a forked child, where its thread isn't."""
    _OwnLoop.lock = threading.Lock()
    _OwnLoop.loop = None
