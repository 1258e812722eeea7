"""Frames that go straight to the connection are the same, at the same instants, as those that go by ASGI."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from mock_llm import stream
from mock_llm.app import MockLLM, create_app
from mock_llm.http1 import CycleWriter, DirectProtocol
from sandbox.clock import Clock, run

PROTOCOLS = (HttpToolsProtocol, DirectProtocol)


@asynccontextmanager
async def listening(app: MockLLM, protocol: type[HttpToolsProtocol]) -> AsyncIterator[int]:
    config = Config(app, lifespan="off", log_level="critical", access_log=False, date_header=False)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        for task in list(state.tasks):
            task.cancel()


def question(**headers: Any) -> bytes:
    body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hello"}]})
    told = "".join(f"x-mock-llm-{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\n{told}content-length: {len(body)}\r\n\r\n{body}"
    ).encode()


def answered(protocol: type[HttpToolsProtocol], asked: bytes) -> tuple[bytes, list[tuple[float, int]], Any]:
    """The bytes of an answer, when how many had come, and the ledger's line."""
    app = create_app()

    async def main(clock: Clock) -> tuple[bytes, list[tuple[float, int]]]:
        async with listening(app, protocol) as port:
            with clock.in_flight("answer"):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(asked)
                came, seen = b"", []
                while not came.endswith(b"0\r\n\r\n"):
                    part = await reader.read(1 << 20)
                    if not part:
                        break
                    came += part
                    seen.append((clock.now(), len(came)))
                writer.close()
                return came, seen

    came, seen = run(main)
    last = dict(seen)  # how one instant's bytes are cut into reads does not matter
    return came, list(last.items()), app.requests[0]


@pytest.mark.parametrize(
    "headers",
    [
        {"tokens": 120, "first_token": 0.3, "rate": 10},
        {"tokens": 200, "rate": "inf"},
        {"tokens": 30, "first_token": 0.3, "rate": 10, "jitter": "lognormal:0.5", "burst": 4},
        {"tokens": 30, "first_token": 2, "rate": 10, "headers": 0.5},
        {"tokens": 30, "rate": 10, "stall_after": 10, "stall": 5},
        {"tokens": 30, "rate": 10, "fault": "cut:after=7"},
        {"tokens": 30, "rate": 10, "fault": "drop:after=7"},
        {"tokens": 30, "rate": 10, "fault": "error:status=503,after=7"},
        {"tokens": 30, "rate": 10, "fault": "malformed:after=7"},
        {"tokens": 30, "rate": 10, "fault": "slow_headers:seconds=4"},
        {"tokens": 30, "rate": 10, "fault": "stall:after=7,seconds=4"},
    ],
    ids="-".join,
)
def test_bytes_and_instants_are_those_of_asgi(headers: dict[str, Any]) -> None:
    (by_asgi, at, first), (directly, when, second) = (answered(p, question(**headers)) for p in PROTOCOLS)
    number = re.compile(rb"[0-9A-Za-z]{29}")
    assert number.sub(b"id", directly) == number.sub(b"id", by_asgi)
    assert when == at
    for name in ("tokens", "outcome", "fault", "late", "status", "first_at", "ended_at"):
        assert getattr(second, name) == getattr(first, name), name


def test_frames_of_one_instant_leave_in_few_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> int:
        writes = []
        async with listening(create_app(), DirectProtocol) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
            write = asyncio.selector_events._SelectorSocketTransport.write  # type: ignore[attr-defined]

            def counted(self: Any, data: bytes) -> None:
                writes.append(data)
                write(self, data)

            monkeypatch.setattr(asyncio.selector_events._SelectorSocketTransport, "write", counted)  # type: ignore[attr-defined]
            writer.write(question(tokens=320, rate="inf"))
            await reader.readuntil(b"0\r\n\r\n")
            writer.close()
        return sum(b"data: " in data for data in writes)

    assert asyncio.run(main()) <= 11  # 323 frames


def test_an_answer_passes_the_doors_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    came, opened = asyncio.Event(), asyncio.Event()

    async def shut(loop: asyncio.AbstractEventLoop) -> None:
        came.set()
        await opened.wait()

    monkeypatch.setattr(stream, "pass_doors", shut)

    async def main() -> tuple[bytes, bytes]:
        async with listening(create_app(), DirectProtocol) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(question(tokens=3, rate="inf"))
            tokens = await reader.readuntil(b"[DONE]\n\n\r\n")
            await came.wait()
            opened.set()
            end = await reader.readuntil(b"0\r\n\r\n")
            writer.close()
        return tokens, end

    tokens, end = asyncio.run(main())
    assert (tokens.count(b'"delta":{"content"'), end) == (3, b"0\r\n\r\n")


def _slow_client(count: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, count)
    sock.setblocking(False)
    return sock


def test_a_client_that_does_not_read_holds_its_answer_and_the_ledger_says_for_how_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full, app, drain = asyncio.Event(), create_app(), CycleWriter.drain

    async def waits(self: CycleWriter) -> None:
        full.set()
        await drain(self)

    monkeypatch.setattr(CycleWriter, "drain", waits)

    async def main() -> int:
        loop = asyncio.get_running_loop()
        async with listening(app, DirectProtocol) as port:
            sock = _slow_client(4096)
            await loop.sock_connect(sock, ("127.0.0.1", port))
            await loop.sock_sendall(sock, question(tokens=20_000, rate="inf"))
            await full.wait()
            await asyncio.sleep(0.21)
            held = app.requests[0]
            assert held.outcome == "open"
            came = b""
            while not came.endswith(b"0\r\n\r\n"):
                came = came[-10:] + await loop.sock_recv(sock, 1 << 20)
            sock.close()
            await asyncio.sleep(0.05)
            return held.tokens

    assert asyncio.run(main()) == 20_000
    assert app.requests[0].blocked > 0.2
    assert app.requests[0].outcome == "completed"


@pytest.mark.parametrize("reads", [True, False])
def test_tokens_stop_when_the_client_goes(reads: bool, observed: Any) -> None:
    asked = question(tokens=20_000, rate=200 if reads else "inf")
    app = create_app(observe=observed)

    async def main() -> int:
        loop = asyncio.get_running_loop()
        async with listening(app, DirectProtocol) as port:
            sock = _slow_client(4096)
            await loop.sock_connect(sock, ("127.0.0.1", port))
            await loop.sock_sendall(sock, asked)
            await loop.sock_recv(sock, 100)
            await asyncio.sleep(0.1)
            sock.close()
            await asyncio.sleep(0.1)
            left = observed.names().count("token_emitted")
            await asyncio.sleep(0.1)
            assert observed.names().count("token_emitted") == left
            return left

    left = asyncio.run(main())
    assert 0 < left < 20_000
    assert observed.names()[-1] == "client_gone"
    assert (app.requests[0].outcome, app.requests[0].tokens) == ("client_gone", left)


LOOPS = [asyncio.new_event_loop]
if uvloop := pytest.importorskip("uvloop", reason="no uvloop"):
    LOOPS.append(uvloop.new_event_loop)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    ("fault", "error"), [("drop:after=7", None), ("reset:after=7", ConnectionResetError)]
)
def test_a_reset_is_one_and_a_drop_is_none(loop: Any, fault: str, error: type[Exception] | None) -> None:
    app = create_app()

    async def main() -> tuple[int, type[Exception] | None]:
        async with listening(app, DirectProtocol) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(question(tokens=30, rate=200, fault=fault))
            came, seen = b"", None
            try:
                while part := await reader.read(1 << 20):
                    came += part
            except ConnectionResetError as lost:
                seen = type(lost)
            writer.close()
            return came.count(b'"delta":{"content"'), seen

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(main()) == (7, error)
    assert (app.requests[0].outcome, app.requests[0].fault) == ("faulted", fault.partition(":")[0])


def test_nothing_goes_to_a_connection_that_is_being_closed() -> None:
    """uvloop's transports raise then, and whoever writes hears of the end a moment later."""
    loop = uvloop.new_event_loop()

    async def main() -> list[bytes]:
        ours, theirs = socket.socketpair()
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        flow = SimpleNamespace(write_paused=False)
        writer = CycleWriter(SimpleNamespace(transport=transport, flow=flow))
        writer.write(b"one")
        transport.close()
        await asyncio.sleep(0.01)
        writer.write(b"two")
        with theirs:
            theirs.setblocking(False)
            return [await loop.sock_recv(theirs, 9), await loop.sock_recv(theirs, 9)]

    try:
        assert loop.run_until_complete(main()) == [b"one", b""]
    finally:
        loop.close()
