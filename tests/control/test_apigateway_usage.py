"""API keys, usage plans and resource policies of REST APIs through boto3."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from sandbox.control.shims.apigateway.usage import Keys, period_start
from tests.control.helpers import refused

VALUE = "0123456789abcdefghij"


def stage(client: Any) -> tuple[str, str]:
    """An API with a stage: the ids of both."""
    made = client.create_rest_api(name="a")
    where = {"restApiId": made["id"], "resourceId": made["rootResourceId"], "httpMethod": "GET"}
    client.put_method(**where, authorizationType="NONE", apiKeyRequired=True)
    client.put_integration(**where, type="MOCK")
    client.create_deployment(restApiId=made["id"], stageName="prod")
    return made["id"], "prod"


def test_keys(served: Any) -> None:
    client = served.client("apigateway")
    key = client.create_api_key(name="mine", value=VALUE, enabled=True, tags={"a": "b"})
    assert (key["value"], key["enabled"]) == (VALUE, True)
    assert "value" not in client.get_api_key(apiKey=key["id"])
    assert client.get_api_key(apiKey=key["id"], includeValue=True)["value"] == VALUE
    assert [k["id"] for k in client.get_api_keys(nameQuery="mi")["items"]] == [key["id"]]
    assert client.get_api_keys(nameQuery="x")["items"] == []
    assert refused(client.create_api_key, value=VALUE) == (409, "ConflictException", "API Key already exists")
    assert refused(client.create_api_key, value="short")[0] == 400
    client.update_api_key(
        apiKey=key["id"], patchOperations=[{"op": "replace", "path": "/enabled", "value": "false"}]
    )
    found = served.ask(served.control.resources.api_key(VALUE))
    assert (found.id, found.enabled) == (key["id"], False)
    client.delete_api_key(apiKey=key["id"])
    status, code, message = refused(client.get_api_key, apiKey=key["id"])
    assert (status, code, message) == (404, "NotFoundException", "Invalid API Key identifier specified")


def test_plan_of_a_stage_with_its_keys_and_throttles(served: Any) -> None:
    client = served.client("apigateway")
    api, name = stage(client)
    key = client.create_api_key(value=VALUE, enabled=True)
    plan = client.create_usage_plan(
        name="p",
        apiStages=[{"apiId": api, "stage": name}],
        throttle={"rateLimit": 2.5, "burstLimit": 5},
        quota={"limit": 2, "period": "DAY"},
    )
    client.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    path = f"/apiStages/{api}:{name}/throttle/~1chat/GET"
    client.update_usage_plan(
        usagePlanId=plan["id"],
        patchOperations=[
            {"op": "replace", "path": f"{path}/rateLimit", "value": "1"},
            {"op": "replace", "path": f"{path}/burstLimit", "value": "2"},
        ],
    )
    (found,) = served.ask(served.control.resources.usage_plans(api, name))
    assert (found.rate, found.burst, found.key_ids) == (2.5, 5, frozenset((key["id"],)))
    assert found.method_throttle == {"/chat/GET": (1.0, 2)}
    use = served.control.resources.use_quota
    assert [served.ask(use(plan["id"], key["id"])) for _ in range(3)] == [True, True, False]
    client.update_usage(
        usagePlanId=plan["id"],
        keyId=key["id"],
        patchOperations=[{"op": "replace", "path": "/remaining", "value": "1"}],
    )
    assert [served.ask(use(plan["id"], key["id"])) for _ in range(2)] == [True, False]
    status, _, message = refused(client.delete_usage_plan, usagePlanId=plan["id"])
    assert (status, "All API stages must be removed" in message) == (400, True)
    removal = {"op": "remove", "path": "/apiStages", "value": f"{api}:{name}"}
    client.update_usage_plan(usagePlanId=plan["id"], patchOperations=[removal])
    client.delete_usage_plan(usagePlanId=plan["id"])
    assert served.ask(served.control.resources.usage_plans(api, name)) == ()


def test_plan_of_a_stage_that_is_not_there_is_refused(served: Any) -> None:
    client = served.client("apigateway")
    stages = [{"apiId": "none", "stage": "x"}]
    assert refused(client.create_usage_plan, name="p", apiStages=stages)[:2] == (404, "NotFoundException")


@pytest.mark.parametrize(
    ("period", "begin"),
    [("DAY", date(2026, 11, 25)), ("WEEK", date(2026, 11, 23)), ("MONTH", date(2026, 11, 1))],
)
def test_quota_begins_anew_with_its_period(period: str, begin: date) -> None:
    today = date(2026, 11, 25)
    assert period_start(period, today) == begin
    keys = Keys()
    plan = {"id": "p", "quota": {"limit": 2, "period": period, "offset": 1}, "_created": today}
    assert [keys.use(plan, "k", today) for _ in range(2)] == [
        True,
        False,
    ]  # the offset counts in the first period
    later = date(2027, 1, 4)
    assert [keys.use(plan, "k", later) for _ in range(3)] == [True, True, False]


def test_policy_is_kept_with_whole_arns_and_deployed(served: Any) -> None:
    client = served.client("apigateway")
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": ["execute-api:/*"],
    }
    api, name = stage(client)
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    patch = [{"op": "replace", "path": "/policy", "value": document}]
    client.update_rest_api(restApiId=api, patchOperations=patch)
    assert served.ask(served.control.resources.rest_api(api, name)).policy is None  # not deployed
    client.create_deployment(restApiId=api, stageName=name)
    deployed = served.ask(served.control.resources.rest_api(api, name)).policy
    assert deployed["Statement"][0]["Resource"] == [f"arn:aws:execute-api:us-east-1:000000000000:{api}/*"]
    bad = [{"op": "replace", "path": "/policy", "value": "{}"}]
    status, _, message = refused(client.update_rest_api, restApiId=api, patchOperations=bad)
    assert (status, message.startswith("Invalid policy document")) == (400, True)


def test_stage_cache(served: Any) -> None:
    client = served.client("apigateway")
    api, name = stage(client)
    patch = [{"op": "replace", "path": "/cacheClusterEnabled", "value": "true"}]
    made = client.update_stage(restApiId=api, stageName=name, patchOperations=patch)
    assert (made["cacheClusterStatus"], made["cacheClusterSize"]) == ("AVAILABLE", "0.5")
    first = served.ask(served.control.resources.rest_api(api, name)).cache
    client.flush_stage_cache(restApiId=api, stageName=name)
    flushed = served.ask(served.control.resources.rest_api(api, name)).cache
    assert (flushed.epoch - first.epoch, flushed.size) == (1, 2**29)
    for path, value in (("/cacheClusterSize", "7"), ("/*/*/caching/ttlInSeconds", "3601")):
        bad = [{"op": "replace", "path": path, "value": value}]
        assert refused(client.update_stage, restApiId=api, stageName=name, patchOperations=bad)[0] == 400
    off = [{"op": "replace", "path": "/cacheClusterEnabled", "value": "false"}]
    made = client.update_stage(restApiId=api, stageName=name, patchOperations=off)
    assert made["cacheClusterStatus"] == "NOT_AVAILABLE"
    assert served.ask(served.control.resources.rest_api(api, name)).cache is None


def test_canary_settings(served: Any) -> None:
    """As localstack's validated tests recorded them against AWS."""
    client = served.client("apigateway")
    api, name = stage(client)
    production = client.get_stage(restApiId=api, stageName=name)["deploymentId"]
    settings = {"percentTraffic": 50, "stageVariableOverrides": {"testVar": "canary"}}
    for given, words in (
        (
            {},
            "Non null and non empty stageName must be provided for canary deployment. Provided value is null",
        ),
        (
            {"stageName": "other"},
            "Stage other must already be created before making a canary release deployment",
        ),
    ):
        _, code, message = refused(client.create_deployment, restApiId=api, canarySettings=settings, **given)
        assert (code, message) == ("BadRequestException", f"Invalid deployment content specified.{words}")
    made = client.create_deployment(restApiId=api, stageName=name, canarySettings=settings)["id"]
    got = client.get_stage(restApiId=api, stageName=name)
    assert got["deploymentId"] == production
    assert got["canarySettings"] == {
        **settings,
        "percentTraffic": 50.0,
        "deploymentId": made,
        "useStageCache": False,
    }
    status, _, _ = refused(
        client.create_deployment, restApiId=api, stageName=name
    )  # not while there is a canary
    assert status == 400
    assert refused(client.delete_deployment, restApiId=api, deploymentId=made)[0] == 400

    def patched(*operations: dict[str, str]) -> Any:
        return client.update_stage(restApiId=api, stageName=name, patchOperations=list(operations))

    replaced = {"op": "replace", "path": "/canarySettings/stageVariableOverrides/testVar", "value": "new"}
    assert patched(replaced)["canarySettings"]["stageVariableOverrides"] == {"testVar": "new"}
    promoted = patched(
        {"op": "replace", "path": "/canarySettings/percentTraffic", "value": "0.0"},
        {"op": "copy", "from": "/canarySettings/deploymentId", "path": "/deploymentId"},
        {"op": "copy", "from": "/canarySettings/stageVariableOverrides", "path": "/variables"},
    )
    assert (promoted["deploymentId"], promoted["variables"]["testVar"]) == (made, "new")
    assert promoted["canarySettings"]["percentTraffic"] == 0.0
    assert "canarySettings" not in patched({"op": "remove", "path": "/canarySettings"})
    for operation, words in (
        (
            {"op": "add", "path": "/canarySettings/deploymentId", "value": made},
            "Invalid add operation with path: ",
        ),
        (
            {"op": "remove", "path": "/canarySettings/badPath"},
            "Cannot remove method setting canarySettings/badPath",
        ),
        ({"op": "replace", "path": "/canarySettings/percentTraffic", "value": "101"}, "Percentage"),
    ):
        _, code, message = refused(
            client.update_stage, restApiId=api, stageName=name, patchOperations=[operation]
        )
        assert (code, message.startswith(words)) == ("BadRequestException", True)


def test_import_takes_models_validators_keys_and_authorizers(served: Any) -> None:
    client = served.client("apigateway")
    question = {"type": "object", "required": ["q"]}
    operation = {
        "parameters": [
            {"in": "body", "name": "q", "required": True, "schema": {"$ref": "#/definitions/Question"}},
            {"in": "query", "name": "n", "type": "string", "required": True},
        ],
        "security": [{"api_key": []}, {"guard": []}],
        "x-amazon-apigateway-integration": {"type": "mock"},
    }
    document = {
        "swagger": "2.0",
        "info": {"title": "t"},
        "definitions": {"Question": question},
        "securityDefinitions": {
            "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
            "guard": {
                "type": "apiKey",
                "name": "X-Token",
                "in": "header",
                "x-amazon-apigateway-authtype": "custom",
                "x-amazon-apigateway-authorizer": {
                    "type": "token",
                    "authorizerUri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/f/invocations",
                    "authorizerResultTtlInSeconds": 7,
                },
            },
        },
        "x-amazon-apigateway-api-key-source": "AUTHORIZER",
        "x-amazon-apigateway-binary-media-types": ["image/png"],
        "x-amazon-apigateway-request-validators": {"all": {"validateRequestBody": True}},
        "x-amazon-apigateway-request-validator": "all",
        "x-amazon-apigateway-gateway-responses": {"THROTTLED": {"statusCode": 503}},
        "paths": {"/ask": {"post": operation}},
    }
    made = client.import_rest_api(body=json.dumps(document).encode())
    client.create_deployment(restApiId=made["id"], stageName="prod")
    api = served.ask(served.control.resources.rest_api(made["id"], "prod"))
    (method,) = (r.methods["POST"] for r in api.resources if r.path == "/ask")
    assert method.request_models == {"application/json": "Question"}
    assert method.request_parameters == {"method.request.querystring.n": True}
    assert json.loads(api.models["Question"]["schema"]) == question
    assert api.validators[method.validator_id]["validateRequestBody"] is True
    assert (method.api_key_required, method.authorization) == (True, "CUSTOM")
    authorizer = api.authorizers[method.authorizer_id]
    assert (authorizer["identitySource"], authorizer["authorizerResultTtlInSeconds"]) == (
        "method.request.header.X-Token",
        7,
    )
    assert (api.api_key_source, api.binary_media_types) == ("AUTHORIZER", ("image/png",))
    assert api.gateway_responses["THROTTLED"]["statusCode"] == "503"
