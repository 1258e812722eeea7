"""``TestInvokeMethod`` and ``TestInvokeAuthorizer``: a request that only the gateway itself makes.

Nobody is authorized or counted; the request is validated and integrated as any other. Source: API Gateway developer
guide, "Use the API Gateway console to test a REST API method" and "Troubleshoot issues with response streaming"
(fact 1.32); events and logs as recorded in public notes, see :mod:`execution_log`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from sandbox.auth import SignedRequest
from sandbox.context import ConnectionAbort, Sandbox, Scope
from sandbox.control.resources import Method, RestResource
from sandbox.control.rest_tests import (
    STAGE,
    AuthorizerTest,
    AuthorizerTested,
    MethodTest,
    MethodTested,
    Simulated,
)
from sandbox.services.api_rest import lambda_authorizer, routing
from sandbox.services.api_rest.access import Access
from sandbox.services.api_rest.call import Call
from sandbox.services.api_rest.execution_log import ExecutionLog, cut, mapping, text_of
from sandbox.services.api_rest.gateway_response import GatewayError
from sandbox.services.exchange import Exchange, Headers

_AUTHORIZER_STAGE = "ESTestInvoke-stage"
Step = Callable[[Call], Awaitable[None]]


class Recording(Exchange):
    """An exchange without a client: it keeps the answer. ``full``: set when more than ``most`` bytes came."""

    def __init__(self, sandbox: Sandbox, id: str, scope: Scope, most: int | None = None) -> None:
        super().__init__(sandbox, "api_rest", id, scope, _nobody, self._keep)
        self.headers: tuple[tuple[str, str], ...] = ()
        self.body = bytearray()
        self.full = asyncio.Event()
        self._most = most

    async def start(self, status: int, headers: Headers) -> None:
        """Keep the names of the headers in their own case."""
        pairs = list(headers)
        self.headers = tuple(pair for pair in pairs if pair[0].lower() != "content-length")
        await super().start(status, pairs)

    async def _keep(self, message: MutableMapping[str, Any]) -> None:
        self.body += message.get("body", b"")
        if self._most is not None and len(self.body) > self._most:
            self.full.set()


async def _nobody() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}


async def try_method(
    sandbox: Sandbox, new_call: Callable[..., Call], answer: Step, test: MethodTest
) -> MethodTested:
    """Run a method's request. ``answer``: validates, integrates and answers, errors too."""
    scope = _scope(test.http_method, test.request)
    streams = test.method.integration is not None and test.method.integration.transfer_mode == "STREAM"
    most = int(sandbox.limits.value("api_rest.stream.test_invoke.payload")) if streams else None
    exchange = Recording(sandbox, sandbox.ids.uuid(), scope, most)
    call = _prepared(new_call(exchange, scope), test.request, test.resource, test.method)
    began = sandbox.clock.now()
    _note_request(call)
    if streams:
        await _streamed(sandbox, answer(call), exchange)
    else:
        await answer(call)
    latency = round((sandbox.clock.now() - began) * 1000)
    log = "" if streams or call.log is None else call.log.text
    return MethodTested(exchange.status, exchange.headers, bytes(exchange.body), log, latency)


async def _streamed(sandbox: Sandbox, answer: Awaitable[None], exchange: Recording) -> None:
    """Buffer a stream until it ends, or 35 s went by, or there is too much of it. A function runs on."""
    seconds = float(sandbox.limits.value("api_rest.stream.test_invoke.timeout"))
    task = asyncio.ensure_future(answer)
    full = asyncio.ensure_future(exchange.full.wait())
    await asyncio.wait({task, full}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    full.cancel()
    if not task.done():
        task.cancel()
    with suppress(asyncio.CancelledError, ConnectionAbort):  # what came so far is the answer
        await task


def _scope(http_method: str, request: Simulated) -> Scope:
    parts = urlsplit(request.path)
    return {
        "type": "http",
        "http_version": "1.1",
        "method": http_method,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in request.headers],
        "sent_headers": [(name.encode(), value.encode()) for name, value in request.headers],
        "aws": {"api_id": request.api.id, "region": request.region},
        "client": ("test-invoke-source-ip", 0),
    }


def _prepared(call: Call, request: Simulated, resource: RestResource, method: Method) -> Call:
    """The call as the steps before the validation would leave it."""
    call.simulated, call.log = request, ExecutionLog(call.sandbox.clock, call.request_id)
    call.signed, call.body = SignedRequest.from_scope(call.scope, request.body), request.body
    call.api, call.stage, call.path = request.api, STAGE, call.raw_path
    call.resource, call.method, call.routed = resource, method, True
    if method.integration is not None:
        call.integration = method.integration
    # Recorded: a path that does not fit the resource is no error, it has no parameters then.
    found = routing.find([RestResource(resource.id, resource.path, {"ANY": method})], "ANY", call.path)
    call.path_parameters = found[2] if found else {}
    return call


def _note_request(call: Call) -> None:
    log = call.log
    assert log is not None
    log.note(f"Starting execution for request: {call.request_id}")
    log.note(f"HTTP Method: {call.http_method}, Resource Path: {call.resource.path}")
    log.note(f"Method request path: {mapping(call.path_parameters)}")
    log.note(f"Method request query string: {mapping(dict(call.query()))}")
    log.note(f"Method request headers: {mapping(call.sent_headers())}")
    log.note(f"Method request body before transformations: {cut(text_of(call.body))}")


def note_answer(call: Call, headers: Headers, body: bytes, status: int) -> None:
    """The last lines of a request that went well."""
    if call.log is not None:
        call.log.note(f"Method response body after transformations: {cut(text_of(body))}")
        call.log.note(f"Method response headers: {mapping(headers)}")
        call.log.note("Successfully completed execution")
        call.log.note(f"Method completed with status: {status}")


def note_failure(call: Call, failure: GatewayError, status: int) -> None:
    """The last lines of one that did not. What failed is in the sandbox's words."""
    if call.log is not None:
        if failure.type == "INTEGRATION_TIMEOUT":
            call.log.note("Execution failed due to a timeout error")
        elif failure.reason:
            call.log.note(f"Execution failed due to configuration error: {failure.reason}")
        call.log.note(f"Method completed with status: {status}")


async def try_authorizer(
    sandbox: Sandbox, new_call: Callable[..., Call], access: Access, test: AuthorizerTest
) -> AuthorizerTested:
    """Ask an authorizer. Its policy is told, not judged; nothing is kept."""
    scope = _scope("GET", test.request)
    resource = RestResource("test-invoke-resource-id", "/", {})
    method = Method("GET", "CUSTOM", test.authorizer["id"], False, (), None, {})
    call = _prepared(
        new_call(Recording(sandbox, sandbox.ids.uuid(), scope), scope), test.request, resource, method
    )
    call.arn_stage = _AUTHORIZER_STAGE
    log, began = call.log, sandbox.clock.now()
    assert log is not None
    log.note(f"Starting authorizer: {test.authorizer['id']} for request: {call.request_id}")
    told: dict[str, Any] = {}
    status = 0
    try:
        told = await _asked(call, access, test)
        log.note("Successfully completed authorizer execution")
    except GatewayError as failure:
        status = failure.status
        if status == 401:
            log.note(f"Unauthorized request: {call.request_id}")
        elif failure.reason:
            log.note(f"Execution failed due to configuration error: {failure.reason}")
        log.note(failure.message)
    return AuthorizerTested(status, log.text, round((sandbox.clock.now() - began) * 1000), **told)


async def _asked(call: Call, access: Access, test: AuthorizerTest) -> dict[str, Any]:
    assert call.log is not None
    if test.authorizer["type"] == "COGNITO_USER_POOLS":
        return {"claims": (await access.of_user_pool(call, test.authorizer))["claims"]}
    identity = lambda_authorizer.identity_of(call, test.authorizer)
    call.log.note(f"Incoming identity: {','.join(map(_masked, identity))}")
    result = await lambda_authorizer.ask(call, test.authorizer, identity)
    text = json.dumps(result, separators=(",", ":"), ensure_ascii=False)
    principal = str(result["principalId"])
    call.log.note(f"Authorizer result body before parsing: {cut(text)}")
    call.log.note(f"Using valid authorizer policy for principal: {_masked(principal)}")
    policy = json.dumps(result["policyDocument"], separators=(",", ":"), ensure_ascii=False)
    return {"principal_id": principal, "policy": policy}


def _masked(text: str) -> str:
    """All but the last six characters are stars (recorded)."""
    return "*" * max(0, len(text) - 6) + text[-6:]
