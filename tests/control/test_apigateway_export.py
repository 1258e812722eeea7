"""Exports of REST APIs through boto3: imported again they are the same API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.control.helpers import Served, refused
from tests.control.test_apigateway import URI

GUARD = URI.replace(":function:chat", ":function:guard")
POOL = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_abc"


def make(client: Any) -> str:
    """An API with something of everything, deployed to ``live``."""
    policy = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"}
    api = client.create_rest_api(
        name="chat",
        version="7",
        description="talks",
        binaryMediaTypes=["image/png"],
        apiKeySource="AUTHORIZER",
        endpointConfiguration={"types": ["REGIONAL"]},
        policy=json.dumps({"Version": "2012-10-17", "Statement": [policy]}),
    )["id"]
    root = client.get_resources(restApiId=api)["items"][0]["id"]
    answer = {"type": "object", "properties": {"q": {"$ref": "#/definitions/Text"}}}
    for name, schema in (("Text", {"type": "string"}), ("Question", answer)):
        client.create_model(
            restApiId=api, name=name, contentType="application/json", schema=json.dumps(schema)
        )
    validator = client.create_request_validator(restApiId=api, name="body", validateRequestBody=True)["id"]
    guard = client.create_authorizer(
        restApiId=api, name="guard", type="TOKEN", authorizerUri=GUARD, authorizerResultTtlInSeconds=9,
        identitySource="method.request.header.X-Token", identityValidationExpression="key-.*",
    )["id"]  # fmt: skip
    users = client.create_authorizer(
        restApiId=api, name="users", type="COGNITO_USER_POOLS", providerARNs=[POOL],
        identitySource="method.request.header.Authorization",
    )["id"]  # fmt: skip
    client.put_gateway_response(
        restApiId=api, responseType="UNAUTHORIZED", statusCode="418",
        responseParameters={"gatewayresponse.header.X": "'y'"}, responseTemplates={"application/json": "{}"},
    )  # fmt: skip
    chat = client.create_resource(restApiId=api, parentId=root, pathPart="chat")["id"]
    one = client.create_resource(restApiId=api, parentId=chat, pathPart="{id}")["id"]

    def method(resource: str, verb: str, kind: str, **given: Any) -> dict[str, str]:
        at = {"restApiId": api, "resourceId": resource, "httpMethod": verb}
        client.put_method(**at, authorizationType=kind, **given)
        return at

    at = method(
        chat, "POST", "CUSTOM", authorizerId=guard, apiKeyRequired=True, operationName="ask",
        requestModels={"application/json": "Question"}, requestValidatorId=validator,
        requestParameters={"method.request.querystring.n": True, "method.request.header.H": False},
    )  # fmt: skip
    client.put_method_response(
        **at, statusCode="200", responseParameters={"method.response.header.X-A": False},
        responseModels={"application/json": "Question"},
    )  # fmt: skip
    client.put_integration(
        **at, type="AWS", integrationHttpMethod="POST", uri=URI, timeoutInMillis=9000,
        requestTemplates={"application/json": "$input.body"}, passthroughBehavior="NEVER",
        requestParameters={"integration.request.header.N": "method.request.querystring.n"},
        cacheKeyParameters=["method.request.querystring.n"],
    )  # fmt: skip
    client.put_integration_response(
        **at, statusCode="200", responseParameters={"method.response.header.X-A": "'a'"},
        responseTemplates={"application/json": "$input.body"},
    )  # fmt: skip
    client.put_method_response(**at, statusCode="500")
    client.put_integration_response(**at, statusCode="500", selectionPattern=".*wrong.*")
    at = method(one, "ANY", "COGNITO_USER_POOLS", authorizerId=users, authorizationScopes=["a/b"])
    stream = URI.replace("2015-03-31", "2021-11-15").replace(
        "/invocations", "/response-streaming-invocations"
    )
    client.put_integration(
        **at, type="AWS_PROXY", integrationHttpMethod="POST", uri=stream, responseTransferMode="STREAM",
        timeoutInMillis=900_000,
    )  # fmt: skip
    at = method(one, "GET", "AWS_IAM", requestParameters={"method.request.path.id": True})
    client.put_integration(
        **at, type="HTTP_PROXY", integrationHttpMethod="GET", uri="https://example.com/{id}"
    )
    client.create_deployment(restApiId=api, stageName="live")
    return str(api)


def shown(client: Any, api: str) -> Any:
    """An API without its ids: two that are the same look the same."""
    named = {"authorizerId": "get_authorizers", "requestValidatorId": "get_request_validators"}
    names = {
        one["id"]: one["name"]
        for ask in named.values()
        for one in getattr(client, ask)(restApiId=api)["items"]
    }
    resources = {}
    for resource in client.get_resources(restApiId=api, embed=["methods"])["items"]:
        methods = resource.get("resourceMethods", {})
        for method in methods.values():
            method.update({member: names[method[member]] for member in named if member in method})
            method["methodIntegration"].pop("cacheNamespace", None)
        resources[resource["path"]] = methods
    parts: dict[str, Any] = {}
    for ask in ("get_authorizers", "get_request_validators", "get_models", "get_gateway_responses"):
        items = getattr(client, ask)(restApiId=api)["items"]
        kept = [{k: v for k, v in one.items() if k != "id"} for one in items]
        parts[ask] = {one.get("name", one.get("responseType")): one for one in kept}
    for model in parts["get_models"].values():
        model["schema"] = json.loads(model["schema"].replace("#/components/schemas/", "#/definitions/"))
    info = client.get_rest_api(restApiId=api)
    members = ("name", "version", "description", "binaryMediaTypes", "apiKeySource")
    return resources, parts, {member: info.get(member) for member in members}, json.loads(info["policy"])


@pytest.mark.parametrize("kind", ["oas30", "swagger"])
@pytest.mark.parametrize("accepts", ["application/json", "application/yaml"])
def test_an_export_is_the_same_api_when_it_is_imported(served: Served, kind: str, accepts: str) -> None:
    client = served.client("apigateway")
    api = make(client)
    exported = client.get_export(
        restApiId=api, stageName="live", exportType=kind, accepts=accepts,
        parameters={"extensions": "integrations,authorizers"},
    )  # fmt: skip
    assert (exported["contentType"], "attachment" in exported["contentDisposition"]) == (accepts, True)
    regional = {"endpointConfigurationTypes": "REGIONAL"}
    imported = client.import_rest_api(body=exported["body"].read(), parameters=regional)
    assert shown(client, imported["id"]) == shown(client, api)


def test_an_export_is_of_what_was_deployed(served: Served) -> None:
    client = served.client("apigateway")
    api = make(client)
    root = client.get_resources(restApiId=api)["items"][0]["id"]
    client.create_resource(restApiId=api, parentId=root, pathPart="later")

    def export(**more: Any) -> Any:
        return json.loads(client.get_export(restApiId=api, stageName="live", **more)["body"].read())

    plain = export(exportType="oas30")
    assert set(plain["paths"]) == {"/chat", "/chat/{id}"}
    server = plain["servers"][0]
    assert (server["url"].partition(".")[2], server["variables"]["basePath"]["default"]) == (
        "execute-api.us-east-1.amazonaws.com/{basePath}",
        "live",
    )
    assert "x-amazon-apigateway" not in json.dumps(plain["paths"]).replace(
        "x-amazon-apigateway-any-method", ""
    )
    assert plain["components"]["securitySchemes"]["guard"]["x-amazon-apigateway-authtype"] == "custom"
    assert export(exportType="swagger")["basePath"] == "/live"
    where = {"restApiId": api, "stageName": "live"}
    assert refused(client.get_export, **where, exportType="raml")[:2] == (400, "BadRequestException")
    postman = {"exportType": "oas30", "parameters": {"extensions": "postman"}}
    assert refused(client.get_export, **where, **postman)[0] == 501
