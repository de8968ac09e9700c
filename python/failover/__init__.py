"""libfailover: pick an endpoint, call it, fail over where it fails.

::

    import failover

    with failover.FailoverManager() as manager:
        manager.register_endpoint(id="a", name="users", address="127.0.0.1", port=8081)
        manager.register_endpoint(id="b", name="users", address="127.0.0.1", port=8082)
        users = manager.pool("users")
        answer = users.execute(lambda endpoint: get(endpoint.url("/users/42"))).result
"""

from __future__ import annotations

import logging as _logging

from . import fork as _fork  # noqa: F401  (registers the hooks)
from ._failover import Call, FailoverResult, Lease, Request
from .classify import Classifier, classify, tag
from .clock import ManualClock
from .config import (
    CircuitBreakerConfig,
    EventsConfig,
    FailoverConfig,
    HealthConfig,
    LoadBalancerConfig,
    ManagerConfig,
    RetryBudgetConfig,
    StatsConfig,
)
from .context import Attempt, current_attempt
from .document import Duration
from .endpoint import Endpoint, HealthCheck
from .errors import (
    AlreadyExistsError,
    AttemptRecord,
    AttemptsExhaustedError,
    BudgetExhaustedError,
    BusyError,
    CancelledError,
    CircuitOpenError,
    ClosedError,
    ConfigError,
    ConnectionFailoverError,
    DeadlineExceededError,
    FailoverError,
    ForkedError,
    InternalFailoverError,
    NoEndpointsError,
    NotFoundError,
    ProviderError,
    RejectedError,
    TimeoutFailoverError,
    ValidationError,
    attempts_of,
)
from .events import Event, Events
from .manager import FailoverManager
from .names import (
    AdminState,
    Backoff,
    ErrorType,
    EventKind,
    HealthStatus,
    LoadBalancerAlgorithm,
    Outcome,
    Strategy,
)
from .pool import Pool
from .provider import Check, EndpointLike, Provider, Strategist

__version__ = "0.1.0"

__all__ = [
    "AdminState",
    "AlreadyExistsError",
    "Attempt",
    "AttemptRecord",
    "AttemptsExhaustedError",
    "Backoff",
    "BudgetExhaustedError",
    "BusyError",
    "Call",
    "CancelledError",
    "Check",
    "CircuitBreakerConfig",
    "CircuitOpenError",
    "Classifier",
    "ClosedError",
    "ConfigError",
    "ConnectionFailoverError",
    "DeadlineExceededError",
    "Duration",
    "Endpoint",
    "EndpointLike",
    "ErrorType",
    "Event",
    "EventKind",
    "Events",
    "EventsConfig",
    "FailoverConfig",
    "FailoverError",
    "FailoverManager",
    "FailoverResult",
    "ForkedError",
    "HealthCheck",
    "HealthConfig",
    "HealthStatus",
    "InternalFailoverError",
    "Lease",
    "LoadBalancerAlgorithm",
    "LoadBalancerConfig",
    "ManagerConfig",
    "ManualClock",
    "NoEndpointsError",
    "NotFoundError",
    "Outcome",
    "Pool",
    "Provider",
    "ProviderError",
    "RejectedError",
    "Request",
    "RetryBudgetConfig",
    "StatsConfig",
    "Strategist",
    "Strategy",
    "TimeoutFailoverError",
    "ValidationError",
    "attempts_of",
    "classify",
    "current_attempt",
    "tag",
]

_logging.getLogger("failover").addHandler(_logging.NullHandler())
