"""Many streams of server-sent events read at once, and what a server's process spends on them.

The reader is as lean as Python allows (uvloop where it is installed, no garbage collection): its own delay is in
every figure.
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
TOKEN = re.compile(rb'"delta":\s*\{[^{}]*"content":\s*"[^"]')


class EndedEarlyError(Exception):
    """A stream had fewer tokens than were asked for."""


@dataclass
class Reader(asyncio.Protocol):
    """One streamed request over a socket of its own; notes when each event with a token came."""

    request: bytes
    done: asyncio.Future[None]
    sent: float = 0.0
    arrivals: list[float] = field(default_factory=list)
    buffer: bytes = b""

    def connection_made(self, transport: Any) -> None:
        """Ask."""
        self.transport = transport
        self.sent = time.perf_counter()
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Note when events with tokens came."""
        now = time.perf_counter()
        if self.buffer:
            data = self.buffer + data
        *events, self.buffer = data.split(b"\n\n")
        for event in events:
            if TOKEN.search(event):
                self.arrivals.append(now)
        if b"[DONE]" in data:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """It is over."""
        if not self.done.done():
            self.done.set_result(None)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run the reading side."""
    try:
        import uvloop

        factory: Callable[[], asyncio.AbstractEventLoop] | None = uvloop.new_event_loop
    except ImportError:
        factory = None
    gc.collect()
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(main)
    finally:
        gc.enable()


def question(number: int, headers: str = "", said: str = "") -> bytes:
    """A request whose prompt differs from the others'."""
    body = {
        "model": "m",
        "stream": True,
        "messages": [{"role": "user", "content": f"Question {number}{said}"}],
    }
    payload = json.dumps(body).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n"
        f"content-type: application/json\r\n{headers}content-length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


async def read_streams(port: int, requests: Sequence[bytes], tokens: int) -> list[Reader]:
    """Send all requests at once. Raises :class:`EndedEarlyError`."""
    loop = asyncio.get_running_loop()
    readers = []
    for request in requests:
        reader = Reader(request, loop.create_future())
        await loop.create_connection(lambda reader=reader: reader, "127.0.0.1", port)  # type: ignore[misc]
        readers.append(reader)
    await asyncio.gather(*(reader.done for reader in readers))
    short = [len(reader.arrivals) for reader in readers if len(reader.arrivals) < tokens]
    if short:
        raise EndedEarlyError(f"{len(short)} of {len(readers)} ended early: {short[0]} of {tokens} tokens")
    return readers


def gaps(readers: Sequence[Reader]) -> list[float]:
    """All gaps between tokens, seconds."""
    return [later - earlier for reader in readers for earlier, later in pairwise(reader.arrivals)]


def quantile(values: Sequence[float], part: float) -> float:
    """The value below which ``part`` of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time that a process has used: what a busy machine changes least."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def resident(pid: int) -> float:
    """Kibibytes of memory that a process holds."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return float(found[1]) if found else 0.0
