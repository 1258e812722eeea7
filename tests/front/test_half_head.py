"""Half of a request's head, without a network."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandbox.clock import Clock, run
from sandbox.context import Refusal
from sandbox.front.half_head import HalfHead


class Transport:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.closed_at: float | None = None

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed_at = asyncio.get_running_loop().time()


def play(*pieces: tuple[float, bytes], whole_after: float | None = None) -> tuple[Transport, list[Any]]:
    """What is written when these pieces come, each after so many seconds; what was asked for."""
    transport: Any = Transport()
    asked: list[Any] = []

    def find(scope: Any) -> Refusal:
        asked.append(scope)
        return Refusal(5, lambda: (408, "Request Timeout", [("server", "x")], b"late"))

    async def main(clock: Clock) -> None:
        head = HalfHead(find, transport, "https")
        with clock.in_flight("test"):
            for seconds, data in pieces:
                await asyncio.sleep(seconds)
                head.received(data)
            if whole_after is not None:
                await asyncio.sleep(whole_after)
                head.close()
            await asyncio.sleep(100)

    run(main)
    return transport, asked


def test_silence_is_told_and_the_connection_closed() -> None:
    transport, _ = play((1, b"GET /a HTTP/1.1\r\n"), (4, b"Host: b\r\n"))
    assert transport.closed_at == 10
    assert transport.written == (
        b"HTTP/1.1 408 Request Timeout\r\nserver: x\r\ncontent-length: 4\r\nconnection: close\r\n\r\nlate"
    )


def test_a_whole_head_is_told_nothing() -> None:
    transport, _ = play((0, b"GET /a HTTP/1.1\r\n"), whole_after=4)
    assert (transport.written, transport.closed_at) == (b"", None)


def test_whom_it_is_for_is_asked_with_what_is_whole() -> None:
    _, asked = play((0, b"GET /a?b=c HTTP/1.1\r\nHo"), (0, b"st: x.y\r\nAccept: t"))
    first, second = asked
    assert first["headers"] == []
    assert second["headers"] == [(b"host", b"x.y")]
    assert {name: second[name] for name in ("scheme", "method", "path", "query_string")} == {
        "scheme": "https",
        "method": "GET",
        "path": "/a",
        "query_string": b"b=c",
    }


@pytest.mark.parametrize("data", [b"GET /a HT", b"", b"nonsense\r\n", b"a b c d\r\n"])
def test_without_a_request_line_nobody_is_asked(data: bytes) -> None:
    transport, asked = play((0, data))
    assert (asked, transport.closed_at) == ([], None)
