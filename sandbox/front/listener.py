"""The listening socket: accepts, looks at the first bytes and hands the connection to its protocol.

A connection's first byte tells TLS (22, the handshake record of RFC 8446 section 5.1) from plain HTTP, and the
first three tell HTTP/2 with prior knowledge ("PRI", RFC 9113 section 3.4) from HTTP/1.1. The bytes are peeked at,
not read, so that the protocol (or OpenSSL) finds its stream whole.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import cast

from sandbox.clock import Clock
from sandbox.front.certificates import Certificates
from sandbox.front.http1 import Http1
from sandbox.front.http2 import Http2

log = logging.getLogger(__name__)

TLS_HANDSHAKE = 0x16
HTTP2_PREFACE = b"PRI"
# A peer that sends the preface byte by byte keeps the socket readable: look again after this long (s).
PEEK_AGAIN = 0.001


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket. ``port`` 0 takes a free one. Raises ``OSError``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind((host, port))
        # A full queue drops a connection attempt, which the kernel repeats after a real second: time would jump.
        listening.listen(4096)
    except OSError:
        listening.close()
        raise
    return listening


class Listener:
    """Serves a listening socket, and those that :meth:`also` brings, until :meth:`close`."""

    def __init__(
        self, listening: socket.socket, http1: Http1, http2: Http2, certificates: Certificates, clock: Clock
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = listening
        self._http1 = http1
        self._http2 = http2
        self._certificates = certificates
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._peeking: set[socket.socket] = set()
        self._others: set[socket.socket] = set()
        self._loop.add_reader(self._socket.fileno(), self._accept, self._socket)

    def also(self, host: str) -> Callable[[], None]:
        """Listen on one more address, on the same port; what this gives ends that. Raises ``OSError``."""
        other = bind(host, self.port)
        self._others.add(other)
        self._loop.add_reader(other.fileno(), self._accept, other)
        return partial(self._close_other, other)

    def _close_other(self, other: socket.socket) -> None:
        if other in self._others:
            self._others.discard(other)
            self._loop.remove_reader(other.fileno())
            other.close()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        port: int = self._socket.getsockname()[1]
        return port

    async def close(self) -> None:
        """Stop accepting and close every connection."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        for other in tuple(self._others):
            self._close_other(other)
        for connection in tuple(self._peeking):
            self._forget(connection)
            connection.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http1.close()
        await self._http2.close()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, peer = listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:  # too many open files: the peer waits, we go on
                log.error("cannot accept a connection: %s", error)
                return
            connection = _Accepted(connection, partial(self._clock.client_disconnected, peer[:2]))
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._clock.client_connected(peer[:2], connection.getsockname()[:2])
            self._peeking.add(connection)
            self._loop.add_reader(connection.fileno(), self._peek, connection)

    def _peek(self, connection: socket.socket) -> None:
        try:
            first = connection.recv(len(HTTP2_PREFACE), socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            first = b""
        self._forget(connection)
        if not first:
            connection.close()
        elif len(first) < len(HTTP2_PREFACE) and HTTP2_PREFACE.startswith(first):
            self._peeking.add(connection)
            self._loop.call_later(PEEK_AGAIN, self._look_again, connection)
        else:
            self._start(connection, first)

    def _look_again(self, connection: socket.socket) -> None:
        if connection in self._peeking:
            self._loop.add_reader(connection.fileno(), self._peek, connection)

    def _forget(self, connection: socket.socket) -> None:
        self._peeking.discard(connection)
        if connection.fileno() != -1:
            self._loop.remove_reader(connection.fileno())

    def _start(self, connection: socket.socket, first: bytes) -> None:
        if first[0] == TLS_HANDSHAKE:
            work = self._serve(connection, self._secure, self._certificates.server_context())
        elif first == HTTP2_PREFACE:
            work = self._serve(connection, self._http2.protocol, None)
        else:
            work = self._serve(connection, self._http1.protocol, None)
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(
        self,
        connection: socket.socket,
        protocol: Callable[[], asyncio.BaseProtocol],
        context: ssl.SSLContext | None,
    ) -> None:
        try:
            await self._loop.connect_accepted_socket(protocol, connection, ssl=context)
        except (OSError, ssl.SSLError) as error:  # the client's doing: it does not trust us, or has gone
            log.info("TLS handshake failed: %s", error)

    def _secure(self) -> asyncio.BaseProtocol:
        return _ByAlpn(self._http1, self._http2)


class _Accepted(socket.socket):
    """A connection that says when it is closed, whichever protocol had it last."""

    def __init__(self, accepted: socket.socket, closed: Callable[[], None]) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self._on_close: Callable[[], None] | None = closed

    def close(self) -> None:
        super().close()
        self._tell()

    def detach(self) -> int:
        """uvloop closes the descriptor itself and detaches it from the socket."""
        descriptor = super().detach()
        self._tell()
        return descriptor

    def _tell(self) -> None:
        closed, self._on_close = self._on_close, None
        if closed is not None:
            closed()


class _ByAlpn(asyncio.Protocol):
    """Waits for the TLS handshake and becomes the protocol that ALPN (RFC 7301) chose."""

    def __init__(self, http1: Http1, http2: Http2) -> None:
        self._http1 = http1
        self._http2 = http2

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        chosen = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        protocol = (self._http2 if chosen == "h2" else self._http1).protocol()
        # uvloop's TLS transport is no asyncio.Transport by class, only by its methods.
        cast(asyncio.Transport, transport).set_protocol(protocol)
        protocol.connection_made(transport)
