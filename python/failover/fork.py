"""Life after ``os.fork``, and before the interpreter's end.

A child goes on with the same endpoints and background work of its own: the engine's hooks are in the
extension, and what is left to do is to start Python's threads again. At the end every wait is ended, so
that no thread is killed in the middle of one.
"""

from __future__ import annotations

import atexit
import os

from . import _failover, subscription, worker

__all__: list[str] = []


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=worker.restart_in_child)
    os.register_at_fork(after_in_child=subscription.restart_in_child)


@atexit.register
def _leave() -> None:
    _failover.leave(worker.queues())
