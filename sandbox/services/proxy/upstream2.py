"""Connections to targets that speak HTTP/2 (RFC 9113), with prior knowledge or by ALPN: many requests on each.

A request has the same way as one of HTTP/1.1: begin, write, finish, and what comes by :meth:`Stream.next`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Iterable

from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

from sandbox.services.proxy.upstream import (
    ClosedError,
    Head,
    MalformedError,
    Pairs,
    Place,
    Trailers,
    UpstreamError,
    connected,
)

Came = Head | bytes | Trailers | None


class Stream:
    """One request on a connection. ``touched``: called whenever a byte comes for it."""

    def __init__(self, connection: Connection, number: int) -> None:
        self.touched: Callable[[], None] = lambda: None
        self._connection = connection
        self._number = number
        self._events: deque[tuple[Came, int]] = deque()  # and the bytes to acknowledge
        self._waiter: asyncio.Future[None] | None = None
        self._error: UpstreamError | None = None
        self._over = False  # its answer has come to its end
        self._finished = False  # so has its request

    async def write(self, data: bytes) -> None:
        """Send a part of the body; waits while the target does not take it."""
        while data and self._error is None:
            room = self._connection.room(self._number)
            if room <= 0:
                await self._connection.opened()
                continue
            self._connection.send(self._number, data[:room])
            data = data[room:]
            await self._connection.drained()

    async def finish(self) -> None:
        """The body is whole."""
        if self._error is None and not self._finished:
            self._finished = True
            self._connection.send(self._number, b"", end=True)

    async def next(self) -> Came:
        """What comes next of the answer; ``None``: its end. Raises :class:`UpstreamError`."""
        while not self._events:
            if self._error is not None:
                raise self._error
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        event, size = self._events.popleft()
        if size:
            self._connection.taken(self._number, size)
        return event

    def leave(self) -> None:
        """The request is over, or nobody wants its answer any more."""
        self._connection.forget(self._number, reset=not (self._over and self._finished))

    # -- the connection's side

    def came(self, event: Came, size: int = 0) -> None:
        """Something of the answer."""
        self.touched()
        self._over = self._over or event is None
        self._events.append((event, size))
        self._wake()

    def fail(self, error: UpstreamError) -> None:
        """There will be no more."""
        if not self._over:
            self._error = self._error or error
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Connection(asyncio.Protocol):
    """One connection to a target."""

    def __init__(self, header_limit: int) -> None:
        self._limit = header_limit
        self._loop = asyncio.get_running_loop()
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._h2.local_settings = Settings(
            client=True,
            initial_values={SettingCodes.ENABLE_PUSH: 0, SettingCodes.MAX_HEADER_LIST_SIZE: header_limit},
        )
        self._transport: asyncio.Transport | None = None
        self._streams: dict[int, Stream] = {}
        self._writable: asyncio.Future[None] | None = None
        self._window: asyncio.Future[None] | None = None
        self._leaving = False

    @property
    def able(self) -> bool:
        """Whether one more request may begin."""
        alive = self._transport is not None and not self._transport.is_closing() and not self._leaving
        return alive and len(self._streams) < self._h2.remote_settings.max_concurrent_streams

    @property
    def idle(self) -> bool:
        """Whether no request is under way."""
        return not self._streams

    def begin(self, pairs: Pairs, *, end: bool) -> Stream:
        """Begin a request with these headers, the pseudo-headers among them."""
        number = self._h2.get_next_available_stream_id()
        stream = self._streams[number] = Stream(self, number)
        stream._finished = end
        self._h2.send_headers(number, pairs, end_stream=end)
        self._flush()
        return stream

    def room(self, number: int) -> int:
        """Bytes that a stream may send now."""
        return min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size)

    def send(self, number: int, data: bytes, *, end: bool = False) -> None:
        """Bytes of a request's body."""
        try:
            self._h2.send_data(number, data, end_stream=end)
        except ProtocolError:
            return  # the target has ended the stream: its answer says what is to be said
        self._flush()

    async def opened(self) -> None:
        """Wait until the target takes more."""
        if self._window is None:
            self._window = self._loop.create_future()
        await asyncio.shield(self._window)

    async def drained(self) -> None:
        """Wait until the transport takes more."""
        if self._writable is not None:
            await asyncio.shield(self._writable)

    def taken(self, number: int, size: int) -> None:
        """The client has taken bytes of an answer: the target may send as many."""
        if self._transport is not None:
            self._h2.acknowledge_received_data(size, number)
            self._flush()

    def forget(self, number: int, *, reset: bool) -> None:
        """A request is over."""
        if self._streams.pop(number, None) is None or self._transport is None:
            return
        if reset:
            try:
                self._h2.reset_stream(number, 8)  # CANCEL
            except ProtocolError:
                return
            self._flush()
        if self._leaving and not self._streams:
            self._transport.close()

    def close(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)

    # -- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's has the methods, not the class
        self._h2.initiate_connection()
        self._h2.decoder.max_header_list_size = self._limit
        self._flush()

    def data_received(self, data: bytes) -> None:
        try:
            events = self._h2.receive_data(data)
        except ProtocolError as error:
            self._end(MalformedError(f"the target's answer is no HTTP/2: {error}"))
            self._flush()
            self.close()
            return
        for event in events:
            self._happened(event)
        self._flush()

    def _happened(self, event: Event) -> None:
        number = getattr(event, "stream_id", None)
        stream = self._streams.get(number) if number else None
        if isinstance(event, WindowUpdated):
            self._open()
        elif isinstance(event, ConnectionTerminated):
            self._told_to_go(event)
        elif isinstance(event, DataReceived):
            if stream is None:
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif event.data:
                stream.came(event.data, event.flow_controlled_length)
        elif stream is not None:
            self._of_stream(stream, event)

    def _of_stream(self, stream: Stream, event: Event) -> None:
        if isinstance(event, ResponseReceived):
            headers = _bytes(event.headers)
            status = int(dict(headers)[b":status"])
            stream.came(Head(status, b"", [pair for pair in headers if not pair[0].startswith(b":")]))
        elif isinstance(event, TrailersReceived):
            stream.came(Trailers(_bytes(event.headers)))
        elif isinstance(event, StreamEnded):
            stream.came(None)
        elif isinstance(event, StreamReset):
            stream.fail(ClosedError(f"the target reset the stream: {event.error_code!s}"))
            self._open()

    def _told_to_go(self, event: ConnectionTerminated) -> None:
        """GOAWAY: requests that the target has not taken are lost, the others go on (RFC 9113, 6.8)."""
        self._leaving = True
        last = event.last_stream_id or 0
        for number, stream in list(self._streams.items()):
            if number > last or event.error_code != 0:
                stream.fail(ClosedError("the target ends the connection"))
        self._h2.state_machine.state = ConnectionState.CLIENT_OPEN  # h2 would send nothing any more
        self._open()
        if not self._streams and self._transport is not None:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._end(ClosedError("the target closed the connection"))

    def _end(self, error: UpstreamError) -> None:
        for stream in self._streams.values():
            stream.fail(error)
        self._open()
        self.resume_writing()

    def _open(self) -> None:
        window, self._window = self._window, None
        if window is not None and not window.done():
            window.set_result(None)

    def pause_writing(self) -> None:
        if self._writable is None:
            self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)


def _bytes(headers: Iterable[tuple[bytes | str, bytes | str]] | None) -> Pairs:
    return [(_raw(name), _raw(value)) for name, value in headers or ()]


def _raw(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


class Pool2:
    """Connections by target."""

    def __init__(self) -> None:
        self._connections: dict[Place, list[Connection]] = {}

    async def take(self, place: Place, header_limit: int, tls: ssl.SSLContext | None) -> Connection:
        """A connection that takes one more request. Raises :class:`UpstreamError`."""
        known = self._connections.setdefault(place, [])
        known[:] = [one for one in known if one.able or not one.idle]
        for one in known:
            if one.able:
                return one
        made = await connected(lambda: Connection(header_limit), place, tls)
        known.append(made)
        return made

    def drop(self, place: Place) -> None:
        """Close the idle connections of a target."""
        for one in self._connections.pop(place, []):
            if one.idle:
                one.close()

    def close(self) -> None:
        """Close all connections."""
        for known in self._connections.values():
            for one in known:
                one.close()
        self._connections.clear()
