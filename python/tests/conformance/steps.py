"""The steps of a scenario: what is done, and what is compared.

Documents are handed over as the text that they are: Python's own forms of them (a number of seconds, say)
are for programs.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import failover

from .world import Senseless, World, nanos, request


def perform(world: World, step: dict[str, Any]) -> None:
    """Does a step, and compares with its `fails`."""
    fails = step.get("fails")
    try:
        act(world, step)
    except failover.FailoverError as error:
        if fails is None:
            raise Senseless(f"failed with {error.kind}: {error}") from error
        compare_error(error, fails)
    else:
        if fails is not None:
            raise Senseless(f"expected it to fail with {fails}, and it did not")


def act(world: World, step: dict[str, Any]) -> None:
    """Does a step."""
    verb = step["do"]
    if verb in CALLS:
        CALLS[verb](world.call(step), step)
    elif verb in VERBS:
        VERBS[verb](world, step)
    else:
        raise Senseless(f"unknown verb {verb!r}")


def call(world: World, step: dict[str, Any]) -> None:
    made = world.pool(step).call(**request(step))
    world.calls[world.fresh(step)] = made


def pick(world: World, step: dict[str, Any]) -> None:
    pool, options = world.pool(step), request(step)
    world.picked.clear()
    if "as" in step:
        lease = pool.lease(**options)
        world.picked.append(lease.endpoint.id)
        world.leases[world.fresh(step)] = lease
        return
    for _ in range(step.get("count", 1)):
        lease = pool.lease(**options)
        world.picked.append(lease.endpoint.id)
        lease.report(step.get("outcome", "cancelled"))


def pool(world: World, step: dict[str, Any]) -> None:
    found = world.manager.pool(step.get("service"), provider=step.get("provider"))
    world.pools[step["as"]] = found.derive(json.dumps(step["config"])) if "config" in step else found


def report(world: World, step: dict[str, Any]) -> None:
    latency, hint = step.get("latency"), step.get("hint")
    lease = world.leases.pop(step["of"], None)
    if lease is None:
        world.call(step).report(step["outcome"], latency, hint, step.get("attempt"))
    elif hint is not None or "attempt" in step:
        raise Senseless("hint and attempt: only for calls")
    else:
        lease.report(step["outcome"], latency)


def drop(world: World, step: dict[str, Any]) -> None:
    lease = world.leases.pop(step["of"], None)
    if lease is None and world.calls.pop(step["of"], None) is None:
        raise Senseless(f"{step['of']!r}: no call or lease of that name")


def health(world: World, step: dict[str, Any]) -> None:
    status = "unhealthy"
    if step["good"]:
        status = "degraded" if step.get("degraded") else "healthy"
    reason = step.get("reason", "reported")
    world.manager.report_health(step["endpoint"], status, reason, provider=step.get("provider"))


CALLS: dict[str, Any] = {
    "tick": lambda call, step: call.tick(),
    "next": lambda call, step: call.next(),
    "cancel": lambda call, step: call.cancel(),
    "choose": lambda call, step: call.choose(step["endpoint"]),
}
VERBS: dict[str, Any] = {
    "call": call,
    "pick": pick,
    "pool": pool,
    "report": report,
    "drop": drop,
    "health": health,
    "advance": lambda world, step: world.clock.advance(step["by"]),
    "configure": lambda world, step: world.manager.configure(json.dumps(step["config"])),
    "register": lambda world, step: world.manager.register_endpoint(
        json.dumps(step["endpoint"]), provider=step.get("provider")
    ),
    "update": lambda world, step: world.manager.update_endpoint(
        json.dumps(step["endpoint"]), provider=step.get("provider")
    ),
    "deregister": lambda world, step: world.manager.deregister_endpoint(
        step["endpoint"], provider=step.get("provider")
    ),
    "publish": lambda world, step: world.manager.publish(
        json.dumps(step["endpoints"]), provider=step.get("provider")
    ),
    "admin": lambda world, step: world.manager.set_admin(
        step["endpoint"], step["state"], provider=step.get("provider")
    ),
    "provider": lambda world, step: world.manager.register_provider(step["name"]),
}


def expect(world: World, step: dict[str, Any]) -> None:
    """Compares what a step expects with what is."""
    what = step["expect"]
    if what in LOOKS:
        LOOKS[what](world, step)
        return
    call = world.call(step)
    if call.action != what:
        raise Senseless(f"the call wants {describe(call)}")
    if "endpoint" in step:
        same("endpoint", step["endpoint"], call.endpoint.id if call.endpoint else None)
    if "number" in step:
        same("number", step["number"], call.number)
    for key in ("timeout", "for"):
        if key in step:
            compare_time(key, step[key], call.remaining_ns)
    if what == "choose":
        same("candidates", step["candidates"], [one.id for one in call.candidates()])
    if what in ("done", "fail"):
        ended(call, step)


def ended(call: failover.Call, step: dict[str, Any]) -> None:
    same("attempts", step["attempts"], call.attempts)
    if "history" in step:
        records = [{"endpoint": one.endpoint.id, "outcome": one.outcome.value} for one in call.history]
        same("history", step["history"], records)
    for key, found in (("fallback", call.is_fallback), ("panic", call.is_panic)):
        if key in step:
            same(key, step[key], found)
    if step["expect"] == "fail":
        if call.error is None:
            raise Senseless("a failed call has no error")
        compare_error(call.error, step)


def describe(call: failover.Call) -> str:
    """What a call wants, in words."""
    at = f" on {call.endpoint.id!r}" if call.endpoint else ""
    left = call.remaining_ns
    return f"{call.action}{at}" + ("" if left is None else f" for {left} ns")


def picks(world: World, step: dict[str, Any]) -> None:
    if "ids" in step:
        same("ids", step["ids"], world.picked)
    else:
        same("counts", step["counts"], dict(Counter(world.picked)))


def endpoint(world: World, step: dict[str, Any]) -> None:
    found = world.stats(step.get("provider"))["endpoints"].get(step["endpoint"])
    if "absent" in step:
        same("absent", step["absent"], found is None)
        return
    if found is None:
        raise Senseless(f"endpoint {step['endpoint']!r}: not registered")
    for key, wanted in step.items():
        if key == "outcomes":
            figures(found["outcomes"], wanted)
        elif key == "scopes":
            for name, fields in wanted.items():
                figures(found["scopes"].get(name, {}), fields)
        elif key not in ("expect", "endpoint", "provider", "note"):
            same(key, wanted, found.get(key))


def explain(world: World, step: dict[str, Any]) -> None:
    found = world.pool(step).explain(**request(step))["endpoints"]
    same("endpoints", step["endpoints"], {one["id"]: one["objection"] for one in found})
    if "chosen" in step:
        chosen = [one["id"] for one in found if one["is_chosen"]]
        same("chosen", step["chosen"], chosen[0] if chosen else None)


def stats(world: World, step: dict[str, Any]) -> None:
    if "pool" in step:
        figures(world.pool(step).stats(), step["figures"])
    else:
        figures(world.stats(step.get("provider")), step["figures"])


def events(world: World, step: dict[str, Any]) -> None:
    same("events", step["kinds"], world.events())
    if "load_balance" in step:
        same("load_balance", step["load_balance"], world.told_picks())


LOOKS: dict[str, Any] = {
    "picks": picks,
    "endpoint": endpoint,
    "explain": explain,
    "stats": stats,
    "events": events,
}


def end(world: World, then: dict[str, Any]) -> None:
    """Compares the end of a scenario."""
    same("events", then["events"], world.events())
    if "stats" in then:
        figures(world.stats(None), then["stats"])


def compare_error(error: failover.FailoverError, wanted: dict[str, Any]) -> None:
    if "kind" in wanted:
        same(f"kind of {error}", wanted["kind"], error.kind)
    if "paths" in wanted:
        same("paths", set(wanted["paths"]), {fault["path"] for fault in error.faults})
    if "endpoints" in wanted:
        same("endpoints", wanted["endpoints"], error.details.get("endpoints"))
    if "next_probe" in wanted:
        same("next_probe", nanos(wanted["next_probe"]), error.details.get("next_probe_in_ns"))


def compare_time(key: str, wanted: Any, left: int | None) -> None:
    if isinstance(wanted, dict):
        most = nanos(wanted["at_most"])
        if left is None or left > most:
            raise Senseless(f"{key}: at most {most} ns, got {left} ns")
    else:
        same(f"{key} in ns", nanos(wanted), left)


def figures(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for name, figure in wanted.items():
        if name not in found:
            raise Senseless(f"{name}: no such figure")
        same(name, figure, found[name])


def same(what: str, wanted: Any, found: Any) -> None:
    if wanted != found or (isinstance(wanted, bool) and wanted is not found):
        raise Senseless(f"{what}: expected {wanted!r}, got {found!r}")
