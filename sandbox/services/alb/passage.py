"""A request under way to a target: body up, answer down, both as they come, and what may end them early."""

from __future__ import annotations

import asyncio
from typing import Any

from sandbox.control.elbv2 import Target, TargetGroup
from sandbox.services.alb import headers
from sandbox.services.alb.call import Call
from sandbox.services.alb.carriers import Carrier, Carriers
from sandbox.services.alb.errors import AlbError, of_limit
from sandbox.services.alb.selection import Choice
from sandbox.services.exchange import ClientGoneError
from sandbox.services.proxy.idle import Idle
from sandbox.services.proxy.upstream import Head, Pairs, Trailers, UpstreamError


class Passage:
    """One request to one target."""

    def __init__(self, call: Call, group: TargetGroup, choice: Choice, carriers: Carriers) -> None:
        self.call = call
        self.target: Target = choice.target
        self._group = group
        self._choice = choice
        self._carriers = carriers
        self._limits = call.sandbox.limits
        self._idle = Idle(call.idle_s, self._expired)
        self._cut: asyncio.Future[AlbError | ClientGoneError] = asyncio.get_running_loop().create_future()
        self._body_read = False

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
        carrier = await self._carriers.take(self._group, self.target)
        carrier.touched = self._idle.touch
        self._idle.start()
        sending: asyncio.Task[None] | None = None
        done = False
        try:
            carrier.begin(self.call)
            sending = asyncio.get_running_loop().create_task(self._send_body(carrier), name="request body")
            await self._answer(carrier)
            done = sending.done()
        finally:
            if sending is not None:
                sending.cancel()
            carrier.leave(whole=done)

    async def _send_body(self, carrier: Carrier) -> None:
        async for part in self.call.exchange.parts():
            self._idle.touch()
            if part:
                await carrier.send(part)
        self._body_read = True
        await carrier.finish()

    async def _answer(self, carrier: Carrier) -> None:
        exchange = self.call.exchange
        try:
            head = await carrier.next()
        except UpstreamError as error:
            raise of_limit(self._limits, "bad_gateway", str(error)) from error
        assert isinstance(head, Head)
        if head.status == 101:
            raise of_limit(
                self._limits, "bad_gateway", "the target upgraded a request that did not ask for it"
            )
        exchange.trailers = self._group.info["ProtocolVersion"] != "HTTP1"
        first, behind = _split(head.headers) if exchange.trailers else (head.headers, [])
        await exchange.start(head.status, self._client_headers(first))
        try:
            while (came := await carrier.next()) is not None:
                if isinstance(came, bytes):
                    await exchange.write(came)
                elif isinstance(came, Trailers):
                    behind = came.headers
        except UpstreamError as error:
            raise exchange.cut(str(error)) from error
        await exchange.end([(name.decode("latin-1"), value.decode("latin-1")) for name, value in behind])

    def _client_headers(self, came: Pairs) -> list[tuple[str, str]]:
        call = self.call
        pairs = call.client_headers(self._choice, headers.to_client(came, call.listener))
        return pairs if call.keep() else [*pairs, ("connection", "close")]


def _split(pairs: Pairs) -> tuple[Pairs, Pairs]:
    """Headers, and those that gRPC wants in the last frame of headers: a call that fails may have but one."""
    if b"grpc-status" not in dict(pairs):
        return pairs, []
    first = [pair for pair in pairs if not pair[0].startswith(b"grpc-")]
    return first, [pair for pair in pairs if pair[0].startswith(b"grpc-")]
