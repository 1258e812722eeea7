"""Function URLs: an HTTP address of a function or alias, buffered or streamed (facts 4.7 to 4.16)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.auth import Principal, SignedRequest
from sandbox.aws.errors import AwsError
from sandbox.context import Address, Invocation, Receive, Sandbox, Scope, Send
from sandbox.services.exchange import BodyTooLargeError, ClientGoneError, Exchange, client_ip
from sandbox.services.function_url import access, cors, errors
from sandbox.services.function_url.answer import AnswerError, interpret
from sandbox.services.function_url.event import UrlRequest, payload
from sandbox.services.function_url.stream import relay

if TYPE_CHECKING:
    from sandbox.control.resources import FunctionUrl

SOURCE = "function_url"
_HOST = re.compile(
    r"(?P<id>[a-z0-9-]+)\.lambda-url\.(?:(?P<region>[a-z]+(?:-[a-z0-9]+)+)\.)?(?:on\.aws|localhost)"
)


class FunctionUrlService:
    """Answers ``https://<id>.lambda-url.<region>.on.aws`` and the same under ``.localhost``."""

    name = SOURCE

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def match(self, address: Address) -> Mapping[str, str] | None:
        """``{"url_id", "region"}`` for a Function URL's host; the region is empty when the host has none."""
        found = _HOST.fullmatch(address.host)
        return {"url_id": found["id"], "region": found["region"] or ""} if found else None

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Nothing to do."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # a Function URL has no WebSockets: the upgrade is refused
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        sandbox = self._sandbox
        request_id = sandbox.ids.uuid()
        trace = f"Root=1-{int(sandbox.clock.epoch()):08x}-{sandbox.ids.hex(24)}"
        async with Exchange(sandbox, SOURCE, request_id, scope, receive, send) as exchange:
            await _Call(sandbox, exchange, scope, trace).run()


class _Call:
    """One request to a URL."""

    def __init__(self, sandbox: Sandbox, exchange: Exchange, scope: Scope, trace_id: str) -> None:
        self._sandbox = sandbox
        self._limits = sandbox.limits
        self._exchange = exchange
        self._scope = scope
        self._url_id: str = scope["aws"]["url_id"]
        self._region: str | None = scope["aws"]["region"] or None
        self._headers = {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in scope["headers"]}
        self._source_ip = client_ip(scope)
        self._trace_id = trace_id
        # Added to every answer, whoever makes it.
        self._own: list[tuple[str, str]] = [
            ("x-amzn-RequestId", exchange.id),
            ("X-Amzn-Trace-Id", trace_id),
        ]

    async def run(self) -> None:
        try:
            await self._answer()
        except errors.Refusal as refusal:
            await self._refuse(refusal)
        except AwsError as error:
            if self._exchange.started:
                raise self._exchange.cut(error.code) from error
            await self._refuse(errors.refused(error, self._limits))
        except ClientGoneError:
            return

    async def _refuse(self, refusal: errors.Refusal) -> None:
        await self._exchange.answer(refusal.status, [*refusal.headers(), *self._own], refusal.body)

    async def _answer(self) -> None:
        url = await self._sandbox.control.resources.function_url(self._url_id)
        if url is None:
            raise errors.unknown_url(self._limits)
        if url.cors is not None and cors.is_preflight(self._scope["method"], self._headers):
            headers = cors.preflight_headers(url.cors, self._headers["origin"])
            await self._exchange.answer(200, [*headers, *self._own], b"")
            return
        self._own += cors.response_headers(url.cors, self._headers.get("origin"))
        limit = int(self._limits.value("function_url.payload.request"))
        try:
            body = await self._exchange.read(limit)
        except BodyTooLargeError:
            raise errors.too_large(limit) from None
        signed = SignedRequest.from_scope(self._scope, body)
        principal = await access.check(self._sandbox, url, signed, self._region, self._source_ip)
        invocation = self._invocation(url, signed, principal)
        if url.invoke_mode == "RESPONSE_STREAM":
            stream = await self._sandbox.invoke_stream(invocation)
            await relay(stream, self._exchange, self._limits, self._own)
        else:
            await self._buffered(invocation)

    def _invocation(self, url: FunctionUrl, signed: SignedRequest, principal: Principal | None) -> Invocation:
        settings = self._sandbox.settings
        raw_path = bytes(self._scope.get("raw_path") or self._scope["path"].encode())
        event = payload(
            UrlRequest(
                request_id=self._exchange.id,
                trace_id=self._trace_id,
                url_id=self._url_id,
                domain=f"{self._url_id}.lambda-url.{self._region or settings.region}.on.aws",
                account=settings.account,
                method=signed.method,
                path=raw_path.partition(b"?")[0].decode("latin-1"),
                query=signed.query,
                headers=signed.headers,
                body=signed.body or b"",
                source_ip=self._source_ip,
                at=self._sandbox.clock.utcnow(),
                principal=principal,
            )
        )
        return Invocation(
            function=url.function,
            payload=json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode(),
            qualifier=url.qualifier,
            trace_id=self._trace_id,
            cause=self._exchange.id,
            request_id=self._exchange.id,
        )

    async def _buffered(self, invocation: Invocation) -> None:
        # A task of its own: the function runs on when this request is torn down.
        what = f"invoke {invocation.function} for {self._exchange.id}"
        result = await asyncio.shield(self._sandbox.spawn(self._sandbox.invoke(invocation), what))
        if result.function_error is not None:
            raise errors.function_failed(self._limits)
        try:
            answer = interpret(result.payload)
        except AnswerError:
            raise errors.function_failed(self._limits) from None
        await self._exchange.answer(answer.status, [*answer.headers, *self._own], answer.body)
