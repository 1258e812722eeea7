"""What HTTP clients share: the way to the sandbox, and the telling of what they see."""

from __future__ import annotations

import codecs
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from sandbox.aws.tls import public_authorities
from sandbox.stories.clients.base import Stage
from sandbox.stories.expectations import ErrorKind

_SHOWN = 1000  # characters of a sent message that the timeline keeps
_NORMAL = 1000


class Teller:
    """Tells the timeline what one client did and saw; every HTTP request gets a number of its own."""

    def __init__(self, stage: Stage, client: str) -> None:
        self._stage = stage
        self.client = client  # its name in the timeline, a copy's with its number
        self._count = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.answered = False
        self.over = True

    @property
    def id(self) -> str:
        """Id of the request under way."""
        return f"{self.client}:{self._count}"

    def request_sent(self, method: str, url: str) -> None:
        """A request leaves now."""
        self._count += 1
        self._decoder.reset()
        self.answered = self.over = False
        port = (
            f":{urlsplit(self._stage.endpoint).port}/"  # differs from run to run; two runs must look the same
        )
        self._stage.timeline.record(
            "client", "request_sent", self.id, method=method, url=url.replace(port, "/")
        )

    def response_started(self, status: int, headers: dict[str, str]) -> None:
        """Status and headers are here."""
        self.answered = True
        self._stage.timeline.record("client", "response_started", self.id, status=status, headers=headers)

    def received(self, data: bytes) -> None:
        """Bytes of the body are here, as sent."""
        text = self._decoder.decode(data)
        self._stage.timeline.record("client", "received", self.id, bytes=len(data), text=text)

    def read(self, text: str) -> None:
        """A library gave a piece of the answer's own text, freed of its protocol."""
        size = len(text.encode())
        self._stage.timeline.record("client", "received", self.id, bytes=size, text=text, decoded=True)

    def message(self, frames: Sequence[bytes]) -> str:
        """A WebSocket message came, in these frames; its text."""
        data = b"".join(frames)
        text = data.decode("utf-8", "replace")
        self.note("received", bytes=len(data), text=text, message=True, frames=len(frames))
        return text

    def message_sent(self, data: str | bytes, frame_size: int | None) -> None:
        """A WebSocket message leaves now."""
        raw = data.encode() if isinstance(data, str) else data
        cut = {} if frame_size is None else {"frame_size": frame_size}
        text = raw[:_SHOWN].decode("utf-8", "replace")
        self.note("message_sent", bytes=len(raw), text=text, binary=isinstance(data, bytes), **cut)

    def connection_closed(self, code: int, reason: str, *, by_client: bool) -> None:
        """A WebSocket is closed. Well: the client wanted it, or the other side said 1000."""
        self.note("closed", code=code, reason=reason)
        if by_client or code == _NORMAL:
            self.completed()
        else:
            self.failed("closed", f"{code} {reason}".strip())

    def note(self, name: str, /, **data: object) -> None:
        """Something else that the client did or saw."""
        self._stage.timeline.record("client", name, self.id, **data)

    def _end(self, name: str, **data: object) -> None:
        if not self.over:
            self.over = True
            self._stage.timeline.record("client", name, self.id, **data)

    def completed(self) -> None:
        """The answer is over, as it should be."""
        self._end("completed")

    def disconnected(self) -> None:
        """The client left by its own will."""
        self._end("disconnected")

    def failed(self, kind: ErrorKind, error: str) -> None:
        """The request failed."""
        self._end("failed", kind=kind, error=error)


def error_kind(error: httpx.HTTPError | httpx.StreamError, answered: bool) -> ErrorKind:
    """How a story calls an error of httpx. ``answered``: the status line had come before it."""
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.ConnectError):
        return "connection refused"
    if isinstance(error, httpx.NetworkError):
        return "truncated" if answered else "connection closed"
    if isinstance(error, httpx.RemoteProtocolError):
        if "disconnected" in str(error) or "closed" in str(error):
            return "truncated" if answered else "connection closed"
        return "protocol"
    return "protocol" if isinstance(error, httpx.ProtocolError) else "other"


def routed(library: Any) -> Any:
    """A transport class of an HTTP library (httpx, or one shaped like it) that leads AWS's names to the sandbox.

    The ``Host`` header stays as the client wrote it. ``before_send`` sees each request before it leaves.
    """

    class Transport(library.AsyncHTTPTransport):  # type: ignore[misc]
        def __init__(
            self, stage: Stage, before_send: Callable[[Any], Awaitable[None]], *, http2: bool = False
        ) -> None:
            verify = public_authorities(("h2",) if http2 else ())
            super().__init__(http1=not http2, http2=http2, trust_env=False, verify=verify)
            self._stage = stage
            self._before_send = before_send

        async def handle_async_request(self, request: Any) -> Any:
            await self._before_send(request)
            asked = request.url
            request.url = library.URL(self._stage.route(str(asked)))
            try:
                return await super().handle_async_request(request)
            finally:
                request.url = asked  # cookies belong to the host that was asked

    return Transport


SandboxTransport = routed(httpx)
