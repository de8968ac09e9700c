"""Runs a call on the caller's own event loop: the coroutine, the waits, the deadlines.

A loop around the machine and nothing more. No loop is captured and no thread is woken: a call that
ends without suspending never meets the loop, and the timer for an attempt's deadline is set when its
coroutine suspends for the first time.
"""

from __future__ import annotations

import asyncio
import sys
import types
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, Optional

from . import _failover
from .context import ATTEMPT
from .endpoint import Endpoint

if TYPE_CHECKING:
    from .pool import Pool

__all__ = ["go_on"]


async def go_on(
    pool: Pool, function: Callable[[Endpoint], Awaitable[Any]], call: _failover.Call
) -> _failover.FailoverResult[Any]:
    """Goes on with a call that wasn't done at once, until it succeeds or ends."""
    suspended = call.resume()
    # What is handled around the call led to nothing in it.
    handled = id(sys.exc_info()[1])
    action: str = call.action
    while True:
        if action == "attempt":
            outer = ATTEMPT.get()
            ATTEMPT.set(call)
            try:
                if suspended is None:
                    value = await _attempt(call, function)
                else:
                    value = await _drive(call, *suspended)
            except _TimeIsOver:
                # The machine knows: it is the one who said so.
                action = call.action
            except BaseException as error:
                action = call.failed(error, handled)
                if not isinstance(error, Exception):
                    # Cancelled or interrupted: the attempt is returned, and that is all.
                    raise
            else:
                return call.succeed(value)
            finally:
                suspended = None
                ATTEMPT.set(outer)
        elif action == "wait":
            action = await _wait(call)
        elif action == "abandon":
            action = call.next()
        elif action == "choose":
            action = await _choose(call, pool)
        else:
            call.conclude()


class _TimeIsOver(BaseException):
    """The attempt's time is over, and its coroutine has ended."""


async def _wait(call: _failover.Call) -> str:
    try:
        while True:
            await asyncio.sleep(call.pause())
            if call.pause() <= 0.0:
                action = call.tick()
                if action != "wait":
                    return action
    except BaseException:
        call.cancel()
        raise


async def _choose(call: _failover.Call, pool: Pool) -> str:
    try:
        chosen = pool.choose(call.candidates(), is_async=True)
        if hasattr(chosen, "__await__"):
            chosen = await chosen
        return call.choose(chosen)
    except BaseException:
        call.cancel()
        raise


@types.coroutine
def _attempt(
    call: _failover.Call, function: Callable[[Endpoint], Awaitable[Any]]
) -> Generator[Any, Any, Any]:
    """Drives the function's coroutine by hand, so that its first suspension is seen."""
    assert call.endpoint is not None, "an attempt has an endpoint"
    coroutine: Any = function(call.endpoint)
    if not hasattr(coroutine, "send"):
        coroutine = awaiting(coroutine)
    try:
        waited_for = coroutine.send(None)
    except StopIteration as end:
        return end.value
    return (yield from _drive(call, coroutine, waited_for))


@types.coroutine
def _drive(call: _failover.Call, coroutine: Any, waited_for: Any) -> Generator[Any, Any, Any]:
    """Drives a coroutine on that has suspended, for as long as its attempt may take."""
    timer = _Timer(call)
    try:
        while True:
            try:
                sent = yield waited_for
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as thrown:
                timer.hear(thrown)
                waited_for = coroutine.throw(thrown)
            else:
                waited_for = coroutine.send(sent)
    except StopIteration as end:
        timer.stop(None)
        return end.value
    except BaseException as error:
        timer.stop(error)
        raise


async def awaiting(awaitable: Awaitable[Any]) -> Any:
    """A coroutine of something else that can be awaited."""
    return await awaitable


class _Timer:
    """Ends an attempt whose time is over, by cancelling its task for a moment."""

    __slots__ = ("_call", "_cancelling", "_handle", "_has_fired", "_heard", "_loop", "_task")

    def __init__(self, call: _failover.Call) -> None:
        self._has_fired = False
        self._heard = 0
        self._handle: Optional[asyncio.TimerHandle] = None
        try:
            self._loop = asyncio.get_running_loop()
            task = asyncio.current_task()
        except RuntimeError:
            # Driven by something else than asyncio, which has to keep the time itself.
            return
        if task is None:
            return
        self._call = call
        self._task = task
        # Before 3.11 a task doesn't count who wants it cancelled.
        self._cancelling = task.cancelling() if hasattr(task, "cancelling") else 0
        self._handle = self._loop.call_later(call.pause(), self._look)

    def _look(self) -> None:
        pause = self._call.pause()
        if pause > 0.0 or self._call.tick() != "abandon":
            self._handle = self._loop.call_later(max(pause, 0.001), self._look)
            return
        self._has_fired = True
        self._task.cancel()

    def hear(self, thrown: BaseException) -> None:
        """Counts what cancels the task once this timer has."""
        self._heard += self._has_fired and isinstance(thrown, asyncio.CancelledError)

    def stop(self, error: Optional[BaseException]) -> None:
        """Ends the timer; raises if it was what ended the attempt."""
        if not self._has_fired:
            if self._handle is not None:
                self._handle.cancel()
            return
        if hasattr(self._task, "uncancel"):
            wanted_by_others = self._task.uncancel() > self._cancelling
        else:
            # One of them was this timer's own.
            wanted_by_others = self._heard > 1
        is_other = error is not None and not isinstance(error, (Exception, asyncio.CancelledError))
        if not wanted_by_others and not is_other:
            raise _TimeIsOver from None
