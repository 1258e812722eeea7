"""HTTP and WebSocket APIs in templates, by their own types and by SAM."""

from __future__ import annotations

from typing import Any

HTTP = """\
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: chat, ProtocolType: HTTP, CorsConfiguration: {AllowOrigins: ['*']}, Tags: {team: chat}}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: HTTP_PROXY
      IntegrationUri: https://example.com
      IntegrationMethod: ANY
      PayloadFormatVersion: '1.0'
      TimeoutInMillis: '%s'
      ResponseParameters: {'500': {ResponseParameters: [{Source: '403', Destination: overwrite:statuscode}]}}
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: 'GET /chat', Target: !Sub 'integrations/${Integration}'}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: $default, AutoDeploy: true, StageVariables: {color: %s}}
Outputs:
  Url: {Value: !GetAtt Api.ApiEndpoint}
  Api: {Value: !Ref Api}
"""

WEBSOCKET = """\
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: chat, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  Mock:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Api, IntegrationType: MOCK, RequestTemplates: {'200': '{"statusCode":200}'}}
  Answer:
    Type: AWS::ApiGatewayV2::IntegrationResponse
    Properties: {ApiId: !Ref Api, IntegrationId: !Ref Mock, IntegrationResponseKey: $default}
  Connect:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: $connect, Target: !Sub 'integrations/${Mock}'}
  ConnectAnswer:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref Connect, RouteResponseKey: $default}
  Schema:
    Type: AWS::ApiGatewayV2::Model
    Properties: {ApiId: !Ref Api, Name: Chat, Schema: {type: object}}
  Deployment:
    Type: AWS::ApiGatewayV2::Deployment
    DependsOn: [Connect, Answer]
    Properties: {ApiId: !Ref Api}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: prod, DeploymentId: !Ref Deployment}
"""

SAM = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      StageName: live
      CorsConfiguration: {AllowOrigins: ['https://a.example'], AllowHeaders: [x-a], MaxAge: 9}
      DefaultRouteSettings: {ThrottlingBurstLimit: 5, ThrottlingRateLimit: 2}
      Auth:
        DefaultAuthorizer: Jwt
        Authorizers:
          Jwt:
            AuthorizationScopes: [chat/send]
            IdentitySource: $request.header.Authorization
            JwtConfiguration: {issuer: 'https://issuer.example', audience: [web]}
  Chat:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs24.x
      Handler: index.handler
      InlineCode: exports.handler = async () => 1
      Events:
        Ask: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: '/chat/{id}', Method: post}}
        Open: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /open, Method: get, Auth: {Authorizer: NONE}}}
        Other: {Type: HttpApi, Properties: {ApiId: !Ref Api}}
"""


def test_an_http_api_of_resources(play: Any) -> None:
    async def body(lab: Any) -> None:
        stack = await lab.create(HTTP % (5000, "red"))
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        outputs = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
        api = outputs["Api"]
        assert outputs["Url"] == f"http://{api}.execute-api.us-east-1.localhost:4566"
        found = await lab.sandbox.control.resources.v2_api(api, "$default")
        integration = found.routes["GET /chat"].integration
        assert (integration.timeout_ms, integration.response_parameters) == (
            5000,
            {"500": {"overwrite:statuscode": "403"}},
        )
        stack = await lab.update(HTTP % (7000, "blue"))
        assert stack["StackStatus"] == "UPDATE_COMPLETE"
        found = await lab.sandbox.control.resources.v2_api(api, "$default")
        assert found.routes["GET /chat"].integration.timeout_ms == 7000
        assert found.stage_variables == {"color": "blue"}
        assert (await lab.delete())["StackStatus"] == "DELETE_COMPLETE"
        assert (await lab.aws("apigatewayv2", "GetApis"))["Items"] == []

    play(body)


def test_a_timeout_over_30_seconds_rolls_the_stack_back(play: Any) -> None:
    async def body(lab: Any) -> None:
        stack = await lab.create(HTTP % (31000, "red"))
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        assert (await lab.aws("apigatewayv2", "GetApis"))["Items"] == []

    play(body)


def test_a_websocket_api_of_resources(play: Any) -> None:
    async def body(lab: Any) -> None:
        stack = await lab.create(WEBSOCKET)
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        (api,) = (await lab.aws("apigatewayv2", "GetApis"))["Items"]
        found = await lab.sandbox.control.resources.v2_api(api["ApiId"], "prod")
        route = found.routes["$connect"]
        assert found.route_selection == "$request.body.action"
        assert set(route.responses) == {"$default"}
        assert set(route.integration.responses) == {"$default"}
        assert set(found.models) == {"Chat"}
        assert (await lab.delete())["StackStatus"] == "DELETE_COMPLETE"

    play(body)


def test_a_serverless_http_api(play: Any) -> None:
    async def body(lab: Any) -> None:
        stack = await lab.create(SAM)
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        (api,) = (await lab.aws("apigatewayv2", "GetApis"))["Items"]
        found = await lab.sandbox.control.resources.v2_api(api["ApiId"], "live")
        assert set(found.routes) == {"POST /chat/{id}", "GET /open", "$default"}
        route = found.routes["POST /chat/{id}"]
        assert (route.authorization, route.scopes) == ("JWT", ("chat/send",))
        authorizer = found.authorizers[route.authorizer_id]
        assert (authorizer.issuer, authorizer.audience) == ("https://issuer.example", ("web",))
        assert found.routes["GET /open"].authorization == "NONE"
        assert route.integration.payload_format == "2.0"
        assert found.cors["MaxAge"] == 9
        assert found.default_throttle.burst == 5
        assert (await lab.delete())["StackStatus"] == "DELETE_COMPLETE"

    play(body)


def test_managed_overrides_are_refused_by_name(play: Any) -> None:
    async def body(lab: Any) -> None:
        kind = "AWS::ApiGatewayV2::ApiGatewayManagedOverrides"
        await lab.create(f"Resources: {{O: {{Type: '{kind}', Properties: {{ApiId: x}}}}}}")
        events = (await lab.cfn("DescribeStackEvents", StackName="s"))["StackEvents"]
        assert any(kind in event.get("ResourceStatusReason", "") for event in events)

    play(body)
