"""What a scenario acts on: one manager on its manual clock, and the names that steps gave.

Everything goes through what a program sees of the package; nothing but the clock's exact time is asked
of the engine itself.
"""

from __future__ import annotations

import json
import re
from fractions import Fraction
from typing import Any

import failover

UNITS = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}


class Senseless(Exception):
    """The scenario makes no sense, or does not hold."""


class World:
    """What a scenario acts on."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        self.clock = failover.ManualClock()
        document = dict(scenario.get("manager", {}))
        self.clock.auto_advance = document.pop("auto_advance", False)
        document |= {"seed": scenario.get("seed", 1), "failover": scenario.get("config", {})}
        self.manager = failover.FailoverManager(json.dumps(document), clock=self.clock)
        self.pools: dict[str, failover.Pool] = {}
        self.calls: dict[str, failover.Call] = {}
        self.leases: dict[str, failover.Lease] = {}
        self.picked: list[str] = []
        for endpoint in scenario["endpoints"]:
            given = dict(endpoint)
            provider = given.pop("provider", "memory")
            self.manager.register_endpoint(json.dumps(given), provider=provider)
        recent = self.manager.get_events(1)
        self._first_event = recent[0].sequence if recent else 0

    def pool(self, step: dict[str, Any]) -> failover.Pool:
        """The pool that a step names, or the default one."""
        if "pool" not in step:
            return self.manager.pool()
        if step["pool"] not in self.pools:
            raise Senseless(f"pool {step['pool']!r}: no step made it")
        return self.pools[step["pool"]]

    def call(self, step: dict[str, Any]) -> failover.Call:
        """The call that a step is about."""
        if step["of"] not in self.calls:
            raise Senseless(f"call {step['of']!r}: no step made it")
        return self.calls[step["of"]]

    def fresh(self, step: dict[str, Any]) -> str:
        """The name that a step gives."""
        name: str = step["as"]
        if name in self.calls or name in self.leases:
            raise Senseless(f"{name!r}: the name is taken")
        return name

    def events(self) -> list[str]:
        """Kinds of the events since the setting up, in order, those of single picks aside."""
        return [kind for kind in self._kinds() if kind != "load_balance"]

    def told_picks(self) -> int:
        """How many single picks were told of since the setting up."""
        return self._kinds().count("load_balance")

    def stats(self, provider: str | None) -> dict[str, Any]:
        """The statistics of a provider, or of the default one."""
        name = provider or self.manager.get_default_provider()
        found: dict[str, Any] = self.manager.get_stats()[name]
        return found

    def close(self) -> None:
        """Lets go of calls and leases that are still open, then of the manager."""
        self.calls.clear()
        self.leases.clear()
        self.manager.close(0)

    def _kinds(self) -> list[str]:
        events = reversed(self.manager.get_events(10_000))
        return [event.type.value for event in events if event.sequence > self._first_event]


def nanos(text: str) -> int:
    """A duration in nanoseconds, exactly."""
    parts = re.findall(r"([0-9.]+)([a-z]+)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise Senseless(f"{text!r} is no duration")
    total = sum(Fraction(number) * UNITS[unit] for number, unit in parts)
    return int(total)


def request(step: dict[str, Any]) -> dict[str, Any]:
    """The options of a step's request."""
    given = dict(step.get("request", {}))
    if "latitude" in given:
        given["position"] = (given.pop("latitude"), given.pop("longitude"))
    return given
