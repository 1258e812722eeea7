"""The rules of HTTP/2 for any server (RFC 9113), as h2spec's generic cases have them, frame by frame.

Each case names its section. Load balancers, h2c and TLS share the connections that are asked here.
Most are the h2 library's own; here the whole front is asked, since it decides what becomes of an error.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hpack import Decoder, Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from sandbox.app import open_sandbox
from sandbox.clock import Clock, run

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NO_ERROR, PROTOCOL, INTERNAL, FLOW_CONTROL, STREAM_CLOSED, FRAME_SIZE = 0, 1, 2, 3, 5, 6
COMPRESSION = 9
GET = [(":method", "GET"), (":scheme", "http"), (":path", "/_sandbox/status"), (":authority", "localhost")]


class Peer:
    """A client that sends whatever it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.encoder, self.decoder = Encoder(), Decoder()
        self.frames: list[Frame] = []

    def send(self, *frames: Frame | bytes) -> None:
        for frame in frames:
            self.writer.write(frame if isinstance(frame, bytes) else frame.serialize())

    def headers(self, pairs: Any = GET, stream: int = 1, end: bool = True) -> HeadersFrame:
        frame = HeadersFrame(stream, self.encoder.encode(pairs), flags=["END_HEADERS"])
        if end:
            frame.flags.add("END_STREAM")
        return frame

    async def read(self) -> Frame | None:
        """The next frame; ``None`` at the end of the connection."""
        try:
            head = await self.reader.readexactly(9)
            frame, length = Frame.parse_frame_header(memoryview(head))
            frame.parse_body(memoryview(await self.reader.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        self.frames.append(frame)
        return frame

    async def until(self, kind: type[Frame], **wanted: Any) -> Any:
        """The next frame of a kind; ``None`` when the connection ends before."""
        while (frame := await self.read()) is not None:
            if isinstance(frame, kind) and all(getattr(frame, k) == v for k, v in wanted.items()):
                return frame
        return None

    async def answer(self, stream: int = 1) -> tuple[dict[str, str], bytes]:
        """Headers and body on a stream."""
        head = await self.until(HeadersFrame, stream_id=stream)
        body = b""
        while "END_STREAM" not in self.frames[-1].flags or self.frames[-1].stream_id != stream:
            frame = await self.read()
            assert frame is not None
            if isinstance(frame, DataFrame) and frame.stream_id == stream:
                body += frame.data
        return dict(self.decoder.decode(head.data)), body

    async def refusal(self) -> set[int]:
        """The error codes with which the server ends the stream or the connection."""
        codes = set()
        while (frame := await self.read()) is not None:
            if isinstance(frame, GoAwayFrame | RstStreamFrame):
                codes.add(frame.error_code)
                if isinstance(frame, RstStreamFrame):
                    break
        return codes


def talking(main: Callable[[Peer], Awaitable[Any]], settings: dict[int, int] | None = None) -> Any:
    async def whole(clock: Clock) -> Any:
        async with open_sandbox(clock) as sandbox:
            reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.settings.port)
            peer = Peer(reader, writer)
            peer.send(PREFACE, SettingsFrame(0, settings=settings or {}))
            try:
                async with asyncio.timeout(20):
                    with clock.in_flight("test"):
                        return await main(peer)
            finally:
                writer.close()

    return run(whole)


def test_settings_are_acknowledged_and_a_request_is_answered() -> None:
    async def main(peer: Peer) -> Any:
        peer.send(peer.headers())
        headers, body = await peer.answer()
        acknowledged = any(isinstance(f, SettingsFrame) and "ACK" in f.flags for f in peer.frames)
        return headers[":status"], b'"ready": true' in body, acknowledged

    assert talking(main) == ("200", True, True)


def test_a_ping_comes_back_with_its_bytes() -> None:
    async def main(peer: Peer) -> Any:
        peer.send(PingFrame(0, b"12345678"))
        pong = await peer.until(PingFrame)
        return pong.opaque_data, "ACK" in pong.flags

    assert talking(main) == (b"12345678", True)


def test_frames_of_unknown_types_and_settings_are_passed_over() -> None:
    async def main(peer: Peer) -> Any:
        unknown = struct.pack(">HBBBL", 0, 3, 0x16, 0xFF, 0) + b"abc"
        peer.send(unknown, SettingsFrame(0, settings={0xF0: 1}), peer.headers())
        return (await peer.answer())[0][":status"]

    assert talking(main) == "200"


def test_headers_may_come_in_pieces() -> None:
    async def main(peer: Peer) -> Any:
        block = peer.encoder.encode(GET)
        peer.send(
            HeadersFrame(1, block[:3], flags=["END_STREAM"]),
            ContinuationFrame(1, block[3:9]),
            ContinuationFrame(1, block[9:], flags=["END_HEADERS"]),
        )
        return (await peer.answer())[0][":status"]

    assert talking(main) == "200"


def test_many_streams_at_once() -> None:
    async def main(peer: Peer) -> Any:
        peer.send(*(peer.headers(stream=n) for n in range(1, 41, 2)))
        done = 0
        while done < 20:
            frame = await peer.read()
            done += "END_STREAM" in frame.flags if isinstance(frame, DataFrame | HeadersFrame) else 0
        return True

    assert talking(main)


def test_no_more_is_sent_than_the_window_allows() -> None:
    async def main(peer: Peer) -> Any:
        peer.send(peer.headers([(":path", "/") if k == ":path" else (k, v) for k, v in GET]))
        await peer.until(HeadersFrame)
        first = await peer.until(DataFrame)
        peer.send(PingFrame(0, b"are you?"))
        between = []
        while not isinstance(frame := await peer.read(), PingFrame):
            between.append(frame)
        peer.send(WindowUpdateFrame(1, 5))
        second = await peer.until(DataFrame)
        peer.send(SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 12}))
        third = await peer.until(DataFrame)
        return [len(f.data) for f in (first, second, third)], [f for f in between if isinstance(f, DataFrame)]

    assert talking(main, {SettingsFrame.INITIAL_WINDOW_SIZE: 10}) == ([10, 5, 2], [])


def raw(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    return struct.pack(">HBBBL", len(body) >> 8, len(body) & 255, kind, flags, stream) + body


def with_(*more: tuple[str, str], without: str = "") -> list[tuple[str, str]]:
    return [pair for pair in GET if pair[0] != without] + list(more)


CASES: dict[str, tuple[Callable[[Peer], list[Frame | bytes]], set[int]]] = {
    "6.2: HEADERS on stream 0": (lambda p: [raw(1, 5, 0, p.encoder.encode(GET))], {PROTOCOL}),
    "6.1: DATA on stream 0": (lambda p: [raw(0, 1, 0, b"x")], {PROTOCOL}),
    "5.1: DATA on an idle stream": (lambda p: [raw(0, 1, 1, b"x")], {PROTOCOL, STREAM_CLOSED}),
    "6.4: RST_STREAM on an idle stream": (lambda p: [RstStreamFrame(1, 8)], {PROTOCOL}),
    "5.1: WINDOW_UPDATE on an idle stream": (lambda p: [WindowUpdateFrame(1, 1)], {PROTOCOL}),
    "6.10: CONTINUATION without HEADERS": (lambda p: [ContinuationFrame(1, b"", flags=["END_HEADERS"])], {PROTOCOL}),
    "5.1.1: an even stream": (lambda p: [p.headers(stream=2)], {PROTOCOL}),
    "5.1.1: a lower stream": (lambda p: [p.headers(stream=5), p.headers(stream=3)], {PROTOCOL, STREAM_CLOSED}),
    "4.2: a frame over 16,384 bytes": (lambda p: [p.headers(end=False), raw(0, 1, 1, bytes(16_385))], {FRAME_SIZE}),
    "6.7: a PING of 7 bytes": (lambda p: [raw(6, 0, 0, bytes(7))], {FRAME_SIZE}),
    "6.7: a PING on a stream": (lambda p: [raw(6, 0, 1, bytes(8))], {PROTOCOL}),
    "6.5: SETTINGS on a stream": (lambda p: [raw(4, 0, 1, b"")], {PROTOCOL}),
    "6.5: SETTINGS of 5 bytes": (lambda p: [raw(4, 0, 0, bytes(5))], {FRAME_SIZE}),
    "6.5: SETTINGS that acknowledge with a body": (lambda p: [raw(4, 1, 0, bytes(6))], {FRAME_SIZE, PROTOCOL}),
    "6.5.2: ENABLE_PUSH of 2": (lambda p: [raw(4, 0, 0, struct.pack(">HL", 2, 2))], {PROTOCOL}),
    "6.5.2: a window over 2^31-1 in SETTINGS": (
        lambda p: [raw(4, 0, 0, struct.pack(">HL", 4, 2**31))],
        {FLOW_CONTROL},
    ),
    "6.5.2: MAX_FRAME_SIZE below 16,384": (lambda p: [raw(4, 0, 0, struct.pack(">HL", 5, 100))], {PROTOCOL}),
    "6.9: WINDOW_UPDATE of 0": (lambda p: [raw(8, 0, 0, bytes(4))], {PROTOCOL}),
    "6.9: WINDOW_UPDATE of 3 bytes": (lambda p: [raw(8, 0, 0, bytes(3))], {FRAME_SIZE}),
    "6.9.1: a connection's window over 2^31-1": (
        lambda p: [WindowUpdateFrame(0, 2**31 - 1), WindowUpdateFrame(0, 2**31 - 1)],
        {FLOW_CONTROL},
    ),
    "5.3.1 of RFC 7540: a stream that depends on itself": (lambda p: [PriorityFrame(1, depends_on=1)], {PROTOCOL}),
    "6.3: PRIORITY of 4 bytes": (lambda p: [raw(2, 0, 1, bytes(4))], {FRAME_SIZE}),
    "6.4: RST_STREAM of 3 bytes": (lambda p: [p.headers(end=False), raw(3, 0, 1, bytes(3))], {FRAME_SIZE}),
    "4.3: headers that cannot be decoded": (lambda p: [raw(1, 5, 1, b"\xff\xff\xff\xff\xff")], {COMPRESSION}),
    "6.2: padding longer than its frame": (lambda p: [raw(1, 0x0D, 1, b"\x10ab")], {PROTOCOL}),
    "8.2.1: a name in capitals": (lambda p: [p.headers(with_(("X-Capital", "1")))], {PROTOCOL}),
    "8.3: an unknown pseudo header": (lambda p: [p.headers(with_((":test", "1")))], {PROTOCOL}),
    "8.3: a pseudo header of answers": (lambda p: [p.headers(with_((":status", "200")))], {PROTOCOL}),
    "8.3: a pseudo header behind others": (
        lambda p: [p.headers(with_(("x", "1"), (":path", "/"), without=":path"))], {PROTOCOL},
    ),
    "8.3.1: no path": (lambda p: [p.headers(with_(without=":path"))], {PROTOCOL}),
    "8.3.1: an empty path": (lambda p: [p.headers(with_((":path", ""), without=":path"))], {PROTOCOL}),
    "8.3.1: no method": (lambda p: [p.headers(with_(without=":method"))], {PROTOCOL}),
    "8.3.1: two methods": (lambda p: [p.headers([(":method", "GET"), *GET])], {PROTOCOL}),
    "8.2.2: a header of the connection": (lambda p: [p.headers(with_(("connection", "close")))], {PROTOCOL}),
    "8.2.2: te that is not trailers": (lambda p: [p.headers(with_(("te", "gzip")))], {PROTOCOL}),
    "8.1.1: a length that its body does not have": (
        lambda p: [p.headers(with_(("content-length", "1")), end=False), DataFrame(1, b"four", flags=["END_STREAM"])],
        {PROTOCOL},
    ),
    "8.1: a second HEADERS without an end": (
        lambda p: [p.headers(end=False), p.headers([("x", "1")], end=False)],
        {PROTOCOL},
    ),
    "5.1: DATA behind the end": (
        lambda p: [p.headers(), DataFrame(1, b"x", flags=["END_STREAM"])],
        {STREAM_CLOSED, PROTOCOL},
    ),
    "6.4: RST_STREAM on stream 0": (lambda p: [raw(3, 0, 0, bytes(4))], {PROTOCOL}),
    "6.3: PRIORITY on stream 0": (lambda p: [raw(2, 0, 0, bytes(5))], {PROTOCOL}),
    "6.8: GOAWAY on a stream": (lambda p: [raw(7, 0, 1, bytes(8))], {PROTOCOL}),
    "8.4: PUSH_PROMISE of a client": (
        lambda p: [p.headers(end=False), raw(5, 4, 1, struct.pack(">L", 2) + p.encoder.encode(GET))],
        {PROTOCOL},
    ),
    "6.2: another frame within a block of headers": (
        lambda p: [raw(1, 1, 1, p.encoder.encode(GET)[:4]), PingFrame(0, b"12345678")],
        {PROTOCOL},
    ),
    "6.10: CONTINUATION of another stream": (
        lambda p: [raw(1, 1, 1, p.encoder.encode(GET)[:4]), ContinuationFrame(3, b"", flags=["END_HEADERS"])],
        {PROTOCOL},
    ),
    "6.10: CONTINUATION behind the end of a block": (
        lambda p: [p.headers(end=False), ContinuationFrame(1, b"", flags=["END_HEADERS"])],
        {PROTOCOL},
    ),
    "6.9.1: a stream's window over 2^31-1": (
        lambda p: [p.headers(end=False), WindowUpdateFrame(1, 2**31 - 1)],
        {FLOW_CONTROL},
    ),
    "6.5.2: MAX_FRAME_SIZE over 16,777,215": (
        lambda p: [raw(4, 0, 0, struct.pack(">HL", 5, 2**24))],
        {PROTOCOL},
    ),
    "6.1: padding of DATA longer than its frame": (
        lambda p: [p.headers(end=False), raw(0, 9, 1, b"\x05abc")],
        {PROTOCOL},
    ),
    "5.1: HEADERS behind the end": (lambda p: [p.headers(), p.headers()], {STREAM_CLOSED, PROTOCOL}),
    "5.1: DATA behind RST_STREAM": (
        lambda p: [p.headers(end=False), RstStreamFrame(1, 8), DataFrame(1, b"x")],
        {STREAM_CLOSED},
    ),
    "8.1: a pseudo header in trailers": (
        lambda p: [p.headers(end=False), p.headers([(":method", "GET")])],
        {PROTOCOL},
    ),
    "8.3.1: no scheme": (lambda p: [p.headers(with_(without=":scheme"))], {PROTOCOL}),
    "8.1.1: a length that two frames of its body do not have": (
        lambda p: [
            p.headers(with_(("content-length", "1")), end=False),
            DataFrame(1, b"fo"),
            DataFrame(1, b"ur", flags=["END_STREAM"]),
        ],
        {PROTOCOL},
    ),
    "4.2: SETTINGS over 16,384 bytes": (lambda p: [raw(4, 0, 0, bytes(16_386))], {FRAME_SIZE}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_a_client_may_not_do_is_answered_with_its_error(case: str) -> None:
    make, expected = CASES[case]

    async def main(peer: Peer) -> Any:
        peer.send(*make(peer))
        return await peer.refusal()

    codes = talking(main)
    assert codes & expected
    assert not codes & {INTERNAL, NO_ERROR}


def test_what_begins_like_the_preface_and_is_none_ends_the_connection() -> None:
    async def whole(clock: Clock) -> Any:
        async with open_sandbox(clock) as sandbox:
            reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.settings.port)
            writer.write(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + bytes(20))
            async with asyncio.timeout(20):
                while await reader.read(1000):
                    pass
            writer.close()
            return True

    assert run(whole)


def test_a_body_that_comes_after_the_answer_is_passed_over() -> None:
    """RFC 9113, 8.1: a server may answer before the request is whole; the connection goes on."""

    async def main(peer: Peer) -> Any:
        missing = [(":path", "/_sandbox/nowhere") if k == ":path" else (k, v) for k, v in GET]
        peer.send(peer.headers(missing, end=False))
        early = (await peer.answer())[0][":status"]
        peer.send(DataFrame(1, b"late"), DataFrame(1, b"", flags=["END_STREAM"]), peer.headers(stream=3))
        return early, (await peer.answer(3))[0][":status"]

    assert talking(main) == ("404", "200")
