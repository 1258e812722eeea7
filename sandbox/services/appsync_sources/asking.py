"""Who asks a data source: a GraphQL request, or a handler of an Event API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sandbox.context import Sandbox

Send = Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]


class Api(Protocol):
    """The API that it belongs to."""

    @property
    def region(self) -> str: ...


class Asking(Protocol):
    """``id``: of the request or connection, for the timeline."""

    @property
    def sandbox(self) -> Sandbox: ...

    @property
    def api(self) -> Api: ...

    @property
    def id(self) -> str: ...


class Batches(Protocol):
    """Where payloads for a function wait for others of their kind."""

    async def add(self, key: str, payload: Any, size: int, send: Send) -> Any:
        """The answer to a payload. ``key``: the resolver or function that asks."""
        ...


class Request(Asking, Protocol):
    """A GraphQL request."""

    @property
    def batches(self) -> Batches: ...
