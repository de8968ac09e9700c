"""Does the engine's work for the program: its health checks, and its own providers.

The engine's thread never enters Python. It puts its questions into a queue, which a daemon thread of
Python's own empties. A synchronous function runs on a thread of its own, so that a slow one holds up
no other; an asynchronous one runs on a loop (:mod:`failover.given`).
"""

from __future__ import annotations

import concurrent.futures
import inspect
import json
import logging
import threading
import weakref
from collections.abc import Awaitable, Callable
from typing import Any, Optional

from . import _failover
from .document import plain
from .endpoint import Endpoint, from_document
from .given import Given, forget_own_loop, spawn_thread
from .provider import grade_of

__all__ = ["Worker"]

_WORKERS: weakref.WeakSet[Worker] = weakref.WeakSet()


class Watch:
    """A watch that runs: how it ends, and its future if it has one."""

    def __init__(self, unwatch: Optional[Given]) -> None:
        self._unwatch = unwatch
        self._future: Optional[concurrent.futures.Future[None]] = None
        self._is_over = False

    def runs_as(self, future: concurrent.futures.Future[None]) -> None:
        """Takes what is to be cancelled at the end, which may have come already."""
        self._future = future
        if self._is_over:
            future.cancel()

    def end(self) -> None:
        """Tells the program that nobody watches any more."""
        self._is_over = True
        if self._future is not None:
            self._future.cancel()
        unwatch = self._unwatch
        if unwatch is not None:
            spawn_thread(lambda: _tell(unwatch))


class Worker:
    """Empties the queue of one manager's work."""

    def __init__(self, engine: _failover.Manager) -> None:
        self._queue = engine.work()
        self._check: Optional[Given] = None
        self._providers: dict[str, dict[str, Given]] = {}
        self._publish: dict[str, Callable[[Any], None]] = {}
        self._asked: dict[str, str] = {}
        self._count = 0
        self._running: dict[int, concurrent.futures.Future[None]] = {}
        self._watches: dict[int, Watch] = {}
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
        """Forgets a provider; a watch of it ends when the engine cancels it."""
        asked = self._asked.pop(name, "")
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

    def end(self) -> None:
        """Cancels what runs, since the manager is closed."""
        for token in [*self._running, *self._watches]:
            self._cancel(token)

    def begin(self, item: _failover.WorkItem) -> None:
        """Begins a piece of work; whatever goes wrong is its answer."""
        try:
            if item.kind == "cancel":
                self._cancel(item.token)
            elif item.kind == "watch":
                self._watch(item)
            else:
                self._ask(item)
        except Exception as error:
            item.fail(_reason(error))

    def _cancel(self, token: int) -> None:
        running = self._running.pop(token, None)
        if running is not None:
            running.cancel()
        watch = self._watches.pop(token, None)
        if watch is not None:
            watch.end()

    def _ask(self, item: _failover.WorkItem) -> None:
        given, args, answer = self._find(item)
        if given is None:
            item.complete()
        elif given.is_async:
            self._run_async(item, given, given.call(*args), answer)
        else:
            spawn_thread(lambda: self._run(item, given, args, answer))

    def _find(
        self, item: _failover.WorkItem
    ) -> tuple[Optional[Given], tuple[Any, ...], Callable[[Any], str]]:
        if item.kind == "health_check":
            if self._check is None:
                raise LookupError("no check of the program is set")
            return self._check, (from_document(item.payload),), _found
        given = self._providers.get(item.provider, {}).get(item.kind)
        if given is None and item.kind != "ping":
            raise LookupError(f"the provider has no function `{item.kind}`")
        if item.kind == "list":
            return given, (), _listed
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
        except BaseException as error:
            item.fail(_reason(error))

    def _run_async(
        self,
        item: _failover.WorkItem,
        given: Given,
        result: Awaitable[Any],
        answer: Callable[[Any], str],
    ) -> None:
        async def finish() -> None:
            try:
                item.complete(answer(await result))
            except BaseException as error:
                item.fail(_reason(error))
                if not isinstance(error, Exception):
                    raise

        token = item.token
        running = self._running[token] = given.spawn(finish())
        # Not within the coroutine, which may end before it is noted here.
        running.add_done_callback(lambda _: self._running.pop(token, None))

    def _watch(self, item: _failover.WorkItem) -> None:
        verbs = self._providers.get(item.provider, {})
        given = verbs["watch"]
        publish = self._publish[item.provider]
        watch = self._watches[item.token] = Watch(verbs.get("unwatch"))
        is_generator = inspect.isasyncgenfunction(given.function)

        def begin() -> None:
            try:
                result = given.call() if is_generator else given.call(publish)
                if hasattr(result, "__aiter__") or inspect.isawaitable(result):
                    watch.runs_as(given.spawn(self._follow(item, result, publish)))
            except BaseException as error:
                self._lose(item, _reason(error))

        # A plain function may stay for as long as it watches.
        if given.is_async:
            begin()
        else:
            spawn_thread(begin)

    async def _follow(
        self, item: _failover.WorkItem, result: Any, publish: Callable[[Any], None]
    ) -> None:
        try:
            if not hasattr(result, "__aiter__"):
                await result
                return
            async for endpoints in result:
                publish(endpoints)
            self._lose(item, "the watch ended")
        except BaseException as error:
            self._lose(item, _reason(error))
            if not isinstance(error, Exception):
                raise

    def _lose(self, item: _failover.WorkItem, reason: str) -> None:
        self._watches.pop(item.token, None)
        item.fail(reason)


def _tell(given: Given) -> None:
    async def wait(result: Awaitable[Any]) -> None:
        await result

    try:
        result = given.call()
        if inspect.isawaitable(result):
            given.spawn(wait(result)).result()
    except Exception:
        logging.getLogger("failover").exception("unwatch: the function failed")


def _serve(queue: _failover.WorkQueue, worker: weakref.ref[Worker]) -> None:
    while True:
        item = queue.take(1.0)
        alive = worker()
        if item is not None and alive is not None:
            alive.begin(item)
        elif item is not None:
            item.fail("the manager is gone")
        elif alive is not None and queue.is_closed:
            alive.end()
        if alive is None or (item is None and queue.is_closed):
            return
        del alive, item


def _found(result: Any) -> str:
    """What a check's return value says: nothing and True are good."""
    reason = None
    if isinstance(result, tuple):
        result, reason = result
    return json.dumps({"grade": grade_of(result), "reason": reason or "the program says so"})


def _listed(result: Any) -> str:
    return json.dumps([plain(one) for one in (result if isinstance(result, (list, tuple)) else list(result))])


def _nothing(_result: Any) -> str:
    return "null"


def _reason(error: BaseException) -> str:
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return text[:200]


def queues() -> list[_failover.WorkQueue]:
    """The queues that threads of this process wait at."""
    return [worker._queue for worker in list(_WORKERS)]


def restart_in_child() -> None:
    """Starts the workers again in a forked child."""
    forget_own_loop()
    for worker in list(_WORKERS):
        worker.restart()

