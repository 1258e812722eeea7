"""Makers of REST APIs for the tests of this folder."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.control.resources import Integration, Method, PolicyStatement, RestApi, RestResource
from sandbox.services.api_rest import RestApiService

HOST = "api1.execute-api.us-east-1.amazonaws.com"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:chat"
URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
SOURCE = "arn:aws:execute-api:us-east-1:000000000000:api1/*/*/*"


def integration(type: str = "AWS_PROXY", **changes: Any) -> Integration:
    values: dict[str, Any] = {
        "type": type,
        "uri": URI,
        "http_method": "POST",
        "timeout_ms": 29_000,
        "transfer_mode": "BUFFERED",
        "credentials": None,
        "passthrough": "WHEN_NO_MATCH",
        "content_handling": None,
        "request_parameters": {},
        "request_templates": {},
        "responses": {},
    }
    return Integration(**(values | changes))


def method(http_method: str = "ANY", authorization: str = "NONE", **changes: Any) -> Method:
    with_key = changes.pop("api_key_required", False)
    given = changes.pop("integration") if "integration" in changes else integration(**changes)
    return Method(http_method, authorization, None, with_key, (), given, {})


def resource(path: str, *methods: Method) -> RestResource:
    return RestResource("res1", path, {m.http_method: m for m in methods or (method(),)})


def api(*resources: RestResource, **changes: Any) -> RestApi:
    values: dict[str, Any] = {
        "id": "api1",
        "stage": "prod",
        "endpoint_type": "REGIONAL",
        "resources": resources or (resource("/{proxy+}"),),
        "stage_variables": {},
        "binary_media_types": (),
        "gateway_responses": {},
        "deployment_id": "dep1",
    }
    return RestApi(**(values | changes))


def permission(source: str = SOURCE) -> tuple[PolicyStatement, ...]:
    condition = {"ArnLike": {"AWS:SourceArn": source}}
    principal = {"Service": "apigateway.amazonaws.com"}
    return (PolicyStatement("s", "Allow", principal, ("lambda:InvokeFunction",), FUNCTION, condition),)


def serve(
    edge: SimpleNamespace,
    config: RestApi | None = None,
    prepare: Any = None,
    path: str = "/prod/chat",
    **more: Any,
) -> Any:
    """One request on the virtual clock; gives (reply, sandbox). ``wait``: seconds to wait after it."""
    wait = more.pop("wait", 0.0)

    async def main(clock: Any) -> Any:
        sandbox = edge.new_sandbox(clock)
        config_ = config or api()
        sandbox.control.resources.apis[(config_.id, config_.stage)] = config_
        sandbox.control.resources.policies[("chat", None)] = permission()
        if prepare:
            prepare(sandbox)
        service = RestApiService(sandbox)
        reply = await edge.request(service, clock, HOST, path, **more)
        if wait:
            await clock.advance(wait)
        await service.stop()
        return reply, sandbox

    return edge.run(main)


def returns(payload: Any, **options: Any) -> Any:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return lambda sandbox: sandbox.lambda_.returns(raw, **options)


def event_of(sandbox: Any) -> Any:
    return json.loads(sandbox.lambda_.invocations[0].payload)


@pytest.fixture
def rest() -> SimpleNamespace:
    return SimpleNamespace(
        HOST=HOST,
        FUNCTION=FUNCTION,
        URI=URI,
        api=api,
        event_of=event_of,
        integration=integration,
        method=method,
        permission=permission,
        resource=resource,
        returns=returns,
        serve=serve,
        OK={"statusCode": 200, "body": "ok"},
    )
