"""A request under way to a target: body up, answer down, both as they come, and what may end them early."""

from __future__ import annotations

import asyncio
from typing import Any

from sandbox.control.elbv2 import Target
from sandbox.services.alb import headers
from sandbox.services.alb.call import Call
from sandbox.services.alb.errors import AlbError, of_limit
from sandbox.services.alb.selection import Choice
from sandbox.services.exchange import ClientGoneError
from sandbox.services.loopback import dialed
from sandbox.services.proxy import hops
from sandbox.services.proxy.idle import Idle
from sandbox.services.proxy.upstream import Head, Pool, RefusedError, Upstream, UpstreamError


class Passage:
    """One request to one target."""

    def __init__(self, call: Call, choice: Choice, pool: Pool) -> None:
        self.call = call
        self.target: Target = choice.target
        self._choice = choice
        self._pool = pool
        self._limits = call.sandbox.limits
        self._idle = Idle(call.idle_s, self._expired)
        self._cut: asyncio.Future[AlbError | ClientGoneError] = asyncio.get_running_loop().create_future()
        self._body_read = False

    @property
    def _key(self) -> tuple[str, int]:
        assert self.target.port is not None
        own = self.call.sandbox.settings.port
        return self.target.id, dialed(self.target.id, self.target.port, own)

    def cut(self, error: AlbError | ClientGoneError) -> None:
        """End it now: with an answer of the load balancer's own, or in the middle of the target's."""
        if not self._cut.done():
            self._cut.set_result(error)

    def _expired(self) -> None:
        exchange = self.call.exchange
        if not self._body_read and not exchange.started:
            self.cut(of_limit(self._limits, "client_idle", "the client sent nothing until the idle timeout"))
        else:
            self.cut(of_limit(self._limits, "timeout", "no byte came until the idle timeout"))

    async def run(self) -> None:
        """Answer the client. Raises ``AlbError`` before the first byte, :class:`ConnectionAbort` after it."""
        self.call.exchange.on_gone = lambda: self.cut(ClientGoneError())
        work = asyncio.get_running_loop().create_task(self._run(), name=f"passage {self.call.exchange.id}")
        try:
            either: list[asyncio.Future[Any]] = [work, self._cut]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                work.cancel()
                await asyncio.wait({work})
                self._raise(self._cut.result())
            work.result()
        finally:
            work.cancel()
            self._idle.stop()

    def _raise(self, error: AlbError | ClientGoneError) -> None:
        if isinstance(error, AlbError) and self.call.exchange.started:
            raise self.call.exchange.cut(error.reason) from None
        raise error

    async def _run(self) -> None:
        upstream = await self._connect()
        upstream.touched = self._idle.touch
        self._idle.start()
        sending: asyncio.Task[None] | None = None
        done = False
        try:
            self._send_head(upstream)
            sending = asyncio.get_running_loop().create_task(self._send_body(upstream), name="request body")
            await self._answer(upstream)
            done = sending.done()
        finally:
            if sending is not None:
                sending.cancel()
            if done:
                self._pool.give_back(upstream, self.call.idle_s)
            else:
                upstream.release()
                upstream.close()

    async def _connect(self) -> Upstream:
        limit = float(self._limits.value("alb.connect_timeout"))
        header_limit = int(self._limits.value("alb.response.header"))
        try:
            async with asyncio.timeout(limit):
                return await self._pool.take(self._key, header_limit)
        except TimeoutError:
            reason = f"the target took no connection within {limit:g} s"
            raise of_limit(self._limits, "timeout", reason) from None
        except RefusedError as error:
            raise of_limit(self._limits, "bad_gateway", str(error)) from error

    def _send_head(self, upstream: Upstream) -> None:
        call = self.call
        pairs = call.target_headers()
        if call.length is not None:
            pairs.append((b"Content-Length", call.length))
        elif call.chunked:
            pairs.append((b"Transfer-Encoding", b"chunked"))
        method = call.method.encode()
        upstream.begin(hops.head(method, call.target, pairs), head_only=call.method == "HEAD")

    async def _send_body(self, upstream: Upstream) -> None:
        chunked = self.call.length is None and self.call.chunked
        async for part in self.call.exchange.parts():
            self._idle.touch()
            if part:
                await upstream.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
        self._body_read = True
        if chunked:
            await upstream.write(b"0\r\n\r\n")

    async def _answer(self, upstream: Upstream) -> None:
        exchange = self.call.exchange
        try:
            head = await upstream.next()
        except UpstreamError as error:
            raise of_limit(self._limits, "bad_gateway", str(error)) from error
        assert isinstance(head, Head)
        if head.status == 101:
            raise of_limit(
                self._limits, "bad_gateway", "the target upgraded a request that did not ask for it"
            )
        await exchange.start(head.status, self._client_headers(head))
        try:
            while (data := await upstream.next()) is not None:
                assert isinstance(data, bytes)
                await exchange.write(data)
        except UpstreamError as error:
            raise exchange.cut(str(error)) from error
        await exchange.end()

    def _client_headers(self, head: Head) -> list[tuple[str, str]]:
        call = self.call
        pairs = call.client_headers(self._choice, headers.to_client(head.headers, call.listener))
        return pairs if call.keep() else [*pairs, ("connection", "close")]
