"""A SAM application with every kind of ``Auth`` of a REST API, deployed and called by unmodified clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fidelity.conftest import PYTHON

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Pool:
    Type: AWS::Cognito::UserPool
    Properties: {UserPoolName: users}
  Client:
    Type: AWS::Cognito::UserPoolClient
    Properties:
      UserPoolId: !Ref Pool
      ExplicitAuthFlows: [ALLOW_USER_PASSWORD_AUTH, ALLOW_REFRESH_TOKEN_AUTH]
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: prod
      Cors: "'*'"
      Auth:
        DefaultAuthorizer: Users
        AddDefaultAuthorizerToCorsPreflight: false
        Authorizers:
          Users: {UserPoolArn: !GetAtt Pool.Arn}
          Guard:
            FunctionArn: !GetAtt GuardFunction.Arn
            Identity: {Header: X-Token, ValidationExpression: "^key-.*", ReauthorizeEvery: 60}
        UsagePlan:
          CreateUsagePlan: PER_API
          Quota: {Limit: 3, Period: DAY}
          Throttle: {RateLimit: 100, BurstLimit: 100}
      GatewayResponses:
        UNAUTHORIZED:
          ResponseParameters:
            Headers: {Access-Control-Allow-Origin: "'*'"}
  Chat:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: index.handler
      InlineCode: |
        import json
        def handler(event, context):
            return {"statusCode": 200, "body": json.dumps(event["requestContext"].get("authorizer"))}
      Events:
        Users: {Type: Api, Properties: {Path: /users, Method: get, RestApiId: !Ref Api}}
        Guarded:
          Type: Api
          Properties: {Path: /guarded, Method: get, RestApiId: !Ref Api, Auth: {Authorizer: Guard}}
        Keyed:
          Type: Api
          Properties:
            Path: /keyed
            Method: get
            RestApiId: !Ref Api
            Auth: {Authorizer: NONE, ApiKeyRequired: true}
  GuardFunction:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: index.handler
      InlineCode: |
        def handler(event, context):
            token = event["authorizationToken"]
            effect = "Allow" if token == "key-good" else "Deny"
            statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
            return {
                "principalId": token,
                "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
                "context": {"plan": "pro"},
            }
Outputs:
  Url: {Value: !Sub "https://${Api}.execute-api.${AWS::Region}.amazonaws.com/prod"}
  Pool: {Value: !Ref Pool}
  Client: {Value: !Ref Client}
"""


@pytest.fixture
def deployed(sandbox: Any, tmp_path: Path) -> tuple[Any, dict[str, str]]:
    file = tmp_path / "template.yaml"
    file.write_text(TEMPLATE.replace("python3.11", PYTHON))
    return sandbox, sandbox.deploy(file, stack="app")


def id_token(sandbox: Any, outputs: dict[str, str]) -> str:
    idp = sandbox.client("cognito-idp")
    idp.admin_create_user(UserPoolId=outputs["Pool"], Username="ada", MessageAction="SUPPRESS")
    idp.admin_set_user_password(
        UserPoolId=outputs["Pool"], Username="ada", Password="Secret-123", Permanent=True
    )
    made = idp.initiate_auth(
        ClientId=outputs["Client"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ada", "PASSWORD": "Secret-123"},
    )
    return str(made["AuthenticationResult"]["IdToken"])


@pytest.mark.fact("1.8", "9.5")
def test_sam_application_with_authorizers_and_keys(deployed: tuple[Any, dict[str, str]]) -> None:
    sandbox, outputs = deployed
    with sandbox.http(base_url=outputs["Url"]) as http:
        # Cognito, the API's default
        answer = http.get("/users")
        assert (answer.status_code, answer.content) == (401, b'{"message":"Unauthorized"}')
        assert answer.headers["access-control-allow-origin"] == "*"
        answer = http.get("/users", headers={"Authorization": id_token(sandbox, outputs)})
        assert (answer.status_code, answer.json()["claims"]["cognito:username"]) == (200, "ada")
        # the preflight has no authorizer
        assert http.options("/users").headers["access-control-allow-origin"] == "*"
        # a Lambda authorizer of type TOKEN
        answer = http.get("/guarded", headers={"X-Token": "key-good"})
        assert (answer.status_code, answer.json()) == (200, {"principalId": "key-good", "plan": "pro"})
        assert http.get("/guarded", headers={"X-Token": "key-bad"}).status_code == 403
        assert http.get("/guarded", headers={"X-Token": "other"}).status_code == 401
        guards = [e for e in sandbox.timeline() if e.name == "invoked" and "Guard" in e.data["function"]]
        assert len(guards) == 2  # what does not match the expression is not asked about
        # an API key with a quota of three
        assert http.get("/keyed").content == b'{"message":"Forbidden"}'
        client = sandbox.client("apigateway")
        (key,) = client.get_api_keys(includeValues=True)["items"]
        statuses = [http.get("/keyed", headers={"x-api-key": key["value"]}).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        (plan,) = client.get_usage_plans()["items"]
        day = sandbox.status()["date"][:10]
        usage = client.get_usage(usagePlanId=plan["id"], startDate=day, endDate=day)
        assert usage["items"] == {key["id"]: [[3, 0]]}
