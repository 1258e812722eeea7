"""What a shim's handler is given: one call of one operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sandbox.control.message import Request, Response
from sandbox.control.target import Target
from sandbox.control.wire import Operation


class Backend(Protocol):
    """Whom a shim stands before: moto, or LocalStack."""

    async def ask(self, target: Target, request: Request, *, quiet: bool = False) -> Response:
        """Its own answer to a request."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """An operation with its parameters, and the way on to the backend's own answer."""

    target: Target
    request: Request
    operation: Operation
    _backend: Backend = field(repr=False)

    @property
    def params(self) -> dict[str, Any]:
        """The operation's parameters by botocore's names."""
        return self.operation.params

    async def moto(self, request: Request | None = None) -> Response:
        """The backend's answer to this request, or to another one for the same service."""
        return await self._backend.ask(self.target, request or self.request)


Handler = Callable[[Call], Awaitable[Mapping[str, Any] | Response | None]]
