"""Configuration: typed, as mappings, picklable; and what is wrong with it."""

from __future__ import annotations

import gc
import pickle
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import pytest

import failover
from failover import config as configs
from failover import errors, names

ROOT = Path(__file__).resolve().parents[2]

POLICY = failover.FailoverConfig(
    strategy=failover.Strategy.WEIGHTED,
    max_retries=2,
    retry_delay=0.25,
    timeout=timedelta(seconds=3),
    attempt_timeout="500ms",
    circuit_breaker=failover.CircuitBreakerConfig(failure_threshold=2, recovery_timeout=1.5),
    load_balancer={"weights": {"a": 3}},
    metadata={"timeout": 5, "nested": {"x": [1]}},
)


def test_durations_are_seconds_timedeltas_or_text() -> None:
    with failover.FailoverManager(POLICY) as manager:
        shown = manager.get_config()

    assert (shown.retry_delay, shown.timeout, shown.attempt_timeout) == ("250ms", "3s", "500ms")
    assert isinstance(shown.circuit_breaker, failover.CircuitBreakerConfig)
    assert shown.circuit_breaker.recovery_timeout == "1.5s"
    assert shown.strategy == failover.Strategy.WEIGHTED
    assert shown.metadata == {"timeout": 5, "nested": {"x": [1]}}, "the program's own stays as it is"


def test_what_is_shown_can_be_given_back() -> None:
    with failover.FailoverManager(POLICY) as manager:
        shown, whole = manager.get_config(), manager.config()
        manager.configure(shown)
        assert manager.get_config() == shown
    with failover.FailoverManager(whole) as again:
        assert again.get_config() == shown


def test_a_mapping_means_the_same_as_a_dataclass() -> None:
    with failover.FailoverManager(POLICY) as one:
        mapping = {
            "strategy": "weighted",
            "max_retries": 2,
            "retry_delay": timedelta(milliseconds=250),
            "timeout": 3,
            "attempt_timeout": 0.5,
            "circuit_breaker": {"failure_threshold": 2, "recovery_timeout": 1.5},
            "load_balancer": failover.LoadBalancerConfig(weights={"a": 3}),
            "metadata": POLICY.metadata,
        }
        with failover.FailoverManager({"failover": mapping}) as other:
            assert one.get_config() == other.get_config()


def test_every_fault_is_told_at_once_and_nothing_changes() -> None:
    with failover.FailoverManager() as manager:
        before = manager.get_config()
        with pytest.raises(failover.ConfigError) as caught:
            manager.configure({"max_retries": -1, "retry_dealy": 1, "timeout": -5})
        assert manager.get_config() == before

    assert {fault["path"] for fault in caught.value.faults} == {"max_retries", "retry_dealy", "timeout"}
    assert isinstance(caught.value, ValueError)
    assert caught.value.code == 6001


@pytest.mark.parametrize("text", ["{", "[1]", "7"])
def test_text_that_is_no_document_is_a_faulty_configuration(text: str) -> None:
    with pytest.raises(failover.ConfigError):
        failover.FailoverManager(text)
    with failover.FailoverManager('{"retry_attempts": 7}', timeout=9) as manager:
        assert manager.config().retry_attempts == 7


def test_an_endpoint_can_be_changed_in_one_field(manager: failover.FailoverManager) -> None:
    check = failover.HealthCheck(path="/health", headers={"Authorization": "secret"})
    manager.register_endpoint(
        failover.Endpoint("x", "users", "127.0.0.1", 81, health_check=check, tags=["api"])
    )
    shown = manager.get_endpoint("x")
    assert "secret" not in repr(shown) + str(shown.health_check)

    manager.update_endpoint(replace(shown, weight=7))

    changed = manager.get_endpoint("x")
    assert (changed.weight, changed.tags, changed.health_check) == (7, ("api",), shown.health_check)


def test_managers_of_one_clock_are_of_one_time() -> None:
    clock = failover.ManualClock()
    with failover.FailoverManager(clock=clock) as first:
        clock.advance(5)
        with failover.FailoverManager(clock=clock) as second:
            clock.advance("500ms")
            assert (clock.now, first._engine.now_ns, second._engine.now_ns) == (5.5, *[5_500_000_000] * 2)
    del first, second
    gc.collect()

    assert clock.now == 5.5, "time stays when nobody looks"


def test_configuration_and_errors_can_be_pickled() -> None:
    whole = failover.ManagerConfig(failover=POLICY, timeout=timedelta(seconds=9))
    check = failover.HealthCheck(path="/health", headers={"X": "y"}, expected_statuses=(200, "300-399"))
    at = failover.Endpoint("a", "users", "::1", 80, health_check=check)

    for value in (POLICY, whole, at):
        assert pickle.loads(pickle.dumps(value)) == value
    assert at.url("/x") == "http://[::1]:80/x"
    error = failover.NoEndpointsError("nobody", 6002, {"endpoints": {}})
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.code, again.details) == (
        failover.NoEndpointsError,
        "nobody",
        6002,
        {"endpoints": {}},
    )
    with failover.FailoverManager(whole) as manager:
        assert pickle.loads(pickle.dumps(manager.config())) == manager.config()
        with pytest.raises(TypeError, match="config"):
            pickle.dumps(manager)


def test_dataclasses_have_every_option_of_the_engine_and_no_other() -> None:
    text = (ROOT / "docs" / "reference" / "configuration.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    options = {row.split("`")[1] for row in rows if "| reserved |" not in row}

    for section, made in configs._SECTIONS.items():
        if section == "failover":
            continue
        named = {one.removeprefix(section + ".") for one in options if one.startswith(section + ".")}
        assert {field.name for field in fields(made)} == named, section
    plain = {one for one in options if "." not in one}
    manager = {field.name for field in fields(failover.ManagerConfig)}
    policy = {field.name for field in fields(failover.FailoverConfig)}
    endpoint = {field.name for field in fields(failover.Endpoint)}
    assert plain == (manager | policy | endpoint)
    check = {one.removeprefix("health_check.") for one in options if one.startswith("health_check.")}
    assert {field.name for field in fields(failover.HealthCheck)} == check
    durations = {
        line.split("`")[1].rpartition(".")[2]
        for line in text.splitlines()
        if line.startswith("| `") and "| duration" in line
    }
    assert durations <= failover.document._DURATIONS


def test_names_and_errors_are_those_of_the_reference() -> None:
    text = (ROOT / "docs" / "reference" / "events.md").read_text()
    listed = {line.split("`")[1] for line in text.splitlines() if line.startswith("| ") and "`" in line}
    assert {kind.value for kind in names.EventKind} == listed
    text = (ROOT / "docs" / "reference" / "errors.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and "FAILOVER_E_" in line]
    assert len(rows) == len(errors._TABLE)
    for row in rows:
        number, c_name, _, family, again, *_ = (cell.strip(" `") for cell in row.strip("|").split("|"))
        assert errors._TABLE[int(number)] == (
            c_name.removeprefix("FAILOVER_E_").lower(),
            failover.ErrorType(family),
            again == "yes",
        )
