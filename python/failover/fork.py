"""Life after ``os.fork``, and before the interpreter's end.

A child goes on with the same endpoints and starts background work of its own. At the end every wait is
ended, so that no thread is killed in the middle of one.
"""

from __future__ import annotations

import atexit
import os

from . import _failover, worker

__all__: list[str] = []


def _in_child() -> None:
    _failover.after_fork_child()
    worker.restart_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_failover.before_fork,
        after_in_parent=_failover.after_fork_parent,
        after_in_child=_in_child,
    )
atexit.register(_failover.leave)
