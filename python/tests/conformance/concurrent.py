"""The steps of a scenario on an event loop, each in a task of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from . import steps
from .world import World


async def perform_async(world: World, step: dict[str, Any]) -> None:
    """Does a step in a task, whose context is a copy of its maker's, and waits for it."""
    await asyncio.create_task(_apart(lambda: steps.perform(world, step)))


async def _apart(act: Callable[[], None]) -> None:
    # Suspended once before and once after, so that every step really crosses the loop.
    await asyncio.sleep(0)
    act()
    await asyncio.sleep(0)
