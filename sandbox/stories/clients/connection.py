"""One WebSocket connection of a story's client: the websockets library, telling the timeline what it sees."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from sandbox.stories.clients.base import Stage
from sandbox.stories.clients.dialing import ABNORMAL, dial, switched
from sandbox.stories.clients.wire import Teller


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
        self._socket = await dial(self._stage, self._teller, url, headers, subprotocols)
        if self._socket is None:
            return
        switched(self._teller, self._socket)
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


def _cut(text: str, size: int) -> list[str]:
    data = text.encode()
    return [data[n : n + size].decode() for n in range(0, len(data), size)] or [""]
