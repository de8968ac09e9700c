"""Options as documents of the engine: dataclasses, mappings and durations become JSON.

Nothing is checked here: the engine reads a document and reports every fault at once, each with its
dotted path. Only what JSON has no form for is written out: durations, and enumerations' names.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, Union

__all__ = ["Duration", "duration_text", "plain", "text_of"]

#: Seconds, a ``timedelta``, or text with a unit: ``0.25``, ``timedelta(milliseconds=250)``, ``"250ms"``.
Duration = Union[float, timedelta, str]

#: Options that are durations, for mappings; a dataclass says so by its annotations.
_DURATIONS = frozenset(
    {
        "attempt_timeout",
        "coalesce",
        "empty_grace",
        "interval",
        "max_recovery_timeout",
        "max_retry_delay",
        "max_staleness",
        "poll_interval",
        "recovery_timeout",
        "retry_delay",
        "slow_call_duration",
        "sticky_ttl",
        "timeout",
        "transition_interval",
    }
)

#: Options that are the program's own: what is in them is left as it is.
_FREE = frozenset({"metadata", "headers", "weights", "tags"})


def duration_text(value: Duration) -> Any:
    """A duration as documents write it, exact to the nanosecond."""
    if isinstance(value, timedelta):
        micros = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
        return f"{micros}us"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # A negative or infinite number is the engine's to refuse.
        return f"{round(value * 1e9)}ns" if 0 <= value < float("inf") else value
    return value


def plain(value: Any) -> Any:
    """An option's value in the types of JSON; what is None is left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return _options({name: getattr(value, name) for name in names})
    if isinstance(value, Mapping):
        return _options(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]
    return value


def document_of(text: str) -> dict[str, Any]:
    """The document that is written in a text; what isn't one is left to the engine to refuse."""
    from . import _failover

    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        _failover.Manager(text)
    return dict(document or {})


def text_of(value: Any) -> str:
    """A document as JSON text; text is taken as it is."""
    if value is None:
        return "{}"
    if isinstance(value, str):
        return value
    return json.dumps(plain(value))


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in options.items() if value is not None}
    return {name: _option(name, value) for name, value in given.items()}


def _option(name: str, value: Any) -> Any:
    if name in _DURATIONS:
        return duration_text(value)
    if name in _FREE:
        return dict(value) if isinstance(value, Mapping) else plain(value)
    return plain(value)
