"""Proofs about WebSocket APIs: authorizers, models, throttling, and integrations other than Lambda proxies."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.fidelity.test_api_websocket import (
    ACCOUNT,
    ECHO,
    OK,
    address,
    api_of,
    client_of,
    connected,
    deploy,
    raised,
    route_of,
)

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

AUTHORIZER = """
import json
def handler(event, context):
    print("ASKED " + json.dumps(event))
    token = event["queryStringParameters"]["token"]
    if token == "who":
        raise Exception("Unauthorized")
    if token == "broken":
        return {"statusCode": 200}
    effect = "Allow" if token == "good" else "Deny"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "anna", "policyDocument": policy, "context": {"n": 1, "yes": True, "s": "x"}}
"""


def function_uri(function: str) -> str:
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}"
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"


async def new_api(world: World, expression: str = "$request.body.action") -> str:
    settings = {"Name": "a", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": expression}
    made = await world.aws("apigatewayv2", "CreateApi", **settings)
    return str(made["ApiId"])


async def permit(world: World, *functions: str) -> None:
    for function in functions:
        settings = {"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
        await world.aws("lambda", "AddPermission", FunctionName=function, StatementId="p", **settings)


async def proxy(world: World, api: str, key: str, function: str, **more: Any) -> None:
    await route_of(
        world, api, key, IntegrationType="AWS_PROXY", IntegrationUri=function_uri(function), **more
    )


@pytest.mark.fact("3.15")
def test_a_lambda_authorizer_decides_at_connect_and_is_told_to_every_route(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("auth", AUTHORIZER)
        await world.python("echo", ECHO)
        await permit(world, "auth", "echo")
        api = await new_api(world)
        made = await world.aws(
            "apigatewayv2",
            "CreateAuthorizer",
            ApiId=api,
            Name="a",
            AuthorizerType="REQUEST",
            AuthorizerUri=function_uri("auth"),
            IdentitySource=["route.request.querystring.token"],
        )
        custom = {"AuthorizationType": "CUSTOM", "AuthorizerId": made["AuthorizerId"]}
        await proxy(world, api, "$connect", "echo", route=custom)
        await proxy(world, api, "$default", "echo", reply=True)
        await deploy(world, api)
        for token, status, message in (
            ("?token=bad", 403, "Forbidden"),
            ("?token=who", 401, "Unauthorized"),
            ("", 401, "Unauthorized"),
            ("?token=broken", 500, "Internal server error"),
        ):
            with pytest.raises(InvalidStatus) as caught:
                await connect(address(world, api) + token, ping_interval=None)
            answer = caught.value.response
            assert (answer.status_code, json.loads(answer.body)["message"]) == (status, message)
        assert len(world.events("invoked")) == 3  # not without an identity source
        async with connect(address(world, api) + "?token=good", ping_interval=None) as client:
            for _ in range(2):
                await client.send("x")
                told = json.loads(await client.recv())["requestContext"]["authorizer"]
                assert told == {"principalId": "anna", "n": "1", "yes": "true", "s": "x"}
        lines = [e.data["line"] for e in world.events("log") if "ASKED" in e.data["line"]]
        assert len(lines) == 4
        asked = json.loads(lines[-1].partition("ASKED ")[2])
        assert asked["type"] == "REQUEST"
        assert asked["methodArn"] == f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api}/prod/$connect"
        assert asked["queryStringParameters"] == {"token": "good"}
        assert asked["requestContext"]["eventType"] == "CONNECT"

    play(main)


@pytest.mark.fact("3.15")
def test_an_authorizer_needs_the_permission_for_itself_and_not_for_the_route(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("auth", AUTHORIZER)
        api = await new_api(world)
        made = await world.aws(
            "apigatewayv2",
            "CreateAuthorizer",
            ApiId=api,
            Name="a",
            AuthorizerType="REQUEST",
            AuthorizerUri=function_uri("auth"),
            IdentitySource=["route.request.querystring.token"],
        )
        custom = {"AuthorizationType": "CUSTOM", "AuthorizerId": made["AuthorizerId"]}
        await route_of(world, api, "$connect", IntegrationType="MOCK", route=custom)
        await deploy(world, api)
        here = f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api}"

        async def permit_from(source: str) -> None:
            settings = {"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
            await world.aws(
                "lambda", "AddPermission", FunctionName="auth", StatementId="p", SourceArn=source, **settings
            )

        for wrong in (f"{here}/prod/$connect", f"{here}/authorizers/other"):
            await permit_from(wrong)
            with pytest.raises(InvalidStatus) as caught:
                await connect(address(world, api) + "?token=good", ping_interval=None)
            assert caught.value.response.status_code == 500
            assert world.events("invoked") == []
            await world.aws("lambda", "RemovePermission", FunctionName="auth", StatementId="p")
        await permit_from(f"{here}/authorizers/{made['AuthorizerId']}")
        async with connect(address(world, api) + "?token=good", ping_interval=None):
            assert len(world.events("invoked")) == 1

    play(main)


async def _join(world: World, plan: dict[str, Any], key: dict[str, Any]) -> None:
    """Let a usage plan have a key."""
    member = {"usagePlanId": plan["id"], "keyId": key["id"], "keyType": "API_KEY"}
    await world.aws("apigateway", "CreateUsagePlanKey", **member)


async def _refused(url: str, **headers: str) -> tuple[int, str]:
    """Status and message of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as caught:
        await connect(url, ping_interval=None, additional_headers=headers)
    answer = caught.value.response
    return answer.status_code, json.loads(answer.body)["message"]


def test_an_api_key_of_a_usage_plan_opens_connections(play: Play) -> None:
    async def main(world: World) -> None:
        api = await new_api(world)
        await route_of(world, api, "$connect", IntegrationType="MOCK", route={"ApiKeyRequired": True})
        await deploy(world, api)
        url, forbidden = address(world, api), (403, "Forbidden")
        stages = [{"apiId": api, "stage": "prod"}]
        plan = await world.aws(
            "apigateway",
            "CreateUsagePlan",
            name="plan",
            apiStages=stages,
            throttle={"rateLimit": 1, "burstLimit": 2},
            quota={"limit": 3, "period": "DAY"},
        )
        key = await world.aws("apigateway", "CreateApiKey", name="k", value="k" * 30, enabled=True)
        with_key = {"x-api-key": "k" * 30}
        assert await _refused(url) == forbidden
        assert await _refused(url, **with_key) == forbidden  # in no plan
        await world.aws(
            "apigateway", "CreateUsagePlanKey", usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY"
        )
        assert await _refused(url, **{"x-api-key": "other"}) == forbidden
        for _ in range(2):
            async with connect(url, ping_interval=None, additional_headers=with_key):
                pass
        assert await _refused(url, **with_key) == (429, "Too Many Requests")
        await world.clock.advance(2)
        async with connect(url, ping_interval=None, additional_headers=with_key):
            pass
        assert await _refused(url, **with_key) == (429, "Limit Exceeded")
        await world.clock.advance(86_400)
        async with connect(url, ping_interval=None, additional_headers=with_key):
            pass

    play(main)


def test_an_authorizer_may_name_the_api_key(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("auth", AUTHORIZER.replace('"n": 1', '"usageIdentifierKey": "k" * 30'))
        await permit(world, "auth")
        api = await new_api(world)
        expression = "$context.authorizer.usageIdentifierKey"
        await world.aws("apigatewayv2", "UpdateApi", ApiId=api, ApiKeySelectionExpression=expression)
        settings = {"AuthorizerType": "REQUEST", "IdentitySource": ["route.request.querystring.token"]}
        made = await world.aws(
            "apigatewayv2",
            "CreateAuthorizer",
            ApiId=api,
            Name="a",
            AuthorizerUri=function_uri("auth"),
            **settings,
        )
        custom = {
            "AuthorizationType": "CUSTOM",
            "AuthorizerId": made["AuthorizerId"],
            "ApiKeyRequired": True,
        }
        await route_of(world, api, "$connect", IntegrationType="MOCK", route=custom)
        await deploy(world, api)
        url = address(world, api) + "?token=good"
        assert await _refused(url, **{"x-api-key": "k" * 30}) == (403, "Forbidden")
        key = await world.aws("apigateway", "CreateApiKey", name="k", value="k" * 30, enabled=True)
        plan = await world.aws(
            "apigateway", "CreateUsagePlan", name="plan", apiStages=[{"apiId": api, "stage": "prod"}]
        )
        await world.aws(
            "apigateway", "CreateUsagePlanKey", usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY"
        )
        async with connect(url, ping_interval=None):
            pass

    play(main)


@pytest.mark.fact("3.15")
def test_iam_at_connect(play: Play) -> None:
    async def main(world: World) -> None:
        api = await new_api(world)
        route = {"AuthorizationType": "AWS_IAM"}
        await route_of(world, api, "$connect", IntegrationType="MOCK", route=route)
        await deploy(world, api)
        with pytest.raises(InvalidStatus) as caught:
            await client_of(world, api)
        assert caught.value.response.status_code == 403
        url = address(world, api)
        for secret, ok in (("test", True), ("wrong", False)):
            request = AWSRequest("GET", url.replace("ws://", "http://"))
            SigV4Auth(Credentials("test", secret), "execute-api", "us-east-1").add_auth(request)
            headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
            if ok:
                async with connect(url, additional_headers=headers, ping_interval=None):
                    assert len(connected(world)) == 1
            else:
                with pytest.raises(InvalidStatus) as caught:
                    await connect(url, additional_headers=headers, ping_interval=None)
                assert caught.value.response.status_code == 403

    play(main)


@pytest.mark.fact("3.11")
def test_a_message_that_does_not_fit_its_model_does_not_reach_the_integration(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("echo", ECHO)
        await permit(world, "echo")
        api = await new_api(world)
        schema = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
        model = {"Name": "chat", "Schema": json.dumps(schema), "ContentType": "application/json"}
        await world.aws("apigatewayv2", "CreateModel", ApiId=api, **model)
        route = {"ModelSelectionExpression": "$request.body.action", "RequestModels": {"say": "chat"}}
        await proxy(world, api, "say", "echo", reply=True, route=route)
        await deploy(world, api)
        async with client_of(world, api) as client:
            await client.send('{"action": "say", "text": 7}')
            text = await client.recv()
            message = json.loads(text)["messageId"]
            (id_,) = connected(world)
            assert text == (
                f'{{"message" : "Bad request body", "connectionId": "{id_}", "messageId": "{message}"}}'
            )
            assert world.events("invoked") == []
            await client.send('{"action": "say", "text": "hi"}')
            assert json.loads(await client.recv())["requestContext"]["routeKey"] == "say"

    play(main)


@pytest.mark.fact("3.10")
@pytest.mark.parametrize(
    ("expression", "body", "route"),
    [
        ("${request.body.action}", '{"action": "a-b"}', "a-b"),
        ("$request.body.what.kind", '{"what": {"kind": "a-b"}}', "a-b"),
        ("${request.body.x}-${request.body.y}", '{"x": "a", "y": "b"}', "a-b"),
        ("${request.body.x}-${request.body.z}", '{"x": "a"}', "$default"),
        ("$request.body.action", '["a-b"]', "$default"),
    ],
)
def test_route_selection_expressions(play: Play, expression: str, body: str, route: str) -> None:
    async def main(world: World) -> None:
        api = await new_api(world, expression)
        for key in ("a-b", "$default"):
            await route_of(world, api, key, IntegrationType="MOCK")
        await deploy(world, api)
        async with client_of(world, api) as client:
            await client.send(body)
            await world.clock.settled()
        assert world.events("message_received", "api_websocket")[0].data["route"] == route

    play(main)


@pytest.mark.fact("3.7")
def test_a_client_over_the_rate_is_closed_with_1008(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world, {})
        throttle = {"ThrottlingRateLimit": 1.0, "ThrottlingBurstLimit": 3}
        await world.aws(
            "apigatewayv2", "UpdateStage", ApiId=api, StageName="prod", DefaultRouteSettings=throttle
        )
        async with client_of(world, api) as client:
            for _ in range(3):
                await client.send("x")
            await world.clock.advance(1)
            await client.send("x")
            await world.clock.settled()
            assert not world.events("disconnected", "api_websocket")
            await client.send("x")
            assert (await raised(client))[0] == 1008

    play(main)


def test_sqs_send_message(play: Play) -> None:
    template = (
        "Action=SendMessage&MessageBody=$util.urlEncode($input.body)&MessageAttribute.1.Name=connection"
        "&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=$context.connectionId"
    )

    async def main(world: World) -> None:
        queue = (await world.aws("sqs", "CreateQueue", QueueName="q"))["QueueUrl"]
        api = await new_api(world)
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "apigateway.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        await world.aws("iam", "CreateRole", RoleName="r", AssumeRolePolicyDocument=document)
        allow = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        await world.aws("iam", "PutRolePolicy", RoleName="r", PolicyName="p", PolicyDocument=policy)
        await route_of(
            world,
            api,
            "$default",
            IntegrationType="AWS",
            IntegrationMethod="POST",
            IntegrationUri=f"arn:aws:apigateway:us-east-1:sqs:path/{ACCOUNT}/q",
            CredentialsArn=f"arn:aws:iam::{ACCOUNT}:role/r",
            RequestTemplates={"$default": template},
            TemplateSelectionExpression="\\$default",
        )
        await deploy(world, api)
        body = '{"text": "a & b = c"}'
        async with client_of(world, api) as client:
            await client.send(body)
            await world.clock.advance(1)
        found = await world.aws("sqs", "ReceiveMessage", QueueUrl=queue, MessageAttributeNames=["All"])
        (message,) = found["Messages"]
        assert message["Body"] == body
        assert message["MessageAttributes"]["connection"]["StringValue"] == connected(world)[0]

    play(main)


def test_http_endpoints_and_what_is_not_emulated(play: Play) -> None:
    async def main(world: World) -> None:
        seen: list[bytes] = []

        async def endpoint(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            seen.append(await reader.readexactly(length))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npong")
            writer.close()

        server = await asyncio.start_server(endpoint, "127.0.0.1", 0)
        uri = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
        api = await new_api(world)
        settings = {"IntegrationMethod": "POST", "IntegrationUri": uri}
        await route_of(world, api, "http", True, IntegrationType="HTTP_PROXY", **settings)
        odd = "arn:aws:apigateway:us-east-1:firehose:action/PutRecord"
        role = f"arn:aws:iam::{ACCOUNT}:role/r"
        other = {"IntegrationMethod": "POST", "IntegrationUri": odd, "CredentialsArn": role}
        await route_of(world, api, "odd", IntegrationType="AWS", **other)
        await deploy(world, api)
        async with client_of(world, api) as client:
            await client.send('{"action": "http", "q": 1}')
            assert await client.recv() == "pong"
            assert seen == [b'{"action": "http", "q": 1}']
            await client.send('{"action": "odd"}')
            assert (
                "integration of API Gateway WebSocket APIs with firehose"
                in json.loads(await client.recv())["message"]
            )
        server.close()

    play(main)


def test_an_unknown_stage_and_other_requests_are_forbidden(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", OK)
        api = await api_of(world, {"$default": "f"})
        for path in (address(world, api)[:-4] + "dev", address(world, api) + "/more"):
            with pytest.raises(InvalidStatus) as caught:
                await connect(path)
            assert caught.value.response.status_code == 403
        answer = await world.http.get(address(world, api, "http"))
        assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})

    play(main)


def test_an_open_connection_does_not_let_time_move(play: Play) -> None:
    async def main(world: World) -> None:
        async with client_of(world, await api_of(world, {})) as client:
            assert world.clock.in_flight_names() == []
            await client.send("x")
            for _ in range(3):
                await world.clock.settled()
            assert len(world.events("message_received", "api_websocket")) == 1
            assert world.clock.in_flight_names() == []
            assert world.clock.now() < 1

    play(main)


def test_a_reset_closes_the_connections(play: Play) -> None:
    async def main(world: World) -> None:
        client = await client_of(world, await api_of(world, {}))
        await world.http.post(f"{world.sandbox.endpoint}/_sandbox/reset")
        assert (await raised(client))[0] == 1012

    play(main)


@pytest.mark.parametrize(
    ("returned", "received"),
    [("'\\ud800!'", "?!"), ("'x' * 200_000", "x" * 200_000), ("'€'", "€")],
)
def test_odd_replies(play: Play, returned: str, received: str) -> None:
    source = f"def handler(event, context):\n    return {{'statusCode': 200, 'body': {returned}}}\n"

    async def main(world: World) -> None:
        await world.python("f", source)
        api = await api_of(world, {"$default": "f"}, replies=("$default",))
        async with client_of(world, api) as client:
            for sent in ("", "[" * 30_000, '"\\ud800"'):
                await client.send(sent)
                assert await client.recv() == received

    play(main)
