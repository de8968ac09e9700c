"""Runs a verb that blocks beside an event loop, on a daemon thread of its own.

Not in the loop's executor: who gives up waiting is free at once, while the loop's end waits for whatever
runs there.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any, Optional, TypeVar

__all__ = ["beside"]

T = TypeVar("T")


async def beside(function: Callable[[], T]) -> T:
    """Runs ``function`` in a copy of this context, and waits for it on the loop."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: Any, error: Optional[BaseException]) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = context.run(function)
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:
            # The loop has ended, and nobody waits any more.
            pass
        finally:
            # Its traceback holds this frame.
            del error

    threading.Thread(target=run, name="failover-beside", daemon=True).start()
    return await future
