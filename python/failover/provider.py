"""What the program may supply: a source of endpoints, a check, a choice.

Nothing has to be derived from: an object with the verbs that it can do is a provider. Each verb may be
synchronous or asynchronous.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, Union

from .endpoint import Endpoint
from .names import HealthStatus

__all__ = ["Check", "EndpointLike", "Provider", "Strategist"]

#: An endpoint, a mapping with its keys, or its JSON text.
EndpointLike = Union[Endpoint, Mapping[str, Any], str]


class Provider(Protocol):
    """A source of endpoints. Only ``list`` is needed; the others are used where they are there.

    ``watch(publish)`` is called when changes are to be told: call ``publish(endpoints)`` with the whole
    set whenever it changes, from any thread. It may return at once or stay for as long as it watches,
    and an asynchronous generator ``watch()`` yields whole sets. When the manager wants to be told no
    longer, a coroutine is cancelled, and ``unwatch()`` is called in any case. A watch that raises, or a
    generator that ends, is begun again, after the set was listed anew. ``register(endpoint)``, ``update(endpoint)`` and ``deregister(id)`` take changes that the
    program makes through the manager, ``ping()`` says whether the source can be reached. The attribute
    ``authoritative`` (an empty set is believed at once) and ``poll_interval`` are read when it is
    registered. A verb that raises has failed, and the last good set goes on serving.
    """

    def list(self) -> Union[Iterable[EndpointLike], Awaitable[Iterable[EndpointLike]]]:
        """The whole set."""
        ...


#: What a check finds: nothing or True is healthy, False unhealthy, or a status, or a status with a reason.
Finding = Union[bool, None, HealthStatus, str, tuple[Union[bool, HealthStatus, str], str]]

#: Checks an endpoint whose health check is of the type ``custom``.
Check = Callable[[Endpoint], Union[Finding, Awaitable[Finding]]]

#: Chooses among candidates, for the strategy ``custom``: an endpoint or its id.
Strategist = Callable[[Sequence[Endpoint]], Any]


def grade_of(found: Union[bool, HealthStatus, str, None]) -> str:
    """What was found of an endpoint in the engine's words; ``ValueError`` if it is no status."""
    if found is None or isinstance(found, bool):
        return "bad" if found is False else "good"
    return _GRADES[HealthStatus(found)]


#: The engine's words. Who doesn't know can't vouch for it.
_GRADES = {
    HealthStatus.HEALTHY: "good",
    HealthStatus.DEGRADED: "degraded",
    HealthStatus.UNHEALTHY: "bad",
    HealthStatus.UNKNOWN: "bad",
}

#: The verbs of a provider.
VERBS = ("list", "watch", "unwatch", "register", "update", "deregister", "ping")


def verbs_of(provider: Any) -> dict[str, Callable[..., Any]]:
    """The functions of a provider by their verbs."""
    found = {verb: getattr(provider, verb, None) for verb in VERBS}
    return {verb: function for verb, function in found.items() if callable(function)}


def able_to(provider: Any) -> Sequence[str]:
    """What a provider can do, in the engine's words."""
    verbs = verbs_of(provider)
    able = tuple(verb for verb in ("list", "watch", "register") if verb in verbs)
    return (*able, "authoritative") if getattr(provider, "authoritative", False) else able
