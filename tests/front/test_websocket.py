"""WebSockets on the one port: frames as they come, by the ``websockets`` client and by raw bytes (RFC 6455)."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

import sandbox.clock
from sandbox.clock import Clock
from sandbox.context import Frame, WebSocketDisconnect
from sandbox.front.certificates import Certificates
from sandbox.front.http1 import Http1
from sandbox.front.http2 import Http2
from sandbox.front.listener import Listener, bind

TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
HELLO = (
    b"GET /x?a=1 HTTP/1.1\r\nHost: t\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class Service:
    """Echoes each frame, and keeps what it saw."""

    def __init__(self, **limits) -> None:
        self.limits = limits
        self.frames: list[Frame] = []
        self.end: asyncio.Future[WebSocketDisconnect] = asyncio.get_running_loop().create_future()
        self.scope: dict = {}

    async def __call__(self, scope, receive, send) -> None:
        self.scope, socket = scope, scope["websocket"]
        if scope["path"] == "/refuse":
            await socket.reject(429, [("x-a", "b")], b"slow down")
            return
        await socket.accept(next(iter(scope["subprotocols"]), None), [("x-a", "b")], **self.limits)
        parts: list[bytes] = []
        kind = ""
        try:
            while True:
                frame = await socket.receive()
                self.frames.append(frame)
                if frame.opcode in ("ping", "pong"):
                    continue
                parts.append(frame.data)
                kind = frame.opcode if frame.opcode != "continuation" else kind
                if frame.fin:
                    data, parts = b"".join(parts), []
                    if data == b"close please":
                        socket.close(4001, "as you wish")
                    elif data == b"hang up please":
                        socket.close(1000, hang_up=True)
                    elif data == b"fail":
                        raise ValueError("a fault of the service")
                    socket.send(data.decode() if kind == "text" else data)
        except WebSocketDisconnect as end:
            self.end.set_result(end)


@asynccontextmanager
async def serving(service, clock: Clock, folder: Path) -> AsyncIterator[tuple[int, Certificates]]:
    certificates = Certificates(folder)
    certificates.prepare()
    listener = Listener(bind("127.0.0.1", 0), Http1(service), Http2(service), certificates, clock)
    try:
        yield listener.port, certificates
    finally:
        await listener.close()


def with_service(tmp_path: Path, check: Callable[..., Awaitable[None]], kind="virtual", **limits) -> None:
    async def main(clock: Clock) -> None:
        service = Service(**limits)
        async with serving(service, clock, tmp_path) as (port, _):
            with clock.in_flight("test"):
                await check(service, port)

    sandbox.clock.run(main, kind)


def frame(opcode: int, data: bytes = b"", fin: bool = True, rsv: int = 0, mask: bool = True) -> bytes:
    """A client's frame."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if mask else 0
    if len(data) < 126:
        head = struct.pack("!BB", first, bit | len(data))
    elif len(data) < 65536:
        head = struct.pack("!BBH", first, bit | 126, len(data))
    else:
        head = struct.pack("!BBQ", first, bit | 127, len(data))
    key = b"\x01\x02\x03\x04" if mask else b""
    return head + key + (bytes(b ^ key[i % 4] for i, b in enumerate(data)) if mask else data)


class Raw:
    """A client of raw bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> "Raw":
        raw = cls(*await asyncio.open_connection("127.0.0.1", port))
        raw.writer.write(HELLO + b"\r\n")
        assert (await raw.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        return raw

    async def next(self) -> tuple[int, bytes]:
        first, length = await self.reader.readexactly(2)
        assert first & 0x80, "the server does not fragment"
        assert not length & 0x80, "the server does not mask"
        if length == 126:
            (length,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
        return first & 15, await self.reader.readexactly(length)

    async def closing(self) -> int:
        """The code of the close frame, which is the next one; the connection ends after it."""
        opcode, data = await self.next()
        assert opcode == CLOSE, (opcode, data)
        assert await self.reader.read() == b""
        self.writer.close()
        return struct.unpack("!H", data[:2])[0] if data else 1005


def test_frames_and_their_sizes_are_seen(tmp_path):
    async def check(service, port):
        raw = await Raw.open(port)
        raw.writer.write(frame(TEXT, b"ab", fin=False) + frame(PING, b"p") + frame(CONT, b"cde"))
        assert await raw.next() == (PONG, b"p")
        assert await raw.next() == (TEXT, b"abcde")
        assert service.frames == [
            Frame("text", b"ab", fin=False),
            Frame("ping", b"p"),
            Frame("continuation", b"cde"),
        ]

    with_service(tmp_path, check)


def test_the_library_client_over_both_loops(tmp_path):
    async def check(service, port):
        async with connect(f"ws://127.0.0.1:{port}/x?a=1", subprotocols=["v2", "v1"]) as client:
            assert client.subprotocol == "v2"
            assert client.response.headers["x-a"] == "b"
            assert "Sec-WebSocket-Extensions" not in client.response.headers  # compression was offered
            await client.send("håll")
            assert await client.recv() == "håll"
            await client.send(b"\x00\xff")
            assert await client.recv() == b"\x00\xff"
            await client.close(4000, "enough")
        end = await service.end
        assert (end.code, end.reason, end.by) == (4000, "enough", "client")
        assert (service.scope["path"], service.scope["query_string"]) == ("/x", b"a=1")

    with_service(tmp_path, check)
    with_service(tmp_path, check, "real")


def test_over_tls_on_the_same_port(tmp_path):
    async def main(clock: Clock) -> None:
        service = Service(max_frame=1000)
        async with serving(service, clock, tmp_path) as (port, certificates):
            context = ssl.create_default_context(cafile=str(certificates.ca))
            with clock.in_flight("test"):
                async with connect(f"wss://localhost:{port}/", ssl=context) as client:
                    await client.send("x")
                    assert await client.recv() == "x"
                    await client.send("x" * 100_000)
                    with pytest.raises(ConnectionClosed):
                        await client.recv()
                    assert client.close_code == 1009
                assert service.scope["scheme"] == "wss"

    sandbox.clock.run(main)


def test_the_service_chooses_code_and_reason(tmp_path):
    async def check(service, port):
        async with connect(f"ws://127.0.0.1:{port}/") as client:
            await client.send("close please")
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert (client.close_code, client.close_reason) == (4001, "as you wish")
        end = await service.end
        assert (end.code, end.reason, end.by) == (4001, "as you wish", "server")

    with_service(tmp_path, check)


def test_a_fault_of_the_service_is_1011(tmp_path, caplog):
    async def check(service, port):
        async with connect(f"ws://127.0.0.1:{port}/") as client:
            await client.send("fail")
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1011

    with_service(tmp_path, check)
    assert "a fault of the service" in caplog.text


def test_a_service_may_refuse(tmp_path):
    async def check(service, port):
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"ws://127.0.0.1:{port}/refuse")
        response = caught.value.response
        assert (response.status_code, response.headers["x-a"], response.body) == (429, "b", b"slow down")

    with_service(tmp_path, check)


@pytest.mark.parametrize(
    ("limits", "sent", "code"),
    [
        ({"max_frame": 32}, [frame(TEXT, b"x" * 33)], 1009),
        ({"max_frame": 32}, [frame(TEXT, b"x" * 32, fin=False), frame(CONT, b"x" * 33)], 1009),
        ({"max_message": 60}, [frame(TEXT, b"x" * 30, fin=False), frame(CONT, b"x" * 31)], 1009),
        ({}, [frame(TEXT, b"x" * 2_000_000)], 1009),
        ({}, [frame(TEXT, b"a", rsv=4)], 1002),
        ({}, [frame(TEXT, b"a", rsv=1)], 1002),
        *(({}, [frame(opcode, b"a")], 1002) for opcode in (3, 7, 11, 15)),
        ({}, [frame(TEXT, b"a", mask=False)], 1002),
        ({}, [frame(PING, b"x" * 126)], 1002),
        ({}, [frame(PING, b"x", fin=False)], 1002),
        ({}, [frame(CONT, b"a")], 1002),
        ({}, [frame(TEXT, b"a", fin=False), frame(TEXT, b"b")], 1002),
        ({}, [frame(TEXT, b"\xce\xba\xff")], 1007),
        ({}, [frame(TEXT, b"\xe2\x82", fin=False), frame(CONT, b"(")], 1007),
        ({}, [frame(TEXT, b"\xe2\x82")], 1007),
        ({}, [frame(CLOSE, b"\x03")], 1002),
        *(
            ({}, [frame(CLOSE, struct.pack("!H", bad))], 1002)
            for bad in (0, 999, 1004, 1005, 1006, 1016, 2999)
        ),
        ({}, [frame(CLOSE, b"\x03\xe8\xff\xff")], 1007),
        ({}, [frame(CLOSE)], 1005),
        ({}, [frame(TEXT, b"a", fin=False), frame(CLOSE, struct.pack("!H", 1000))], 1000),
        *(({}, [frame(CLOSE, struct.pack("!H", ok) + b"bye")], ok) for ok in (1000, 1001, 3000, 4999)),
    ],
)
def test_what_the_protocol_forbids_closes_with_its_code(tmp_path, limits, sent, code):
    async def check(service, port):
        raw = await Raw.open(port)
        raw.writer.write(b"".join(sent))
        assert await raw.closing() == code
        end = await service.end
        assert end.code == code
        assert end.by == ("client" if code in (1005, 1000, 1001, 3000, 4999) else "server")

    with_service(tmp_path, check, **limits)


def test_text_may_be_cut_inside_a_letter(tmp_path):
    async def check(service, port):
        raw = await Raw.open(port)
        raw.writer.write(frame(TEXT, b"\xe2", fin=False) + frame(CONT, b"\x82", fin=False))
        raw.writer.write(frame(CONT, b"\xac"))
        assert await raw.next() == (TEXT, "€".encode())

    with_service(tmp_path, check)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HELLO.replace(b": 13", b": 8"), 426),
        (HELLO.replace(b"Sec-WebSocket-Version: 13\r\n", b""), 426),
        (HELLO.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"c2hvcnQ="), 400),
        (HELLO.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"?"), 400),
        (HELLO.replace(b"GET", b"POST"), 400),
    ],
)
def test_a_bad_handshake_is_refused(tmp_path, head, status):
    async def check(service, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + b"\r\n")
        answer = await reader.read()
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert not service.scope
        writer.close()

    with_service(tmp_path, check)


def test_a_client_that_leaves_without_a_word_is_1006(tmp_path):
    async def check(service, port):
        raw = await Raw.open(port)
        raw.writer.transport.abort()
        end = await service.end
        assert (end.code, end.by) == (1006, "client")

    with_service(tmp_path, check)


def test_a_client_that_does_not_answer_a_close_is_cut_after_10_seconds(tmp_path):
    async def check(service, port):
        raw = await Raw.open(port)
        raw.writer.write(frame(TEXT, b"close please"))
        began = asyncio.get_running_loop().time()
        assert (await raw.next())[0] == CLOSE
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await raw.reader.readexactly(1)
        assert asyncio.get_running_loop().time() - began == pytest.approx(10, abs=1e-6)
        raw.writer.close()

    with_service(tmp_path, check)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_hanging_up_ends_the_stream_of_a_client_that_answers_nothing(tmp_path, tls):
    async def main(clock: Clock) -> None:
        async with serving(Service(), clock, tmp_path) as (port, certificates):
            with clock.in_flight("test"):
                context = ssl.create_default_context(cafile=str(certificates.ca)) if tls else None
                name = {"server_hostname": "localhost"} if tls else {}
                raw = Raw(*await asyncio.open_connection("127.0.0.1", port, ssl=context, **name))
                raw.writer.write(HELLO + b"\r\n")
                await raw.reader.readuntil(b"\r\n\r\n")
                raw.writer.write(frame(BINARY, b"hang up please"))
                assert await raw.next() == (CLOSE, b"\x03\xe8")
                assert await raw.reader.read() == b""
                assert clock.now() == 0.0
                raw.writer.close()

    sandbox.clock.run(main)


def test_the_answer_to_the_handshake_is_computed_from_the_key(tmp_path):
    async def check(service, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HELLO + b"\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head  # RFC 6455, 1.3
        writer.close()

    with_service(tmp_path, check)


def test_a_client_that_does_not_read_is_seen(tmp_path):
    async def main(clock: Clock) -> None:
        socket = asyncio.get_running_loop().create_future()

        async def pusher(scope, receive, send):
            await scope["websocket"].accept()
            socket.set_result(scope["websocket"])
            await scope["websocket"].receive()

        async with serving(pusher, clock, tmp_path) as (port, _):
            raw = await Raw.open(port)
            raw.reader._transport.pause_reading()
            ours = await socket
            for _ in range(200):
                ours.send(b"x" * 100_000)
            assert ours.buffered > 1_000_000
            waiting = asyncio.ensure_future(ours.drain())
            await asyncio.sleep(0)
            assert not waiting.done()
            raw.reader._transport.resume_reading()
            received = 0
            while received < 200 * 100_010:
                received += len(await raw.reader.readexactly(100_010))
            await waiting
            assert ours.buffered == 0
            raw.writer.close()

    sandbox.clock.run(main)


@pytest.mark.parametrize("tls", [False, True])
def test_a_client_that_never_reads_is_cut_off(tmp_path, monkeypatch, caplog, tls):
    monkeypatch.setattr("sandbox.front.websocket.UNREAD", 2**23)

    async def main(clock: Clock) -> None:
        ended = asyncio.get_running_loop().create_future()

        async def pusher(scope, receive, send):
            socket = scope["websocket"]
            await socket.accept()
            while not socket.closed:
                socket.send(b"x" * 100_000)
                assert socket.buffered < 2**23 + 200_000
                await asyncio.sleep(0)
            with pytest.raises(WebSocketDisconnect) as end:
                await socket.receive()
            ended.set_result(end.value)

        async with serving(pusher, clock, tmp_path) as (port, certificates):
            context = None
            if tls:
                context = ssl.create_default_context(cafile=str(certificates.ca))
            _, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=context, server_hostname="localhost" if tls else None
            )
            writer.write(HELLO + b"\r\n")
            writer.transport.pause_reading()
            end = await asyncio.wait_for(ended, 10)
            assert (end.code, end.by) == (1006, "server")
            assert "bytes unread" in end.detail
            writer.transport.abort()

    sandbox.clock.run(main)
    assert "bytes unread" in caplog.text


def test_of_clients_that_leave_too_much_together_the_worst_is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr("sandbox.front.websocket.UNREAD_BY_ALL", 2**23)
    leaves = {"/a": 2**22, "/b": 2**21, "/c": 2**21, "/d": 2**21}  # the last one is too much

    async def main(clock: Clock) -> None:
        sockets = {}
        full = asyncio.Queue()

        async def pusher(scope, receive, send):
            socket = scope["websocket"]
            await socket.accept()
            while socket.buffered < leaves[scope["path"]] and not socket.closed:
                socket.send(b"x" * 100_000)
                await asyncio.sleep(0)
            sockets[scope["path"]] = socket
            full.put_nowait(None)
            await socket.receive()

        async with serving(pusher, clock, tmp_path) as (port, _):
            writers = []
            for path in leaves:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.transport.pause_reading()
                writer.write(HELLO.replace(b"/x?a=1", path.encode()) + b"\r\n")
                await asyncio.wait_for(full.get(), 10)
                writers.append(writer)
            assert {path: socket.closed for path, socket in sockets.items()} == {
                path: path == "/a" for path in leaves
            }
            for writer in writers:
                writer.transport.abort()

    sandbox.clock.run(main)


def test_a_service_that_does_not_receive_holds_the_client_back(tmp_path):
    async def main(clock: Clock) -> None:
        socket = asyncio.get_running_loop().create_future()

        async def slow(scope, receive, send):
            await scope["websocket"].accept()
            socket.set_result(scope["websocket"])
            await asyncio.Event().wait()

        async with serving(slow, clock, tmp_path) as (port, _):
            raw = await Raw.open(port)
            ours = await socket
            for _ in range(300):
                raw.writer.write(frame(BINARY, b"x" * 50_000))
            await asyncio.wait_for(clock.settled(), 10)
            assert ours._queued < 400_000
            for _ in range(300):
                assert len((await ours.receive()).data) == 50_000
            raw.writer.close()

    sandbox.clock.run(main)
