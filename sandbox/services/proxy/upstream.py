"""Connections to targets: HTTP/1.1 on an asyncio transport, what comes is handed on at once.

The errors say what happened, not which status a client gets for it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import httptools

READ_AHEAD = 2**18  # bytes that the client has not taken yet: the target is held back above
Pairs = list[tuple[bytes, bytes]]
Place = tuple[str, int]  # host and port
P = TypeVar("P", bound=asyncio.BaseProtocol)


class UpstreamError(Exception):
    """The target did not answer as it should."""


class RefusedError(UpstreamError):
    """It takes no connection."""


class HandshakeError(UpstreamError):
    """It takes the connection, but TLS cannot be agreed on."""


class ClosedError(UpstreamError):
    """It ended the connection within a request."""


class MalformedError(UpstreamError):
    """What it sent is no HTTP, or too large."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer."""

    status: int
    reason: bytes
    headers: Pairs


@dataclass(frozen=True, slots=True)
class Trailers:
    """Headers behind the body: gRPC says in them how a call ended."""

    headers: Pairs


class Upstream(asyncio.Protocol):
    """One connection to a target, one request at a time. ``touched``: called whenever a byte comes."""

    def __init__(self, key: tuple[str, int], header_limit: int) -> None:
        self.key = key
        self.secure = False
        self.transport: asyncio.Transport | None = None
        self.touched: Callable[[], None] = _nothing
        self.lost: Callable[[Upstream], None] = _nothing_of
        self.tunnel: Callable[[bytes], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._limit = header_limit
        self._parser = httptools.HttpResponseParser(self)
        self._events: deque[Head | bytes | None] = deque()  # None: the end of the answer
        self._queued = 0
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._error: UpstreamError | None = None
        self._busy = False
        self._whole = False  # the answer has come to its end
        self._until_close = False
        self._keep = True
        self._head_only = False
        self._reason = b""
        self._pairs: Pairs = []
        self._size = 0
        self._in_head = True
        self._head_bytes = 0

    # -- a request

    def begin(self, head: bytes, *, head_only: bool) -> None:
        """Send the head of a request. ``head_only``: its answer has no body (HEAD)."""
        assert self.transport is not None
        self._busy, self._whole, self._keep, self._head_only = True, False, True, head_only
        self._in_head, self._head_bytes = True, 0
        self._events.clear()
        self.transport.write(head)

    async def write(self, data: bytes) -> None:
        """Send a part of the body; waits while the target does not take it. Raises :class:`UpstreamError`."""
        if self._error is not None or self.transport is None:
            return  # its answer, or the lack of one, says what is to be said
        self.transport.write(data)
        if self._writable is not None:
            await asyncio.shield(self._writable)

    async def next(self) -> Head | bytes | None:
        """What comes next of the answer; ``None``: its end. Raises :class:`UpstreamError`."""
        while not self._events:
            if self._error is not None:
                raise self._error
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        event = self._events.popleft()
        if isinstance(event, bytes):
            self._queued -= len(event)
            if self._paused and self._queued < READ_AHEAD // 2 and self.transport is not None:
                self._paused = False
                self.transport.resume_reading()
        return event

    def rest(self) -> list[bytes]:
        """Bytes that came behind a 101."""
        found = [event for event in self._events if isinstance(event, bytes)]
        self._events.clear()
        return found

    @property
    def reusable(self) -> bool:
        """Whether another request may follow."""
        return self._whole and self._keep and self._error is None and not self._events

    def release(self) -> None:
        """Its request is over."""
        self._busy = False
        self.touched = _nothing

    def close(self) -> None:
        """End the connection at once."""
        if self.transport is not None:
            self.transport.abort()

    # -- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.touched()
        if self.tunnel is not None:
            self.tunnel(data)
            return
        if not self._busy:  # what nobody asked for
            self._fail(MalformedError("the target sent bytes that belong to no request"))
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
            if rest:
                self._put(rest)
        except httptools.HttpParserError as error:
            self._fail(MalformedError(f"the target's answer is no HTTP: {error}"))
            self.close()
        if self._in_head:  # a line without an end is not told by the parser
            self._head_bytes += len(data)
            if self._head_bytes > self._limit:
                self._too_large()
        self._wake()

    def _too_large(self) -> None:
        self._fail(MalformedError(f"the headers of the target's answer are over {self._limit} bytes"))
        self.close()

    def eof_received(self) -> None:
        return None

    def connection_lost(self, error: Exception | None) -> None:
        if self._until_close and not self._whole and error is None and self._error is None:
            self._whole, self._keep = True, False
            self._events.append(None)
        elif not self._whole or not self._busy:
            self._fail(ClosedError("the target closed the connection"))
        self.transport = None
        self.resume_writing()
        self.lost(self)
        self._wake()

    def pause_writing(self) -> None:
        if self._writable is None:
            self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    def _fail(self, error: UpstreamError) -> None:
        self._error = self._error or error
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done() and (self._events or self._error is not None):
            self._waiter.set_result(None)

    def _put(self, data: bytes) -> None:
        self._events.append(data)
        self._queued += len(data)
        if self._queued > READ_AHEAD and not self._paused and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()

    # -- the parser's side

    def on_message_begin(self) -> None:
        self._pairs, self._size, self._reason, self._until_close = [], 0, b"", False

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self._size += len(name) + len(value) + 4
        if self._size > self._limit:
            self._too_large()
        self._pairs.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._error is not None or (100 <= status < 200 and status != 101):
            return
        self._in_head = False
        names = {name.lower(): value.lower() for name, value in self._pairs}
        bodiless = self._head_only or status in (204, 304)
        framed = b"content-length" in names or b"chunked" in names.get(b"transfer-encoding", b"")
        self._until_close = not bodiless and not framed and status != 101
        self._keep = self._parser.should_keep_alive() and not self._until_close
        self._events.append(Head(status, self._reason, self._pairs))
        if self._head_only:
            self._whole, self._keep = True, False  # the parser waits for a body that does not come
            self._events.append(None)

    def on_body(self, data: bytes) -> None:
        if not self._head_only and self._error is None:
            self._put(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._whole or self._error is not None or 100 <= status < 200:
            return
        self._whole = True
        self._events.append(None)


def _nothing() -> None:
    pass


def _nothing_of(upstream: Upstream) -> None:
    pass


async def connected(make: Callable[[], P], place: Place, tls: ssl.SSLContext | None) -> P:
    """A new connection. Raises :class:`RefusedError`, :class:`HandshakeError`."""
    name = f"{place[0]}:{place[1]}"
    try:
        _, made = await asyncio.get_running_loop().create_connection(make, *place, ssl=tls)
    except (ssl.SSLError, ConnectionAbortedError, ConnectionResetError) as error:
        if tls is None:
            raise RefusedError(f"{name} takes no connection: {error.strerror or error}") from error
        raise HandshakeError(f"TLS with {name} fails: {error}") from error
    except OSError as error:
        raise RefusedError(f"{name} takes no connection: {error.strerror or error}") from error
    return made


@cache
def unverified(alpn: str) -> ssl.SSLContext:
    """TLS to targets, whose certificates are not looked at. ``alpn``: ``h2`` or ``http/1.1``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([alpn])
    return context


class Pool:
    """Idle connections by target, and new ones."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int, bool], list[Upstream]] = {}  # True: over TLS
        self._timers: dict[Upstream, asyncio.TimerHandle] = {}

    async def take(
        self, key: Place, header_limit: int, *, fresh: bool = False, tls: ssl.SSLContext | None = None
    ) -> Upstream:
        """A connection. Raises :class:`RefusedError`, :class:`HandshakeError`; ``TimeoutError`` is the caller's."""
        idle = [] if fresh else self._idle.get((*key, tls is not None), [])
        while idle:
            found = idle.pop()
            self._forget_timer(found)
            if found.transport is not None and not found.transport.is_closing():
                return found
        made = await connected(lambda: Upstream(key, header_limit), key, tls)
        made.secure = tls is not None
        made.lost = self._lost
        return made

    def give_back(self, upstream: Upstream, idle_s: float) -> None:
        """Keep it for the next request, if it can be used again."""
        upstream.release()
        if not upstream.reusable or upstream.transport is None:
            upstream.close()
            return
        self._idle.setdefault((*upstream.key, upstream.secure), []).append(upstream)
        self._timers[upstream] = asyncio.get_running_loop().call_later(idle_s, self._expired, upstream)

    def _expired(self, upstream: Upstream) -> None:
        self._lost(upstream)
        upstream.close()

    def _lost(self, upstream: Upstream) -> None:
        self._forget_timer(upstream)
        with suppress(ValueError):
            self._idle.get((*upstream.key, upstream.secure), []).remove(upstream)

    def _forget_timer(self, upstream: Upstream) -> None:
        timer = self._timers.pop(upstream, None)
        if timer is not None:
            timer.cancel()

    def drop(self, key: Place) -> None:
        """Close the idle connections of a target."""
        for secure in (False, True):
            for upstream in self._idle.pop((*key, secure), []):
                self._forget_timer(upstream)
                upstream.close()

    def close(self) -> None:
        """Close all idle connections."""
        for host, port, _ in list(self._idle):
            self.drop((host, port))
