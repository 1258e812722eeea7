"""One WebSocket connection of a story's client: the websockets library, telling the timeline what it sees."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from sandbox.stories.clients.base import AWS_NAMES, Stage, StoryFailedError
from sandbox.stories.clients.wire import Teller
from sandbox.stories.expectations import ErrorKind

ABNORMAL = 1006


class Connection:
    """An open connection whose messages are read as they come, or the refusal to open one."""

    def __init__(self, stage: Stage, teller: Teller) -> None:
        self._stage = stage
        self._teller = teller
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._leaving = False
        self.messages: list[str] = []

    @property
    def open(self) -> bool:
        """Whether messages can still come."""
        return self._reader is not None and not self._reader.done()

    async def connect(self, url: str, headers: Mapping[str, str], subprotocols: Sequence[str]) -> None:
        """Open it; a refusal is told as the HTTP answer that it is."""
        teller = self._teller
        teller.request_sent("GET", url)
        address, where = way(self._stage, url)
        try:
            self._socket = await connect(
                address,
                additional_headers=dict(headers),
                subprotocols=[Subprotocol(one) for one in subprotocols] or None,
                compression=None,
                proxy=None,
                open_timeout=None,
                ping_interval=None,
                close_timeout=10,
                max_size=None,
                **where,
            )
        except InvalidStatus as refused:
            answer = refused.response
            teller.response_started(answer.status_code, dict(answer.headers.raw_items()))
            if answer.body:
                teller.received(bytes(answer.body))
            teller.completed()
            return
        except InvalidURI as error:
            raise StoryFailedError(f"{url} is no WebSocket address: {error}") from None
        except (InvalidHandshake, EOFError, OSError) as error:
            kind: ErrorKind = (
                "connection refused" if isinstance(error, ConnectionRefusedError) else "connection closed"
            )
            teller.failed(kind, f"{type(error).__name__}: {error}")
            return
        assert self._socket.response is not None
        headers_of_answer = dict(self._socket.response.headers.raw_items())
        teller.response_started(self._socket.response.status_code, headers_of_answer)
        self._reader = asyncio.create_task(self._read(self._socket))

    async def _read(self, socket: ClientConnection) -> None:
        try:
            while True:
                frames = [frame async for frame in socket.recv_streaming(decode=False)]
                self.messages.append(self._teller.message(frames))
                self._news.set()
        except ConnectionClosed:
            code, reason = socket.close_code or ABNORMAL, socket.close_reason or ""
            self._teller.connection_closed(code, reason, by_client=self._leaving)
        finally:
            self._news.set()

    async def news(self, seen: int) -> bool:
        """Wait until there are more messages than ``seen``; ``False``: none will come."""
        while len(self.messages) <= seen and self.open:
            self._news.clear()
            await self._news.wait()
        return len(self.messages) > seen

    async def send(self, data: str | bytes, frame_size: int | None = None) -> None:
        """Send a message, in frames of at most ``frame_size`` bytes."""
        assert self._socket is not None
        self._teller.message_sent(data, frame_size)
        pieces = _cut(data, frame_size) if frame_size and isinstance(data, str) else None
        try:
            await self._socket.send(pieces if pieces is not None else data)
        except ConnectionClosed:
            await self.ended()

    async def ping(self) -> None:
        """Send a ping and wait for its pong, or for the end; nothing happens on a closed connection."""
        if self._socket is None or self._reader is None or not self.open:
            return
        self._teller.note("ping_sent")
        try:
            pong = asyncio.ensure_future(await self._socket.ping())
            await asyncio.wait([pong, self._reader], return_when=asyncio.FIRST_COMPLETED)
        except ConnectionClosed:
            await self.ended()
            return
        if pong.done() and not pong.cancelled() and pong.exception() is None:
            self._teller.note("pong_received")

    async def ended(self) -> None:
        """Wait until the other side has closed."""
        if self._reader is not None:
            await asyncio.wait([self._reader])

    async def close(self, code: int = 1000) -> None:
        """Leave; nothing happens on a closed connection."""
        if self._socket is None or not self.open:
            return
        self._leaving = True
        await self._socket.close(code)
        await self.ended()


def way(stage: Stage, url: str) -> tuple[str, dict[str, Any]]:
    """Where to connect: AWS's names lead to the sandbox, without TLS; the Host header stays."""
    parts = urlsplit(url)
    if not (parts.hostname or "").endswith(AWS_NAMES):
        return url, {}
    to = urlsplit(stage.endpoint)
    return parts._replace(scheme="ws").geturl(), {"host": to.hostname, "port": to.port}


def _cut(text: str, size: int) -> list[str]:
    data = text.encode()
    return [data[n : n + size].decode() for n in range(0, len(data), size)] or [""]
