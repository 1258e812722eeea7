"""HTTP/1.1 by uvicorn's protocol on the sandbox's loop, without uvicorn's own server and its ticks.

An upgrade to WebSocket becomes a :class:`~sandbox.front.websocket.WebSocketConnection`, which shows frames.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from mock_llm.direct import EXTENSION
from mock_llm.http1 import CycleWriter, reset
from mock_llm.wire import RESET
from sandbox.context import ConnectionAbort, Receive, Scope, Send
from sandbox.front.app import Application
from sandbox.front.half_head import HalfHead
from sandbox.front.websocket import WebSocketConnection

# uvicorn closes a connection that has been idle for so long (s). A day: a client of the virtual clock may find
# hours gone between two of its requests.
IDLE = 86_400
# Servers behind the sandbox may answer with any three digits; uvicorn knows those up to 599.
STATUS_LINE.update({status: b"HTTP/1.1 %d \r\n" % status for status in range(600, 1000)})


class Http1:
    """Makes a protocol for each HTTP/1.1 connection."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._config = Config(
            app=app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=IDLE,
        )
        self._config.load()
        self._state = ServerState()

    def protocol(self) -> asyncio.Protocol:
        """A protocol for a new connection."""
        return _Connection(self._app, self._config, self._state)

    async def close(self) -> None:
        """Close the connections; requests under way are cut."""
        for connection in tuple(self._state.connections):
            if connection.transport is not None:
                connection.transport.close()
        await asyncio.sleep(0)  # their applications are told that the client is gone
        tasks = tuple(self._state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Connection(HttpToolsProtocol):
    """uvicorn's protocol, and an application that may cut the connection (:class:`ConnectionAbort`).

    An application finds it in ``scope["connection"]``: ``opened`` is the loop's time at its start, and
    ``timeout_keep_alive`` (seconds) may be set to close it when it is idle for so long.
    """

    def __init__(self, app: Application, config: Config, state: ServerState) -> None:
        super().__init__(config, state, {})
        self._state = state
        self._asgi = app
        self.app: Any = self._answer
        self.opened = asyncio.get_running_loop().time()
        self._in_head = False
        self._half_head: HalfHead | None = None

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client; when a request's head is not whole with them, whom it is for may not wait."""
        super().data_received(data)
        if self._in_head and (self.cycle is None or self.cycle.response_complete):
            if self._half_head is None:
                # The front has it, an application of a test may not.
                find = getattr(self._asgi, "refusal", None)
                if find is None:
                    return
                self._half_head = HalfHead(find, self.transport, self.scheme or "http")
            self._half_head.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        self._end_half_head()
        super().connection_lost(exc)

    def _end_half_head(self) -> None:
        if self._half_head is not None:
            self._half_head.close()
            self._half_head = None

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()
        self._sent: list[tuple[bytes, bytes]] = []
        scope: Scope = self.scope  # type: ignore[assignment]
        scope["sent_headers"] = self._sent
        scope["connection"] = self

    def on_header(self, name: bytes, value: bytes) -> None:
        # ASGI has names in lower case; a Lambda behind a REST API sees them as the client wrote them.
        self._sent.append((name, value))
        super().on_header(name, value)

    def _should_upgrade_to_ws(self) -> bool:
        return True

    def handle_websocket_upgrade(self) -> None:
        """Become a WebSocket: this protocol and its parser are left behind."""
        self.connections.discard(self)
        url = httptools.parse_url(self.url)
        raw = url.path
        scope: Scope = self.scope  # type: ignore[assignment]
        method = str(scope.pop("method")).encode()
        upgrade: dict[str, Any] = {
            "type": "websocket",
            "scheme": "wss" if self.scheme == "https" else "ws",
            "path": unquote(raw.decode("ascii")),
            "raw_path": raw,
            "query_string": url.query or b"",
            "extensions": {"websocket.http.response": {}},
        }
        scope.update(upgrade)
        connection = WebSocketConnection(self._asgi, self.transport)
        self.transport.set_protocol(connection)
        task = connection.start(method, scope)
        if task is not None:
            tasks: set[asyncio.Task[Any]] = self._state.tasks
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    def on_headers_complete(self) -> None:
        """A request's headers are known: its application may write the chunks of a stream itself, and reset it."""
        self._in_head = False
        self._end_half_head()
        if not self.url.startswith((b"/", b"*")):
            self._take_host()
        super().on_headers_complete()
        scope: Scope = self.scope  # type: ignore[assignment]
        if self.cycle is None or self.cycle.scope is not scope:
            return  # it becomes a WebSocket
        offered: Any = {EXTENSION: CycleWriter(self.cycle), RESET: partial(reset, self.transport)}
        scope["extensions"] = offered

    def _take_host(self) -> None:
        """The host of a whole address in the request line counts, not that of ``Host`` (RFC 9112, 3.2.2)."""
        with suppress(httptools.HttpParserInvalidURLError):
            address = httptools.parse_url(self.url)
            if address.host:
                host = address.host + (b":%d" % address.port if address.port else b"")
                for headers in (self.headers, self._sent):
                    headers[:] = [pair for pair in headers if pair[0].lower() != b"host"] + [(b"host", host)]

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        method: Any = send
        cycle = method.__self__  # ``self.cycle`` is that of a later request when a client does not wait
        if scope["http_version"] == "1.0":
            send = _until_close(cycle, send)
        try:
            try:
                await self._asgi(scope, receive, _without_body(cycle, send))
            except ConnectionAbort:
                # FIN after what was sent: the client sees a chunked body without its last chunk.
                self.transport.close()
                while (await receive())["type"] != "http.disconnect":
                    pass
        except asyncio.CancelledError:
            # Only ``Http1.close`` cancels; uvicorn would report it as a failure of the application, and an answer
            # without an end as another, as long as what was sent has not left: nobody is there for it any more.
            self.transport.close()
            cycle.disconnected = True


def _without_body(cycle: Any, send: Send) -> Send:
    """For answers that have no body whatever length they say (RFC 9110, 6.4.1); a 204 may not say one (8.6)."""

    async def sent(message: Any) -> None:
        bodiless = message["type"] == "http.response.start" and message["status"] in (204, 304)
        if bodiless and message["status"] == 204:
            headers = [(n, v) for n, v in message.get("headers", ()) if n.lower() != b"content-length"]
            message = {**message, "headers": headers}
        await send(message)
        if bodiless:
            cycle.expected_content_length = 0  # uvicorn would miss a body

    return sent


def _until_close(cycle: Any, send: Send) -> Send:
    """For a client of HTTP/1.0, which knows no chunks: a body without a length ends with the connection."""

    async def sent(message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = [(n, v) for n, v in message["headers"] if n.lower() != b"transfer-encoding"]
            message = {**message, "headers": headers}
            if not any(name.lower() == b"content-length" for name, _ in headers):
                cycle.chunked_encoding = False
                cycle.expected_content_length = _AnyLength()
        await send(message)

    return sent


class _AnyLength(int):
    """What uvicorn counts a body down from, and wants to be 0 at its end: always enough, never too much."""

    def __lt__(self, other: int) -> bool:
        return False

    def __sub__(self, other: int) -> _AnyLength:
        return self
