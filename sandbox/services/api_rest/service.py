"""REST APIs of API Gateway: the pipeline of a request (facts 1.1 to 1.11)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from sandbox.auth import SignedRequest
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.context import Address, Receive, Sandbox, Scope, Send
from sandbox.control.rest_tests import AuthorizerTest, AuthorizerTested, MethodTest, MethodTested
from sandbox.services.api_rest import (
    access,
    aws_service,
    headers,
    lambda_proxy,
    mock,
    routing,
    simulation,
    streaming,
    templates,
    usage,
    validation,
)
from sandbox.services.api_rest.access_log import AccessLog
from sandbox.services.api_rest.cache import WARNING, Caches
from sandbox.services.api_rest.call import Answer, Call
from sandbox.services.api_rest.canary import Canaries
from sandbox.services.api_rest.gateway_response import GatewayError, error, error_context, of_limit, render
from sandbox.services.api_rest.http_custom import HttpCustom
from sandbox.services.api_rest.http_proxy import HttpProxy
from sandbox.services.api_rest.mapping import gateway_value
from sandbox.services.api_rest.throttling import Throttling
from sandbox.services.exchange import BodyTooLargeError, ClientGoneError, Exchange, client_ip

SOURCE = "api_rest"
_HOST = re.compile(
    r"(?P<id>[a-z0-9]+)\.execute-api\.(?:(?P<region>[a-z]+(?:-[a-z0-9]+)+)\.)?(?:amazonaws\.com|localhost)"
)
_SEGMENT = re.compile(r"/(?P<stage>[^/]*)(?P<path>.*)", re.DOTALL)


class RestApiService:
    """Answers ``https://<id>.execute-api.<region>.amazonaws.com/<stage>/...`` and the same under ``.localhost``.

    The host is that of every kind of API; :meth:`owns` tells whether an id is a REST API.
    """

    name = SOURCE

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._http = HttpProxy()
        self._forget()
        self._log: AccessLog | None = None
        self._integrations: dict[str, Callable[[Call], Awaitable[Answer]]] = {
            "AWS_PROXY": lambda_proxy.integrate,
            "HTTP_PROXY": self._http.integrate,
            "HTTP": HttpCustom(self._http).integrate,
            "AWS": aws_service.integrate,
            "MOCK": mock.integrate,
        }
        # A request goes through these in order; each may raise and so end it.
        self._steps: tuple[Callable[[Call], Awaitable[None]], ...] = (
            self._read,
            self._find_stage,
            self._route,
            self._authorize,
            self._usage,
            validation.check,
            self._answer,
        )

    def match(self, address: Address) -> Mapping[str, str] | None:
        """``{"api_id", "region"}`` for an execute-api host; the region is empty when the host has none."""
        found = _HOST.fullmatch(address.host)
        return {"api_id": found["id"], "region": found["region"] or ""} if found else None

    async def owns(self, api_id: str) -> bool:
        """Whether the id is a REST API."""
        return await self._sandbox.control.resources.rest_api_exists(api_id)

    async def start(self) -> None:
        """Begin with empty caches and full buckets, also after a reset."""
        self._forget()

    async def stop(self) -> None:
        """Close the connections to endpoints."""
        await self._http.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # a REST API has no WebSockets: the upgrade is refused
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        request_id = self._sandbox.ids.uuid()
        async with Exchange(self._sandbox, SOURCE, request_id, scope, receive, send) as exchange:
            call = self._new_call(exchange, scope)
            error_values: dict[str, str] = {}
            try:
                for step in self._steps:
                    await step(call)
            except ClientGoneError:
                return
            except (GatewayError, AwsError) as failure:
                if exchange.started:
                    raise exchange.cut(str(failure)) from failure
                known = failure if isinstance(failure, GatewayError) else _as_gateway_error(failure)
                error_values = error_context(known)
                await self._fail(call, known)
            finally:
                if exchange.started and hasattr(call, "api") and call.api.access_log:
                    self._access_log().write(call, error_values)

    async def test_method(self, test: MethodTest) -> MethodTested:
        """``TestInvokeMethod``."""
        with self._sandbox.clock.in_flight("TestInvokeMethod"):
            return await simulation.try_method(self._sandbox, self._new_call, self._simulated, test)

    async def test_authorizer(self, test: AuthorizerTest) -> AuthorizerTested:
        """``TestInvokeAuthorizer``."""
        with self._sandbox.clock.in_flight("TestInvokeAuthorizer"):
            return await simulation.try_authorizer(self._sandbox, self._new_call, self._access, test)

    async def _simulated(self, call: Call) -> None:
        try:
            await validation.check(call)
            await self._answer(call)
        except GatewayError as failure:
            await self._fail(call, failure)

    def _forget(self) -> None:
        self._access = access.Access(self._sandbox)
        self._throttling = Throttling()
        self._caches = Caches()
        self._canaries = Canaries(self._sandbox)

    def _access_log(self) -> AccessLog:
        if self._log is None:
            self._log = AccessLog(self._sandbox.ids.hex(32))
        return self._log

    def _new_call(self, exchange: Exchange, scope: Scope) -> Call:
        sandbox = self._sandbox
        raw = bytes(scope.get("raw_path") or str(scope["path"]).encode())
        return Call(
            sandbox=sandbox,
            exchange=exchange,
            scope=scope,
            api_id=scope["aws"]["api_id"],
            region=scope["aws"]["region"] or sandbox.settings.region,
            request_id=exchange.id,
            extended_request_id=sandbox.ids.base64(16),
            trace_id=f"Root=1-{int(sandbox.clock.epoch()):08x}-{sandbox.ids.hex(24)}",
            source_ip=client_ip(scope),
            raw_path=raw.partition(b"?")[0].decode("latin-1"),
            began=sandbox.clock.now(),
            at_ms=int(sandbox.clock.epoch() * 1000),
        )

    # -- steps

    async def _read(self, call: Call) -> None:
        limit = int(self._sandbox.limits.value("api_rest.payload"))
        call.signed = SignedRequest.from_scope(call.scope, b"")
        self._check_headers(call)
        try:
            call.body = await call.exchange.read(limit)
        except BodyTooLargeError:
            reason = f"the request's body is over {limit} bytes"
            raise of_limit(self._sandbox.limits, "REQUEST_TOO_LARGE", "too_large", reason) from None
        call.signed = SignedRequest.from_scope(call.scope, call.body)

    def _check_headers(self, call: Call) -> None:
        limit = int(self._sandbox.limits.value("api_rest.headers"))
        size = sum(len(name) + len(value) + 2 for name, value in call.scope["headers"])
        if size > limit:
            reason = f"the request's headers take {size} bytes, more than {limit}"
            raise of_limit(self._sandbox.limits, "REQUEST_TOO_LARGE", "headers_too_large", reason)

    async def _find_stage(self, call: Call) -> None:
        found = _SEGMENT.fullmatch(call.raw_path)
        if found is not None:
            call.stage, call.path = found["stage"], found["path"] or "/"
        api = await self._sandbox.control.resources.rest_api(call.api_id, call.stage) if call.stage else None
        if api is None:
            # Reported for a path without its stage (github.com/OWASP/Serverless-Goat, issue 14, and others).
            reason = f"{call.api_id} is no API, or has no stage {call.stage!r}"
            raise error("DEFAULT_4XX", "Forbidden", error_type="ForbiddenException", reason=reason)
        if api.disable_execute_api_endpoint:  # the status and the body are UNSOURCED
            reason = f"the default endpoint of {call.api_id} is disabled"
            raise error("DEFAULT_4XX", "Forbidden", error_type="ForbiddenException", reason=reason)
        call.api = self._canaries.choose(api)

    async def _route(self, call: Call) -> None:
        found = routing.find(call.api.resources, call.http_method, call.path)
        if found is None:
            raise access.unknown_route(call)
        call.resource, call.method, call.path_parameters = found
        if call.method.integration is None:
            reason = f"{call.resource.path} {call.method.http_method} has no integration"
            raise error("API_CONFIGURATION_ERROR", "Internal server error", reason=reason)
        call.integration = call.method.integration
        call.routed = True

    async def _authorize(self, call: Call) -> None:
        await self._access.check(call)

    async def _usage(self, call: Call) -> None:
        await usage.check(call, self._throttling)
        self._throttling.check(call)

    async def _answer(self, call: Call) -> None:
        kind = call.integration.type
        call.mark("called")
        if call.integration.transfer_mode == "STREAM":
            await streaming.relay(call, streaming.source_of(call, self._http))
            return
        lookup, answer = self._caches.find(call)
        if lookup is not None:
            self._sandbox.timeline.record(SOURCE, "cache_hit" if answer else "cache_miss", call.request_id)
        if answer is None:
            answer = await self._within_timeout(call, self._integrations[kind])
            if lookup is not None:
                self._caches.keep(call, lookup, answer)
        pairs = [*headers.of_response(answer.headers, kind), *headers.of_gateway(call, kind)]
        if lookup is not None and lookup.warns:
            pairs.append(WARNING)
        await call.exchange.answer(answer.status, pairs, answer.body)
        simulation.note_answer(call, pairs, answer.body, answer.status)

    async def _within_timeout(self, call: Call, integrate: Callable[[Call], Awaitable[Answer]]) -> Answer:
        """The integration's answer, or the 504 at the instant when its time is over. The function runs on."""
        what = f"{call.integration.type} of {call.api_id} for {call.request_id}"
        task = self._sandbox.spawn(integrate(call), what)
        seconds = call.integration.timeout_ms / 1000
        done, _ = await asyncio.wait({task}, timeout=seconds)
        call.mark("answered")
        if done:
            answer: Answer = task.result()
            return answer
        if call.integration.type == "AWS_PROXY":
            task.add_done_callback(_result_is_not_wanted)
        else:
            task.cancel()
        raise of_limit(
            self._sandbox.limits, "INTEGRATION_TIMEOUT", "timeout", f"no answer within {seconds} s"
        )

    # -- errors

    async def _fail(self, call: Call, failure: GatewayError) -> None:
        responses = call.api.gateway_responses if hasattr(call, "api") else {}
        try:
            status, pairs, body = render(
                failure, responses, partial(templates.gateway_body, call), partial(gateway_value, call)
            )
        except (GatewayError, AwsError) as wrong:  # the API's own response is wrong: the default is given
            reason = wrong.reason if isinstance(wrong, GatewayError) else wrong.message
            failure.reason = f"{failure.reason}; gateway response: {reason}"
            status, pairs, body = render(failure, {}, lambda text, _: text, lambda _: ())
        if failure.reason:
            self._sandbox.timeline.record(
                SOURCE, "failed", call.request_id, type=failure.type, reason=failure.reason
            )
        await call.exchange.answer(status, [*pairs, *headers.of_gateway(call, None)], body)
        simulation.note_failure(call, failure, status)


def _as_gateway_error(failure: AwsError) -> GatewayError:
    """An error that no step expected. What is not emulated is told as it is, whatever the API configured."""
    if isinstance(failure, NotEmulatedError):
        body = json.dumps({"message": failure.message}).encode()
        return GatewayError(
            "NOT_EMULATED", failure.message, failure.status, failure.code, body, reason=failure.message
        )
    return error(
        "DEFAULT_5XX" if failure.status >= 500 else "DEFAULT_4XX",
        failure.message,
        status=failure.status,
        error_type=failure.code,
        reason=failure.message,
    )


def _result_is_not_wanted(task: asyncio.Task[Answer]) -> None:
    """Take the late result so that an error in it is not reported as never looked at."""
    if not task.cancelled():
        task.exception()
