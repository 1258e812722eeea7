"""A GraphQL request under way, and a field of it that a resolver answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.services.appsync.errors import Entry

if TYPE_CHECKING:
    from sandbox.aws.appsync_js import Extension
    from sandbox.context import Sandbox
    from sandbox.control.appsync import GraphqlApi
    from sandbox.services.appsync.batches import Batches
    from sandbox.services.appsync.caller import Caller
    from sandbox.services.appsync.schema import Executable
    from sandbox.services.appsync_sources import Sources


@dataclass(slots=True)
class Request:
    """What the fields of one request share. ``headers``: in lower case, without credentials of the connection.

    ``appended``: errors that resolvers added and went on. ``extensions``: the calls of ``extensions.*``, in order.
    ``deadline``: the loop's instant at which resolvers have had their time.
    """

    sandbox: Sandbox
    api: GraphqlApi
    schema: Executable
    caller: Caller
    id: str
    headers: Mapping[str, str]
    domain: str | None
    sources: Sources
    batches: Batches
    deadline: float = 0.0
    appended: list[Entry] = field(default_factory=list)
    extensions: list[Extension] = field(default_factory=list)
    response_headers: dict[str, Any] = field(default_factory=dict)
    resolvers_run: int = 0

    def __post_init__(self) -> None:
        seconds = float(self.sandbox.limits.value("appsync.execution_timeout"))
        self.deadline = asyncio.get_running_loop().time() + seconds


@dataclass(slots=True)
class FieldCall:
    """A field that has a resolver. ``path`` and ``places``: for errors. ``info``: as ``$context.info`` has it."""

    type_name: str
    field_name: str
    arguments: Mapping[str, Any]
    source: Any
    info: Mapping[str, Any]
    path: Sequence[str | int]
    places: Sequence[Mapping[str, int]]
    stash: dict[str, Any] = field(default_factory=dict)

    def context(self, request: Request, **more: Any) -> dict[str, Any]:
        """``context`` of a handler or template. ``more``: ``result``, ``prev``, ``error``."""
        return {
            "arguments": dict(self.arguments),
            "args": dict(self.arguments),
            "identity": request.caller.identity,
            "source": self.source,
            "request": {"headers": dict(request.headers), "domainName": request.domain},
            "prev": None,
            "result": None,
            "error": None,
            "info": dict(self.info),
            "stash": self.stash,
            "env": dict(request.api.environment),
            **more,
        }
