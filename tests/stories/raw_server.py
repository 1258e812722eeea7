"""A server that answers as it is told, byte by byte, at instants: what an edge can do to a client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

CLOSE = None
Step = tuple[float, bytes | None]  # after so many seconds since the request: bytes, or close


class RawServer:
    """Plays one script for each request, the last one again and again. ``seen``: heads and bodies of requests."""

    def __init__(self, scripts: Sequence[Sequence[Step]]) -> None:
        self._scripts = list(scripts)
        self.seen: list[tuple[str, bytes]] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(
                    (
                        int(line.split(":")[1])
                        for line in head.split("\r\n")
                        if line.lower().startswith("content-length")
                    ),
                    0,
                )
                self.seen.append((head, await reader.readexactly(length)))
                script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
                if not await self._play(script, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _play(self, script: Sequence[Step], writer: asyncio.StreamWriter) -> bool:
        begun = asyncio.get_running_loop().time()
        for after, data in script:
            await asyncio.sleep(max(0.0, begun + after - asyncio.get_running_loop().time()))
            if data is CLOSE:
                return False
            writer.write(data)
            await writer.drain()
        return True


@asynccontextmanager
async def serve(*scripts: Sequence[Step]) -> AsyncIterator[tuple[RawServer, str]]:
    """The server and its address."""
    raw = RawServer(scripts)
    server = await asyncio.start_server(raw.answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield raw, f"http://127.0.0.1:{port}"
    finally:
        server.close()


def head(status: str = "200 OK", **headers: str) -> bytes:
    """Status line and headers."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join([f"HTTP/1.1 {status}", *lines]) + "\r\n\r\n").encode()


def chunk(text: str) -> bytes:
    """A chunk of a chunked body; the empty one ends it."""
    data = text.encode()
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def whole(text: str, status: str = "200 OK") -> bytes:
    """A whole answer."""
    return head(status, content_type="text/plain", content_length=str(len(text.encode()))) + text.encode()
