"""Makers of HTTP APIs for the tests of this folder."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.control.resources import PolicyStatement, V2Api, V2Authorizer, V2Integration, V2Route, V2Throttle
from sandbox.services.api_http import HttpApiService

HOST = "api1.execute-api.us-east-1.amazonaws.com"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:chat"
ARN = "arn:aws:execute-api:us-east-1:000000000000:api1"


def integration(type: str = "AWS_PROXY", **changes: Any) -> V2Integration:
    values: dict[str, Any] = {
        "id": "int1",
        "type": type,
        "subtype": None,
        "uri": FUNCTION,
        "method": "POST",
        "timeout_ms": 30_000,
        "payload_format": "2.0",
        "credentials": None,
        "content_handling": None,
        "passthrough": "WHEN_NO_MATCH",
        "template_selection": None,
        "request_parameters": {},
        "request_templates": {},
        "response_parameters": {},
        "responses": {},
    }
    return V2Integration(**(values | changes))


def route(key: str = "$default", authorization: Any = "NONE", **changes: Any) -> V2Route:
    scopes = changes.pop("scopes", ())
    authorizer = changes.pop("authorizer_id", None)
    given = changes.pop("integration") if "integration" in changes else integration(**changes)
    return V2Route("r1", key, authorization, authorizer, scopes, False, given, {}, None, None, {})


def authorizer(type: Any = "REQUEST", **changes: Any) -> V2Authorizer:
    values: dict[str, Any] = {
        "id": "auth1",
        "name": "gate",
        "type": type,
        "identity_source": ("$request.header.Authorization",),
        "issuer": None,
        "audience": (),
        "uri": FUNCTION.replace(":chat", ":gate"),
        "credentials": None,
        "payload_format": "2.0",
        "simple_responses": True,
        "ttl_s": 0,
    }
    return V2Authorizer(**(values | changes))


def api(*routes: V2Route, **changes: Any) -> V2Api:
    values: dict[str, Any] = {
        "id": "api1",
        "name": "chat",
        "protocol": "HTTP",
        "stage": "$default",
        "route_selection": "$request.method $request.path",
        "api_key_selection": "$request.header.x-api-key",
        "routes": {r.key: r for r in routes or (route(),)},
        "authorizers": {},
        "models": {},
        "stage_variables": {},
        "cors": None,
        "deployment_id": "dep1",
        "disable_execute_api_endpoint": False,
        "default_throttle": V2Throttle(),
        "route_throttle": {},
    }
    return V2Api(**(values | changes))


def permission(source: str = f"{ARN}/*", function: str = FUNCTION) -> tuple[PolicyStatement, ...]:
    condition = {"ArnLike": {"AWS:SourceArn": source}}
    principal = {"Service": "apigateway.amazonaws.com"}
    return (PolicyStatement("s", "Allow", principal, ("lambda:InvokeFunction",), function, condition),)


def serve_all(
    edge: SimpleNamespace, config: V2Api | None, prepare: Any, *requests: dict[str, Any]
) -> tuple[list[Any], Any]:
    """Requests one after the other on the virtual clock; gives (replies, sandbox). ``wait``: seconds before one."""

    async def main(clock: Any) -> Any:
        sandbox = edge.new_sandbox(clock)
        config_ = config or api()
        sandbox.control.resources.v2[(config_.id, config_.stage)] = config_
        sandbox.control.resources.policies[("chat", None)] = permission()
        gate = FUNCTION.replace(":chat", ":gate")
        sandbox.control.resources.policies[("gate", None)] = permission(f"{ARN}/authorizers/auth1", gate)
        if prepare:
            prepare(sandbox)
        service = HttpApiService(sandbox)
        replies = []
        for given in requests:
            asked = dict(given)
            await clock.advance(asked.pop("wait", 0.0))
            replies.append(await edge.request(service, clock, HOST, asked.pop("path", "/chat"), **asked))
        await clock.advance(requests[-1].get("after", 0.0))
        await service.stop()
        return replies, sandbox

    return edge.run(main)  # type: ignore[no-any-return]


def serve(edge: SimpleNamespace, config: V2Api | None = None, prepare: Any = None, **request: Any) -> Any:
    """One request; gives (reply, sandbox)."""
    replies, sandbox = serve_all(edge, config, prepare, request)
    return replies[0], sandbox


def returns(payload: Any, **options: Any) -> Any:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return lambda sandbox: sandbox.lambda_.returns(raw, **options)


def event_of(sandbox: Any, index: int = 0) -> Any:
    return json.loads(sandbox.lambda_.invocations[index].payload)


@pytest.fixture
def http() -> SimpleNamespace:
    return SimpleNamespace(
        ARN=ARN,
        FUNCTION=FUNCTION,
        HOST=HOST,
        OK={"statusCode": 200, "body": "ok"},
        api=api,
        authorizer=authorizer,
        event_of=event_of,
        integration=integration,
        permission=permission,
        returns=returns,
        route=route,
        serve=serve,
        serve_all=serve_all,
    )
