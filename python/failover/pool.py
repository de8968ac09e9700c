"""One service of one provider under one policy: the object of the hot path."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union, overload

from . import _failover
from ._failover import FailoverResult
from .document import text_of
from .endpoint import Endpoint
from .execute import go_on

if TYPE_CHECKING:
    from .config import FailoverConfig
    from .manager import FailoverManager

    from typing_extensions import Concatenate, ParamSpec, Unpack

    from ._failover import _Options

    P = ParamSpec("P")

__all__ = ["Pool"]

T = TypeVar("T")


class Pool(_failover.Pool):
    """One service of one provider under one policy.

    Get it from :meth:`FailoverManager.pool`, and keep it. Safe to share between threads and loops.
    """

    # `_owner` is the manager, which keeps what chooses; a slot's name would clash with the class.
    __slots__ = ("_owner",)

    _owner: FailoverManager

    def __new__(
        cls,
        manager: FailoverManager,
        provider: Optional[str] = None,
        service: Optional[str] = None,
        derived: Optional[tuple[_failover.Pool, str]] = None,
    ) -> Pool:
        """Gets a pool; :meth:`FailoverManager.pool` is the way to call it."""
        made = super().__new__(cls, manager._engine, provider, service, derived)
        made._owner = manager
        return made

    async def execute_async(
        self, function: Callable[[Endpoint], Awaitable[T]], /, **options: Unpack[_Options]
    ) -> FailoverResult[T]:
        """Runs an asynchronous function on one endpoint after another until it succeeds.

        Like :meth:`execute`, on the caller's own event loop. An attempt whose time is over is cancelled;
        a cancelled call gives its attempt back.
        """
        begun = self.begin(function, **options) if options else self.begin(function)
        if type(begun) is FailoverResult:
            return begun
        return await go_on(self, function, begun)

    def derive(self, config: Union[FailoverConfig, Mapping[str, Any], str]) -> Pool:
        """The same service under another policy: the given options over this pool's."""
        made = Pool(self._owner, derived=(self, text_of(config)))
        self._owner._tell_logs()
        return made

    @overload
    def wrap(
        self, function: Callable[Concatenate[Endpoint, P], T], /
    ) -> Callable[P, T]: ...

    @overload
    def wrap(
        self, function: None = None, /, **options: Unpack[_Options]
    ) -> Callable[[Callable[Concatenate[Endpoint, P], T]], Callable[P, T]]: ...

    def wrap(self, function: Any = None, /, **options: Any) -> Any:
        """Makes a function of an endpoint one that finds the endpoint itself, sync or async.

        ``@pool.wrap def user(endpoint, id): ...`` is then called as ``user(42)``, and returns what the
        function returned. With options: ``@pool.wrap(timeout=2, idempotent=False)``.
        """
        if function is None:
            return lambda given: self.wrap_with(given, options)
        return self.wrap_with(function, options)

    def wrap_with(self, function: Any, options: dict[str, Any]) -> Any:
        """Makes the wrapper of :meth:`wrap`."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def call_async(*args: Any, **kwargs: Any) -> Any:
                result = await self.execute_async(
                    lambda at: function(at, *args, **kwargs), **options
                )
                return result.result

            wrapper: Any = call_async
        else:

            @functools.wraps(function)
            def call(*args: Any, **kwargs: Any) -> Any:
                return self.execute(lambda at: function(at, *args, **kwargs), **options).result

            wrapper = call
        wrapper.__signature__ = _without_endpoint(function)
        return wrapper

    def choose(self, candidates: list[Endpoint], is_async: bool = False) -> Any:
        """Asks the program's own strategy; None where it has none."""
        return self._owner._choose(candidates, is_async)


def _without_endpoint(function: Any) -> inspect.Signature:
    signature = inspect.signature(function)
    return signature.replace(parameters=list(signature.parameters.values())[1:])
