"""What happened, as it happens: an iterator, an asynchronous iterator, or calls of a function."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Optional

from . import _failover
from .names import EventKind

__all__ = ["Event", "Events"]


@dataclass(frozen=True)
class Event:
    """One event."""

    #: Its number in the manager, from 1, without gaps.
    sequence: int
    #: Wall time in nanoseconds since 1970.
    time_ns: int
    #: What happened.
    type: EventKind
    #: The pool it happened in, ``provider/service``; empty where none is concerned.
    pool: str
    #: The id of the endpoint it happened to.
    endpoint: Optional[str]
    #: Why.
    reason: str

    @property
    def time(self) -> datetime:
        """When it happened."""
        return datetime.fromtimestamp(self.time_ns / 1e9, tz=timezone.utc)


def from_document(document: dict[str, Any]) -> Event:
    """Makes the event that the engine describes."""
    return Event(
        document["sequence"],
        document["time_ns"],
        EventKind(document["type"]),
        document["pool"],
        document["endpoint"],
        document["reason"],
    )


class Events:
    """Events from the moment it was made, each once. Ends when the manager is closed.

    ``for event in events`` waits on the calling thread, ``async for event in events`` on its loop. A
    reader that is slow loses the oldest: ``dropped`` counts them.
    """

    def __init__(self, queue: _failover.EventQueue) -> None:
        self._queue = queue
        self._read: list[Event] = []
        self._is_closed = False

    @property
    def dropped(self) -> int:
        """How many events were dropped because nobody read them."""
        return self._queue.dropped

    def close(self) -> None:
        """Ends the iteration."""
        self._is_closed = True
        self._queue.ring()

    def poll(self, timeout: float = 0.0) -> list[Event]:
        """The events that wait, after waiting up to ``timeout`` seconds for the first."""
        waiting, self._read = self._read, []
        if waiting:
            return waiting
        return [from_document(one) for one in self._queue.poll(_MOST, timeout) or ()]

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        while not self._read:
            if not self._fill(_SLICE):
                raise StopIteration
        return self._read.pop(0)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._read:
            # First quiet, then the look: what comes after it rings again.
            descriptor = self._queue.descriptor()
            self._queue.quiet()
            if not self._fill(0.0):
                raise StopAsyncIteration
            if not self._read:
                await _readable(descriptor)
        return self._read.pop(0)

    def _fill(self, timeout: float) -> bool:
        """False at the end."""
        if self._is_closed:
            return False
        found = self._queue.poll(_MOST, timeout)
        if found is None:
            return False
        self._read = [from_document(one) for one in found]
        return True


async def _readable(descriptor: int) -> None:
    """Waits on the loop until a descriptor is readable."""
    loop = asyncio.get_running_loop()
    heard = asyncio.Event()
    try:
        loop.add_reader(descriptor, heard.set)
    except NotImplementedError:
        # A loop that knows no descriptors looks now and then.
        await asyncio.sleep(0.02)
        return
    try:
        await heard.wait()
    finally:
        loop.remove_reader(descriptor)


#: Events that are read at once.
_MOST = 64

#: Seconds after which a reader looks whether it was closed.
_SLICE = 0.5
