"""The way of a response from the runtime to whoever invoked, with back-pressure and a speed limit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from sandbox.services.lambda_.faults import Fault

HIGH_WATER = 256 * 1024  # bytes waiting for the reader before the runtime has to wait


class ResponseChannel:
    """Chunks of one response, in order, then its end.

    The writer is the Runtime API, the reader whoever invoked. A reader that leaves (:meth:`abandon`) does not stop
    the writer: the function runs on, its bytes are dropped (facts 4.14).
    """

    def __init__(self) -> None:
        self.content_type = "application/octet-stream"
        self.fault: Fault | None = None
        self.closed = False
        self.size = 0  # bytes written so far
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._abandoned = False
        self._changed = asyncio.Event()  # for the reader
        self._room = asyncio.Event()  # for the writer
        self._started = asyncio.Event()

    def open(self, content_type: str) -> None:
        """The response's head came."""
        if content_type:
            self.content_type = content_type

    async def write(self, chunk: bytes) -> None:
        """Hand on a chunk; waits while the reader is behind."""
        self.size += len(chunk)
        if self.closed or self._abandoned:
            return
        self._chunks.append(chunk)
        self._waiting += len(chunk)
        self._started.set()
        self._changed.set()
        while self._waiting > HIGH_WATER and not self._abandoned and not self.closed:
            self._room.clear()
            await self._room.wait()

    def close(self, fault: Fault | None = None) -> None:
        """The response ended, well or with a fault. Only the first end counts."""
        if not self.closed:
            self.closed = True
            self.fault = fault
            self._started.set()
            self._changed.set()
            self._room.set()

    def abandon(self) -> None:
        """The reader left."""
        self._abandoned = True
        self._chunks.clear()
        self._waiting = 0
        self._room.set()

    async def started(self) -> None:
        """Wait for the first byte or the end."""
        await self._started.wait()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The chunks as they were written, until the end."""
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._waiting -= len(chunk)
                if self._waiting <= HIGH_WATER:
                    self._room.set()
                yield chunk
            if self.closed:
                return
            self._changed.clear()
            await self._changed.wait()

    async def read_all(self) -> bytes:
        """The whole response, once it has ended."""
        return b"".join([chunk async for chunk in self.chunks()])


class Bandwidth:
    """A token bucket on the loop's time: ``burst`` bytes at once, then ``rate`` bytes a second (facts 4.5)."""

    def __init__(self, burst: int, rate: int) -> None:
        self._burst = float(burst)
        self._rate = float(rate)
        self._tokens = float(burst)
        self._at = asyncio.get_running_loop().time()

    async def spend(self, size: int) -> None:
        """Wait until ``size`` more bytes may pass."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        self._tokens -= size
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / self._rate)
