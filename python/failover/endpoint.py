"""What an endpoint is: identity and description, immutable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional, Union

from .document import Duration

__all__ = ["Endpoint", "HealthCheck"]


@dataclass(frozen=True)
class HealthCheck:
    """How an endpoint is checked. What is None is inherited from the policy."""

    #: ``auto`` (by the endpoint's protocol), ``http``, ``https``, ``tcp``, or ``custom``: the program's own.
    type: Optional[str] = None
    #: Path of the request.
    path: Optional[str] = None
    #: Method of the request.
    method: Optional[str] = None
    #: Headers of the request; never shown.
    headers: Optional[Mapping[str, str]] = None
    #: Body of the request; never shown.
    body: Optional[str] = None
    #: Port to check, when it isn't the endpoint's own.
    port: Optional[int] = None
    #: Time between two checks.
    interval: Optional[Duration] = None
    #: Longest time that one check may take.
    timeout: Optional[Duration] = None
    #: Statuses that count as healthy: numbers, or ranges such as ``"200-299"``.
    expected_statuses: Optional[Sequence[Union[int, str]]] = None
    #: Text that the body must contain.
    expected_body: Optional[str] = None
    #: PEM file of the certificate authorities to trust, in place of the system's.
    ca_file: Optional[str] = None
    #: PEM file of the client's certificate chain.
    client_cert_file: Optional[str] = None
    #: PEM file of the client's private key.
    client_key_file: Optional[str] = None
    #: Whether the connection is kept between two checks.
    reuse_connection: Optional[bool] = None


@dataclass(frozen=True)
class Endpoint:
    """One place where a service can be reached.

    The one that a function or a pick is given is the same object as long as its description is.
    """

    #: Unique in its provider.
    id: str
    #: Name of the service that it belongs to.
    name: Optional[str] = None
    #: Host name or IP address.
    address: str = ""
    #: Port, 1 to 65535.
    port: Optional[int] = None
    #: ``http``, ``https``, ``tcp``, or any name that the program understands.
    protocol: Optional[str] = None
    #: Share of the load, 0 for no new traffic; None counts as 1.
    weight: Optional[int] = None
    #: Tier: 0 is most preferred.
    priority: Optional[int] = None
    #: Labels.
    tags: Sequence[str] = ()
    #: Named labels; ``zone``, ``region``, ``latitude`` and ``longitude`` tell where it stands.
    metadata: Mapping[str, str] = field(default_factory=dict)
    #: How to check it; None means that it isn't checked.
    health_check: Optional[Union[HealthCheck, Mapping[str, Any]]] = None
    #: When it was registered, as RFC 3339 text.
    created_at: Optional[str] = None
    #: When it was last changed, as RFC 3339 text.
    updated_at: Optional[str] = None

    def __repr__(self) -> str:
        service = "" if self.name is None else f", name={self.name!r}"
        return f"Endpoint({self.id!r}{service}, {self.authority!r})"

    def __hash__(self) -> int:
        return hash((self.id, self.address, self.port))

    @property
    def authority(self) -> str:
        """``address:port``, with brackets around an IPv6 address."""
        if ":" in self.address and not self.address.startswith("["):
            return f"[{self.address}]:{self.port}"
        return f"{self.address}:{self.port}"

    def url(self, path: str = "") -> str:
        """A URL of this endpoint; ``path`` starts with a slash."""
        return f"{self.protocol or 'http'}://{self.authority}{path}"


def from_document(document: dict[str, Any]) -> Endpoint:
    """Makes the endpoint that the engine describes."""
    check = document.pop("health_check", None)
    tags = tuple(document.pop("tags", ()))
    if check is not None:
        statuses = check.pop("expected_statuses", None)
        check = HealthCheck(**check, expected_statuses=statuses and tuple(statuses))
    return Endpoint(**document, tags=tags, health_check=check)
