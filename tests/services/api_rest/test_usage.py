"""API keys, quotas, throttling and request validators of REST APIs."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.control.resources import ApiKey, UsagePlan
from sandbox.services.api_rest import RestApiService

KEY = ApiKey("k1", "0123456789abcdefghij", "mine", True)
FORBIDDEN = (403, b'{"message":"Forbidden"}', "ForbiddenException")
TOO_MANY = (429, b'{"message":"Too Many Requests"}', "TooManyRequestsException")
EXCEEDED = (429, b'{"message":"Limit Exceeded"}', "LimitExceededException")


def plan(rate: float | None = None, burst: int | None = None, **methods: tuple[float, int]) -> UsagePlan:
    throttle = {f"/chat/{name}": given for name, given in methods.items()}
    return UsagePlan("p1", rate, burst, throttle, frozenset(("k1",)))


def keyed(rest: SimpleNamespace) -> Any:
    return rest.api(rest.resource("/chat", rest.method("GET", api_key_required=True)))


def with_plan(*plans: UsagePlan, key: ApiKey = KEY, quota: int | None = None) -> Any:
    def prepare(sandbox: Any) -> None:
        resources = sandbox.control.resources
        resources.keys, resources.plans = {key.value: key}, plans
        if quota is not None:
            resources.quota["p1"] = quota
        sandbox.lambda_.returns(b'{"statusCode":200}')

    return prepare


def seen(reply: Any) -> tuple[int, bytes, str | None]:
    return reply.status, reply.body, reply.header("x-amzn-errortype")


def test_key_in_a_plan_of_the_stage_is_let_in(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    headers = {"x-api-key": KEY.value}
    reply, sandbox = rest.serve(edge, keyed(rest), with_plan(plan()), headers=headers)
    assert reply.status == 200
    identity = rest.event_of(sandbox)["requestContext"]["identity"]
    assert (identity["apiKey"], identity["apiKeyId"]) == (KEY.value, "k1")


@pytest.mark.parametrize(
    ("value", "key", "plans"),
    [
        (None, KEY, (plan(),)),
        ("wrong", KEY, (plan(),)),
        (KEY.value, replace(KEY, enabled=False), (plan(),)),
        (KEY.value, KEY, ()),
    ],
)
def test_other_keys_are_forbidden(
    edge: SimpleNamespace, rest: SimpleNamespace, value: Any, key: ApiKey, plans: Any
) -> None:
    headers = {"x-api-key": value} if value else {}
    reply, sandbox = rest.serve(edge, keyed(rest), with_plan(*plans, key=key), headers=headers)
    assert seen(reply) == FORBIDDEN
    assert not sandbox.lambda_.invocations


def requests(
    edge: SimpleNamespace, rest: SimpleNamespace, config: Any, prepare: Any, *at: float
) -> list[Any]:
    """Requests with the key at these instants."""

    async def main(clock: Any) -> list[Any]:
        sandbox = edge.new_sandbox(clock)
        sandbox.control.resources.apis[("api1", "prod")] = config
        sandbox.control.resources.policies[("chat", None)] = rest.permission()
        prepare(sandbox)
        service = RestApiService(sandbox)
        replies = []
        for instant in at:
            await clock.advance(instant - clock.now())
            headers = {"x-api-key": KEY.value}
            replies.append(await edge.request(service, clock, rest.HOST, "/prod/chat", headers=headers))
        return replies

    return edge.run(main)  # type: ignore[no-any-return]


@pytest.mark.fact("1.9")
def test_quota_that_is_used_up_is_a_429(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    replies = requests(edge, rest, keyed(rest), with_plan(plan(), quota=2), 0, 0, 0)
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert seen(replies[2]) == EXCEEDED


@pytest.mark.fact("1.9")
@pytest.mark.parametrize("given", [plan(2.0, 3), plan(100.0, 100, GET=(2.0, 3))])
def test_plans_bucket_is_filled_at_its_rate(edge: SimpleNamespace, rest: SimpleNamespace, given: Any) -> None:
    at = (0, 0, 0, 0, 0.49, 0.5, 0.5)
    replies = requests(edge, rest, keyed(rest), with_plan(given), *at)
    assert [reply.status for reply in replies] == [200, 200, 200, 429, 429, 200, 429]
    assert seen(replies[3]) == TOO_MANY


@pytest.mark.fact("1.9")
@pytest.mark.parametrize("name", ["*/*", "~1chat/GET", "chat/GET"])
def test_stages_method_settings_throttle(edge: SimpleNamespace, rest: SimpleNamespace, name: str) -> None:
    settings = {name: {"throttlingRateLimit": 1.0, "throttlingBurstLimit": 1}}
    config = rest.api(rest.resource("/chat", rest.method("GET")), method_settings=settings)
    replies = requests(edge, rest, config, rest.returns(rest.OK), 0, 0.5, 1.0, 1.5)
    assert [reply.status for reply in replies] == [200, 429, 200, 429]


@pytest.mark.fact("1.9")
def test_account_has_a_bucket_of_its_own(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    def prepare(sandbox: Any) -> None:
        sandbox.limits.overrides["api_rest.rate.account"] = 2
        sandbox.limits.overrides["api_rest.rate.burst"] = 1
        sandbox.lambda_.returns(b'{"statusCode":200}')

    replies = requests(edge, rest, rest.api(), prepare, 0, 0.25, 0.5)
    assert [reply.status for reply in replies] == [200, 429, 200]


def test_authorizers_key_counts_when_the_api_says_so(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    config = replace(keyed(rest), api_key_source="AUTHORIZER")
    reply, _ = rest.serve(edge, config, with_plan(plan()), headers={"x-api-key": KEY.value})
    assert seen(reply) == FORBIDDEN  # no authorizer named one


# -- validators

SCHEMA = {
    "type": "object",
    "required": ["q"],
    "properties": {"q": {"type": "string"}, "o": {"$ref": "#/definitions/Options"}},
}
MODELS = {
    "Question": {"name": "Question", "schema": json.dumps(SCHEMA)},
    "Options": {"name": "Options", "schema": json.dumps({"type": "object", "required": ["n"]})},
    "Remote": {
        "name": "Remote",
        "schema": json.dumps({"$ref": "https://apigateway.amazonaws.com/restapis/api1/models/Question"}),
    },
}


def validated(rest: SimpleNamespace, model: str = "Question", **changes: Any) -> Any:
    parameters = {
        "method.request.querystring.b": True,
        "method.request.header.X-A": True,
        "method.request.querystring.c": False,
    }
    method = replace(
        rest.method(),
        validator_id="v1",
        request_models={"application/json": model},
        request_parameters=parameters if changes.pop("parameters", False) else {},
    )
    validator = {"id": "v1", "validateRequestBody": True, "validateRequestParameters": True}
    return rest.api(rest.resource("/chat", method), models=MODELS, validators={"v1": validator}, **changes)


@pytest.mark.parametrize("model", ["Question", "Remote"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"q":"x"}', 200),
        (b'{"q":1}', 400),
        (b"{}", 400),
        (b"", 400),
        (b"no json", 400),
        (b'{"q":"x","o":{}}', 400),
    ],
)
def test_body_is_judged_by_its_model(
    edge: SimpleNamespace, rest: SimpleNamespace, model: str, body: bytes, status: int
) -> None:
    config = validated(rest, model)
    reply, sandbox = rest.serve(edge, config, rest.returns(rest.OK), method="POST", body=body)
    assert reply.status == status
    if status == 400:
        assert seen(reply) == (400, b'{"message":"Invalid request body"}', "BadRequestException")
        assert not sandbox.lambda_.invocations


def test_parameters_that_are_missing_are_named(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    config = validated(rest, parameters=True)
    more = {"method": "POST", "body": b'{"q":"x"}'}
    reply, _ = rest.serve(edge, config, rest.returns(rest.OK), **more)
    text = b'{"message":"Missing required request parameters: [X-A, b]"}'
    assert seen(reply) == (400, text, "BadRequestException")
    path, headers = "/prod/chat?b=1", {"x-a": "1"}
    reply, _ = rest.serve(edge, config, rest.returns(rest.OK), path, headers=headers, **more)
    assert reply.status == 200


def test_gateway_response_tells_what_is_wrong_with_the_body(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    template = '{"message": "$context.error.validationErrorString"}'
    own = {
        "BAD_REQUEST_BODY": {
            "statusCode": "422",
            "responseTemplates": {"application/json": template},
            "responseParameters": {
                "gatewayresponse.header.X-Origin": "method.request.header.origin",
                "gatewayresponse.header.X-Stage": "context.stage",
            },
        }
    }
    config = validated(rest, gateway_responses=own)
    more = {"method": "POST", "body": b'{"q":1}', "headers": {"Origin": "https://a.example"}}
    reply, _ = rest.serve(edge, config, rest.returns(rest.OK), **more)
    assert reply.status == 422
    assert json.loads(reply.body)["message"] == "[1 is not of type 'string']"
    assert (reply.header("x-origin"), reply.header("x-stage")) == ("https://a.example", "prod")
