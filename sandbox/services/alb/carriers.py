"""What carries a request to a target: a connection of HTTP/1.1, or a stream of one of HTTP/2.

Source: Elastic Load Balancing developer guide, load-balancer-target-groups, "Routing configuration" and "Protocol
version": certificates of targets are not validated; HTTP/2 and gRPC reach the target as HTTP/2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

from sandbox.context import Sandbox
from sandbox.control.elbv2 import Target, TargetGroup
from sandbox.services.alb.call import Call
from sandbox.services.alb.errors import of_limit
from sandbox.services.loopback import dialed
from sandbox.services.proxy import hops
from sandbox.services.proxy.upstream import (
    HandshakeError,
    Head,
    Pairs,
    Place,
    Pool,
    RefusedError,
    Trailers,
    Upstream,
    unverified,
)

if TYPE_CHECKING:
    from sandbox.services.proxy.upstream2 import Connection, Pool2, Stream

T = TypeVar("T")


class Carrier(Protocol):
    """One request on its way. ``touched``: called whenever a byte of the answer comes."""

    touched: Callable[[], None]

    def begin(self, call: Call) -> None:
        """Send the head of the request."""
        ...

    async def send(self, part: bytes) -> None:
        """Send a part of its body."""
        ...

    async def finish(self) -> None:
        """The body is whole."""
        ...

    async def next(self) -> Head | bytes | Trailers | None:
        """What comes next of the answer; ``None``: its end. Raises ``UpstreamError``."""
        ...

    def leave(self, *, whole: bool) -> None:
        """The request is over; ``whole``: both bodies came to their ends."""
        ...


class Http1Carrier:
    """A connection of HTTP/1.1, which may be kept for the next request."""

    def __init__(self, pool: Pool, upstream: Upstream) -> None:
        self._pool = pool
        self._upstream = upstream
        self._chunked = False
        self._kept_s = 0.0
        self.touched: Callable[[], None] = lambda: None

    def begin(self, call: Call) -> None:
        """Send the head of the request."""
        self._upstream.touched = self.touched
        self._kept_s = call.idle_s
        pairs = call.target_headers()
        if call.length is not None:
            pairs.append((b"Content-Length", call.length))
        elif call.chunked:
            self._chunked = True
            pairs.append((b"Transfer-Encoding", b"chunked"))
        method = call.method.encode()
        self._upstream.begin(hops.head(method, call.target, pairs), head_only=call.method == "HEAD")

    async def send(self, part: bytes) -> None:
        """Send a part of its body."""
        await self._upstream.write(b"%x\r\n%b\r\n" % (len(part), part) if self._chunked else part)

    async def finish(self) -> None:
        """The body is whole."""
        if self._chunked:
            await self._upstream.write(b"0\r\n\r\n")

    async def next(self) -> Head | bytes | Trailers | None:
        """What comes next of the answer."""
        return await self._upstream.next()

    def leave(self, *, whole: bool) -> None:
        """Keep the connection, or close it."""
        if whole:
            self._pool.give_back(self._upstream, self._kept_s)
        else:
            self._upstream.release()
            self._upstream.close()


class Http2Carrier:
    """A stream of a connection of HTTP/2."""

    def __init__(self, connection: Connection, *, secure: bool) -> None:
        self._connection = connection
        self._scheme = b"https" if secure else b"http"
        self._stream: Stream | None = None
        self.touched: Callable[[], None] = lambda: None

    def begin(self, call: Call) -> None:
        """Send the head of the request."""
        empty = call.length in (None, b"0") and not call.chunked
        pairs = http2_head(call.method.encode(), self._scheme, call.target, call.target_headers())
        if call.length is not None:
            pairs.append((b"content-length", call.length))
        if (call.header("te") or "").lower() == "trailers":
            pairs.append((b"te", b"trailers"))
        self._stream = self._connection.begin(pairs, end=empty)
        self._stream.touched = self.touched

    async def send(self, part: bytes) -> None:
        """Send a part of its body."""
        assert self._stream is not None
        await self._stream.write(part)

    async def finish(self) -> None:
        """The body is whole."""
        assert self._stream is not None
        await self._stream.finish()

    async def next(self) -> Head | bytes | Trailers | None:
        """What comes next of the answer."""
        assert self._stream is not None
        return await self._stream.next()

    def leave(self, *, whole: bool) -> None:
        """End the stream; the connection stays."""
        if self._stream is not None:
            self._stream.leave()


def http2_head(method: bytes, scheme: bytes, target: bytes, pairs: Pairs) -> Pairs:
    """The headers of a request of HTTP/2: ``Host`` becomes a pseudo-header, names are in lower case."""
    host = next((value for name, value in pairs if name.lower() == b"host"), b"")
    first = [(b":method", method), (b":scheme", scheme), (b":path", target), (b":authority", host)]
    return first + [(name.lower(), value) for name, value in pairs if name.lower() != b"host"]


class Carriers:
    """Connections to all targets of a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._pool = Pool()

    async def take(self, group: TargetGroup, target: Target) -> Carrier:
        """Something that carries one request. Raises ``AlbError``."""
        secure = group.info["Protocol"] == "HTTPS"
        if group.info["ProtocolVersion"] == "HTTP1":
            return Http1Carrier(self._pool, await self.connection(group, target))
        place, limit = self._place(target), self._header_limit
        taken = self._pool2.take(place, limit, unverified("h2") if secure else None)
        return Http2Carrier(await self._connected(taken), secure=secure)

    @cached_property
    def _pool2(self) -> Pool2:
        """Imported for the first such target."""
        from sandbox.services.proxy.upstream2 import Pool2

        return Pool2()

    async def connection(self, group: TargetGroup, target: Target, *, fresh: bool = False) -> Upstream:
        """A connection of HTTP/1.1. Raises ``AlbError``."""
        place, limit = self._place(target), self._header_limit
        tls = unverified("http/1.1") if group.info["Protocol"] == "HTTPS" else None
        return await self._connected(self._pool.take(place, limit, fresh=fresh, tls=tls))

    async def _connected(self, work: Awaitable[T]) -> T:
        limits = self._sandbox.limits
        limit = float(limits.value("alb.connect_timeout"))
        try:
            async with asyncio.timeout(limit):
                return await work
        except TimeoutError:
            reason = f"the target took no connection within {limit:g} s"
            raise of_limit(limits, "timeout", reason) from None
        except (RefusedError, HandshakeError) as error:
            raise of_limit(limits, "bad_gateway", str(error)) from error

    @property
    def _header_limit(self) -> int:
        return int(self._sandbox.limits.value("alb.response.header"))

    def _place(self, target: Target) -> Place:
        """Where a target is. Raises ``AlbError``."""
        place = place_of(target, self._sandbox.settings.port)
        if place is None:
            reason = f"the instance {target.id} has no address on this machine: nothing listens"
            raise of_limit(self._sandbox.limits, "bad_gateway", reason)
        return place

    def drop(self, target: Target) -> None:
        """Close the idle connections of a target."""
        place = place_of(target, self._sandbox.settings.port)
        if place is not None:
            self._pool.drop(place)
            if "_pool2" in self.__dict__:
                self._pool2.drop(place)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()
        if "_pool2" in self.__dict__:
            self._pool2.close()


def place_of(target: Target, own: int, port: int | None = None) -> Place | None:
    """Where a target, or another port of it, is; ``None``: nowhere. ``own``: the sandbox's port."""
    if target.address is None or target.port is None:
        return None
    return target.address, dialed(target.address, port or target.port, own)
