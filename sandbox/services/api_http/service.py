"""HTTP APIs of API Gateway: the pipeline of a request (facts 2.1 to 2.7)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping

from sandbox.auth import SignedRequest
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.context import Address, Receive, Sandbox, Scope, Send
from sandbox.services.api_http import aws_service, cors, errors, lambda_proxy, routing
from sandbox.services.api_http.access import Access
from sandbox.services.api_http.call import Answer, Call, Pairs
from sandbox.services.api_http.errors import HttpApiError
from sandbox.services.api_http.http_proxy import HttpProxy
from sandbox.services.api_http.throttle import Throttles
from sandbox.services.exchange import BodyTooLargeError, ClientGoneError, Exchange, client_ip

SOURCE = "api_http"
_HOST = re.compile(
    r"(?P<id>[a-z0-9]+)\.execute-api\.(?:(?P<region>[a-z]+(?:-[a-z0-9]+)+)\.)?(?:amazonaws\.com|localhost)"
)
Step = Callable[[Call], Awaitable[None]]


class HttpApiService:
    """Answers ``https://<id>.execute-api.<region>.amazonaws.com/...`` and the same under ``.localhost``.

    The host is that of every kind of API; :meth:`owns` tells whether an id is an HTTP API.
    """

    name = SOURCE

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._http = HttpProxy()
        self._access = Access(sandbox)
        # A request goes through these in order; each may raise and so end it.
        self._steps: tuple[Step, ...] = (
            self._find_stage,
            self._read,
            self._route,
            Throttles().check,
            self._access.check,
            self._answer,
        )

    def match(self, address: Address) -> Mapping[str, str] | None:
        """``{"api_id", "region"}`` for an execute-api host; the region is empty when the host has none."""
        found = _HOST.fullmatch(address.host)
        return {"api_id": found["id"], "region": found["region"] or ""} if found else None

    async def owns(self, api_id: str) -> bool:
        """Whether the id is an HTTP API."""
        return await self._sandbox.control.resources.v2_protocol(api_id) == "HTTP"

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Close the connections to endpoints."""
        await self._http.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # an HTTP API has no WebSockets: the upgrade is refused
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        request_id = self._sandbox.ids.base64(16)
        async with Exchange(self._sandbox, SOURCE, request_id, scope, receive, send) as exchange:
            call = self._new_call(exchange, scope)
            try:
                for step in self._steps:
                    await step(call)
                    if exchange.started:
                        break
            except ClientGoneError:
                return
            except HttpApiError as failure:
                await self._fail(call, failure)
            except AwsError as failure:
                await self._fail(call, _as_gateway_error(failure))

    def _new_call(self, exchange: Exchange, scope: Scope) -> Call:
        sandbox = self._sandbox
        raw = bytes(scope.get("raw_path") or str(scope["path"]).encode())
        call = Call(
            sandbox=sandbox,
            exchange=exchange,
            scope=scope,
            api_id=scope["aws"]["api_id"],
            region=scope["aws"]["region"] or sandbox.settings.region,
            request_id=exchange.id,
            trace_id=f"Root=1-{int(sandbox.clock.epoch()):08x}-{sandbox.ids.hex(24)}",
            source_ip=client_ip(scope),
            raw_path=raw.partition(b"?")[0].decode("latin-1") or "/",
            at_ms=int(sandbox.clock.epoch() * 1000),
        )
        call.signed = SignedRequest.from_scope(scope, b"")
        return call

    # -- steps

    async def _find_stage(self, call: Call) -> None:
        resources = self._sandbox.control.resources
        segment, rest = routing.split_stage(call.raw_path)
        api = await resources.v2_api(call.api_id, segment) if segment and segment != "$default" else None
        if api is not None:
            call.stage, call.path = segment, rest
        else:
            call.path = call.raw_path
            api = await resources.v2_api(call.api_id, "$default")
        if api is None:
            raise errors.not_found(f"{call.api_id} has no stage {segment!r} with a deployment, nor $default")
        if api.disable_execute_api_endpoint:  # status UNSOURCED
            raise errors.not_found(f"the default endpoint of {call.api_id} is disabled")
        call.api = api

    async def _read(self, call: Call) -> None:
        limit = int(self._sandbox.limits.value("api_http.payload"))
        try:
            call.body = await call.exchange.read(limit)
        except BodyTooLargeError:
            reason = f"the request's body is over {limit} bytes"
            raise errors.too_large(self._sandbox.limits, reason) from None
        call.signed = SignedRequest.from_scope(call.scope, call.body)

    async def _route(self, call: Call) -> None:
        found = routing.find(call.api.routes, call.method, call.path)
        # An OPTIONS request that only an authorized $default route matches is not taken from its authorizer.
        behind_default = found is not None and found[0].key == "$default" and found[0].authorization != "NONE"
        if self._is_preflight(call) and not behind_default:
            await self._preflight(call)
            return
        if found is None:
            raise errors.not_found(f"no route of {call.api_id} matches {call.method} {call.path}")
        call.route, call.path_parameters = found
        if call.route.integration is None:
            raise errors.internal(self._sandbox.limits, f"the route {call.route.key} has no integration")
        call.integration = call.route.integration

    def _is_preflight(self, call: Call) -> bool:
        asked = call.header("access-control-request-method")
        return bool(call.api.cors) and cors.is_preflight(call.method, call.header("origin"), asked)

    async def _preflight(self, call: Call) -> None:
        pairs = cors.preflight_headers(call.api.cors or {}, call.header("origin"))
        await call.exchange.answer(cors.PREFLIGHT_STATUS, [*pairs, *_own(call)], b"")

    async def _answer(self, call: Call) -> None:
        if self._is_preflight(call):
            await self._preflight(call)
            return
        answer = await self._within_timeout(call, self._integration(call))
        pairs = cors.without_own(call.api.cors, answer.headers)
        pairs += cors.response_headers(call.api.cors, call.header("origin"))
        await call.exchange.answer(answer.status, [*pairs, *_own(call)], answer.body)

    def _integration(self, call: Call) -> Callable[[Call], Awaitable[Answer]]:
        integration = call.integration
        if integration.type == "HTTP_PROXY":
            return self._http.integrate
        if integration.type == "AWS_PROXY":
            return aws_service.integrate if integration.subtype else lambda_proxy.integrate
        raise NotEmulatedError(f"{integration.type} integrations of API Gateway HTTP APIs")

    async def _within_timeout(self, call: Call, integrate: Callable[[Call], Awaitable[Answer]]) -> Answer:
        """The integration's answer, or the error at the instant when its time is over. A function runs on."""
        integration = call.integration
        task = self._sandbox.spawn(
            integrate(call), f"{integration.type} of {call.api_id} for {call.request_id}"
        )
        seconds = integration.timeout_ms / 1000
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if done:
            answer: Answer = task.result()
            return answer
        reason = f"no answer within {seconds} s"
        if integration.type == "AWS_PROXY" and not integration.subtype:
            task.add_done_callback(_result_is_not_wanted)
            raise errors.unavailable(self._sandbox.limits, reason)
        task.cancel()
        raise errors.proxy_timeout(self._sandbox.limits, reason)

    # -- errors

    async def _fail(self, call: Call, failure: HttpApiError) -> None:
        status, reason = failure.status, failure.reason
        self._sandbox.timeline.record(SOURCE, "failed", call.request_id, type=str(status), reason=reason)
        api = getattr(call, "api", None)
        pairs = cors.response_headers(api.cors if api else None, call.header("origin"))
        await call.exchange.answer(status, [*failure.pairs(), *pairs, *_own(call)], failure.body)


def _own(call: Call) -> Pairs:
    return [("apigw-requestid", call.request_id)]


def _as_gateway_error(failure: AwsError) -> HttpApiError:
    """An error that no step expected. What is not emulated is told as it is."""
    return HttpApiError(failure.status, errors.message(failure.message), failure.message)


def _result_is_not_wanted(task: asyncio.Task[Answer]) -> None:
    """Take the late result so that an error in it is not reported as never looked at."""
    if not task.cancelled():
        task.exception()
