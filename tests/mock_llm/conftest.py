"""A loop whose clock jumps, so that pace is tested at exact instants and in no time, and an ASGI caller for it.

Without sockets or processes it needs none of the sandbox's watching: when nothing is ready, the next timer is due.
"""

from __future__ import annotations

import asyncio
import json
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from mock_llm.app import MockLLM, create_app
from mock_llm.settings import Settings


class JumpingSelector(selectors.DefaultSelector):
    """Never waits for a timer: it moves the clock to it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            return super().select(1)  # nothing will ever happen but from outside
        self.now += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop on its own time, from 0."""

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._jumping.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]  # land on it, not beside it
            timer = self._scheduled[0]  # type: ignore[attr-defined]
            if not timer.cancelled():
                self._jumping.now = max(self._jumping.now, timer.when())
        super()._run_once()  # type: ignore[misc]


@dataclass
class Call:
    """A request to the application under test, and what it sent with the instants."""

    path: str
    body: bytes = b""
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    gone_at: float | None = None  # the client leaves at this instant
    root_path: str = ""
    sent: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    async def run(self, app: MockLLM) -> Call:
        loop, parts = asyncio.get_running_loop(), [self.body[:10], self.body[10:]]

        async def receive() -> dict[str, Any]:
            if parts:
                return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}
            await asyncio.sleep(1e6 if self.gone_at is None else max(0, self.gone_at - loop.time()))
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            self.sent.append((loop.time(), message))

        scope = {
            "type": "http",
            "method": self.method,
            "path": self.root_path + self.path,
            "root_path": self.root_path,
            "headers": [(name.encode(), value.encode()) for name, value in self.headers.items()],
        }
        await app(scope, receive, send)
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0][1]["status"])

    @property
    def content(self) -> bytes:
        return b"".join(message.get("body", b"") for _, message in self.sent)

    def json(self) -> Any:
        return json.loads(self.content)

    def events(self) -> list[tuple[float, Any]]:
        """The server-sent events with their instants; each must have been a send of its own."""
        bodies = [(at, message["body"]) for at, message in self.sent[1:] if message.get("body")]
        assert all(body.startswith(b"data: ") and body.count(b"\n\n") == 1 for _, body in bodies)
        return [
            (at, body[6:-2].decode() if b"[DONE]" in body else json.loads(body[6:])) for at, body in bodies
        ]


@dataclass
class Observed:
    """The events that an observer was told, with their instants."""

    seen: list[tuple[float, str, str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, name: str, stream: str, data: Any) -> None:
        self.seen.append((asyncio.get_running_loop().time(), name, stream, dict(data)))

    def names(self) -> list[str]:
        return [name for _, name, _, _ in self.seen]


@pytest.fixture
def jump() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine on a jumping clock."""

    def run(main: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            return runner.run(main)

    return run


@pytest.fixture
def chat(jump: Any) -> Callable[..., Call]:
    """One chat completion on a jumping clock: ``chat(app=None, headers=..., gone_at=..., **body)``."""

    def ask(app: MockLLM | None = None, **body: Any) -> Call:
        options = {name: body.pop(name) for name in ("headers", "gone_at", "method") if name in body}
        asked = {"model": "mock-instant", "messages": [{"role": "user", "content": "Hello"}], **body}
        call = Call("/v1/chat/completions", json.dumps(asked).encode(), **options)
        return jump(call.run(app or create_app()))  # type: ignore[no-any-return]

    return ask


@asynccontextmanager
async def served(app: MockLLM) -> AsyncIterator[str]:
    """The application on loopback; uvicorn's protocol without uvicorn's periodic tick."""
    config = Config(app, lifespan="off", log_level="warning", access_log=False)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: HttpToolsProtocol(config, state, {}), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        for task in list(state.tasks):
            task.cancel()


@pytest.fixture
def serving() -> Any:
    """``async with serving(app) as url``."""
    return served


@pytest.fixture
def observed() -> Observed:
    """An observer that notes what it is told."""
    return Observed()


@pytest.fixture
def calls() -> type[Call]:
    """The class of requests, for those that are not chat completions."""
    return Call


@pytest.fixture
def quick_settings() -> Settings:
    """Settings whose default pace is instant."""
    return Settings(profile="instant")


def joined(events: Iterable[tuple[float, Any]], index: int = 0) -> str:
    """The text of one choice of a streamed chat completion."""
    chunks = [event for _, event in events if isinstance(event, dict)]
    choices = [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


@pytest.fixture
def text_of() -> Any:
    """:func:`joined`."""
    return joined
