"""A request on its way to an instance: both ways as it comes, for 120 s at most."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import Any

from sandbox.context import Receive, Sandbox, Scope, Send
from sandbox.control.app_runner import Application
from sandbox.control.ecs import Task
from sandbox.services.app_runner.instances import Instances
from sandbox.services.exchange import ClientGoneError, Exchange
from sandbox.services.loopback import dialed
from sandbox.services.proxy import hops
from sandbox.services.proxy.upstream import Head, Pool, Upstream, UpstreamError

SOURCE = "app_runner"
_HEADER_LIMIT = 2**16  # bytes of an answer's headers; App Runner's own limit is UNSOURCED
_KEPT = 60.0  # seconds that an idle connection to an instance is kept


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Forwarding:
    """Chooses the instance with the fewest requests, and adds one when all have as many as they may."""

    def __init__(self, sandbox: Sandbox, instances: Instances) -> None:
        self._sandbox = sandbox
        self._instances = instances
        self._pool = Pool()
        self._outstanding: Counter[str] = Counter()  # by the task's ARN

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    async def answer(self, application: Application, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a client. Status and body of App Runner's own errors are UNSOURCED."""
        request_id = self._sandbox.ids.uuid()
        async with Exchange(self._sandbox, SOURCE, request_id, scope, receive, send) as exchange:
            task = self._choose(application)
            if task is None:
                await exchange.answer(503, [("content-type", "text/plain")], b"no instance")
                return
            self._outstanding[task.arn] += 1
            try:
                await self._within_limit(application, task, exchange)
            except ClientGoneError:
                pass
            finally:
                self._outstanding[task.arn] -= 1

    def _choose(self, application: Application) -> Task | None:
        running = self._instances.running(application)
        if not running:
            return None
        chosen = min(running, key=lambda task: self._outstanding[task.arn])
        full = self._outstanding[chosen.arn] + 1 >= application.scaling.most_requests
        if (
            full
            and len(running) < int(application.scaling.info["MaxSize"])
            and application.status == "RUNNING"
        ):
            scaling = self._instances.scale(application, len(running) + 1)
            self._sandbox.spawn(scaling, f"App Runner: one more instance of {application.name}")
        return chosen

    async def _within_limit(self, application: Application, task: Task, exchange: Exchange) -> None:
        """The answer, or the end of it when its time is over."""
        limit = float(self._sandbox.limits.value("app_runner.request_timeout"))
        loop = asyncio.get_running_loop()
        gone: asyncio.Future[None] = loop.create_future()
        exchange.on_gone = partial(_settle, gone)
        work = loop.create_task(self._forward(application, task, exchange), name=f"forward {exchange.id}")
        either: list[asyncio.Future[Any]] = [work, gone]
        try:
            await asyncio.wait(either, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
            elif not gone.done():
                await self._end(exchange, 504, f"the request took more than {limit:g} s", work)
        except UpstreamError as error:
            await self._end(exchange, 502, str(error), work)
        finally:
            work.cancel()

    async def _end(self, exchange: Exchange, status: int, reason: str, work: asyncio.Task[None]) -> None:
        work.cancel()
        await asyncio.wait({work})
        self._sandbox.timeline.record(SOURCE, "failed", exchange.id, type=str(status), reason=reason)
        if exchange.started:
            raise exchange.cut(reason)
        await exchange.answer(status, [("content-type", "text/plain")], reason.encode())

    async def _forward(self, application: Application, task: Task, exchange: Exchange) -> None:
        port = dialed(task.address, self._instances.port(application), self._sandbox.settings.port)
        upstream = await self._pool.take((task.address, port), _HEADER_LIMIT)
        sending: asyncio.Task[None] | None = None
        whole = False
        try:
            chunked = self._begin(exchange.scope, upstream)
            sending = asyncio.get_running_loop().create_task(self._send(exchange, upstream, chunked))
            head = await upstream.next()
            assert isinstance(head, Head)
            dropped = hops.HOP_BY_HOP | hops.connection_names(head.headers)
            pairs = [(n, v) for n, v in head.headers if n.lower() not in dropped]
            await exchange.start(head.status, [(n.decode("latin-1"), v.decode("latin-1")) for n, v in pairs])
            while isinstance(data := await upstream.next(), bytes):
                await exchange.write(data)
            await exchange.end()
            whole = sending.done()
        finally:
            if sending is not None:
                sending.cancel()
            if whole:
                self._pool.give_back(upstream, _KEPT)
            else:
                upstream.release()
                upstream.close()

    def _begin(self, scope: Scope, upstream: Upstream) -> bool:
        """Send the head; whether the body goes in chunks."""
        sent: hops.Pairs = scope.get("sent_headers") or scope["headers"]
        method, given = str(scope["method"]), {name.lower(): value for name, value in sent}
        dropped = hops.HOP_BY_HOP | hops.connection_names(sent) | {b"expect", b"x-forwarded-proto"}
        kept = [(n, v) for n, v in sent if n.lower() not in dropped and not n.startswith(b":")]
        if b"host" not in given:
            kept.append((b"Host", given.get(b":authority", b"")))
        client: Any = scope.get("client") or ("127.0.0.1", 0)
        forwarded = [v for n, v in kept if n.lower() == b"x-forwarded-for"]
        kept = [(n, v) for n, v in kept if n.lower() != b"x-forwarded-for"]
        kept += [(b"X-Forwarded-For", b", ".join([*forwarded, str(client[0]).encode()]))]
        kept += [(b"X-Forwarded-Proto", b"https")]  # it is the only way in
        bodies = method not in ("GET", "HEAD", "DELETE", "OPTIONS")
        chunked = b"content-length" not in given and (b"transfer-encoding" in given or bodies)
        kept += [(b"Transfer-Encoding", b"chunked")] if chunked else []
        path = bytes(scope.get("raw_path") or b"/").partition(b"?")[0] or b"/"
        query: bytes = scope["query_string"]
        target = path + (b"?" + query if query else b"")
        upstream.begin(
            hops.head(method.encode(), target, hops.joined_cookies(kept)), head_only=method == "HEAD"
        )
        return chunked

    async def _send(self, exchange: Exchange, upstream: Upstream, chunked: bool) -> None:
        async for part in exchange.parts():
            if part:
                await upstream.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
        if chunked:
            await upstream.write(b"0\r\n\r\n")
