"""One HTTP request and its answer at an edge: reads the body, writes chunks at once, tells the timeline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import Self

from sandbox.context import ConnectionAbort, Receive, Sandbox, Scope, Send

Headers = Iterable[tuple[str, str]]

# Between two programs only: RFC 9110, 7.6.1. Their own answers may not set these.
HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)


class BodyTooLargeError(Exception):
    """The request's body is over the limit; the rest was not read."""


class ClientGoneError(Exception):
    """The client went before its request was whole."""


class Exchange:
    """A request under way. ``async with`` it: leaving stops the watch on the client.

    ``source`` and ``id`` name it on the timeline. ``gone`` is true once the client has left; what is written
    after that goes nowhere.
    """

    def __init__(
        self, sandbox: Sandbox, source: str, id: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self.id = id
        self.scope = scope
        self.gone = False
        self.started = False
        self._source = source
        self._timeline = sandbox.timeline
        self._receive = receive
        self._send = send
        self._ended = False
        self._bytes = 0
        self._status = 0
        self.trailers = False  # whether headers may follow the body (HTTP/2 only)
        self._watcher: asyncio.Task[None] | None = None
        self.on_gone: Callable[[], None] | None = None  # called once when the client has left
        raw = bytes(scope.get("raw_path") or str(scope["path"]).encode()).decode("latin-1")
        self._timeline.record(source, "request_received", id, method=scope["method"], path=raw)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        if self._watcher is not None:
            self._watcher.cancel()

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises :class:`BodyTooLargeError`, :class:`ClientGoneError`."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._client_left()
                raise ClientGoneError
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise BodyTooLargeError
            if not message.get("more_body", False):
                break
        self._watcher = asyncio.get_running_loop().create_task(self._watch(), name=f"watch {self.id}")
        return b"".join(parts)

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises :class:`ClientGoneError`."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._client_left()
                raise ClientGoneError
            yield message.get("body", b"")
            if not message.get("more_body", False):
                break
        self._watcher = asyncio.get_running_loop().create_task(self._watch(), name=f"watch {self.id}")

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._client_left()

    def _client_left(self) -> None:
        if not self._ended:
            self.gone = True
            self._timeline.record(self._source, "client_gone", self.id)
            if self.on_gone is not None:
                self.on_gone()

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers."""
        self.started = True
        if self.gone:
            return
        self._timeline.record(self._source, "response_started", self.id, status=status)
        self._status = status
        raw = [(name.lower().encode("latin-1"), _value(value)) for name, value in headers]
        more = {"trailers": True} if self.trailers else {}
        await self._send({"type": "http.response.start", "status": status, "headers": raw, **more})

    async def write(self, data: bytes) -> None:
        """Send one chunk, now."""
        if self.gone or not data:
            return
        self._bytes += len(data)
        self._timeline.record(self._source, "sent", self.id, bytes=len(data))
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, trailers: Headers = ()) -> None:
        """The answer is whole."""
        self._ended = True
        if self.gone:
            return
        self._timeline.record(
            self._source, "response_completed", self.id, status=self._status, bytes=self._bytes
        )
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        if self.trailers:
            raw = [(name.lower().encode("latin-1"), _value(value)) for name, value in trailers]
            await self._send({"type": "http.response.trailers", "headers": raw, "more_trailers": False})

    def cut(self, error: str) -> ConnectionAbort:
        """Note that the answer ends early; raise what this gives."""
        self._ended = True
        if not self.gone:
            self._timeline.record(self._source, "response_cut", self.id, error=error, bytes=self._bytes)
        return ConnectionAbort(error)

    @property
    def status(self) -> int:
        """The answer's status; 0 before it."""
        return self._status

    @property
    def sent(self) -> int:
        """Bytes of the body so far."""
        return self._bytes

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer: its length is known."""
        kept = [(n, v) for n, v in headers if n.lower() not in HOP_BY_HOP and n.lower() != "content-length"]
        if status not in (204, 304):
            kept.append(("content-length", str(len(body))))
        await self.start(status, kept)
        if not self.gone:
            self._ended = True
            self._bytes += len(body)
            if body:
                self._timeline.record(self._source, "sent", self.id, bytes=len(body))
            self._timeline.record(
                self._source, "response_completed", self.id, status=status, bytes=self._bytes
            )
            await self._send({"type": "http.response.body", "body": body, "more_body": False})


def _value(text: str) -> bytes:
    """A header's value on the wire: control characters would end the header, other text goes as UTF-8."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c == "\t" else " " for c in text)
    return text.strip().encode("utf-8")


def client_ip(scope: Scope) -> str:
    """The address that a request came from; loopback where the connection tells none."""
    return scope["client"][0] if scope.get("client") else "127.0.0.1"
