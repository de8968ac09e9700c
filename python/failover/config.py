"""Options as typed dataclasses. What is None is not given, and has the engine's default.

A mapping with the same keys may stand wherever a dataclass may. All options with their ranges and
defaults are in ``docs/reference/configuration.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Optional, TypeVar, Union

from .document import Duration
from .names import Backoff, LoadBalancerAlgorithm, Strategy

__all__ = [
    "CircuitBreakerConfig",
    "EventsConfig",
    "FailoverConfig",
    "HealthConfig",
    "LoadBalancerConfig",
    "ManagerConfig",
    "RetryBudgetConfig",
    "StatsConfig",
]


@dataclass(frozen=True)
class CircuitBreakerConfig:
    """When an endpoint is barred, and for how long."""

    enabled: Optional[bool] = None
    failure_threshold: Optional[int] = None
    recovery_timeout: Optional[Duration] = None
    max_recovery_timeout: Optional[Duration] = None
    jitter: Optional[float] = None
    half_open_max_calls: Optional[int] = None
    success_threshold: Optional[int] = None
    failure_rate: Optional[float] = None
    minimum_calls: Optional[int] = None
    slow_call_rate: Optional[float] = None
    slow_call_duration: Optional[Duration] = None


@dataclass(frozen=True)
class LoadBalancerConfig:
    """What spreads the load among equally ranked endpoints."""

    algorithm: Optional[Union[LoadBalancerAlgorithm, str]] = None
    weights: Optional[Mapping[str, int]] = None
    sticky: Optional[bool] = None
    sticky_ttl: Optional[Duration] = None
    sticky_max_keys: Optional[int] = None


@dataclass(frozen=True)
class RetryBudgetConfig:
    """How many retries the pool may add to its traffic."""

    enabled: Optional[bool] = None
    capacity: Optional[int] = None
    per_success: Optional[float] = None
    per_second: Optional[float] = None


@dataclass(frozen=True)
class HealthConfig:
    """How checks run, for endpoints that don't say otherwise."""

    interval: Optional[Duration] = None
    timeout: Optional[Duration] = None
    fall: Optional[int] = None
    rise: Optional[int] = None
    jitter: Optional[float] = None
    transition_interval: Optional[Duration] = None


@dataclass(frozen=True)
class StatsConfig:
    """What is counted."""

    endpoint_latency: Optional[bool] = None


@dataclass(frozen=True)
class EventsConfig:
    """What is reported."""

    load_balance_every: Optional[int] = None


@dataclass(frozen=True)
class FailoverConfig:
    """How a pool treats its endpoints and its calls."""

    strategy: Optional[Union[Strategy, str]] = None
    health_check: Optional[bool] = None
    max_retries: Optional[int] = None
    retry_delay: Optional[Duration] = None
    max_retry_delay: Optional[Duration] = None
    backoff: Optional[Union[Backoff, str]] = None
    timeout: Optional[Duration] = None
    attempt_timeout: Optional[Duration] = None
    idempotent: Optional[bool] = None
    nested: Optional[str] = None
    on_all_open: Optional[str] = None
    priority_mode: Optional[str] = None
    zone: Optional[str] = None
    region: Optional[str] = None
    latitude: Optional[float] = None
    longitude: Optional[float] = None
    metadata: Optional[Mapping[str, Any]] = None
    circuit_breaker: Optional[Union[CircuitBreakerConfig, Mapping[str, Any]]] = None
    load_balancer: Optional[Union[LoadBalancerConfig, Mapping[str, Any]]] = None
    retry_budget: Optional[Union[RetryBudgetConfig, Mapping[str, Any]]] = None
    health: Optional[Union[HealthConfig, Mapping[str, Any]]] = None
    stats: Optional[Union[StatsConfig, Mapping[str, Any]]] = None
    events: Optional[Union[EventsConfig, Mapping[str, Any]]] = None


@dataclass(frozen=True)
class ManagerConfig:
    """What a manager is made from."""

    default_provider: Optional[str] = None
    retry_attempts: Optional[int] = None
    retry_delay: Optional[Duration] = None
    timeout: Optional[Duration] = None
    fallback_enabled: Optional[bool] = None
    metadata: Optional[Mapping[str, str]] = None
    failover: Optional[Union[FailoverConfig, Mapping[str, Any]]] = None
    providers: Optional[Mapping[str, Mapping[str, Any]]] = None
    seed: Optional[int] = None
    clock: Optional[str] = None
    auto_advance: Optional[bool] = None
    fork_policy: Optional[str] = None
    log_level: Optional[str] = None
    max_concurrent_checks: Optional[int] = None


_SECTIONS: dict[str, type] = {
    "circuit_breaker": CircuitBreakerConfig,
    "load_balancer": LoadBalancerConfig,
    "retry_budget": RetryBudgetConfig,
    "health": HealthConfig,
    "stats": StatsConfig,
    "events": EventsConfig,
    "failover": FailoverConfig,
}

C = TypeVar("C")


def from_document(made: type[C], document: Mapping[str, Any]) -> C:
    """Makes a dataclass of a document that the engine shows."""
    known = {field.name for field in fields(made)}  # type: ignore[arg-type]
    given: dict[str, Any] = {}
    for name, value in document.items():
        if name in known:
            section = _SECTIONS.get(name)
            given[name] = from_document(section, value) if section and value is not None else value
    return made(**given)
