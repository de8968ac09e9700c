"""The names that documents use, as enumerations whose members are text."""

from __future__ import annotations

from enum import Enum

__all__ = [
    "AdminState",
    "Backoff",
    "ErrorType",
    "EventKind",
    "HealthStatus",
    "LoadBalancerAlgorithm",
    "Outcome",
    "Strategy",
]


class _Name(str, Enum):
    """A name that is the text itself, also where it is shown."""

    def __str__(self) -> str:
        return str(self.value)


class Outcome(_Name):
    """What came of an attempt."""

    SUCCESS = "success"
    REJECTED = "rejected"
    UNSENT = "unsent"
    FAILURE = "failure"
    TIMEOUT = "timeout"
    THROTTLED = "throttled"
    CANCELLED = "cancelled"
    LOCAL = "local"


class HealthStatus(_Name):
    """How an endpoint is, over every axis of its state."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DEGRADED = "degraded"


class AdminState(_Name):
    """The program's own word on an endpoint."""

    ACTIVE = "active"
    DRAINING = "draining"
    MAINTENANCE = "maintenance"
    FORCED_OPEN = "forced_open"
    RESET = "reset"


class Strategy(_Name):
    """What ranks the endpoints."""

    ROUND_ROBIN = "round_robin"
    RANDOM = "random"
    WEIGHTED = "weighted"
    LEAST_CONNECTIONS = "least_connections"
    IP_HASH = "ip_hash"
    HEALTH_BASED = "health_based"
    GEOGRAPHIC = "geographic"
    CUSTOM = "custom"


class LoadBalancerAlgorithm(_Name):
    """What spreads the load among equally ranked endpoints."""

    ROUND_ROBIN = "round_robin"
    RANDOM = "random"
    WEIGHTED = "weighted"
    LEAST_CONNECTIONS = "least_connections"
    IP_HASH = "ip_hash"
    P2C_EWMA = "p2c_ewma"


class Backoff(_Name):
    """How waits between attempts grow."""

    EXPONENTIAL = "exponential"
    FIXED = "fixed"


class ErrorType(_Name):
    """The family of an error."""

    CONNECTION = "connection"
    VALIDATION = "validation"
    NOT_FOUND = "not_found"
    TIMEOUT = "timeout"
    CIRCUIT_BREAKER = "circuit_breaker"
    INTERNAL = "internal"


class EventKind(_Name):
    """What happened."""

    HEALTH_CHECK = "health_check"
    FAILOVER = "failover"
    RECOVERY = "recovery"
    ENDPOINT_UP = "endpoint_up"
    ENDPOINT_DOWN = "endpoint_down"
    CIRCUIT_OPEN = "circuit_open"
    CIRCUIT_HALF_OPEN = "circuit_half_open"
    CIRCUIT_CLOSE = "circuit_close"
    RETRY = "retry"
    TIMEOUT = "timeout"
    LOAD_BALANCE = "load_balance"
    EJECTED = "ejected"
    WOULD_EJECT = "would_eject"
    PANIC_ENTER = "panic_enter"
    PANIC_LEAVE = "panic_leave"
    DRAIN = "drain"
    DISCOVERY_UPDATE = "discovery_update"
    DISCOVERY_STALE = "discovery_stale"
    CONFIG_APPLIED = "config_applied"
    BUDGET_EXHAUSTED = "budget_exhausted"
