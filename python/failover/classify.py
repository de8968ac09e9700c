"""What an exception says of its attempt.

In this order: an outcome that the program states (:func:`tag`), the caller's own classifier, an error of
this library, what Python and its common clients mean by their exceptions; everything else is a failure.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from typing import Any, Optional, TypeVar, Union

from .document import Duration
from .errors import FailoverError
from .names import ErrorType, Outcome

__all__ = ["Classifier", "classify", "tag"]

E = TypeVar("E", bound=BaseException)

#: Says the outcome of an exception, or None where the usual rules are to decide.
Classifier = Callable[[BaseException], Union[Outcome, str, None]]

_Said = tuple[str, Optional[Duration]]

#: The function itself is broken: no endpoint's fault, and none could do better.
_BROKEN = (
    TypeError,
    AttributeError,
    NameError,
    ImportError,
    SyntaxError,
    NotImplementedError,
    AssertionError,
    RecursionError,
    MemoryError,
)
_TIMEOUTS = (TimeoutError, asyncio.TimeoutError, concurrent.futures.TimeoutError)
_UNSENT = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)
_UNREACHABLE = frozenset(
    {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL}
)
_BY_TYPE = {
    ErrorType.CONNECTION: "failure",
    ErrorType.CIRCUIT_BREAKER: "failure",
    ErrorType.VALIDATION: "rejected",
    ErrorType.NOT_FOUND: "rejected",
    ErrorType.TIMEOUT: "timeout",
    ErrorType.INTERNAL: "local",
}


def tag(error: E, outcome: Union[Outcome, str], rest: Optional[Duration] = None) -> E:
    """States the outcome of an exception, and how long its endpoint asked to be left alone.

    ``raise failover.tag(TooMany("429"), "throttled", rest=2.0)``
    """
    error.failover_outcome = str(outcome)  # type: ignore[attr-defined]
    error.failover_rest = rest  # type: ignore[attr-defined]
    return error


def classify(error: BaseException, own: Optional[Classifier] = None, outer: int = 0) -> _Said:
    """The outcome of an exception, and how long the endpoint asked to be left alone.

    ``outer`` is the ``id`` of the exception that was handled when the attempt began; 0 means the one that
    is handled now. A call may be made where another one's failure is handled, which is then the context
    of every exception in it, and no cause of any.
    """
    outer = outer or id(sys.exc_info()[1])
    for cause in _causes(error, outer):
        stated = getattr(cause, "failover_outcome", None)
        if stated is not None:
            return str(stated), getattr(cause, "failover_rest", None)
    if own is not None:
        said = own(error)
        if said is not None:
            return str(said), None
    if not isinstance(error, Exception):
        # Cancelled, interrupted, or told to exit.
        return "cancelled", None
    if isinstance(error, _BROKEN):
        return "local", None
    for cause in _causes(error, outer):
        known = _known(cause)
        if known is not None:
            return known
    return "failure", None


def _causes(error: BaseException, outer: int) -> Iterator[BaseException]:
    """An exception and what led to it, from the outside in, up to what was there before."""
    seen = {outer} - {id(error)}
    cause: Any = error
    while isinstance(cause, BaseException) and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        inner = getattr(cause, "reason", None)
        if isinstance(inner, BaseException):
            cause = inner
        elif cause.__cause__ is not None or cause.__suppress_context__:
            cause = cause.__cause__
        else:
            cause = cause.__context__


def _known(error: BaseException) -> Optional[_Said]:
    if isinstance(error, FailoverError):
        return _BY_TYPE[error.type], None
    if isinstance(error, _TIMEOUTS):
        return "timeout", None
    if isinstance(error, _UNSENT):
        return "unsent", None
    if isinstance(error, OSError) and error.errno in _UNREACHABLE:
        return "unsent", None
    status = _status(error)
    return None if status is None else _of_status(status, error)


def _status(error: BaseException) -> Optional[int]:
    """The status of an HTTP answer, where the common clients keep it."""
    response = getattr(error, "response", None)
    for holder, name in ((response, "status_code"), (response, "status"), (error, "status"), (error, "code")):
        status = getattr(holder, name, None)
        if isinstance(status, int) and 100 <= status <= 599:
            return status
    return None


def _of_status(status: int, error: BaseException) -> Optional[_Said]:
    if status == 429:
        return "throttled", _retry_after(error)
    if 400 <= status < 500:
        return "rejected", None
    return ("failure", None) if status >= 500 else None


def _retry_after(error: BaseException) -> Optional[float]:
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None) or getattr(error, "headers", None)
    try:
        return max(0.0, float(headers.get("Retry-After")))  # type: ignore[union-attr]
    except (AttributeError, TypeError, ValueError):
        return None
