"""WebSockets: after the target's 101 bytes go both ways as they are. The load balancer knows nothing of frames."""

from __future__ import annotations

import asyncio
from typing import Any

from sandbox.context import WebSocket, WebSocketDisconnect
from sandbox.control.elbv2 import Target, TargetGroup
from sandbox.services.alb import headers
from sandbox.services.alb.call import Call
from sandbox.services.alb.carriers import Carriers
from sandbox.services.alb.errors import AlbError, of_limit
from sandbox.services.alb.selection import Choice
from sandbox.services.exchange import ClientGoneError
from sandbox.services.proxy import hops
from sandbox.services.proxy.idle import Idle
from sandbox.services.proxy.upstream import Head, Upstream, UpstreamError

_MOST_REFUSAL = 2**20  # bytes of a target's answer that is no 101


class _Client(asyncio.Protocol):
    """The client's side of a tunnel."""

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel

    def data_received(self, data: bytes) -> None:
        self._tunnel.up(data)

    def eof_received(self) -> None:
        return None

    def connection_lost(self, error: Exception | None) -> None:
        self._tunnel.end("client", "the client left")

    def pause_writing(self) -> None:
        self._tunnel.pause(up=False)

    def resume_writing(self) -> None:
        self._tunnel.resume(up=False)


class Tunnel:
    """One WebSocket to one target."""

    def __init__(self, call: Call, group: TargetGroup, choice: Choice, carriers: Carriers, id: str) -> None:
        self.call = call
        self.target: Target = choice.target
        self._group = group
        self._choice = choice
        self._carriers = carriers
        self._id = id
        self._timeline = call.sandbox.timeline
        self._limits = call.sandbox.limits
        loop = asyncio.get_running_loop()
        self._idle = Idle(call.idle_s, self._expired)
        self._over: asyncio.Future[tuple[str, str]] = loop.create_future()
        self._failed: asyncio.Future[AlbError] = loop.create_future()
        self._client: asyncio.Transport | None = None
        self._upstream: Upstream | None = None
        self._bytes = 0

    def cut(self, error: AlbError) -> None:
        """End it now."""
        if self._client is None:
            if not self._failed.done():
                self._failed.set_result(error)
        else:
            self.end("load balancer", error.reason)

    def _expired(self) -> None:
        self.cut(of_limit(self._limits, "timeout", "no byte came until the idle timeout"))

    # -- bytes

    def up(self, data: bytes) -> None:
        """From the client."""
        self._idle.touch()
        self._timeline.record("alb", "received", self._id, bytes=len(data))
        if self._upstream is not None and self._upstream.transport is not None:
            self._upstream.transport.write(data)

    def _down(self, data: bytes) -> None:
        """From the target."""
        self._bytes += len(data)
        self._timeline.record("alb", "sent", self._id, bytes=len(data))
        if self._client is not None:
            self._client.write(data)

    def pause(self, *, up: bool) -> None:
        """One side does not take what comes: the other is held back. ``up``: the target does not."""
        other = self._client if up else self._upstream and self._upstream.transport
        if other:
            other.pause_reading()

    def resume(self, *, up: bool) -> None:
        """It takes it again."""
        other = self._client if up else self._upstream and self._upstream.transport
        if other and not other.is_closing():
            other.resume_reading()

    def end(self, by: str, reason: str) -> None:
        """Either side has left."""
        if not self._over.done():
            self._over.set_result((by, reason))

    # -- its life

    async def run(self, websocket: WebSocket) -> None:
        """From the handshake to the end. Raises ``AlbError`` before the target answered."""
        upstream = self._upstream = await self._carriers.connection(self._group, self.target, fresh=True)
        try:
            self._idle.start()
            upstream.touched = self._idle.touch
            pairs = [*self.call.target_headers(), (b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
            upstream.begin(hops.head(b"GET", self.call.target, pairs), head_only=False)
            head = await self._answered(upstream)
            if head.status == 101:
                await self._carry(websocket, upstream, head)
            else:
                await self._refuse(websocket, upstream, head)
        finally:
            self._idle.stop()
            upstream.release()
            if upstream.transport is not None:
                upstream.transport.close()

    async def _answered(self, upstream: Upstream) -> Head:
        coming = asyncio.ensure_future(upstream.next())
        either: list[asyncio.Future[Any]] = [coming, self._failed]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                raise self._failed.result()
            head = coming.result()
        except UpstreamError as error:
            raise of_limit(self._limits, "bad_gateway", str(error)) from error
        finally:
            coming.cancel()
        assert isinstance(head, Head)
        return head

    async def _refuse(self, websocket: WebSocket, upstream: Upstream, head: Head) -> None:
        """The target answers with something else than a WebSocket."""
        body = b""
        try:
            while isinstance(part := await upstream.next(), bytes) and len(body) < _MOST_REFUSAL:
                body += part
        except UpstreamError as error:
            raise of_limit(self._limits, "bad_gateway", str(error)) from error
        self._timeline.record("alb", "response_started", self._id, status=head.status)
        await websocket.reject(head.status, self._headers(head), body)
        self._timeline.record("alb", "response_completed", self._id, status=head.status, bytes=len(body))

    def _headers(self, head: Head) -> list[tuple[str, str]]:
        return self.call.client_headers(self._choice, headers.to_client(head.headers, self.call.listener))

    async def _carry(self, websocket: WebSocket, upstream: Upstream, head: Head) -> None:
        """Bytes both ways until one side ends."""
        upstream.tunnel = self._down
        upstream.lost = lambda _: self.end("target", "the target closed the connection")
        upstream.pause_writing = lambda: self.pause(up=True)  # type: ignore[method-assign]
        upstream.resume_writing = lambda: self.resume(up=True)  # type: ignore[method-assign]
        try:
            client = self._client = websocket.take_over(_Client(self))
        except WebSocketDisconnect as gone:
            raise ClientGoneError from gone
        lines = [f"HTTP/1.1 101 {head.reason.decode('latin-1') or 'Switching Protocols'}"]
        lines += ["Connection: upgrade", "Upgrade: websocket"]
        lines += [f"{name}: {value}" for name, value in self._headers(head)]
        client.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        self._timeline.record("alb", "response_started", self._id, status=101)
        for data in upstream.rest():
            self._down(data)
        if upstream.transport is None:
            self.end("target", "the target closed the connection")
        by, reason = await self._over
        name = "response_completed" if by != "load balancer" else "response_cut"
        told = {"status": 101} if by != "load balancer" else {"error": reason}
        self._timeline.record("alb", name, self._id, bytes=self._bytes, by=by, **told)
        client.close()
