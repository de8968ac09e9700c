"""Does the engine's work for the program: its health checks, and its own providers.

The engine's thread never enters Python. It puts its questions into a queue, which a daemon thread of
Python's own empties. A synchronous function runs on a thread of its own, so that a slow one holds up
no other; an asynchronous one runs on the loop that ran when it was given, or on a loop of this module.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import threading
import weakref
from collections.abc import Callable
from typing import Any, Optional

from . import _failover
from .document import plain
from .endpoint import Endpoint, from_document
from .names import HealthStatus

__all__ = ["Worker"]

_WORKERS: weakref.WeakSet[Worker] = weakref.WeakSet()


class Given:
    """A function of the program with the context and the loop that it was given in."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._context = contextvars.copy_context()
        try:
            self._loop: Optional[asyncio.AbstractEventLoop] = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function)

    def call(self, *args: Any) -> Any:
        """Calls it in its context."""
        return self._context.copy().run(self.function, *args)

    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop for what it returns."""
        if self._loop is not None and self._loop.is_running():
            return self._loop
        return own_loop()


class Worker:
    """Empties the queue of one manager's work."""

    def __init__(self, engine: _failover.Manager) -> None:
        self._queue = engine.work()
        self._check: Optional[Given] = None
        self._providers: dict[str, dict[str, Given]] = {}
        self._publish: dict[str, Callable[[Any], None]] = {}
        self._asked: dict[str, str] = {}
        self._count = 0
        self._running: dict[int, Any] = {}
        self._watches: dict[str, Any] = {}
        self._thread: Optional[threading.Thread] = None

    def set_check(self, check: Callable[[Endpoint], Any]) -> None:
        """Takes the program's own health check."""
        self._check = Given(check)
        self.start()

    def add_provider(
        self, name: str, verbs: dict[str, Callable[..., Any]], publish: Callable[[Any], None]
    ) -> str:
        """Takes a provider's functions; returns the name that it is asked under, which no other has."""
        self._count += 1
        asked = f"{name}/{self._count}"
        self._providers[asked] = {verb: Given(function) for verb, function in verbs.items()}
        self._publish[asked] = publish
        self._asked[name] = asked
        self.start()
        return asked

    def remove_provider(self, name: str) -> None:
        """Forgets a provider; one that watches is still told that nobody watches any more."""
        asked = self._asked.pop(name, "")
        if "watch" not in self._providers.get(asked, {}):
            self._forget(asked)

    def _forget(self, asked: str) -> None:
        self._providers.pop(asked, None)
        self._publish.pop(asked, None)

    def start(self) -> None:
        """Starts the thread, if it doesn't run yet in this process."""
        if self._thread is not None and self._thread.is_alive():
            return
        _WORKERS.add(self)
        self._thread = threading.Thread(
            target=_serve, args=(self._queue, weakref.ref(self)), name="failover-work", daemon=True
        )
        self._thread.start()

    def restart(self) -> None:
        """Starts again in a forked child, which has no threads but one."""
        self._running.clear()
        self._watches.clear()
        if self._thread is not None and not self._queue.is_closed:
            self._thread = None
            self.start()

    def begin(self, item: _failover.WorkItem) -> None:
        """Begins a piece of work; whatever goes wrong is its answer."""
        if item.kind == "cancel":
            running = self._running.pop(item.token, None)
            if running is not None:
                running.cancel()
            return
        try:
            given, args, answer = self._find(item)
            if given is None:
                item.complete()
            elif given.is_async:
                self._run_async(item, given, given.call(*args), answer)
            else:
                work = (item, given, args, answer)
                threading.Thread(
                    target=self._run, args=work, name="failover-call", daemon=True
                ).start()
        except Exception as error:
            item.fail(_reason(error))

    def _find(self, item: _failover.WorkItem) -> tuple[Any, tuple[Any, ...], Callable[[Any], str]]:
        if item.kind == "health_check":
            if self._check is None:
                raise LookupError("no check of the program is set")
            return self._check, (from_document(item.payload),), _found
        verbs = self._providers.get(item.provider, {})
        given = verbs.get(item.kind)
        if item.kind == "list":
            return given, (), _listed
        if item.kind == "watch":
            return Given(lambda: self._watch(item.provider, verbs["watch"])), (), _nothing
        if item.kind == "unwatch":
            self._unwatch(item.provider)
            if item.provider not in self._asked.values():
                self._forget(item.provider)
            return given, (), _nothing
        if given is None and item.kind not in ("ping", "unwatch"):
            raise LookupError(f"the provider has no function `{item.kind}`")
        if item.kind in ("register", "update"):
            return given, (from_document(item.payload),), _nothing
        if item.kind == "deregister":
            return given, (item.payload,), _nothing
        return given, (), _nothing

    def _run(
        self,
        item: _failover.WorkItem,
        given: Given,
        args: tuple[Any, ...],
        answer: Callable[[Any], str],
    ) -> None:
        try:
            result = given.call(*args)
            if inspect.isawaitable(result):
                self._run_async(item, given, result, answer)
            else:
                item.complete(answer(result))
        except Exception as error:
            item.fail(_reason(error))

    def _run_async(
        self, item: _failover.WorkItem, given: Given, result: Any, answer: Callable[[Any], str]
    ) -> None:
        async def finish() -> None:
            try:
                item.complete(answer(await result))
            except Exception as error:
                item.fail(_reason(error))
            finally:
                self._running.pop(item.token, None)

        self._running[item.token] = asyncio.run_coroutine_threadsafe(finish(), given.loop())

    def _watch(self, name: str, given: Given) -> None:
        publish = self._publish[name]
        function = given.function
        if inspect.isasyncgenfunction(function):

            async def follow() -> None:
                async for endpoints in function():
                    publish(endpoints)

            self._watches[name] = asyncio.run_coroutine_threadsafe(follow(), given.loop())
            return
        result = given.call(publish)
        if inspect.isawaitable(result):

            async def wait() -> None:
                await result

            self._watches[name] = asyncio.run_coroutine_threadsafe(wait(), given.loop())

    def _unwatch(self, name: str) -> None:
        watch = self._watches.pop(name, None)
        if watch is not None:
            watch.cancel()


def _serve(queue: _failover.WorkQueue, worker: weakref.ref[Worker]) -> None:
    while True:
        item = queue.take(1.0)
        if item is None:
            if queue.is_closed or worker() is None:
                return
            continue
        alive = worker()
        if alive is None:
            item.fail("the manager is gone")
            return
        alive.begin(item)
        del alive, item


def _found(result: Any) -> str:
    """What a check's return value says: nothing and True are good."""
    reason = None
    if isinstance(result, tuple):
        result, reason = result
    if result is None or result is True:
        grade = "good"
    elif result is False:
        grade = "bad"
    else:
        grade = {"healthy": "good", "degraded": "degraded"}.get(str(HealthStatus(result)), "bad")
    return json.dumps({"grade": grade, "reason": reason or "the program says so"})


def _listed(result: Any) -> str:
    return json.dumps([plain(one) for one in (result if isinstance(result, (list, tuple)) else list(result))])


def _nothing(_result: Any) -> str:
    return "null"


def _reason(error: BaseException) -> str:
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return text[:200]


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


def queues() -> list[_failover.WorkQueue]:
    """The queues that threads of this process wait at."""
    return [worker._queue for worker in list(_WORKERS)]


def restart_in_child() -> None:
    """Starts the workers again in a forked child."""
    _OwnLoop.lock = threading.Lock()
    _OwnLoop.loop = None
    for worker in list(_WORKERS):
        worker.restart()

