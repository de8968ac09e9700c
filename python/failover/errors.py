"""Exceptions: one root, a family for each type of error, a class for what programs branch on.

A call that failed raises the last attempt's own exception, that very object. Then ``failover_error`` of
it says why the call ended, and ``failover_attempts`` lists the attempts; :func:`attempts_of` finds them
whatever was raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from .endpoint import Endpoint
from .names import ErrorType, Outcome

__all__ = [
    "AlreadyExistsError",
    "AttemptRecord",
    "AttemptsExhaustedError",
    "BudgetExhaustedError",
    "BusyError",
    "CancelledError",
    "CircuitOpenError",
    "ClosedError",
    "ConfigError",
    "ConnectionFailoverError",
    "DeadlineExceededError",
    "FailoverError",
    "ForkedError",
    "InternalFailoverError",
    "NoEndpointsError",
    "NotFoundError",
    "ProviderError",
    "RejectedError",
    "TimeoutFailoverError",
    "ValidationError",
    "attempts_of",
]


@dataclass(frozen=True)
class AttemptRecord:
    """One attempt that ended without success."""

    #: Where it went.
    endpoint: Endpoint
    #: What came of it.
    outcome: Outcome
    #: Seconds that it took.
    latency: float


class FailoverError(Exception):
    """What went wrong: ``code`` and ``type`` for programs, the text for people."""

    #: The stable number of the kind, the same in every language.
    code: int
    #: The kind's family.
    type: ErrorType
    #: Facts for programs: faults by path, endpoints with their reasons.
    details: dict[str, Any]
    #: The attempts of the call that failed.
    attempts: tuple[AttemptRecord, ...]

    def __init__(self, message: str = "", code: int = 0, details: Optional[dict[str, Any]] = None):
        super().__init__(message)
        self.code = code or type(self)._code
        self.type = _TYPES.get(self.code, type(self)._type)
        self.details = details or {}
        self.attempts = ()

    _code = 6023
    _type = ErrorType.INTERNAL

    @property
    def message(self) -> str:
        """The text."""
        return str(self.args[0])

    @property
    def kind(self) -> str:
        """The kind's name: ``no_endpoints``, ``deadline_exceeded``, …"""
        return _NAMES.get(self.code, "panic")

    @property
    def is_retryable(self) -> bool:
        """True if the same call may succeed when it is made again later."""
        return self.code in _RETRYABLE

    @property
    def faults(self) -> list[dict[str, str]]:
        """Every fault of a document, each with ``path`` and ``expected``."""
        return list(self.details.get("faults", []))

    def __reduce__(self) -> Any:
        state = {"attempts": self.attempts}
        return (type(self), (self.message, self.code, self.details), state)


class ConnectionFailoverError(FailoverError):
    """An endpoint or provider could not be reached, or failed."""

    _code, _type = 6015, ErrorType.CONNECTION


class ValidationError(FailoverError, ValueError):
    """Something was given that can't be used."""

    _code, _type = 6012, ErrorType.VALIDATION


class NotFoundError(FailoverError, LookupError):
    """Something named does not exist."""

    _code, _type = 6010, ErrorType.NOT_FOUND


class TimeoutFailoverError(FailoverError, TimeoutError):
    """Time ran out."""

    _code, _type = 6014, ErrorType.TIMEOUT


class CircuitOpenError(FailoverError):
    """Breakers bar every endpoint that is left; ``details`` say when the next probe is due."""

    _code, _type = 6005, ErrorType.CIRCUIT_BREAKER


class InternalFailoverError(FailoverError):
    """The rest."""


class ConfigError(ValidationError):
    """A configuration has faults: all of them, each with its dotted path, are in ``faults``."""

    _code = 6001


class AlreadyExistsError(ValidationError):
    """The id or name is taken."""

    _code = 6011


class NoEndpointsError(NotFoundError):
    """No endpoint is registered, or none may take traffic now."""

    _code = 6002


class DeadlineExceededError(TimeoutFailoverError):
    """The call's own deadline passed. The last attempt may have had an effect."""

    _code = 6003


class AttemptsExhaustedError(ConnectionFailoverError):
    """Every permitted attempt failed."""

    _code = 6004


class BudgetExhaustedError(ConnectionFailoverError):
    """The retry budget was empty."""

    _code = 6006


class RejectedError(ConnectionFailoverError):
    """The attempt ended the call: the caller's fault, not idempotent, or not retryable."""

    _code = 6007


class ProviderError(ConnectionFailoverError):
    """The provider failed or can't do what was asked."""

    _code = 6015


class CancelledError(InternalFailoverError):
    """The caller cancelled the call."""

    _code = 6008


class ClosedError(InternalFailoverError):
    """The manager is closed."""

    _code = 6009


class ForkedError(InternalFailoverError):
    """The process was forked, and its policy forbids use in the child."""

    _code = 6024


class BusyError(InternalFailoverError):
    """Something is still open; the details count it."""

    _code = 6027


#: Names, families and whether a repetition may help, by code.
_TABLE: dict[int, tuple[str, ErrorType, bool]] = {
    6001: ("invalid_config", ErrorType.VALIDATION, False),
    6002: ("no_endpoints", ErrorType.NOT_FOUND, True),
    6003: ("deadline_exceeded", ErrorType.TIMEOUT, True),
    6004: ("attempts_exhausted", ErrorType.CONNECTION, True),
    6005: ("circuit_open", ErrorType.CIRCUIT_BREAKER, True),
    6006: ("budget_exhausted", ErrorType.CONNECTION, True),
    6007: ("rejected", ErrorType.CONNECTION, False),
    6008: ("cancelled", ErrorType.INTERNAL, False),
    6009: ("closed", ErrorType.INTERNAL, False),
    6010: ("not_found", ErrorType.NOT_FOUND, False),
    6011: ("already_exists", ErrorType.VALIDATION, False),
    6012: ("invalid_argument", ErrorType.VALIDATION, False),
    6013: ("invalid_state", ErrorType.VALIDATION, False),
    6014: ("timeout", ErrorType.TIMEOUT, True),
    6015: ("provider", ErrorType.CONNECTION, True),
    6016: ("no_worker", ErrorType.INTERNAL, True),
    6017: ("not_available", ErrorType.VALIDATION, False),
    6018: ("limit_exceeded", ErrorType.VALIDATION, False),
    6019: ("null_argument", ErrorType.VALIDATION, False),
    6020: ("invalid_handle", ErrorType.VALIDATION, False),
    6021: ("invalid_utf8", ErrorType.VALIDATION, False),
    6022: ("unsupported", ErrorType.VALIDATION, False),
    6023: ("panic", ErrorType.INTERNAL, False),
    6024: ("forked", ErrorType.INTERNAL, False),
    6025: ("concurrent_use", ErrorType.VALIDATION, False),
    6026: ("io", ErrorType.CONNECTION, True),
    6027: ("busy", ErrorType.INTERNAL, True),
}
_NAMES = {code: name for code, (name, _, _) in _TABLE.items()}
_TYPES = {code: kind for code, (_, kind, _) in _TABLE.items()}
_RETRYABLE = frozenset(code for code, (_, _, again) in _TABLE.items() if again)

#: The class of each family, for kinds that have none of their own.
_FAMILIES: dict[ErrorType, type[FailoverError]] = {
    ErrorType.CONNECTION: ConnectionFailoverError,
    ErrorType.VALIDATION: ValidationError,
    ErrorType.NOT_FOUND: NotFoundError,
    ErrorType.TIMEOUT: TimeoutFailoverError,
    ErrorType.CIRCUIT_BREAKER: CircuitOpenError,
    ErrorType.INTERNAL: InternalFailoverError,
}
_CLASSES: dict[int, type[FailoverError]] = {
    made._code: made
    for made in (
        ConfigError,
        NoEndpointsError,
        DeadlineExceededError,
        AttemptsExhaustedError,
        CircuitOpenError,
        BudgetExhaustedError,
        RejectedError,
        CancelledError,
        ClosedError,
        NotFoundError,
        AlreadyExistsError,
        ProviderError,
        ForkedError,
        BusyError,
    )
}


def attempts_of(error: BaseException) -> tuple[AttemptRecord, ...]:
    """The attempts of the call that raised ``error``; empty if none did."""
    found = getattr(error, "failover_attempts", None) or getattr(error, "attempts", ())
    return found if isinstance(found, tuple) else ()


def make(code: int, message: str, details: dict[str, Any]) -> FailoverError:
    """Makes the exception of an error of the engine."""
    family = _FAMILIES[_TYPES.get(code, ErrorType.INTERNAL)]
    return _CLASSES.get(code, family)(message, code, details)


def records(rows: list[tuple[Endpoint, str, int]]) -> tuple[AttemptRecord, ...]:
    """Makes the records of attempts that ended."""
    return tuple(AttemptRecord(at, Outcome(outcome), nanos / 1e9) for at, outcome, nanos in rows)


def conclude(
    error: FailoverError,
    attempts: tuple[AttemptRecord, ...],
    last: Optional[BaseException],
    is_older: bool,
) -> BaseException:
    """What a program gets of a call that failed: the last attempt's own exception, or ``error``."""
    error.attempts = attempts
    if last is None:
        return error
    if is_older:
        # A later attempt left no exception: its time was over.
        error.__cause__ = last
        return error
    try:
        last.failover_error = error  # type: ignore[attr-defined]
        last.failover_attempts = attempts  # type: ignore[attr-defined]
    except AttributeError:
        # A class without room for attributes: it is raised all the same.
        pass
    return last
