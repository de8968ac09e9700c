"""Runs the scenarios: `python -m conformance sync|async [PART]`, from the folder `tests`.

The synchronous runner takes the steps one after another. The asynchronous one takes them on an event
loop, each in a task of its own with a context of its own: a call goes from task to task, as it does in a
program.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import failover

from . import steps
from .concurrent import perform_async
from .shape import Shape
from .world import Senseless, World

ROOM = Path(__file__).resolve().parents[3] / "tests" / "conformance"


def main(way: str, part: str) -> int:
    shape = Shape(json.loads((ROOM / "schema.json").read_text()))
    files = sorted(path for path in (ROOM / "scenarios").rglob("*") if path.is_file())
    chosen = [file for file in files if part in str(file.relative_to(ROOM))]
    passed: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for file in chosen:
        area = file.relative_to(ROOM / "scenarios").parts[0]
        fault = run(shape, file, way)
        (failed if fault else passed)[area] += 1
        if fault:
            print(f"{file.relative_to(ROOM)}\n  {fault}\n")
    count, lost = sum(passed.values()) + sum(failed.values()), sum(failed.values())
    report(way, passed, failed)
    print(f"conformance: scenarios={count} failed={lost}")
    if not chosen or (not part and count != len(files)):
        print(f"{len(files)} files found, {count} scenarios run")
        return 1
    return 1 if lost else 0


def run(shape: Shape, file: Path, way: str) -> str | None:
    """What is wrong with a scenario; None if it holds."""
    try:
        scenario = json.loads(file.read_text())
    except ValueError as error:
        return str(error)
    fault = shape.faults(scenario)
    if fault:
        return fault
    said = f"name: {scenario['name']}\n  why:  {scenario['why']}\n  "
    try:
        if way == "async":
            asyncio.run(play_async(scenario))
        else:
            play(scenario)
    except (Senseless, failover.FailoverError) as error:
        return said + str(error)
    return None


def play(scenario: dict[str, Any]) -> None:
    """Does a scenario on this thread."""
    world = World(scenario)
    try:
        for number, step in enumerate(scenario["steps"], 1):
            with located(number, step):
                (steps.perform if "do" in step else steps.expect)(world, step)
        with located(None, scenario["then"]):
            steps.end(world, scenario["then"])
    finally:
        world.close()


async def play_async(scenario: dict[str, Any]) -> None:
    """Does a scenario on an event loop."""
    world = World(scenario)
    try:
        for number, step in enumerate(scenario["steps"], 1):
            with located(number, step):
                if "do" in step:
                    await perform_async(world, step)
                else:
                    steps.expect(world, step)
        with located(None, scenario["then"]):
            steps.end(world, scenario["then"])
    finally:
        world.close()


class located:
    """Says in which step something did not hold."""

    def __init__(self, number: int | None, step: Any) -> None:
        self._place = "then" if number is None else f"step {number}: {json.dumps(step)}\n "

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, (Senseless, failover.FailoverError)):
            raise Senseless(f"{self._place} {error}") from error


def report(way: str, passed: Counter[str], failed: Counter[str]) -> None:
    """Adds a line for each area to the file that FAILOVER_REPORT names."""
    name = os.environ.get("FAILOVER_REPORT")
    if not name:
        return
    runner = "python-async" if way == "async" else "python"
    with open(name, "a") as lines:
        for area in sorted({*passed, *failed}):
            lines.write(f"{runner}\t{area}\t{passed[area]}\t{failed[area]}\n")


if __name__ == "__main__":
    way = sys.argv[1] if len(sys.argv) > 1 else "sync"
    if way not in ("sync", "async"):
        sys.exit("usage: python -m conformance sync|async [PART]")
    sys.exit(main(way, sys.argv[2] if len(sys.argv) > 2 else ""))
