"""HTTP and WebSocket APIs through boto3: what is stored, what is refused, what a deployment freezes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.config import Config

from tests.control.helpers import Served, refused

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:chat"
PROXY = {"IntegrationType": "AWS_PROXY", "IntegrationUri": FUNCTION, "PayloadFormatVersion": "2.0"}


@pytest.fixture
def client(served: Served) -> Any:
    return served.client("apigatewayv2")


def http_api(client: Any, **more: Any) -> str:
    return str(client.create_api(Name="chat", ProtocolType="HTTP", **more)["ApiId"])


def websocket_api(client: Any) -> str:
    made = client.create_api(
        Name="chat", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )
    return str(made["ApiId"])


def route(client: Any, api: str, key: str = "$default", **more: Any) -> dict[str, Any]:
    integration = client.create_integration(ApiId=api, **PROXY)["IntegrationId"]
    target = f"integrations/{integration}"
    return client.create_route(ApiId=api, RouteKey=key, Target=target, **more)  # type: ignore[no-any-return]


def test_a_new_http_api(client: Any, served: Served) -> None:
    made = client.create_api(Name="chat", ProtocolType="HTTP", Tags={"a": "b"})
    api = made["ApiId"]
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["ApiEndpoint"] == f"http://{api}.execute-api.us-east-1.localhost:{served.port}"
    assert made["RouteSelectionExpression"] == "$request.method $request.path"
    assert made["ApiKeySelectionExpression"] == "$request.header.x-api-key"
    assert made["DisableExecuteApiEndpoint"] is False
    assert [found["ApiId"] for found in client.get_apis()["Items"]] == [api]
    arn = f"arn:aws:apigateway:us-east-1::/apis/{api}"
    client.tag_resource(ResourceArn=arn, Tags={"c": "d"})
    client.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert client.get_tags(ResourceArn=arn)["Tags"] == {"c": "d"}
    assert client.delete_api(ApiId=api)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.get_api, ApiId=api) == (
        404,
        "NotFoundException",
        f"Invalid API identifier specified {api}",
    )


def test_a_new_websocket_api(client: Any, served: Served) -> None:
    api = websocket_api(client)
    found = client.get_api(ApiId=api)
    assert found["ApiEndpoint"] == f"ws://{api}.execute-api.us-east-1.localhost:{served.port}"
    assert found["RouteSelectionExpression"] == "$request.body.action"
    status, code, message = refused(client.create_api, Name="x", ProtocolType="WEBSOCKET")
    assert (status, code) == (400, "BadRequestException")
    assert "RouteSelectionExpression" in message


def test_quick_create(client: Any) -> None:
    made = client.create_api(Name="chat", ProtocolType="HTTP", Target=FUNCTION)
    api = made["ApiId"]
    (integration,) = client.get_integrations(ApiId=api)["Items"]
    assert integration["ApiGatewayManaged"] is True
    assert (integration["IntegrationType"], integration["PayloadFormatVersion"]) == ("AWS_PROXY", "2.0")
    (kept,) = client.get_routes(ApiId=api)["Items"]
    assert kept["RouteKey"] == "$default"
    assert kept["Target"] == f"integrations/{integration['IntegrationId']}"
    (stage,) = client.get_stages(ApiId=api)["Items"]
    assert (stage["StageName"], stage["AutoDeploy"]) == ("$default", True)
    assert stage["DeploymentId"]
    client.update_api(ApiId=api, RouteKey="GET /chat", Target="https://example.com")
    (kept,) = client.get_routes(ApiId=api)["Items"]
    assert kept["RouteKey"] == "GET /chat"


def test_quick_create_of_an_http_proxy(client: Any) -> None:
    api = client.create_api(Name="x", ProtocolType="HTTP", Target="https://example.com/a", RouteKey="GET /a")[
        "ApiId"
    ]
    (integration,) = client.get_integrations(ApiId=api)["Items"]
    assert (integration["IntegrationType"], integration["IntegrationMethod"]) == ("HTTP_PROXY", "ANY")


def test_cors(client: Any) -> None:
    api = http_api(client, CorsConfiguration={"AllowOrigins": ["https://a.example"], "MaxAge": 60})
    assert client.get_api(ApiId=api)["CorsConfiguration"]["MaxAge"] == 60
    bad = {"AllowOrigins": ["*"], "AllowCredentials": True}
    assert refused(client.update_api, ApiId=api, CorsConfiguration=bad)[:2] == (400, "BadRequestException")
    assert client.get_api(ApiId=api)["CorsConfiguration"]["AllowOrigins"] == ["https://a.example"]
    client.delete_cors_configuration(ApiId=api)
    assert "CorsConfiguration" not in client.get_api(ApiId=api)


def test_routes(client: Any) -> None:
    api = http_api(client)
    made = route(client, api, "ANY /{proxy+}")
    assert (made["AuthorizationType"], made["ApiKeyRequired"]) == ("NONE", False)
    assert refused(client.create_route, ApiId=api, RouteKey="ANY /{proxy+}") == (
        409,
        "ConflictException",
        "Route with key ANY /{proxy+} already exists for this API",
    )
    client.create_route(ApiId=api, RouteKey="GET /chat/{id}")
    assert refused(client.create_route, ApiId=api, RouteKey="GET /chat/{chat}") == (
        409,
        "ConflictException",
        'The provided route key "GET /chat/{chat}" has a conflicting variable on the same hierarchical level as '
        '"GET /chat/{id}"',
    )
    client.update_route(
        ApiId=api, RouteId=made["RouteId"], RouteKey="POST /chat", AuthorizationType="AWS_IAM"
    )
    found = client.get_route(ApiId=api, RouteId=made["RouteId"])
    assert (found["RouteKey"], found["AuthorizationType"]) == ("POST /chat", "AWS_IAM")
    client.delete_route(ApiId=api, RouteId=made["RouteId"])
    assert [kept["RouteKey"] for kept in client.get_routes(ApiId=api)["Items"]] == ["GET /chat/{id}"]


@pytest.mark.parametrize("key", ["chat", "FETCH /chat", "GET chat", "GET /{proxy+}/a", "GET /a{b}", "POST"])
def test_a_route_key_of_an_http_api_has_a_form(client: Any, key: str) -> None:
    status, code, message = refused(client.create_route, ApiId=http_api(client), RouteKey=key)
    assert (status, code) == (400, "BadRequestException")
    assert key in message


@pytest.mark.fact("3.10")
def test_a_websocket_api_has_room_for_300_routes(client: Any, served: Served) -> None:
    api = websocket_api(client)
    for n in range(300):
        served.ask(served.control.call("apigatewayv2", "CreateRoute", ApiId=api, RouteKey=f"r{n}"))
    status, code, message = refused(client.create_route, ApiId=api, RouteKey="one-more")
    assert (status, code) == (429, "ConflictException")
    assert message.startswith("Maximum number of Routes for this API has been reached.")
    other = http_api(client)
    assert client.create_route(ApiId=other, RouteKey="$default")["RouteKey"] == "$default"


def test_a_route_needs_what_it_names(client: Any) -> None:
    api = http_api(client)
    assert refused(client.create_route, ApiId=api, RouteKey="GET /a", Target="integrations/none") == (
        400,
        "BadRequestException",
        "Invalid Integration identifier specified none",
    )
    assert refused(
        client.create_route, ApiId=api, RouteKey="GET /a", AuthorizationType="JWT", AuthorizerId="none"
    )[2] == (
        "Invalid authorizer ID specified. Setting the authorization type to JWT requires a valid JWT authorizer."
    )


@pytest.mark.fact("2.1")
@pytest.mark.fact("3.1")
def test_the_bounds_of_timeouts(client: Any, served: Served) -> None:
    api, socket = http_api(client), websocket_api(client)
    made = client.create_integration(ApiId=api, **PROXY)
    assert made["TimeoutInMillis"] == 30_000
    unchecked = served.client("apigatewayv2", config=Config(parameter_validation=False))
    for bad in (49, 30_001):
        assert refused(unchecked.create_integration, ApiId=api, **PROXY, TimeoutInMillis=bad) == (
            400,
            "BadRequestException",
            "Timeout should be between 50 ms and 30000 ms",
        )
    given = {**PROXY, "PayloadFormatVersion": "1.0"}
    assert client.create_integration(ApiId=socket, **given)["TimeoutInMillis"] == 29_000
    assert refused(client.create_integration, ApiId=socket, **given, TimeoutInMillis=29_001)[2] == (
        "Timeout should be between 50 ms and 29000 ms"
    )
    changed = client.update_integration(ApiId=api, IntegrationId=made["IntegrationId"], TimeoutInMillis=5_000)
    assert changed["TimeoutInMillis"] == 5_000


def test_integrations_of_http_apis_are_proxies(client: Any) -> None:
    api = http_api(client)
    given = {**PROXY, "IntegrationType": "AWS"}
    assert refused(client.create_integration, ApiId=api, **given)[2] == (
        "Currently, an API with a protocol type of HTTP may only be associated with proxy integrations "
        "(AWS_PROXY, HTTP_PROXY)"
    )
    assert (
        "PayloadFormatVersion"
        in (
            refused(
                client.create_integration,
                ApiId=api,
                IntegrationType="HTTP_PROXY",
                IntegrationUri="https://a.example",
                IntegrationMethod="GET",
            )[2]
        )
    )


def test_an_integration_in_use_stays(client: Any) -> None:
    api = http_api(client)
    kept = route(client, api)["Target"].removeprefix("integrations/")
    status, code, message = refused(client.delete_integration, ApiId=api, IntegrationId=kept)
    assert (status, code) == (409, "ConflictException")
    assert "$default" in message


def test_parameter_mappings_are_laid_over_each_other(client: Any) -> None:
    api = http_api(client)
    integration = client.create_integration(
        ApiId=api, **PROXY, RequestParameters={"overwrite:path": "/a", "append:header.x": "1"}
    )["IntegrationId"]
    changed = client.update_integration(
        ApiId=api, IntegrationId=integration, RequestParameters={"append:header.x": ""}
    )
    assert changed["RequestParameters"] == {"overwrite:path": "/a"}


def test_responses_belong_to_websocket_apis(client: Any) -> None:
    api = websocket_api(client)
    integration = client.create_integration(ApiId=api, IntegrationType="MOCK", TimeoutInMillis=50)
    ids = {"ApiId": api, "IntegrationId": integration["IntegrationId"]}
    assert integration["IntegrationResponseSelectionExpression"] == "${integration.response.statuscode}"
    made = client.create_integration_response(
        **ids, IntegrationResponseKey="$default", ResponseTemplates={"a": "{}"}
    )
    response = made["IntegrationResponseId"]
    client.update_integration_response(**ids, IntegrationResponseId=response, IntegrationResponseKey="/200/")
    (found,) = client.get_integration_responses(**ids)["Items"]
    assert (found["IntegrationResponseKey"], found["ResponseTemplates"]) == ("/200/", {"a": "{}"})
    kept = client.create_route(ApiId=api, RouteKey="send", RouteResponseSelectionExpression="$default")
    made = client.create_route_response(ApiId=api, RouteId=kept["RouteId"], RouteResponseKey="$default")
    assert (
        client.get_route_responses(ApiId=api, RouteId=kept["RouteId"])["Items"][0]["RouteResponseId"]
        == (made["RouteResponseId"])
    )
    api = http_api(client)
    made_route = route(client, api)
    given = {"ApiId": api, "RouteId": made_route["RouteId"], "RouteResponseKey": "$default"}
    assert refused(client.create_route_response, **given)[0] == 400


def test_authorizers(client: Any) -> None:
    api = http_api(client)
    jwt = {"Issuer": "https://issuer.example", "Audience": ["chat"]}
    made = client.create_authorizer(
        ApiId=api,
        Name="jwt",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration=jwt,
    )
    assert made["JwtConfiguration"] == jwt
    kept = client.create_route(
        ApiId=api, RouteKey="GET /a", AuthorizationType="JWT", AuthorizerId=made["AuthorizerId"]
    )
    assert refused(client.delete_authorizer, ApiId=api, AuthorizerId=made["AuthorizerId"])[:2] == (
        409,
        "ConflictException",
    )
    client.delete_route(ApiId=api, RouteId=kept["RouteId"])
    client.delete_authorizer(ApiId=api, AuthorizerId=made["AuthorizerId"])
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
    request = {
        "ApiId": api,
        "Name": "l",
        "AuthorizerType": "REQUEST",
        "AuthorizerUri": uri,
        "IdentitySource": [],
    }
    assert refused(client.create_authorizer, **request)[2] == (
        "AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer"
    )
    made = client.create_authorizer(
        **request, AuthorizerPayloadFormatVersion="2.0", EnableSimpleResponses=True
    )
    assert (made["EnableSimpleResponses"], made["AuthorizerResultTtlInSeconds"]) == (True, 0)


def test_models(client: Any) -> None:
    api = websocket_api(client)
    made = client.create_model(ApiId=api, Name="Chat", Schema='{"type": "object"}')
    assert made["ContentType"] == "application/json"
    assert refused(client.create_model, ApiId=api, Name="Chat", Schema="{}")[1] == "ConflictException"
    assert refused(client.create_model, ApiId=api, Name="Chat2", Schema="{")[1] == "BadRequestException"
    assert client.get_models(ApiId=api)["Items"][0]["ModelId"] == made["ModelId"]


def test_a_deployment_freezes_the_api(client: Any, served: Served) -> None:
    api = http_api(client)
    assert refused(client.create_deployment, ApiId=api) == (
        400,
        "BadRequestException",
        "At least one route is required before deploying the Api.",
    )
    route(client, api, "GET /a")
    deployment = client.create_deployment(ApiId=api)["DeploymentId"]
    client.create_stage(ApiId=api, StageName="live", DeploymentId=deployment, StageVariables={"color": "red"})
    route(client, api, "GET /b")

    def keys() -> set[str]:
        found = served.ask(served.control.resources.v2_api(api, "live"))
        assert found is not None
        assert found.stage_variables == {"color": "red"}
        return set(found.routes)

    assert keys() == {"GET /a"}
    client.create_deployment(ApiId=api, StageName="live")
    assert keys() == {"GET /a", "GET /b"}
    assert len(client.get_deployments(ApiId=api)["Items"]) == 2
    client.delete_deployment(ApiId=api, DeploymentId=deployment)
    used = client.get_stage(ApiId=api, StageName="live")["DeploymentId"]
    assert refused(client.delete_deployment, ApiId=api, DeploymentId=used)[:2] == (400, "BadRequestException")


def test_a_stage_that_deploys_by_itself(client: Any, served: Served) -> None:
    api = http_api(client)
    made = client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    assert made["LastDeploymentStatusMessage"].startswith("Deployment attempt failed: At least one route")
    assert served.ask(served.control.resources.v2_api(api, "$default")) is None
    route(client, api, "GET /a")
    (deployment,) = client.get_deployments(ApiId=api)["Items"]
    assert deployment["AutoDeployed"] is True
    assert deployment["Description"] == "Automatic deployment triggered by changes to the Api configuration"
    stage = client.get_stage(ApiId=api, StageName="$default")
    assert stage["DeploymentId"] == deployment["DeploymentId"]
    found = served.ask(served.control.resources.v2_api(api, "$default"))
    assert found is not None
    kept = found.routes["GET /a"].integration
    assert kept is not None
    assert (kept.uri, kept.payload_format, kept.timeout_ms) == (FUNCTION, "2.0", 30_000)
    assert served.ask(served.control.resources.v2_protocol(api)) == "HTTP"
    assert served.ask(served.control.resources.v2_protocol("nothing")) is None


def test_stages(client: Any) -> None:
    api = http_api(client)
    kept = route(client, api, "GET /a")
    client.create_stage(ApiId=api, StageName="live", AutoDeploy=True)
    assert refused(client.create_stage, ApiId=api, StageName="live")[:2] == (409, "ConflictException")
    settings = {"ThrottlingBurstLimit": 5, "ThrottlingRateLimit": 2.5}
    bad = {"GET /b": settings}
    assert refused(client.update_stage, ApiId=api, StageName="live", RouteSettings=bad) == (
        404,
        "NotFoundException",
        "Unable to find Route by key GET /b within the provided RouteSettings",
    )
    changed = client.update_stage(ApiId=api, StageName="live", RouteSettings={kept["RouteKey"]: settings})
    assert changed["RouteSettings"]["GET /a"]["ThrottlingRateLimit"] == 2.5
    client.delete_route_settings(ApiId=api, StageName="live", RouteKey="GET /a")
    assert client.get_stage(ApiId=api, StageName="live")["RouteSettings"] == {}
    assert refused(client.create_stage, ApiId=api, StageName="a b")[0] == 400
    assert refused(client.create_stage, ApiId=websocket_api(client), StageName="$default")[0] == 400


def test_an_openapi_document(client: Any) -> None:
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri, "payloadFormatVersion": "2.0"}
    proxy = {"type": "http_proxy", "httpMethod": "ANY", "uri": "https://example.com/{proxy}"}
    authorizer = {
        "type": "jwt",
        "identitySource": "$request.header.Authorization",
        "jwtConfiguration": {"issuer": "https://issuer.example", "audience": ["a"]},
    }
    document = {
        "openapi": "3.0.1",
        "info": {"title": "imported", "version": "2"},
        "tags": [{"name": "team", "x-amazon-apigateway-tag-value": "chat"}],
        "x-amazon-apigateway-cors": {"allowOrigins": ["*"], "maxAge": 5},
        "paths": {
            "/chat": {
                "post": {"x-amazon-apigateway-integration": integration, "security": [{"jwt": ["chat/send"]}]}
            },
            "/{proxy+}": {"x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": proxy}},
            "/$default": {"x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": integration}},
        },
        "components": {
            "securitySchemes": {"jwt": {"type": "oauth2", "x-amazon-apigateway-authorizer": authorizer}}
        },
    }
    made = client.import_api(Body=json.dumps(document))
    assert (made["Name"], made["Version"], made["Tags"]) == ("imported", "2", {"team": "chat"})
    assert made["CorsConfiguration"] == {"AllowOrigins": ["*"], "MaxAge": 5}
    api = made["ApiId"]
    kept = {found["RouteKey"]: found for found in client.get_routes(ApiId=api)["Items"]}
    assert set(kept) == {"POST /chat", "ANY /{proxy+}", "$default"}
    assert kept["POST /chat"]["AuthorizationType"] == "JWT"
    assert kept["POST /chat"]["AuthorizationScopes"] == ["chat/send"]
    (found,) = client.get_authorizers(ApiId=api)["Items"]
    assert found["IdentitySource"] == ["$request.header.Authorization"]
    document["paths"] = {
        "/new": {"get": {"x-amazon-apigateway-integration": {**proxy, "timeoutInMillis": 40_000}}}
    }
    assert refused(client.reimport_api, ApiId=api, Body=json.dumps(document)) == (
        400,
        "BadRequestException",
        "Errors found during import:\n\tGET /new: Timeout should be between 50 ms and 30000 ms",
    )
    assert len(client.get_routes(ApiId=api)["Items"]) == 3
    document["paths"] = {"/new": {"get": {"x-amazon-apigateway-integration": proxy}}}
    client.reimport_api(ApiId=api, Body=json.dumps(document))
    assert [found["RouteKey"] for found in client.get_routes(ApiId=api)["Items"]] == ["GET /new"]


@pytest.mark.parametrize("output", ["JSON", "YAML"])
def test_an_export_is_the_same_api_when_it_is_imported(client: Any, output: str) -> None:
    api = http_api(
        client, CorsConfiguration={"AllowOrigins": ["*"], "MaxAge": 5}, Version="3", Tags={"a": "b"}
    )
    jwt = {"Issuer": "https://issuer.example", "Audience": ["a", "b"]}
    source = ["$request.header.Authorization"]
    keys = {
        "JWT": client.create_authorizer(
            ApiId=api, Name="jwt", AuthorizerType="JWT", IdentitySource=source, JwtConfiguration=jwt
        )["AuthorizerId"],
        "CUSTOM": client.create_authorizer(
            ApiId=api,
            Name="guard",
            AuthorizerType="REQUEST",
            IdentitySource=["$request.header.X-A", "$request.querystring.b"],
            AuthorizerUri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations",
            AuthorizerPayloadFormatVersion="2.0",
            AuthorizerResultTtlInSeconds=60,
            EnableSimpleResponses=True,
        )["AuthorizerId"],
    }
    route(
        client,
        api,
        "POST /chat",
        AuthorizationType="JWT",
        AuthorizerId=keys["JWT"],
        AuthorizationScopes=["a/b"],
    )
    route(
        client,
        api,
        "ANY /{proxy+}",
        AuthorizationType="CUSTOM",
        AuthorizerId=keys["CUSTOM"],
        OperationName="x",
    )
    route(client, api, "GET /signed", AuthorizationType="AWS_IAM")
    route(client, api)
    sqs = {"QueueUrl": "https://sqs/q", "MessageBody": "$request.body"}
    made = client.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationSubtype="SQS-SendMessage",
        PayloadFormatVersion="1.0",
        CredentialsArn="arn:aws:iam::000000000000:role/r",
        RequestParameters=sqs,
        TimeoutInMillis=5000,
    )
    client.create_route(ApiId=api, RouteKey="PUT /queue", Target=f"integrations/{made['IntegrationId']}")

    def shown(api: str) -> Any:
        hidden = ("IntegrationId", "AuthorizerId", "RouteId", "Target")
        integrations = {one["IntegrationId"]: one for one in client.get_integrations(ApiId=api)["Items"]}
        names = {one["AuthorizerId"]: one for one in client.get_authorizers(ApiId=api)["Items"]}
        found = {}
        for one in client.get_routes(ApiId=api)["Items"]:
            parts = [
                one,
                integrations[one["Target"].partition("/")[2]],
                names.get(one.get("AuthorizerId"), {}),
            ]
            found[one["RouteKey"]] = [{k: v for k, v in part.items() if k not in hidden} for part in parts]
        of_api = client.get_api(ApiId=api)
        return found, {name: of_api.get(name) for name in ("Name", "Version", "CorsConfiguration", "Tags")}

    exported = client.export_api(ApiId=api, Specification="OAS30", OutputType=output)["body"].read().decode()
    imported = client.import_api(Body=exported)
    assert imported.get("Warnings", []) == []
    assert shown(imported["ApiId"]) == shown(api)
    plain = client.export_api(ApiId=api, Specification="OAS30", OutputType="JSON", IncludeExtensions=False)
    assert b"x-amazon-apigateway-integration" not in plain["body"].read()


def test_an_export_of_a_stage_and_what_cannot_be_exported(client: Any) -> None:
    api = http_api(client)
    client.create_route(ApiId=api, RouteKey="GET /bare")  # without an integration
    client.create_stage(ApiId=api, StageName="empty")

    def export(**changed: Any) -> Any:
        given = {"ApiId": api, "Specification": "OAS30", "OutputType": "JSON", **changed}
        return json.loads(client.export_api(**given)["body"].read())

    whole = export()
    assert set(whole["paths"]["/bare"]["get"]) <= {"responses"}
    day = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dUTC"
    assert re.fullmatch(day, whole["info"]["version"])  # the API has no version of its own
    assert refused(export, StageName="empty")[:2] == (404, "NotFoundException")
    assert refused(export, StageName="none")[:2] == (404, "NotFoundException")
    assert refused(export, Specification="OAS31")[:2] == (400, "BadRequestException")
    assert refused(export, OutputType="XML")[:2] == (400, "BadRequestException")


def test_domain_names_and_vpc_links(client: Any) -> None:
    api = http_api(client)
    client.create_stage(ApiId=api, StageName="live")
    client.create_domain_name(
        DomainName="chat.example", DomainNameConfigurations=[{"EndpointType": "REGIONAL"}]
    )
    mapping = client.create_api_mapping(
        DomainName="chat.example", ApiId=api, Stage="live", ApiMappingKey="v1"
    )
    (found,) = client.get_api_mappings(DomainName="chat.example")["Items"]
    assert found["ApiMappingId"] == mapping["ApiMappingId"]
    assert refused(client.create_api_mapping, DomainName="chat.example", ApiId=api, Stage="none")[0] == 400
    link = client.create_vpc_link(Name="l", SubnetIds=["subnet-1"])
    assert client.get_vpc_link(VpcLinkId=link["VpcLinkId"])["VpcLinkStatus"] == "AVAILABLE"
    client.delete_vpc_link(VpcLinkId=link["VpcLinkId"])
    assert client.get_vpc_links()["Items"] == []


def test_what_is_missing_says_so(client: Any) -> None:
    status, _, message = refused(client.get_model_template, ApiId=http_api(client), ModelId="m")
    assert status == 501
    assert "GetModelTemplate" in message
