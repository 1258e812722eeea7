"""One port for HTTP/1.1, HTTP/2 and TLS, told apart by the first bytes."""

import asyncio
import gc
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

import sandbox.clock
from sandbox.clock import Clock
from sandbox.context import ConnectionAbort
from sandbox.front.certificates import Certificates
from sandbox.front.http1 import Http1
from sandbox.front.http2 import Http2
from sandbox.front.listener import Listener, bind

WAITED: asyncio.Queue[str] = asyncio.Queue()  # what a waiting request was told at its end


async def echo(scope, receive, send):
    """Answers with the HTTP version, or streams and cuts, by path."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close"})
        return
    await receive()
    if scope["path"] == "/wait":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        WAITED.put_nowait((await receive())["type"])
        return
    if scope["path"].startswith("/much"):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(20):  # more than the buffers of a connection hold
            await send({"type": "http.response.body", "body": bytes(1_000_000), "more_body": True})
            if scope["path"] == "/much/cut" and scope["connection"].flow.write_paused:
                break
        raise ConnectionAbort
    if scope["path"] == "/parts":
        headers = [(b"transfer-encoding", b"chunked")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in (b"one ", b"two ", b""):
            await send({"type": "http.response.body", "body": part, "more_body": bool(part)})
        return
    if scope["path"] == "/999":
        await send({"type": "http.response.start", "status": 999, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    body = f"{scope['http_version']} {scope['scheme']} {scope['path']}".encode()
    length = [] if scope["path"] == "/cut" else [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    if scope["path"] == "/cut":
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ConnectionAbort
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def listening(clock: Clock, folder: Path) -> AsyncIterator[tuple[int, Certificates]]:
    certificates = Certificates(folder)
    certificates.prepare()
    listener = Listener(bind("127.0.0.1", 0), Http1(echo), Http2(echo), certificates, clock)
    try:
        yield listener.port, certificates
    finally:
        await listener.close()


def on_port(tmp_path: Path, check: Callable[[int, Certificates], Awaitable[None]], kind="virtual") -> None:
    async def main(clock: Clock) -> None:
        async with listening(clock, tmp_path) as (port, certificates):
            with clock.in_flight("test"):
                await check(port, certificates)

    sandbox.clock.run(main, kind)


async def exchange(
    port: int, request: bytes, context: ssl.SSLContext | None = None, name: str = "localhost"
) -> bytes:
    server_hostname = name if context else None
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname=server_hostname
    )
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


GET = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_http1_is_answered(tmp_path):
    async def check(port, _):
        assert (await exchange(port, GET)).endswith(b"1.1 http /a")

    on_port(tmp_path, check)


def test_http1_cut_has_no_last_chunk(tmp_path):
    async def check(port, _):
        answer = await exchange(port, b"GET /cut HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.endswith(b"4\r\nhalf\r\n")

    on_port(tmp_path, check)


def test_garbage_is_400(tmp_path):
    async def check(port, _):
        assert (await exchange(port, b"\x00\x01garbage\r\n\r\n")).startswith(b"HTTP/1.1 400 ")

    on_port(tmp_path, check)


def test_connection_closed_before_a_byte_leaves_the_port_open(tmp_path):
    async def check(port, _):
        with socket.create_connection(("127.0.0.1", port)):
            pass
        assert (await exchange(port, GET)).startswith(b"HTTP/1.1 200 ")

    on_port(tmp_path, check)


async def over_http2(
    port: int, path: str, context: ssl.SSLContext | None, dribble: bool = False
) -> list[object]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="localhost" if context else None
    )
    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    client.initiate_connection()
    client.send_headers(
        1, [(":method", "GET"), (":path", path), (":scheme", "http"), (":authority", "x")], end_stream=True
    )
    data = client.data_to_send()
    if dribble:
        writer.write(data[:2])
        await writer.drain()
        await asyncio.sleep(0.01)
        data = data[2:]
    writer.write(data)
    seen: list[object] = []
    while not any(isinstance(event, h2.events.StreamEnded | h2.events.StreamReset) for event in seen):
        received = await reader.read(65536)
        assert received, f"closed after {seen}"
        seen += client.receive_data(received)
    writer.close()
    return seen


def body_of(events: list[object]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, h2.events.DataReceived))


@pytest.mark.parametrize("dribble", [False, True])
def test_http2_with_prior_knowledge(tmp_path, dribble):
    async def check(port, _):
        assert body_of(await over_http2(port, "/a", None, dribble)) == b"2 http /a"

    on_port(tmp_path, check)


def test_http2_cut_resets_the_stream(tmp_path):
    async def check(port, _):
        events = await over_http2(port, "/cut", None)
        assert body_of(events) == b"half"
        assert any(isinstance(event, h2.events.StreamReset) for event in events)

    on_port(tmp_path, check)


def test_http2_tells_the_stream_of_a_reset_connection(tmp_path, caplog):
    async def check(port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        client.initiate_connection()
        request = [(":method", "GET"), (":path", "/wait"), (":scheme", "http"), (":authority", "x")]
        client.send_headers(1, request, end_stream=True)
        writer.write(client.data_to_send())
        while b"half" not in await reader.read(65536):
            pass
        linger = struct.pack("ii", 1, 0)  # close() then resets the connection
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
        async with asyncio.timeout(5):
            assert await WAITED.get() == "http.disconnect"

    on_port(tmp_path, check)
    gc.collect()  # an exception that nobody took is logged when its task goes
    assert not caplog.records


def trusting(certificates: Certificates, *alpn: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certificates.ca)
    context.set_alpn_protocols(list(alpn))
    return context


@pytest.mark.parametrize("kind", ["virtual", "real"])  # the real clock's loop is uvloop
def test_tls_speaks_http1_and_http2_by_alpn(tmp_path, kind):
    async def check(port, certificates):
        context = trusting(certificates, "http/1.1")
        assert (await exchange(port, GET, context)).endswith(b"1.1 https /a")
        assert body_of(await over_http2(port, "/a", trusting(certificates, "h2"))) == b"2 https /a"

    on_port(tmp_path, check, kind)


def test_tls_has_a_certificate_for_any_aws_name(tmp_path):
    async def check(port, certificates):
        name = "a1b2c3.execute-api.us-east-1.amazonaws.com"
        assert (await exchange(port, GET, trusting(certificates, "http/1.1"), name)).endswith(b"https /a")

    on_port(tmp_path, check)


@pytest.mark.parametrize("name", ["a b", "-bad-", "xn--zz--"])
def test_tls_refuses_a_name_that_is_none(tmp_path, name):
    certificates = Certificates(tmp_path)
    certificates.prepare()
    context = certificates.server_context()
    client, server = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = ssl._create_unverified_context().wrap_bio(server, client, server_hostname=name)
    answering = context.wrap_bio(client, server, server_side=True)
    with pytest.raises(ssl.SSLWantReadError):
        asking.do_handshake()
    with pytest.raises(ssl.SSLError):
        answering.do_handshake()
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        asking.do_handshake()


def test_authority_is_made_once(tmp_path):
    Certificates(tmp_path).prepare()
    first = (tmp_path / "ca.pem").read_bytes()
    Certificates(tmp_path).prepare()
    assert (tmp_path / "ca.pem").read_bytes() == first
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600
    assert first in (tmp_path / "ca-bundle.pem").read_bytes()


def test_two_sandboxes_that_start_at_once_share_one_authority(tmp_path):
    folder = tmp_path / "shared"
    both = [threading.Thread(target=Certificates(folder).prepare) for _ in range(8)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    key = load_pem_private_key((folder / "ca.key").read_bytes(), None)
    certificate = load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    assert certificate.public_key() == key.public_key()


def test_port_in_use_is_an_os_error():
    with bind("127.0.0.1", 0) as taken, pytest.raises(OSError, match="in use"):
        bind("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("kind", ["virtual", "real"])
def test_clock_is_told_when_a_client_goes(tmp_path, kind):
    seen = []

    async def main(clock: Clock) -> None:
        clock.client_connected = lambda peer, local=None: seen.append(("connected", peer))
        clock.client_disconnected = lambda peer: seen.append(("gone", peer))
        async with listening(clock, tmp_path) as (port, certificates):
            with clock.in_flight("test"):
                for context in (None, trusting(certificates, "http/1.1")):
                    await exchange(port, GET, context)
                with socket.create_connection(("127.0.0.1", port)):
                    pass
                await asyncio.sleep(0.05)

    sandbox.clock.run(main, kind)
    peers = [peer for name, peer in seen if name == "connected"]
    assert len(peers) == 3
    assert sorted(peer for name, peer in seen if name == "gone") == sorted(peers)


def test_a_status_that_nobody_knows_is_answered(tmp_path):
    async def check(port: int, _: Certificates) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /999 HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 999 \r\n")
        writer.close()

    on_port(tmp_path, check)


@pytest.mark.parametrize(
    ("asked", "length", "body"),
    [("GET /parts", False, b"one two "), ("GET /x", True, b"1.0 http /x"), ("HEAD /parts", False, b"")],
)
def test_clients_of_http_1_0_get_no_chunks(tmp_path, asked, length, body):
    async def check(port: int, certificates: Certificates) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{asked} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        head, _, rest = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        assert rest == body
        assert b"transfer-encoding" not in head.lower()
        assert (b"content-length" in head.lower()) is length
        assert b"connection: close" in head

    on_port(tmp_path, check)


@pytest.mark.parametrize("kind", ["virtual", "real"])
@pytest.mark.parametrize("path", ["/much", "/much/cut"])
def test_an_end_with_an_answer_on_its_way_is_no_failure_of_the_application(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, path: str
):
    """The client does not read: what was sent has not left when the listener closes."""
    clients: list[socket.socket] = []

    async def check(port: int, _: Certificates) -> None:
        clients.append(socket.create_connection(("127.0.0.1", port)))
        clients[0].sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await asyncio.sleep(0.2)  # buffers are full by then

    on_port(tmp_path, check, kind)
    clients[0].close()
    assert [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")] == []


@pytest.mark.timeout(30)
@pytest.mark.parametrize("path", ["/much", "/wait"])
@pytest.mark.parametrize("kind", ["virtual", "real"])
def test_an_end_does_not_wait_for_a_client_of_http2_that_does_not_read(tmp_path: Path, kind: str, path: str):
    clients: list[socket.socket] = []

    async def check(port: int, _: Certificates) -> None:
        clients.append(socket.create_connection(("127.0.0.1", port)))
        peer = h2.connection.H2Connection(h2.config.H2Configuration())
        peer.initiate_connection()
        head = [(":method", "GET"), (":path", path), (":scheme", "http"), (":authority", "x")]
        peer.send_headers(1, head, end_stream=True)
        clients[0].sendall(peer.data_to_send())
        await asyncio.sleep(0.2)  # its window is full by then

    on_port(tmp_path, check, kind)
    clients[0].close()
    while not WAITED.empty():
        WAITED.get_nowait()
