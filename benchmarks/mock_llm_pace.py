"""How fast and how steadily the mock model speaks, on the real clock, to clients in another process.

    python benchmarks/mock_llm_pace.py [--streams 1 100 500] [--seconds 4]

Two tables: flat out (tokens a second, all streams together), and paced with 20 ms gaps: how late the first token
is, the gaps, and how late the last token is against its schedule (drift would show there). Server and client share
the machine, so the client's own delay is in the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

FIRST_TOKEN = 0.5
RATE = 50
WARM_UP = 64


@dataclass
class Reader(asyncio.Protocol):
    """One streamed request over a socket of its own; notes when each chunk with a token came."""

    request: bytes
    done: asyncio.Future[None]
    sent: float = 0.0
    arrivals: list[float] = field(default_factory=list)
    buffer: bytes = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.sent = time.perf_counter()
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self.buffer += data
        frames = self.buffer.split(b"\n\n")
        self.buffer = frames.pop()
        self.arrivals += [now] * sum(b'"delta":{"content"' in frame for frame in frames)
        if any(b"[DONE]" in frame for frame in frames):
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def request(tokens: int, first_token: float, rate: str, number: int) -> bytes:
    """A request whose prompt differs from the others'."""
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": f"Question {number}"}]}
    payload = json.dumps(body).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n"
        f"x-mock-llm-tokens: {tokens}\r\nx-mock-llm-first-token: {first_token}\r\nx-mock-llm-rate: {rate}\r\n"
        f"content-length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


async def streams(port: int, count: int, tokens: int, first_token: float, rate: str) -> list[Reader]:
    """Run ``count`` streams at once."""
    loop = asyncio.get_running_loop()
    readers = []
    for number in range(count):
        reader = Reader(request(tokens, first_token, rate, number), loop.create_future())
        await loop.create_connection(lambda reader=reader: reader, "127.0.0.1", port)  # type: ignore[misc]
        readers.append(reader)
    await asyncio.gather(*(reader.done for reader in readers))
    short = [len(reader.arrivals) for reader in readers if len(reader.arrivals) != tokens]
    if short:
        raise SystemExit(f"{len(short)} of {count} streams ended early: {short[0]} of {tokens} tokens")
    return readers


def quantile(values: Sequence[float], part: float) -> float:
    """The value below which ``part`` of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


async def flat_out(port: int, count: int) -> None:
    """Print tokens a second when nothing is waited for."""
    tokens = max(100, 50_000 // count)
    readers = await streams(port, count, tokens, 0, "inf")
    took = max(reader.arrivals[-1] for reader in readers) - min(reader.sent for reader in readers)
    print(f"{count:>8} {count * tokens / took:>12,.0f}")


async def paced(port: int, count: int, seconds: float) -> None:
    """Print delays in milliseconds at 20 ms gaps."""
    tokens = int(seconds * RATE)
    readers = await streams(port, count, tokens, FIRST_TOKEN, str(RATE))
    first = [reader.arrivals[0] - reader.sent - FIRST_TOKEN for reader in readers]
    last = [reader.arrivals[-1] - reader.sent - FIRST_TOKEN - (tokens - 1) / RATE for reader in readers]
    gaps = [
        later - earlier
        for reader in readers
        for earlier, later in zip(reader.arrivals, reader.arrivals[1:], strict=False)
    ]
    cells = [quantile(values, part) * 1000 for values in (first, gaps, last) for part in (0.5, 0.99)]
    print(f"{count:>8} " + " ".join(f"{cell:>10.2f}" for cell in cells))


async def measure(port: int, counts: Sequence[int], seconds: float) -> None:
    """Both tables."""
    await streams(port, WARM_UP, 50, 0, "inf")
    print("flat out\n streams   tokens/s")
    for count in counts:
        await flat_out(port, count)
    names = ("first p50", "first p99", "gap p50", "gap p99", "last p50", "last p99")
    print(
        f"\npaced, 20 ms gaps, ms (first and last: how late)\n streams {' '.join(f'{n:>10}' for n in names)}"
    )
    for count in counts:
        await paced(port, count, seconds)


def main() -> None:
    """Start a mock model, measure, stop it."""
    parser = argparse.ArgumentParser(description="Pace of the mock model")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 100, 500])
    parser.add_argument("--seconds", type=float, default=4.0, help="length of the paced answers")
    options = parser.parse_args()
    command = [sys.executable, "-m", "mock_llm", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        found = re.search(r":(\d+)$", server.stdout.readline().strip())
        if not found:
            raise SystemExit("the mock model did not start")
        try:
            asyncio.run(measure(int(found[1]), options.streams, options.seconds))
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
