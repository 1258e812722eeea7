"""Proofs of the rows about HTTP APIs: httpx over loopback, real handlers, virtual time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.fidelity.conftest import Play, World

SLEEP = """
import json, time
def handler(event, context):
    time.sleep(json.loads(event["body"])["s"])
    return {"statusCode": 200, "headers": {"content-type": "text/event-stream"}, "body": "data: 1\\n\\ndata: 2\\n\\n"}
"""
ECHO = "def handler(event, context):\n    return event\n"
UNAVAILABLE = b'{"message":"Service Unavailable"}'


async def permit(world: World, function: str) -> None:
    await world.aws(
        "lambda",
        "AddPermission",
        FunctionName=function,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )


async def http_api(world: World, function: str, **integration: Any) -> str:
    """An HTTP API whose ``$default`` route is a proxy of the function. Its path-style address."""
    api = (await world.aws("apigatewayv2", "CreateApi", Name="a", ProtocolType="HTTP"))["ApiId"]
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    given = {
        "IntegrationType": "AWS_PROXY",
        "PayloadFormatVersion": "2.0",
        "IntegrationUri": arn,
        **integration,
    }
    made = await world.aws("apigatewayv2", "CreateIntegration", ApiId=api, **given)
    target = f"integrations/{made['IntegrationId']}"
    await world.aws("apigatewayv2", "CreateRoute", ApiId=api, RouteKey="$default", Target=target)
    await world.aws("apigatewayv2", "CreateStage", ApiId=api, StageName="$default", AutoDeploy=True)
    return f"{world.sandbox.endpoint}/_aws/execute-api/{api}"


@pytest.mark.fact("2.1", "2.2", "2.5")
def test_thirty_seconds_hard_and_nothing_before_the_end(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP, Timeout=60)
        await permit(world, "f")
        api = await http_api(world, "f")
        arrived = await world.arrivals(f"{api}/chat", json={"s": 29.5})
        assert [(pytest.approx(29.5, abs=1e-6), b"data: 1\n\ndata: 2\n\n")] == arrived
        began = world.clock.now()
        answer = await world.http.post(f"{api}/chat", json={"s": 40})
        assert world.clock.now() - began == pytest.approx(30, abs=1e-6)
        assert (answer.status_code, answer.content) == (503, UNAVAILABLE)
        assert {"apigw-requestid", "content-type"} <= set(answer.headers)
        assert "x-amz-apigw-id" not in answer.headers
        await world.clock.advance(60)
        ended = world.events("invocation_ended")[-1]
        assert ended.data["duration_ms"] == pytest.approx(40_000, abs=1)  # it ran on, and is billed

    play(main)


@pytest.mark.fact("2.3", "2.6")
def test_an_answer_without_status_is_200_and_no_permission_is_500(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", ECHO)
        api = await http_api(world, "f")
        refused = await world.http.get(f"{api}/chat")
        assert (refused.status_code, refused.content) == (500, b'{"message":"Internal Server Error"}')
        await permit(world, "f")
        answer = await world.http.get(f"{api}/chat?a=1")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        event = answer.json()
        assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/chat", "a=1")

    play(main)


def test_a_message_goes_to_a_queue(play: Play) -> None:
    async def main(world: World) -> None:
        queue = (await world.aws("sqs", "CreateQueue", QueueName="q"))["QueueUrl"]
        api = await http_api(
            world,
            "none",
            IntegrationUri="",
            IntegrationSubtype="SQS-SendMessage",
            PayloadFormatVersion="1.0",
            CredentialsArn="arn:aws:iam::000000000000:role/any",
            RequestParameters={"QueueUrl": queue, "MessageBody": "$request.body.text"},
        )
        answer = await world.http.post(f"{api}/send", json={"text": "hello"})
        assert answer.status_code == 200, answer.text
        assert "<MessageId>" in answer.text, answer.text
        found = await world.aws("sqs", "ReceiveMessage", QueueUrl=queue)
        assert [message["Body"] for message in found["Messages"]] == ["hello"]
        missing = await world.http.post(f"{api}/send", content=json.dumps({}))
        assert missing.status_code == 400

    play(main)


@pytest.mark.fact("2.7", "9.2")
def test_a_users_tokens_open_a_route_and_no_others(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", ECHO)
        await permit(world, "f")
        pool = (await world.aws("cognito-idp", "CreateUserPool", PoolName="p"))["UserPool"]["Id"]
        flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        given = {"UserPoolId": pool, "ClientName": "c", "ExplicitAuthFlows": flows}
        made = await world.aws("cognito-idp", "CreateUserPoolClient", **given)
        client = made["UserPoolClient"]["ClientId"]
        user, password = {"UserPoolId": pool, "Username": "me"}, "Passw0rd!x"
        await world.aws("cognito-idp", "AdminCreateUser", **user, MessageAction="SUPPRESS")
        await world.aws("cognito-idp", "AdminSetUserPassword", **user, Password=password, Permanent=True)
        login = {"USERNAME": "me", "PASSWORD": password}
        flow = {"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": login}
        tokens = (await world.aws("cognito-idp", "InitiateAuth", **flow))["AuthenticationResult"]
        api = await protected_api(world, "f", pool, client)

        async def ask(token: str) -> httpx.Response:
            return await world.http.get(f"{api}/chat", headers={"authorization": f"Bearer {token}"})

        for use, kind in (("id", "IdToken"), ("access", "AccessToken")):
            answer = await ask(tokens[kind])
            assert answer.status_code == 200
            claims = answer.json()["requestContext"]["authorizer"]["jwt"]["claims"]
            assert claims["token_use"] == use
        assert (await ask(tokens["RefreshToken"])).status_code == 401
        await world.clock.advance(3600)
        late = await ask(tokens["AccessToken"])
        assert (late.status_code, late.content) == (401, b'{"message":"Unauthorized"}')
        assert "the token has expired" in late.headers["www-authenticate"]

    play(main)


async def protected_api(world: World, function: str, pool: str, client: str) -> str:
    """An HTTP API whose ``$default`` route wants a token of the pool for the client."""
    address = await http_api(world, function)
    api = address.rpartition("/")[2]
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{pool}"
    made = await world.aws(
        "apigatewayv2",
        "CreateAuthorizer",
        ApiId=api,
        Name="jwt",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": issuer, "Audience": [client]},
    )
    (route,) = (await world.aws("apigatewayv2", "GetRoutes", ApiId=api))["Items"]
    change = {"AuthorizationType": "JWT", "AuthorizerId": made["AuthorizerId"]}
    await world.aws("apigatewayv2", "UpdateRoute", ApiId=api, RouteId=route["RouteId"], **change)
    return address
