"""HTTP requests and answers as values, and how they travel over ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.context import Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Request:
    """A management request with its whole body.

    ``host``: the Host header as sent, with its port. ``path``: still percent-encoded. ``headers``: names in any
    case, in the order sent. ``operation``: what it calls, where the sandbox wrote it itself.
    """

    method: str
    host: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    scheme: str = "http"
    operation: str | None = None

    def header(self, name: str) -> str | None:
        """The first value of a header, or ``None``."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    @property
    def url(self) -> str:
        """The whole address as sent."""
        return f"{self.scheme}://{self.host}{self.path}" + (f"?{self.query}" if self.query else "")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. ``headers`` holds no Content-Length: the one who sends it counts."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    facts: dict[str, Any] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        """The first value of a header, or ``None``."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


async def read_request(scope: Scope, receive: Receive) -> Request:
    """The request of an ASGI ``http`` scope, its body read to the end."""
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    raw_path = (scope.get("raw_path") or scope["path"].encode()).split(b"?")[0].decode("latin-1")
    host = next((value for name, value in headers if name.lower() == "host"), "localhost")
    return Request(
        method=scope["method"],
        host=host,
        path=raw_path or "/",
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=headers,
        body=await _read_body(receive),
        scheme=scope.get("scheme", "http"),
    )


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("The client went away before its request was complete.")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def send_response(response: Response, send: Send, *, head: bool = False) -> None:
    """Write an answer. To a HEAD request only the head goes out, with the length that a GET would have."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    if not any(name == b"content-length" for name, _ in headers) and response.status not in (204, 304):
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.body})


App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def ask(app: App, request: Request) -> Response:
    """The whole answer of an ASGI application to a request, without a socket."""
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode("latin-1"),
        "query_string": request.query.encode("latin-1"),
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers
        ],
        "client": None,
        "server": None,
    }
    parts: list[bytes] = []
    start: MutableMapping[str, Any] = {}

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
    return Response(start["status"], headers, b"".join(parts))
