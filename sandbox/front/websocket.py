"""A WebSocket on a transport: frames in, frames out, by the sans-I/O protocol of ``websockets``.

What is ours: the handshake that waits for the service, size limits of the service's choice, text that is checked
as it comes (1007), back pressure, and the end of a connection. Nothing here ticks; what waits for a client that has
gone silent while closing is one timer of :data:`LINGER` seconds.
"""

from __future__ import annotations

import asyncio
import codecs
import logging
import socket
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Literal, cast

from websockets.frames import Close, Opcode
from websockets.frames import Frame as WireFrame
from websockets.protocol import Protocol, Side, State

from sandbox.context import Frame, Scope, WebSocketDisconnect
from sandbox.front import handshake
from sandbox.front.websocket_asgi import Asgi

log = logging.getLogger(__name__)

# How long (s) a client may take to answer a close frame, or to leave, before the connection is cut.
LINGER = 10
# Frames that the service has not taken: the client is held back above so many bytes (each frame counts some more).
READ_AHEAD = 2**17
_PER_FRAME = 256
# What may pile up for a client that does not read, before it is cut off (bytes). Services whose AWS counterpart has a
# limit of its own look at `buffered` earlier; this one is the sandbox's, for its memory.
UNREAD = 2**26
# The same for all clients together, of those that leave more than `SLOW` unread: the one with most of it is cut off.
UNREAD_BY_ALL = 2**28
SLOW = 2**20
_NAMES: dict[Opcode, Literal["text", "binary", "continuation", "ping", "pong"]] = {
    Opcode.TEXT: "text",
    Opcode.BINARY: "binary",
    Opcode.CONT: "continuation",
    Opcode.PING: "ping",
    Opcode.PONG: "pong",
}


class WebSocketConnection(asyncio.Protocol):
    """Implements :class:`sandbox.context.WebSocket` for one client; the service runs in :attr:`task`."""

    __slots__ = (
        "_app",
        "_decoder",
        "_ended",
        "_frames",
        "_key",
        "_loop",
        "_paused",
        "_protocol",
        "_queued",
        "_reader",
        "_timer",
        "_writable",
        "answered",
        "date",
        "task",
        "transport",
    )

    def __init__(self, app: Any, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.task: asyncio.Task[None] | None = None
        self.answered: Callable[[], None] | None = None  # called once, when the handshake is answered
        self.date: Callable[[], bytes] | None = None  # gives the ``Date`` of the answer
        self._app = app
        self._loop = asyncio.get_running_loop()
        self._key = b""
        self._protocol: _Protocol | None = None  # once accepted
        self._decoder: codecs.IncrementalDecoder | None = None  # of a text message that is under way
        self._frames: deque[Frame] = deque()
        self._queued = 0
        self._paused = False
        self._reader: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._ended: WebSocketDisconnect | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self, method: bytes, scope: Scope) -> asyncio.Task[None] | None:
        """Run the service for a handshake; ``None`` when the request is none, which is answered."""
        try:
            self._key = handshake.key_of(method, scope["http_version"], scope["headers"])
        except handshake.HandshakeError as error:
            self._refuse(error.status, error.headers, f"{error}\n".encode())
            return None
        scope["subprotocols"] = handshake.subprotocols(scope["headers"])
        scope["websocket"] = self
        self.task = self._loop.create_task(self._serve(scope))
        return self.task

    async def _serve(self, scope: Scope) -> None:
        asgi = Asgi(self)
        try:
            await self._app(scope, asgi.receive, asgi.send)
            self._finish(500, 1000)
        except WebSocketDisconnect:
            self._finish(500, 1000)
        except asyncio.CancelledError:  # the sandbox ends
            self.close(1012)
            self.transport.close()
        except Exception:
            log.exception("the service of a WebSocket failed")
            self._finish(500, 1011)

    def _finish(self, status: int, code: int) -> None:
        if self._protocol is not None:
            self.close(code)
        elif self._ended is None:
            self._refuse(status, (), b"Internal Server Error")

    # -- the service's side

    @property
    def accepted(self) -> bool:
        """Whether the handshake was answered with 101."""
        return self._protocol is not None

    async def accept(
        self,
        subprotocol: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        *,
        max_frame: int | None = None,
        max_message: int | None = 2**20,
    ) -> None:
        """See :class:`sandbox.context.WebSocket`."""
        self._answer_once()
        if self._ended is not None:
            raise self._ended
        self._protocol = _Protocol(max_message, max_frame)
        self.transport.write(handshake.accepted(self._key, subprotocol, [*headers, *self._dated()]))

    async def reject(self, status: int, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> None:
        """See :class:`sandbox.context.WebSocket`."""
        self._answer_once()
        if self._ended is None:
            self._refuse(status, headers, body)

    def take_over(self, protocol: asyncio.Protocol) -> asyncio.Transport:
        """See :class:`sandbox.context.WebSocket`."""
        self._answer_once()
        if self._ended is not None:
            raise self._ended
        self._ended = WebSocketDisconnect(1006, "", "server", "the connection was handed over")
        self.transport.set_protocol(protocol)
        return self.transport

    def _answer_once(self) -> None:
        if self._protocol is not None or (self._ended is not None and self._ended.by == "server"):
            raise RuntimeError("the handshake of this WebSocket has been answered")
        answered, self.answered = self.answered, None
        if answered is not None:
            answered()

    def _refuse(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        self._end(WebSocketDisconnect(1006, "", "server", f"the handshake was answered with {status}"))
        self.transport.write(handshake.refused(status, [*headers, *self._dated()], body))
        self.transport.close()

    def _dated(self) -> list[tuple[str, str]]:
        return [("Date", self.date().decode())] if self.date else []

    async def receive(self) -> Frame:
        """See :class:`sandbox.context.WebSocket`."""
        while not self._frames:
            if self._ended is not None:
                raise self._ended
            self._reader = self._loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        frame = self._frames.popleft()
        self._queued -= len(frame.data) + _PER_FRAME
        if self._paused and self._queued < READ_AHEAD // 2:
            self._paused = False
            self.transport.resume_reading()
        return frame

    def send(self, data: str | bytes) -> None:
        """See :class:`sandbox.context.WebSocket`."""
        if self._protocol is None:
            raise RuntimeError("a WebSocket must be accepted before anything is sent")
        if self._ended is None:
            if isinstance(data, str):
                self._protocol.send_text(data.encode())
            else:
                self._protocol.send_binary(data)
            self._flush()
            if self.buffered > SLOW:
                self._hold_bounds()

    def _hold_bounds(self) -> None:
        """Cut off who leaves too much unread: this client, or when it is too much of all, the worst of them."""
        if self.buffered > UNREAD:
            self._give_up()
            return
        _slow.add(self)
        _slow.difference_update([other for other in _slow if other.buffered <= SLOW])
        if sum(other.buffered for other in _slow) > UNREAD_BY_ALL:
            max(_slow, key=lambda other: other.buffered)._give_up()

    def _give_up(self) -> None:
        detail = f"the client has left {self.buffered} bytes unread"
        log.warning("a WebSocket is cut off: %s", detail)
        self._end(WebSocketDisconnect(1006, "", "server", detail))
        self.transport.abort()

    @property
    def buffered(self) -> int:
        """See :class:`sandbox.context.WebSocket`."""
        return self.transport.get_write_buffer_size()

    async def drain(self) -> None:
        """See :class:`sandbox.context.WebSocket`."""
        if self._writable is not None:
            await asyncio.shield(self._writable)
        if self._ended is not None:
            raise self._ended

    def close(self, code: int = 1000, reason: str = "", *, hang_up: bool = False) -> None:
        """See :class:`sandbox.context.WebSocket`."""
        if self._protocol is not None and self._ended is None:
            self._protocol.send_close(code, reason)
            self._flush()
            self._end(WebSocketDisconnect(code, reason, "server"))
            if hang_up:
                self._hang_up()
            self._cut_later()

    def _hang_up(self) -> None:
        """End the stream behind the close frame. Over TLS ``close`` alone waits for the client's own farewell."""
        if self.transport.can_write_eof():
            self.transport.write_eof()
            return
        self.transport.close()
        raw = self.transport.get_extra_info("socket")
        if raw is not None and not self.buffered:
            with suppress(OSError):  # the client has gone
                raw.shutdown(socket.SHUT_WR)

    @property
    def closed(self) -> bool:
        """See :class:`sandbox.context.WebSocket`."""
        return self._ended is not None

    # -- the transport's side

    def data_received(self, data: bytes) -> None:
        """Bytes came: hand out their frames."""
        protocol = self._protocol
        if protocol is None:
            return  # a client may not send before the handshake is answered
        protocol.receive_data(data)
        for event in protocol.events_received():
            if self._ended is None:
                self._frame(protocol, cast(WireFrame, event))
        if self._ended is None and protocol.state is not State.OPEN:  # it failed
            self._failed(protocol)
        self._flush()

    def _frame(self, protocol: _Protocol, frame: WireFrame) -> None:
        if frame.opcode is Opcode.CLOSE:
            close = protocol.close_rcvd or Close(1005, "")
            self._end(WebSocketDisconnect(int(close.code), close.reason, "client"), keep=True)
            return
        data = bytes(frame.data)
        if not self._is_text(frame, data):
            protocol.fail(1007)
            self._failed(protocol, "text that is not UTF-8")
            return
        self._frames.append(Frame(_NAMES[frame.opcode], data, frame.fin))
        self._queued += len(data) + _PER_FRAME
        if self._queued > READ_AHEAD and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def _is_text(self, frame: WireFrame, data: bytes) -> bool:
        """Whether a frame that belongs to a text message goes on with valid UTF-8; others always do."""
        if frame.opcode is Opcode.TEXT:
            self._decoder = codecs.getincrementaldecoder("utf-8")()
        if self._decoder is None or frame.opcode not in (Opcode.TEXT, Opcode.CONT):
            return True
        try:
            self._decoder.decode(data, frame.fin)
        except UnicodeDecodeError:
            return False
        if frame.fin:
            self._decoder = None
        return True

    def _failed(self, protocol: _Protocol, detail: str = "") -> None:
        """The client broke a rule: the close frame that says so is written."""
        close = protocol.close_sent or Close(1006, "")
        detail = detail or str(protocol.parser_exc or "")
        self._end(WebSocketDisconnect(int(close.code), close.reason, "server", detail), keep=True)
        self._cut_later()

    def _flush(self) -> None:
        """Write what the protocol wants written; an empty piece means the end of the stream."""
        assert self._protocol is not None
        for data in self._protocol.data_to_send():
            if data:
                self.transport.write(data)
            elif self._ended is not None and self._ended.by == "server" and self.transport.can_write_eof():
                # Closing while the client still sends would reset the connection before it read the close frame.
                if self._protocol.close_rcvd is None:
                    self.transport.write_eof()
                else:
                    self.transport.close()
            else:
                self.transport.close()

    def _cut_later(self) -> None:
        if self._paused:  # what still comes is thrown away
            self._paused = False
            self.transport.resume_reading()
        if self._timer is None and not self.transport.is_closing():
            self._timer = self._loop.call_later(LINGER, self.transport.abort)

    def eof_received(self) -> None:
        """The client will send nothing more; returning ``None`` closes the transport."""
        if self._ended is None:
            self._end(WebSocketDisconnect(1006, "", "client"), keep=True)

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
        if self._ended is None:
            self._end(WebSocketDisconnect(1006, "", "client"), keep=True)
        self.resume_writing()

    def pause_writing(self) -> None:
        """The client does not take what is sent."""
        if self._writable is None:
            self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """The client takes it again."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    def _end(self, outcome: WebSocketDisconnect, keep: bool = False) -> None:
        """Note the end. ``keep``: the service still gets the frames that came before."""
        self._ended = outcome
        _slow.discard(self)
        if not keep:
            self._frames.clear()
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


_slow: set[WebSocketConnection] = set()  # open ones with more than SLOW unread, as far as known


class _Protocol(Protocol):
    """The library's protocol. The texts with which it explains a failure stay out of close frames."""

    def __init__(self, max_message: int | None, max_frame: int | None) -> None:
        super().__init__(Side.SERVER, max_size=(max_message, max_frame))

    def fail(self, code: int, reason: str = "") -> None:
        super().fail(code, "")

    def recv_frame(self, frame: WireFrame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None  # control frames may come inside a message (RFC 6455, 5.4)
        super().recv_frame(frame)
