"""Frames written straight to the connection, for servers that allow it: chunks of HTTP/1.1 without ASGI between.

A server offers it as the extension :data:`EXTENSION` of the scope. Status, headers and the end of the body go by
ASGI as ever; only the frames between do not, which are nearly all that a stream costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from mock_llm.pace import FOREVER, due_at
from mock_llm.ticker import ticker_of

if TYPE_CHECKING:
    from mock_llm.stream import Frame, Pacer, Watched
    from mock_llm.wire import Exchange

EXTENSION = "mock_llm.direct"
BREATH = 32  # frames that leave in one write before other streams have their turn


class Writer(Protocol):
    """The body of one answer."""

    @property
    def chunked(self) -> bool:
        """Whether status and headers have left, and the body is one of chunks."""
        ...

    @property
    def paused(self) -> bool:
        """Whether the client does not read: buffers are full."""
        ...

    def write(self, chunks: bytes) -> None:
        """Write chunks, as HTTP/1.1 frames them."""
        ...

    async def drain(self) -> None:
        """Return when the client reads again, or has gone."""
        ...


def writer_of(exchange: Exchange) -> Writer | None:
    """What the server offers for this answer, when it can be used."""
    writer: Writer | None = (exchange.scope.get("extensions") or {}).get(EXTENSION)
    return writer if writer is not None and writer.chunked else None


async def play_directly(
    exchange: Exchange, writer: Writer, frames: Iterator[Frame], watched: Watched, pacer: Pacer
) -> None:
    """Write each frame when it is due, until all have left or the client has gone.

    Raises what ``frames`` raises.
    """
    stream = _Stream(exchange, writer, frames, watched)
    ticker = ticker_of(exchange.loop)
    while not pacer.gone:
        stream.waiter = pacer.wait()
        ticker.at(exchange.loop.time(), stream.step)
        try:
            await stream.waiter
        finally:
            stream.stopped = True
        if stream.error is not None:
            raise stream.error
        if stream.ended or pacer.gone:
            return
        await stream.drain()


class _Stream:
    """The frames of one answer on their way; ``waiter`` is released when they stop."""

    waiter: asyncio.Future[None]

    def __init__(self, exchange: Exchange, writer: Writer, frames: Iterator[Frame], watched: Watched) -> None:
        self.ended = False
        self.stopped = False
        self.error: Exception | None = None
        self._loop = exchange.loop
        self._request = exchange.request
        self._start = exchange.started
        self._writer = writer
        self._frames = frames
        self._watched = watched
        self._held: Frame | None = None
        self._due = float("inf")
        self._late = 0.0

    async def drain(self) -> None:
        """Wait until the client reads again, and keep account of it."""
        self.stopped, before = False, self._loop.time()
        await self._writer.drain()
        if self._request is not None:
            self._request.blocked += self._loop.time() - before

    def step(self, now: float) -> float | None:
        """Write what is due, and say when the next frame is; ``None``: none will be, or the client does not read."""
        if self.stopped:
            return None
        if self._writer.paused:
            self._stop()
            return None
        chunks: list[bytes] = []
        try:
            following = self._collect(now, chunks)
        except Exception as error:  # what the frames raise is for whoever waits for the stream
            self.error, following = error, None
            self._stop()
        if chunks:
            self._writer.write(chunks[0] if len(chunks) == 1 else b"".join(chunks))
        return following

    def _collect(self, now: float, chunks: list[bytes]) -> float | None:
        """Add the chunks of the frames that are due; the instant of the next one."""
        frame, due, reached = self._held, self._due, None
        if now - due > self._late:
            self._note_late(now - due)
        self._held = None
        while True:
            if frame is None:
                frame = next(self._frames, None)
                if frame is None:
                    self.ended = True
                    self._stop()
                    return None
                offset = frame[0]
                if offset == FOREVER:
                    return None
                if offset != reached:
                    reached, due = offset, due_at(self._start, offset)
                    if now - due > self._late:
                        self._note_late(now - due)
            if due > now or len(chunks) == BREATH:
                self._held, self._due = frame, due
                return due
            self._take(frame, chunks)
            frame = None

    def _take(self, frame: Frame, chunks: list[bytes]) -> None:
        """Add the chunk of a frame that is due, and tell of it."""
        _, data, text, fault, ends = frame
        if text is not None:
            self._watched.token(text)
        if fault is not None:
            self._watched.faulted(fault, ends)
        if data:
            chunks.append(b"%x\r\n%b\r\n" % (len(data), data))

    def _note_late(self, late: float) -> None:
        self._late = late
        if self._request is not None:
            self._request.late = max(self._request.late, late)

    def _stop(self) -> None:
        if not self.waiter.done():
            self.waiter.set_result(None)
