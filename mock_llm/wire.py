"""HTTP as ASGI gives it: one request's reading and answering, without a framework."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mock_llm.pace import SECOND
from mock_llm.text import derive, letters

if TYPE_CHECKING:
    from mock_llm.ledger import Request

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

JSON = b"application/json"
RESET = "mock_llm.reset"  # the scope's extension that resets the connection, where the server has one


class RefusedError(Exception):
    """A request that is answered with an error; each API gives it its own shape.

    ``kind``, ``code`` and ``param`` as OpenAI means them (error type, code, name of the parameter).
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.headers = dict(headers or {})


class ClientGoneError(Exception):
    """The client left before the request was read."""


@dataclass(slots=True)
class Exchange:
    """A request and the way to answer it. ``started``: the loop's time when it came.

    ``path``: percent-decoded, without the prefix under which the application is mounted. ``params``: what the
    route took from the path. ``request``: its line in the ledger; ``on_body`` is told its body.
    """

    scope: Scope
    receive: Receive
    send: Send
    path: str
    started: float
    headers: Mapping[str, str]
    params: tuple[str, ...] = ()
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    request: Request | None = None
    on_body: Callable[[Request, bytes], None] | None = None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return str(self.scope["method"])

    @property
    def identity(self) -> str:
        """24 letters and digits that tell this request from the others: for the ids of refusals."""
        return letters(derive("request", self.request.number if self.request else self.started), 24)

    async def body(self, limit: int) -> bytes:
        """The whole body.

        Raises :class:`RefusedError` 413 beyond ``limit`` bytes, :class:`ClientGoneError`.
        """
        parts, size, more = [], 0, True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise RefusedError(413, f"The request body is longer than {limit} bytes.")
            parts.append(part)
            more = message.get("more_body", False)
        body = b"".join(parts)
        if self.request is not None and self.on_body is not None:
            self.on_body(self.request, body)
        return body

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers."""
        if self.request is not None:
            self.request.status, self.request.first_at = status, self.loop.time()
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def send_part(self, offset: int, data: bytes) -> None:
        """Send a part of the body that was due ``offset`` microseconds after the request."""
        request, before = self.request, self.loop.time()
        if request is not None:
            late = before - self.started - offset / SECOND
            if late > request.late:
                request.late = late
        await self.send({"type": "http.response.body", "body": data, "more_body": True})
        if request is not None:
            request.blocked += self.loop.time() - before

    def reset(self) -> None:
        """Reset the connection, where the server can; where it cannot, the server closes it."""
        reset = (self.scope.get("extensions") or {}).get(RESET)
        if reset is not None:
            reset()

    async def respond(self, status: int, body: bytes, headers: Headers) -> None:
        """Send a whole answer."""
        length = (b"content-length", str(len(body)).encode())
        await self.start(status, [*headers, length])
        await self.send({"type": "http.response.body", "body": body})

    async def respond_json(self, status: int, value: Any, headers: Headers | None = None) -> None:
        """Send a value as JSON."""
        await self.respond(status, dump(value), [(b"content-type", JSON), *(headers or [])])


def exchange(scope: Scope, receive: Receive, send: Send) -> Exchange:
    """An exchange from ASGI's three. Repeated headers are joined with a comma, as HTTP allows."""
    loop = asyncio.get_running_loop()
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    path, root = scope["path"], scope.get("root_path", "")
    if root and (path == root or path.startswith(root + "/")):
        path = path[len(root) :] or "/"
    return Exchange(scope, receive, send, path, loop.time(), headers, loop=loop)


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dump(value: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return _encode(value).encode("utf-8", "surrogatepass")
