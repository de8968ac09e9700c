"""Functions that find their endpoint themselves."""

from __future__ import annotations

import asyncio
import inspect

import pytest

import failover


def test_a_wrapped_function_keeps_its_name_doc_and_signature(pool: failover.Pool) -> None:
    @pool.wrap
    def user(endpoint: failover.Endpoint, id: int, *, detail: bool = False) -> tuple[str, int, bool]:
        """Reads a user."""
        return endpoint.id, id, detail

    assert user(42, detail=True) == ("a", 42, True)
    assert (user.__name__, user.__doc__) == ("user", "Reads a user.")
    assert list(inspect.signature(user).parameters) == ["id", "detail"]
    with pytest.raises(TypeError):
        user()  # type: ignore[call-arg]


def test_a_wrapped_coroutine_function_stays_one(pool: failover.Pool) -> None:
    @pool.wrap(idempotent=False)
    async def user(endpoint: failover.Endpoint, id: int) -> tuple[str, int]:
        await asyncio.sleep(0)
        return endpoint.id, id

    assert inspect.iscoroutinefunction(user)
    assert asyncio.run(user(7)) == ("a", 7)


def test_options_hold_for_every_call(pool: failover.Pool) -> None:
    tries: list[str] = []

    @pool.wrap(idempotent=False)
    def send(endpoint: failover.Endpoint) -> None:
        tries.append(endpoint.id)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        send()

    assert len(tries) == 1, "it may have been done"
