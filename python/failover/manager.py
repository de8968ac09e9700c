"""The object that a program makes: configuration, providers, pools, health, events."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union

from . import _failover, config as configs, events as happenings, provider as providers
from .beside import beside
from .clock import ManualClock
from .config import FailoverConfig, ManagerConfig
from .document import Duration, document_of, plain, text_of
from .endpoint import Endpoint
from .errors import BusyError, FailoverError, make
from .events import Event, Events
from .given import own_loop
from .names import AdminState, EventKind, HealthStatus
from .pool import Pool
from .provider import Check, EndpointLike, Provider, Strategist, grade_of
from .worker import Worker

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._failover import _Options

__all__ = ["FailoverManager"]

T = TypeVar("T")

PolicyLike = Union[FailoverConfig, Mapping[str, Any], str]
ManagerLike = Union[ManagerConfig, FailoverConfig, Mapping[str, Any], str]


class FailoverManager:
    """One failover engine with its endpoints, policies and history.

    ``config`` is a :class:`ManagerConfig`, a mapping with its keys or its JSON text; a
    :class:`FailoverConfig` is the policy alone. Options by keyword are laid over it::

        manager = FailoverManager(retry_attempts=2, failover={"strategy": "least_connections"})

    Safe to share between threads and loops. Use it in a ``with`` or an ``async with`` block, or call
    :meth:`close`. It can't be pickled; its :meth:`config` can.
    """

    def __init__(
        self,
        config: Optional[ManagerLike] = None,
        *,
        clock: Optional[ManualClock] = None,
        strategist: Optional[Strategist] = None,
        check: Optional[Check] = None,
        **options: Any,
    ) -> None:
        document = _manager_document(config, options)
        if clock is not None:
            document = {**document, "clock": "manual", "auto_advance": clock.auto_advance}
        self._engine = _failover.Manager(text_of(document))
        self._logs = self._engine.subscribe_logs(256)
        self._strategist = strategist
        self._worker: Optional[Worker] = None
        self._subscribed: weakref.WeakSet[Events] = weakref.WeakSet()
        if clock is not None:
            clock._serve(self._engine)
        for warning in self._engine.warnings():
            _LOGGER.warning("config: %s", warning)
        if check is not None:
            self.set_check(check)

    # Endpoints

    def register_endpoint(
        self, endpoint: Optional[EndpointLike] = None, *, provider: Optional[str] = None, **fields: Any
    ) -> None:
        """Registers an endpoint: an :class:`Endpoint`, a mapping, JSON text, or its fields by keyword.

        Raises :class:`ConfigError`'s sibling :class:`ValidationError` with all faults at once,
        :class:`AlreadyExistsError` if its id is taken, :class:`ProviderError` if the provider can't.
        """
        self._engine.register_endpoint(provider, _endpoint_text(endpoint, fields))

    def update_endpoint(
        self, endpoint: Optional[EndpointLike] = None, *, provider: Optional[str] = None, **fields: Any
    ) -> None:
        """Replaces the description of a registered endpoint; its live state carries over while its
        service, address and port stay the same."""
        self._engine.update_endpoint(provider, _endpoint_text(endpoint, fields))

    def deregister_endpoint(self, id: str, *, provider: Optional[str] = None) -> None:
        """Removes an endpoint; attempts on it end normally."""
        self._engine.deregister_endpoint(provider, id)

    def get_endpoint(self, id: str, *, provider: Optional[str] = None) -> Endpoint:
        """The endpoint of an id; :class:`NotFoundError` if there is none."""
        return self._engine.endpoint(provider, id)

    def list_endpoints(self, *, provider: Optional[str] = None) -> list[Endpoint]:
        """All endpoints of a provider, in the order of their ids."""
        return self._engine.list_endpoints(provider)

    def publish(
        self, endpoints: Union[Iterable[EndpointLike], str], *, provider: Optional[str] = None
    ) -> None:
        """Replaces a provider's whole set: endpoints, mappings, or the JSON text of a list."""
        self._engine.publish(provider, _list_text(endpoints))

    # Calls

    def pool(
        self,
        service: Optional[str] = None,
        *,
        provider: Optional[str] = None,
        config: Optional[PolicyLike] = None,
    ) -> Pool:
        """The pool of a service; None is the only one there is, ``*`` all of them.

        With ``config`` the same service under another policy: its options over the manager's.
        """
        pool = Pool(self, provider, service)
        self._tell_logs()
        return pool if config is None else pool.derive(config)

    def select_endpoint(
        self,
        config: Optional[PolicyLike] = None,
        *,
        service: Optional[str] = None,
        provider: Optional[str] = None,
        **options: Unpack[_Options],
    ) -> Endpoint:
        """Picks an endpoint, on which nobody reports. See :meth:`Pool.lease` for one that is reported."""
        return self.pool(service, provider=provider, config=config).select(**options)

    def execute_with_failover(
        self,
        function: Callable[[Endpoint], T],
        config: Optional[PolicyLike] = None,
        *,
        service: Optional[str] = None,
        provider: Optional[str] = None,
        **options: Unpack[_Options],
    ) -> _failover.FailoverResult[T]:
        """Runs ``function(endpoint)`` on one endpoint after another until it succeeds.

        A call that fails raises the last attempt's own exception, with its attempts attached
        (:func:`attempts_of`), or a :class:`FailoverError` where there is none.
        """
        return self.pool(service, provider=provider, config=config).execute(function, **options)

    async def execute_with_failover_async(
        self,
        function: Callable[[Endpoint], Awaitable[T]],
        config: Optional[PolicyLike] = None,
        *,
        service: Optional[str] = None,
        provider: Optional[str] = None,
        **options: Unpack[_Options],
    ) -> _failover.FailoverResult[T]:
        """Like :meth:`execute_with_failover`, for an asynchronous function, on the caller's own loop."""
        pool = self.pool(service, provider=provider, config=config)
        return await pool.execute_async(function, **options)

    # Configuration

    def configure(self, config: PolicyLike) -> None:
        """Puts another policy in force, whole or not at all; states and counters stay."""
        self._engine.configure(text_of(config))
        self._tell_logs()

    def get_config(self) -> FailoverConfig:
        """The policy in force, with every option's value."""
        return configs.from_document(FailoverConfig, self._engine.policy())

    def config(self) -> ManagerConfig:
        """What the manager is made from, secrets masked, with the policy in force."""
        return configs.from_document(ManagerConfig, self._engine.config())

    def set_strategist(self, strategist: Optional[Strategist]) -> None:
        """Gives the function that chooses where the strategy is ``custom``."""
        self._strategist = strategist

    # Health

    def set_check(self, check: Check) -> None:
        """Gives the program's own health check, for endpoints whose check is of the type ``custom``."""
        self._work().set_check(check)
        self._engine.ask_for_checks()

    def health_check(self, id: str, *, provider: Optional[str] = None) -> HealthStatus:
        """Checks one endpoint now, and returns what it is found to be."""
        return HealthStatus(self._engine.health_check(provider, id))

    def health_check_all(self, *, provider: Optional[str] = None) -> dict[str, HealthStatus]:
        """Checks every endpoint of a provider now."""
        found = self._engine.health_check_all(provider)
        return {id: HealthStatus(status) for id, status in found.items()}

    async def health_check_async(self, id: str, *, provider: Optional[str] = None) -> HealthStatus:
        """Like :meth:`health_check`, without holding up the loop."""
        return await beside(lambda: self.health_check(id, provider=provider))

    async def health_check_all_async(
        self, *, provider: Optional[str] = None
    ) -> dict[str, HealthStatus]:
        """Like :meth:`health_check_all`, without holding up the loop."""
        return await beside(lambda: self.health_check_all(provider=provider))

    def report_health(
        self,
        id: str,
        status: Union[bool, HealthStatus, str],
        reason: str = "reported",
        *,
        provider: Optional[str] = None,
    ) -> HealthStatus:
        """Takes the program's own finding on an endpoint, as if a check had found it."""
        return HealthStatus(self._engine.report_health(provider, id, (grade_of(status), reason)))

    def set_admin(
        self, id: str, state: Union[AdminState, str], *, provider: Optional[str] = None
    ) -> None:
        """The program's own word on an endpoint: active, draining, maintenance, forced open, reset."""
        self._engine.set_admin(provider, id, str(state))

    def wait_drained(
        self, id: str, timeout: Duration = 30.0, *, provider: Optional[str] = None
    ) -> None:
        """Blocks until an endpoint has no attempt in flight."""
        self._engine.wait_drained(provider, id, timeout)

    # Providers

    def register_provider(
        self, name: str, provider: Union[Provider, Mapping[str, Any], None] = None
    ) -> None:
        """Registers a provider: an object with its verbs (:class:`Provider`), the document of a built-in
        kind (``{"type": "file", "path": ...}``), or None for one whose sets come by :meth:`publish`."""
        if provider is None:
            self._engine.register_pushed_provider(name)
        elif isinstance(provider, Mapping):
            self._engine.register_provider(name, text_of(provider))
        else:
            self._register_own(name, provider)

    def deregister_provider(self, name: str) -> None:
        """Removes a provider with all its endpoints."""
        self._engine.deregister_provider(name)
        if self._worker is not None:
            self._worker.remove_provider(name)

    def get_default_provider(self) -> str:
        """The name of the provider that serves calls that name none."""
        name = self._engine.default_provider()
        self._tell_logs()
        return name

    def list_providers(self) -> list[str]:
        """The names of the providers, in the order of their registration."""
        return self._engine.providers()

    def get_provider_info(self) -> list[dict[str, Any]]:
        """How each provider is doing."""
        return self._engine.provider_info()

    def get_provider(self, name: str) -> dict[str, Any]:
        """How one provider is doing; :class:`NotFoundError` if there is none of that name."""
        for info in self.get_provider_info():
            if info["name"] == name:
                return info
        raise make(6010, f"provider {name!r}: not registered", {})

    def wait_ready(self, timeout: Duration = 30.0) -> None:
        """Blocks until every provider has delivered its first whole set."""
        self._engine.wait_ready(timeout)

    async def wait_ready_async(self, timeout: Duration = 30.0) -> None:
        """Like :meth:`wait_ready`, without holding up the loop."""
        await beside(lambda: self.wait_ready(timeout))

    # Watching

    def get_stats(self) -> dict[str, Any]:
        """The statistics of every provider by its name, with its pools and endpoints."""
        return self._engine.stats()

    def get_events(self, limit: int = 100) -> list[Event]:
        """The last events, the newest first; at most 1,024 are kept."""
        return [happenings.from_document(one) for one in self._engine.recent_events(limit)]

    def events(self, *kinds: Union[EventKind, str], capacity: int = 1024) -> Events:
        """Events of the given kinds, or of all, from now on: an iterator and an async iterator."""
        events = Events(self._engine.subscribe([str(kind) for kind in kinds], capacity))
        self._subscribed.add(events)
        return events

    def on_event(
        self, function: Callable[[Event], Any], *kinds: Union[EventKind, str], capacity: int = 1024
    ) -> Callable[[], None]:
        """Has ``function(event)`` called for every event, on a thread of its own; returns what ends it."""
        from .subscription import call_for_each

        return call_for_each(self.events(*kinds, capacity=capacity), function)

    # The end

    @property
    def in_flight(self) -> int:
        """Attempts in flight over all endpoints."""
        return self._engine.in_flight

    @property
    def is_closed(self) -> bool:
        """True once the manager is closed."""
        return self._engine.is_closed

    def close(self, timeout: Duration = 5.0) -> None:
        """Ends background work and refuses new calls, after waiting up to ``timeout`` for the open ones.

        :class:`BusyError` if some are left; the manager is closed all the same.
        """
        try:
            self._engine.close(timeout)
        finally:
            for events in list(self._subscribed):
                events._queue.ring()

    async def aclose(self, timeout: Duration = 5.0) -> None:
        """Like :meth:`close`, without holding up the loop."""
        if self.in_flight == 0:
            self.close(timeout)
        else:
            await beside(lambda: self.close(timeout))

    def __enter__(self) -> FailoverManager:
        return self

    def __exit__(self, _kind: object, error: Optional[BaseException], _trace: object) -> None:
        try:
            self.close()
        except BusyError:
            # What ended the block is told, rather than what that left open.
            if error is None:
                raise

    async def __aenter__(self) -> FailoverManager:
        return self

    async def __aexit__(
        self, _kind: object, error: Optional[BaseException], _trace: object
    ) -> None:
        try:
            await self.aclose()
        except BusyError:
            if error is None:
                raise

    def __reduce__(self) -> Any:
        raise TypeError("a FailoverManager can't be pickled; pickle its config() and make another")

    def __repr__(self) -> str:
        state = "closed" if self.is_closed else "open"
        return f"<failover.FailoverManager {state}, providers: {', '.join(self.list_providers())}>"

    def _register_own(self, name: str, provider: Any) -> None:
        verbs = providers.verbs_of(provider)
        if "list" not in verbs and "watch" not in verbs:
            raise TypeError(f"{provider!r} has no function `list`, so it is no provider")
        engine = self._engine

        def publish(endpoints: Iterable[EndpointLike]) -> None:
            engine.publish(name, _list_text(endpoints))

        if name in self.list_providers():
            raise make(6011, f"provider {name!r}: registered already", {})
        asked = self._work().add_provider(name, verbs, publish)
        interval = getattr(provider, "poll_interval", None)
        try:
            able = list(providers.able_to(provider))
            engine.register_asked_provider((name, asked), able, interval)
        except FailoverError:
            self._work().remove_provider(name)
            raise

    def _work(self) -> Worker:
        if self._worker is None:
            self._worker = Worker(self._engine)
        return self._worker

    def _choose(self, candidates: list[Endpoint], is_async: bool) -> Any:
        if self._strategist is None:
            return None
        chosen = self._strategist(candidates)
        if is_async or not hasattr(chosen, "__await__"):
            return chosen

        async def wait() -> Any:
            return await chosen

        return asyncio.run_coroutine_threadsafe(wait(), own_loop()).result()

    def _tell_logs(self) -> None:
        for level, area, text in self._logs.poll(64, 0.0):
            _LOGGER.log(_LEVELS.get(level, logging.DEBUG), "%s: %s", area, text)


def _manager_document(config: Optional[ManagerLike], options: dict[str, Any]) -> dict[str, Any]:
    if isinstance(config, str):
        document = document_of(config)
    elif isinstance(config, FailoverConfig):
        document = {"failover": plain(config)}
    else:
        document = {} if config is None else plain(config)
    return {**document, **plain(options)}


def _list_text(endpoints: Union[Iterable[EndpointLike], str]) -> str:
    return endpoints if isinstance(endpoints, str) else text_of([plain(one) for one in endpoints])


def _endpoint_text(endpoint: Optional[EndpointLike], fields: dict[str, Any]) -> str:
    if isinstance(endpoint, str) and not fields:
        return endpoint
    document = {} if endpoint is None else plain(endpoint)
    return text_of({**document, **plain(fields)})


_LOGGER = logging.getLogger("failover")
_LEVELS = {"error": logging.ERROR, "warn": logging.WARNING, "info": logging.INFO}
