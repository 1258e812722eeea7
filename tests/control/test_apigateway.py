"""REST APIs through boto3: what is stored, what is refused, what a deployment freezes."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from tests.control.helpers import Served, refused, serve

URI = (
    "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
    "arn:aws:lambda:us-east-1:000000000000:function:chat/invocations"
)


def rest_api(client: Any, kind: str = "REGIONAL") -> tuple[str, str]:
    """Ids of a new API and its root resource."""
    made = client.create_rest_api(name="chat", endpointConfiguration={"types": [kind]})
    return made["id"], made["rootResourceId"]


def method(
    client: Any, api: str, resource: str, http_method: str = "POST", **integration: Any
) -> dict[str, str]:
    """A method with a Lambda proxy integration; what names it."""
    where = {"restApiId": api, "resourceId": resource, "httpMethod": http_method}
    client.put_method(**where, authorizationType="NONE")
    given = {"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": URI, **integration}
    client.put_integration(**where, **given)
    return where


def test_a_new_api(served: Any) -> None:
    client = served.client("apigateway")
    made = client.create_rest_api(name="chat", binaryMediaTypes=["image/png"], tags={"a": "b"})
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["binaryMediaTypes"] == ["image/png"]
    assert made["apiKeySource"] == "HEADER"
    assert made["endpointConfiguration"]["types"] == ["EDGE"]
    assert client.get_rest_apis()["items"][0]["id"] == made["id"]
    (root,) = client.get_resources(restApiId=made["id"])["items"]
    assert (root["id"], root["path"]) == (made["rootResourceId"], "/")
    assert client.get_tags(resourceArn=f"arn:aws:apigateway:us-east-1::/restapis/{made['id']}")["tags"] == {
        "a": "b"
    }
    assert client.delete_rest_api(restApiId=made["id"])["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert refused(client.get_rest_api, restApiId=made["id"]) == (
        404,
        "NotFoundException",
        f"Invalid API identifier specified 000000000000:{made['id']}",
    )


def test_api_patches(served: Any) -> None:
    client = served.client("apigateway")
    api, _ = rest_api(client, "EDGE")
    client.update_rest_api(
        restApiId=api,
        patchOperations=[
            {"op": "replace", "path": "/name", "value": "new"},
            {"op": "add", "path": "/binaryMediaTypes/image~1png"},
            {"op": "add", "path": "/binaryMediaTypes/*~1*"},
            {"op": "remove", "path": "/binaryMediaTypes/image~1png"},
            {"op": "replace", "path": "/endpointConfiguration/types/EDGE", "value": "REGIONAL"},
            {"op": "replace", "path": "/disableExecuteApiEndpoint", "value": "true"},
        ],
    )
    found = client.get_rest_api(restApiId=api)
    assert (found["name"], found["binaryMediaTypes"], found["disableExecuteApiEndpoint"]) == (
        "new",
        ["*/*"],
        True,
    )
    assert found["endpointConfiguration"]["types"] == ["REGIONAL"]
    bad = [{"op": "replace", "path": "/id", "value": "x"}]
    status, code, message = refused(client.update_rest_api, restApiId=api, patchOperations=bad)
    assert (status, code) == (400, "BadRequestException")
    assert message.startswith(
        "Invalid patch path  '/id' specified for op 'replace'. Must be one of: [/name, "
    )


def test_resources(served: Any) -> None:
    client = served.client("apigateway")
    api, root = rest_api(client)
    users = client.create_resource(restApiId=api, parentId=root, pathPart="users")
    one = client.create_resource(restApiId=api, parentId=users["id"], pathPart="{id}")
    assert (users["path"], one["path"]) == ("/users", "/users/{id}")
    rest = client.create_resource(restApiId=api, parentId=root, pathPart="{proxy+}")["id"]

    def message(parent: str, part: str) -> str:
        return refused(client.create_resource, restApiId=api, parentId=parent, pathPart=part)[2]

    assert message(root, "users") == "Another resource with the same parent already has this name: users"
    assert message(users["id"], "{name}").startswith(
        "A sibling ({id}) of this resource already has a variable"
    )
    assert message(rest, "x") == "Cannot create a child of a resource with a greedy path variable: {proxy+}"
    assert message(root, "a/b").startswith("Resource's path part only allow")
    assert message("none", "x") == "Invalid Resource identifier specified"
    client.update_resource(
        restApiId=api,
        resourceId=users["id"],
        patchOperations=[{"op": "replace", "path": "/pathPart", "value": "people"}],
    )
    assert client.get_resource(restApiId=api, resourceId=one["id"])["path"] == "/people/{id}"
    client.delete_resource(restApiId=api, resourceId=users["id"])
    assert refused(client.get_resource, restApiId=api, resourceId=one["id"])[0] == 404
    assert (
        refused(client.delete_resource, restApiId=api, resourceId=root)[2]
        == "Cannot remove the root resource."
    )


def test_methods_and_responses(served: Any) -> None:
    client = served.client("apigateway")
    api, root = rest_api(client)
    where = method(client, api, root, "GET", requestTemplates={"application/json": "{}"}, type="AWS", uri=URI)
    client.put_method_response(**where, statusCode="200", responseModels={"application/json": "Empty"})
    client.put_integration_response(**where, statusCode="200", responseTemplates={"application/json": ""})
    found = client.get_method(**where)
    assert found["methodResponses"]["200"]["responseModels"] == {"application/json": "Empty"}
    assert found["methodIntegration"]["integrationResponses"]["200"]["responseTemplates"] == {
        "application/json": ""
    }
    assert client.get_resources(restApiId=api)["items"][0]["resourceMethods"] == {"GET": {}}
    (shown,) = client.get_resources(restApiId=api, embed=["methods"])["items"]
    assert shown["resourceMethods"]["GET"]["methodIntegration"]["type"] == "AWS"
    client.update_method(
        **where, patchOperations=[{"op": "replace", "path": "/apiKeyRequired", "value": "true"}]
    )
    client.update_integration(
        **where,
        patchOperations=[
            {"op": "add", "path": "/requestTemplates/text~1plain", "value": "t"},
            {"op": "replace", "path": "/timeoutInMillis", "value": "5000"},
            {"op": "remove", "path": "/requestTemplates/application~1json"},
        ],
    )
    client.update_integration_response(
        **where,
        statusCode="200",
        patchOperations=[{"op": "replace", "path": "/selectionPattern", "value": "ok"}],
    )
    found = client.get_method(**where)
    assert found["apiKeyRequired"] is True
    assert found["methodIntegration"]["requestTemplates"] == {"text/plain": "t"}
    assert found["methodIntegration"]["timeoutInMillis"] == 5000
    assert found["methodIntegration"]["integrationResponses"]["200"]["selectionPattern"] == "ok"
    client.delete_integration_response(**where, statusCode="200")
    client.delete_method_response(**where, statusCode="200")
    absent = "Invalid Response status code specified"
    assert refused(client.get_integration_response, **where, statusCode="200")[2] == absent
    client.delete_integration(**where)
    assert refused(client.get_integration, **where)[2] == "Invalid Integration identifier specified"
    assert refused(client.put_method, **where, authorizationType="NONE")[:2] == (409, "ConflictException")
    client.delete_method(**where)
    assert refused(client.get_method, **where)[2] == "Invalid Method identifier specified"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"type": "AWS_PROXY", "uri": URI}, "Enumeration value for HttpMethod must be non-empty"),
        (
            {"type": "AWS", "integrationHttpMethod": "POST", "uri": "x"},
            "Invalid ARN specified in the request",
        ),
        (
            {"type": "AWS", "integrationHttpMethod": "POST", "uri": "arn:aws:lambda:us-east-1:0:function:x"},
            "AWS ARN for integration must contain path or action",
        ),
        (
            {"type": "HTTP_PROXY", "integrationHttpMethod": "GET", "uri": "chat.example"},
            "Invalid HTTP endpoint specified for URI",
        ),
        (
            {"type": "MOCK", "responseTransferMode": "STREAM"},
            "Response transfer mode STREAM is not supported for integrations of type 'MOCK'",
        ),
    ],
)
def test_integrations_that_are_refused(served: Any, given: dict[str, Any], message: str) -> None:
    client = served.client("apigateway")
    api, root = rest_api(client)
    client.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    found = refused(client.put_integration, restApiId=api, resourceId=root, httpMethod="GET", **given)
    assert found == (400, "BadRequestException", message)


@pytest.mark.fact("1.1", "1.22")
@pytest.mark.parametrize(
    ("timeout", "mode", "highest"),
    [(49, "BUFFERED", 29_000), (29_001, "BUFFERED", 29_000), (900_001, "STREAM", 900_000)],
)
def test_timeouts_out_of_bounds(served: Any, timeout: int, mode: str, highest: int) -> None:
    client = served.client("apigateway")
    api, root = rest_api(client)
    client.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    found = refused(
        client.put_integration,
        restApiId=api,
        resourceId=root,
        httpMethod="GET",
        type="HTTP_PROXY",
        integrationHttpMethod="GET",
        uri="http://example.com",
        timeoutInMillis=timeout,
        responseTransferMode=mode,
    )
    assert found == (400, "BadRequestException", f"Timeout should be between 50 ms and {highest} ms")


@pytest.mark.fact("1.1", "1.20")
def test_integration_defaults(served: Any) -> None:
    client = served.client("apigateway")
    api, root = rest_api(client)
    found = client.get_integration(**method(client, api, root))
    assert (found["timeoutInMillis"], found["responseTransferMode"]) == (29_000, "BUFFERED")
    streamed = client.get_integration(
        **method(client, api, root, "GET", responseTransferMode="STREAM", timeoutInMillis=900_000)
    )
    assert (streamed["timeoutInMillis"], streamed["responseTransferMode"]) == (900_000, "STREAM")


@pytest.mark.fact("1.2")
def test_a_raised_quota_allows_longer_timeouts_but_not_at_the_edge(served: Any) -> None:
    quotas, client = served.client("service-quotas"), served.client("apigateway")
    name = {"ServiceCode": "apigateway", "QuotaCode": "L-E5AE38E3"}
    quota = quotas.get_service_quota(**name)["Quota"]
    assert (quota["QuotaName"], quota["Value"]) == ("Maximum integration timeout in milliseconds", 29_000)
    made = quotas.request_service_quota_increase(**name, DesiredValue=60_000)["RequestedQuota"]
    assert made["Status"] == "APPROVED"
    assert quotas.get_service_quota(**name)["Quota"]["Value"] == 60_000
    api, root = rest_api(client)
    assert (
        client.get_integration(**method(client, api, root, timeoutInMillis=60_000))["timeoutInMillis"]
        == 60_000
    )
    edge, root = rest_api(client, "EDGE")
    client.put_method(restApiId=edge, resourceId=root, httpMethod="GET", authorizationType="NONE")
    given = {"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": URI, "timeoutInMillis": 60_000}
    message = refused(client.put_integration, restApiId=edge, resourceId=root, httpMethod="GET", **given)[2]
    assert message == "Timeout should be between 50 ms and 29000 ms"


@pytest.fixture
def in_may_2024() -> Any:
    served, end = serve(as_of=date(2024, 5, 1))
    yield served
    end()


@pytest.mark.fact("1.2", "1.20")
def test_may_2024_knows_no_raise_and_no_streaming(in_may_2024: Served) -> None:
    quotas, client = in_may_2024.client("service-quotas"), in_may_2024.client("apigateway")
    found = refused(
        quotas.request_service_quota_increase,
        ServiceCode="apigateway",
        QuotaCode="L-E5AE38E3",
        DesiredValue=60_000,
    )
    assert found[1] == "IllegalArgumentException"
    api, root = rest_api(client)
    where = method(client, api, root)
    given = {
        "type": "AWS_PROXY",
        "integrationHttpMethod": "POST",
        "uri": URI,
        "responseTransferMode": "STREAM",
    }
    early = refused(client.put_integration, **where, **given)
    message = "Invalid integration member specified: responseTransferMode"
    assert early == (400, "BadRequestException", message)
    early = refused(client.import_rest_api, body=json.dumps(DOCUMENT).encode())
    assert early[1] == "BadRequestException"
    assert early[2].endswith(f"on 'POST' for resource at path '/chat/{{id}}': {message}")
    assert "responseTransferMode" not in client.get_integration(**where)
    change = {"op": "replace", "path": "/responseTransferMode", "value": "STREAM"}
    early = refused(client.update_integration, **where, patchOperations=[change])
    assert early[2].startswith("Invalid patch path  '/responseTransferMode' specified for op 'replace'.")
    client.create_deployment(restApiId=api, stageName="live")
    deployed = in_may_2024.ask(in_may_2024.control.resources.rest_api(api, "live"))
    assert deployed is not None
    integration = deployed.resources[0].methods["POST"].integration
    assert integration is not None
    assert integration.transfer_mode == "BUFFERED"


def test_a_deployment_is_a_snapshot(served: Any) -> None:
    client, resources = served.client("apigateway"), served.control.resources
    api, root = rest_api(client)
    where = method(client, api, root)
    first = client.create_deployment(restApiId=api, stageName="live", variables={"model": "fast"})
    client.update_integration(
        **where, patchOperations=[{"op": "replace", "path": "/timeoutInMillis", "value": "1000"}]
    )
    client.create_resource(restApiId=api, parentId=root, pathPart="later")
    client.put_gateway_response(restApiId=api, responseType="INTEGRATION_TIMEOUT", statusCode="408")

    def deployed() -> Any:
        return served.ask(resources.rest_api(api, "live"))

    assert [resource.path for resource in deployed().resources] == ["/"]
    assert deployed().resources[0].methods["POST"].integration.timeout_ms == 29_000
    assert deployed().gateway_responses == {}
    assert deployed().stage_variables == {"model": "fast"}
    assert (deployed().endpoint_type, deployed().deployment_id) == ("REGIONAL", first["id"])
    client.update_stage(
        restApiId=api,
        stageName="live",
        patchOperations=[{"op": "replace", "path": "/variables/model", "value": "slow"}],
    )
    assert deployed().stage_variables == {"model": "slow"}
    message = refused(client.create_deployment, restApiId=api, stageName="not allowed")[2]
    assert message.startswith("Stage name only allows")
    second = client.create_deployment(restApiId=api, stageName="live")
    assert deployed().resources[0].methods["POST"].integration.timeout_ms == 1000
    assert deployed().gateway_responses["INTEGRATION_TIMEOUT"]["statusCode"] == "408"
    client.update_stage(  # rolled back
        restApiId=api,
        stageName="live",
        patchOperations=[{"op": "replace", "path": "/deploymentId", "value": first["id"]}],
    )
    assert deployed().resources[0].methods["POST"].integration.timeout_ms == 29_000
    client.delete_deployment(restApiId=api, deploymentId=second["id"])
    active = "Active stages pointing to this deployment must be moved or deleted"
    assert refused(client.delete_deployment, restApiId=api, deploymentId=first["id"])[2] == active
    client.delete_stage(restApiId=api, stageName="live")
    assert deployed() is None
    assert served.ask(resources.rest_api_exists(api))
    assert not served.ask(resources.rest_api_exists("none"))


def test_what_cannot_be_deployed(served: Any) -> None:
    client = served.client("apigateway")
    api, root = rest_api(client)
    assert refused(client.create_deployment, restApiId=api)[2] == "The REST API doesn't contain any methods"
    client.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    assert refused(client.create_deployment, restApiId=api)[2] == "No integration defined for method"


def test_stages(served: Any) -> None:
    client = served.client("apigateway")
    api, root = rest_api(client)
    method(client, api, root)
    deployment = client.create_deployment(restApiId=api)["id"]
    given = {"restApiId": api, "stageName": "dev", "deploymentId": deployment}
    client.create_stage(**given, variables={"a": "1"})
    assert refused(client.create_stage, **given)[:2] == (409, "ConflictException")
    client.update_stage(
        restApiId=api,
        stageName="dev",
        patchOperations=[
            {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "5"},
            {"op": "replace", "path": "/~1chat/POST/logging/loglevel", "value": "INFO"},
            {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": "arn"},
            {"op": "remove", "path": "/variables/a"},
            {"op": "add", "path": "/variables/b", "value": "2"},
        ],
    )
    stage = client.get_stage(restApiId=api, stageName="dev")
    assert stage["methodSettings"]["*/*"]["throttlingRateLimit"] == 5.0
    assert stage["methodSettings"]["~1chat/POST"]["loggingLevel"] == "INFO"
    assert stage["accessLogSettings"] == {"destinationArn": "arn"}
    assert stage["variables"] == {"b": "2"}
    assert [s["stageName"] for s in client.get_stages(restApiId=api)["item"]] == ["dev"]
    assert refused(client.get_stage, restApiId=api, stageName="x")[2] == "Invalid stage identifier specified"


def test_authorizers_models_validators(served: Any) -> None:
    client = served.client("apigateway")
    api, root = rest_api(client)
    authorizer = client.create_authorizer(
        restApiId=api,
        name="jwt",
        type="TOKEN",
        authorizerUri=URI,
        identitySource="method.request.header.Authorization",
    )
    assert (authorizer["authorizerResultTtlInSeconds"], authorizer["authType"]) == (300, "custom")
    client.update_authorizer(
        restApiId=api,
        authorizerId=authorizer["id"],
        patchOperations=[{"op": "replace", "path": "/authorizerResultTtlInSeconds", "value": "0"}],
    )
    validator = client.create_request_validator(restApiId=api, name="body", validateRequestBody=True)
    client.create_model(restApiId=api, name="Chat", contentType="application/json", schema="{}")
    client.put_method(
        restApiId=api,
        resourceId=root,
        httpMethod="POST",
        authorizationType="CUSTOM",
        authorizerId=authorizer["id"],
        requestValidatorId=validator["id"],
        requestModels={"application/json": "Chat"},
    )
    client.put_integration(restApiId=api, resourceId=root, httpMethod="POST", type="MOCK")
    client.create_deployment(restApiId=api, stageName="live")
    deployed = served.ask(served.control.resources.rest_api(api, "live"))
    made = deployed.resources[0].methods["POST"]
    assert (made.authorization, made.authorizer_id) == ("CUSTOM", authorizer["id"])
    assert deployed.authorizers[authorizer["id"]]["authorizerResultTtlInSeconds"] == 0
    assert client.get_models(restApiId=api)["items"][0]["name"] == "Chat"
    client.delete_model(restApiId=api, modelName="Chat")
    assert (
        refused(client.get_model, restApiId=api, modelName="Chat")[2] == "Invalid model name specified: Chat"
    )
    given = {"restApiId": api, "resourceId": root, "httpMethod": "GET", "authorizationType": "CUSTOM"}
    assert "requires a valid authorizer" in refused(client.put_method, **given)[2]


def test_gateway_responses(served: Any) -> None:
    client = served.client("apigateway")
    api, _ = rest_api(client)
    default = client.get_gateway_response(restApiId=api, responseType="THROTTLED")
    assert (default["statusCode"], default["defaultResponse"]) == ("429", True)
    client.put_gateway_response(
        restApiId=api,
        responseType="THROTTLED",
        statusCode="503",
        responseParameters={"gatewayresponse.header.Retry-After": "'1'"},
        responseTemplates={"application/json": "{}"},
    )
    found = client.get_gateway_response(restApiId=api, responseType="THROTTLED")
    assert (found["statusCode"], found["defaultResponse"]) == ("503", False)
    assert len(client.get_gateway_responses(restApiId=api)["items"]) == 21
    client.delete_gateway_response(restApiId=api, responseType="THROTTLED")
    assert client.get_gateway_response(restApiId=api, responseType="THROTTLED")["defaultResponse"]


def test_keys_and_plans_are_motos(served: Any) -> None:
    client = served.client("apigateway")
    key = client.create_api_key(name="k", enabled=True)
    plan = client.create_usage_plan(name="p", throttle={"rateLimit": 1.0, "burstLimit": 1})
    client.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    assert [k["id"] for k in client.get_usage_plan_keys(usagePlanId=plan["id"])["items"]] == [key["id"]]


DOCUMENT = {
    "swagger": "2.0",
    "info": {"title": "chat", "version": "1.0"},
    "paths": {
        "/chat/{id}": {
            "post": {
                "parameters": [{"name": "id", "in": "path", "required": True, "type": "string"}],
                "x-amazon-apigateway-integration": {
                    "type": "aws_proxy",
                    "httpMethod": "POST",
                    "uri": URI,
                    "responseTransferMode": "STREAM",
                    "timeoutInMillis": 600_000,
                },
                "responses": {"200": {"description": "ok"}},
                "security": [{"jwt": []}],
            },
            "x-amazon-apigateway-any-method": {
                "x-amazon-apigateway-integration": {
                    "type": "mock",
                    "requestTemplates": {"application/json": '{"statusCode": 200}'},
                    "responses": {"default": {"statusCode": "200"}, "4..": {"statusCode": "400"}},
                }
            },
        }
    },
    "securityDefinitions": {
        "jwt": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "custom",
            "x-amazon-apigateway-authorizer": {"type": "token", "authorizerUri": URI},
        }
    },
    "x-amazon-apigateway-binary-media-types": ["application/octet-stream"],
    "x-amazon-apigateway-gateway-responses": {"DEFAULT_5XX": {"statusCode": 599}},
}


def test_import_of_a_document(served: Any) -> None:
    client = served.client("apigateway")
    made = client.import_rest_api(
        body=json.dumps(DOCUMENT).encode(), parameters={"endpointConfigurationTypes": "REGIONAL"}
    )
    assert (made["name"], made["version"]) == ("chat", "1.0")
    client.create_deployment(restApiId=made["id"], stageName="live")
    deployed = served.ask(served.control.resources.rest_api(made["id"], "live"))
    assert deployed.endpoint_type == "REGIONAL"
    assert deployed.binary_media_types == ("application/octet-stream",)
    assert deployed.gateway_responses["DEFAULT_5XX"]["statusCode"] == "599"
    by_path = {resource.path: resource for resource in deployed.resources}
    assert set(by_path) == {"/", "/chat", "/chat/{id}"}
    post = by_path["/chat/{id}"].methods["POST"]
    assert (post.integration.type, post.integration.transfer_mode) == ("AWS_PROXY", "STREAM")
    assert post.integration.timeout_ms == 600_000
    assert post.authorization == "CUSTOM"
    assert deployed.authorizers[post.authorizer_id]["identitySource"] == "method.request.header.Authorization"
    any_method = by_path["/chat/{id}"].methods["ANY"]
    assert any_method.integration.responses["400"]["selectionPattern"] == "4.."


def test_put_rest_api_overwrites_or_leaves_all_as_it_was(served: Any) -> None:
    client = served.client("apigateway")
    api, root = rest_api(client)
    method(client, api, root)
    bad = json.loads(json.dumps(DOCUMENT))
    bad["paths"]["/chat/{id}"]["post"]["x-amazon-apigateway-integration"]["timeoutInMillis"] = 1
    status, code, message = refused(
        client.put_rest_api, restApiId=api, mode="overwrite", body=json.dumps(bad).encode()
    )
    assert (status, code) == (400, "BadRequestException")
    assert (
        "Unable to put integration on 'POST' for resource at path '/chat/{id}': Timeout should be" in message
    )
    assert [r["path"] for r in client.get_resources(restApiId=api)["items"]] == ["/"]
    client.put_rest_api(restApiId=api, mode="overwrite", body=json.dumps(DOCUMENT).encode())
    assert len(client.get_resources(restApiId=api)["items"]) == 3
    assert refused(client.put_rest_api, restApiId=api, body=b"- no document")[1] == "BadRequestException"
