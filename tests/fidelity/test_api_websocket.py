"""Proofs of the rows about WebSocket APIs: the websockets client, boto3, real handlers, virtual time."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sandbox.limits import Limits

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

ACCOUNT = "000000000000"
OK = "def handler(event, context):\n    return {'statusCode': 200}\n"
ECHO = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event)}
"""
SLEEP = """
import json, time
def handler(event, context):
    time.sleep(json.loads(event["body"])["s"])
    return {"statusCode": 200, "body": "done"}
"""
STATUS = """
import json
def handler(event, context):
    want = json.loads(event.get("body") or "{}").get("want", 200)
    if want == "raise":
        raise ValueError("no")
    return None if want == "none" else {"statusCode": want, "body": "dropped"}
"""
ID = re.compile(r"[A-Za-z0-9_-]{15}=")


async def api_of(
    world: World,
    routes: dict[str, str],
    *,
    replies: Iterable[str] = (),
    permission: bool = True,
    **extra: Any,
) -> str:
    """A WebSocket API with Lambda proxies on its routes, stage ``prod``. Its id."""
    made = await world.aws(
        "apigatewayv2",
        "CreateApi",
        Name="chat",
        ProtocolType="WEBSOCKET",
        RouteSelectionExpression="$request.body.action",
    )
    api = made["ApiId"]
    for key, function in routes.items():
        arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}"
        uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
        await route_of(
            world, api, key, key in replies, IntegrationType="AWS_PROXY", IntegrationUri=uri, **extra
        )
    if not routes:  # a deployment wants one
        await route_of(world, api, "$default", IntegrationType="MOCK")
    for function in set(routes.values()) if permission else ():
        await world.aws(
            "lambda",
            "AddPermission",
            FunctionName=function,
            StatementId=api,
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
        )
    await deploy(world, api)
    return api


async def route_of(
    world: World,
    api: str,
    key: str,
    reply: bool = False,
    route: dict[str, Any] | None = None,
    **integration: Any,
) -> None:
    made = await world.aws("apigatewayv2", "CreateIntegration", ApiId=api, **integration)
    settings = {"RouteResponseSelectionExpression": "$default"} if reply else {}
    target = f"integrations/{made['IntegrationId']}"
    created = await world.aws(
        "apigatewayv2", "CreateRoute", ApiId=api, RouteKey=key, Target=target, **settings, **(route or {})
    )
    if reply:
        await world.aws(
            "apigatewayv2",
            "CreateRouteResponse",
            ApiId=api,
            RouteId=created["RouteId"],
            RouteResponseKey="$default",
        )


async def deploy(world: World, api: str) -> None:
    made = await world.aws("apigatewayv2", "CreateDeployment", ApiId=api)
    await world.aws(
        "apigatewayv2", "CreateStage", ApiId=api, StageName="prod", DeploymentId=made["DeploymentId"]
    )


def address(world: World, api: str, scheme: str = "ws") -> str:
    return f"{scheme}://127.0.0.1:{world.sandbox.settings.port}/_aws/execute-api/{api}/prod"


def client_of(world: World, api: str, **options: Any) -> Any:
    """A client without pings of its own."""
    return connect(address(world, api), ping_interval=None, **options)


async def raised(client: ClientConnection) -> tuple[int | None, str | None]:
    with pytest.raises(ConnectionClosed):
        await client.recv()
    return client.close_code, client.close_reason


def management(world: World, api: str, key: str = "test", secret: str = "test") -> Any:
    return boto3.session.Session(key, secret, region_name="us-east-1").client(
        "apigatewaymanagementapi",
        endpoint_url=address(world, api, "http"),
        config=Config(retries={"max_attempts": 0}),
    )


def connected(world: World) -> list[str]:
    return [event.id for event in world.events("connected", "api_websocket")]


async def failure(call: Any, **parameters: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        await asyncio.to_thread(call, **parameters)
    answer = caught.value.response
    return (
        answer["ResponseMetadata"]["HTTPStatusCode"],
        answer["Error"]["Code"],
        answer["Error"]["Message"],
    )


@pytest.mark.fact("3.10", "3.14", "3.17")
def test_messages_take_their_routes_and_reach_functions_as_on_aws(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("echo", ECHO)
        api = await api_of(
            world, {"$default": "echo", "chat": "echo", "quiet": "echo"}, replies=("$default", "chat")
        )
        async with client_of(world, api, user_agent_header="me") as client:
            await client.send(json.dumps({"action": "quiet"}))
            await client.send(json.dumps({"action": "chat", "text": "hej"}))
            event = json.loads(await client.recv())
            assert list(event) == ["requestContext", "body", "isBase64Encoded"]
            assert json.loads(event["body"]) == {"action": "chat", "text": "hej"}
            context = event["requestContext"]
            assert list(context) == [
                "routeKey",
                "messageId",
                "eventType",
                "extendedRequestId",
                "requestTime",
                "messageDirection",
                "stage",
                "connectedAt",
                "requestTimeEpoch",
                "identity",
                "requestId",
                "domainName",
                "connectionId",
                "apiId",
            ]
            assert context["requestId"] == context["extendedRequestId"]
            assert context["connectionId"] == connected(world)[0]
            assert ID.fullmatch(context["connectionId"])
            assert ID.fullmatch(context["messageId"])
            assert context["identity"] == {"userAgent": "me", "sourceIp": "127.0.0.1"}
            assert context["domainName"] == f"{api}.execute-api.us-east-1.amazonaws.com"
            assert (context["eventType"], context["messageDirection"]) == ("MESSAGE", "IN")
            assert datetime.strptime(context["requestTime"], "%d/%b/%Y:%H:%M:%S %z")
            for body in ("no json", '{"action": "unknown"}', '{"x": 1}', "7", '{"action": "$connect"}'):
                await client.send(body)
                event = json.loads(await client.recv())
                assert (event["requestContext"]["routeKey"], event["body"]) == ("$default", body)
        routes = [e.data["route"] for e in world.events("message_received", "api_websocket")]
        assert routes == ["quiet", "chat"] + ["$default"] * 5

    play(main)


@pytest.mark.fact("3.15", "3.16", "3.17")
def test_connect_and_disconnect_are_told_with_headers(play: Play) -> None:
    source = """
import json
def handler(event, context):
    print("EVENT " + json.dumps(event))
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "chat.v1"}}
"""

    async def main(world: World) -> None:
        await world.python("log", source)
        api = await api_of(world, {"$connect": "log", "$disconnect": "log"})
        options = {"subprotocols": ["chat.v0", "chat.v1"], "additional_headers": {"X-Mine": "1"}}
        url = f"{address(world, api)}?token=a&token=b"
        client = await connect(url, ping_interval=None, **options)
        assert client.subprotocol == "chat.v1"
        await client.close(code=1000)
        bare = await connect(url, ping_interval=None, **options)
        bare.protocol.send_close()
        bare.transport.write(b"".join(bare.protocol.data_to_send()))
        await bare.wait_closed()
        gone = await connect(url, ping_interval=None, **options)
        gone.transport.abort()
        await world.clock.advance(1)
        told = [
            json.loads(e.data["line"].partition("EVENT ")[2])
            for e in world.events("log")
            if "EVENT " in e.data["line"]
        ]
        first = told[0]
        assert "body" not in first
        assert first["headers"]["X-Mine"] == "1"
        assert first["headers"]["Host"] == f"{api}.execute-api.us-east-1.amazonaws.com"
        assert first["headers"]["Sec-WebSocket-Version"] == "13"
        assert first["queryStringParameters"] == {"token": "b"}
        assert first["multiValueQueryStringParameters"] == {"token": ["a", "b"]}
        assert first["requestContext"]["eventType"] == "CONNECT"
        assert first["requestContext"]["routeKey"] == "$connect"
        assert "messageId" not in first["requestContext"]
        ends = [event for event in told if event["requestContext"]["eventType"] == "DISCONNECT"]
        host = f"{api}.execute-api.us-east-1.amazonaws.com"
        assert ends[0]["headers"] == {"Host": host, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
        by_code = {e["requestContext"]["disconnectStatusCode"]: e["requestContext"] for e in ends}
        assert sorted(by_code) == [1000, 1005, 1006]
        assert by_code[1005]["disconnectReason"] == "Client-side close frame status not set"
        assert by_code[1000]["connectionId"] == connected(world)[0]

    play(main)


@pytest.mark.fact("3.15")
@pytest.mark.parametrize(("want", "status"), [("403", 403), ("401", 401), ("'raise'", 502), ("None", 502)])
def test_a_connect_integration_that_does_not_accept_is_the_answer(play: Play, want: str, status: int) -> None:
    source = f"""
def handler(event, context):
    if {want} == "raise":
        raise ValueError("no")
    return {want} and {{"statusCode": {want}}}
"""

    async def main(world: World) -> None:
        await world.python("f", source)
        with pytest.raises(InvalidStatus) as caught:
            await client_of(world, await api_of(world, {"$connect": "f"}))
        assert caught.value.response.status_code == status
        assert connected(world) == []

    play(main)


@pytest.mark.fact("3.1", "3.12")
def test_after_29_seconds_an_error_frame_comes_and_the_function_runs_on(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP, Timeout=60)
        api = await api_of(world, {"$default": "f"}, replies=("$default",))
        async with client_of(world, api) as client:
            began = world.clock.now()
            await client.send('{"s": 40}')
            text = await client.recv()
            assert world.clock.now() - began == pytest.approx(29, abs=1e-6)
            ids = json.loads(text)
            assert text == (
                '{"message": "Internal server error", '
                f'"connectionId":"{connected(world)[0]}", "requestId":"{ids["requestId"]}"}}'
            )
            await client.send('{"s": 28.999}')
            assert await client.recv() == "done"
            await world.clock.advance(60)
            longest = max(e.data["duration_ms"] for e in world.events("invocation_ended"))
            assert longest == pytest.approx(40_000, abs=1)

    play(main)


@pytest.mark.fact("3.1")
def test_a_shorter_timeout_strikes_at_its_instant(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP)
        api = await api_of(world, {"$default": "f"}, TimeoutInMillis=50)
        async with client_of(world, api) as client:
            began = world.clock.now()
            await client.send('{"s": 1}')
            assert "Internal server error" in await client.recv()
            assert world.clock.now() - began == pytest.approx(0.05, abs=1e-6)

    play(main)


@pytest.mark.fact("3.12", "3.13", "3.14")
def test_error_frames_and_what_is_dropped(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", STATUS)
        api = await api_of(world, {"go": "f", "tell": "f"}, replies=("tell",))
        async with client_of(world, api) as client:
            await client.send('{"action": "go", "want": 200}')  # dropped: the route has no response
            for want in ("raise", "none", 500):
                await client.send(json.dumps({"action": "go", "want": want}))
                text = await client.recv()
                request = json.loads(text)["requestId"]
                head = '{"message": "Internal server error", "connectionId":"'
                assert text == f'{head}{connected(world)[0]}", "requestId":"{request}"}}'
            await client.send('{"action": "other"}')
            text = await client.recv()
            request = json.loads(text)["requestId"]
            head = '{"message": "Forbidden", "connectionId":"'
            assert text == f'{head}{connected(world)[0]}", "requestId":"{request}"}}'
            await client.send('{"action": "tell"}')
            assert await client.recv() == "dropped"

    play(main)


@pytest.mark.fact("3.12")
def test_a_function_without_permission_is_an_error_frame(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", OK)
        async with client_of(world, await api_of(world, {"$default": "f"}, permission=False)) as client:
            await client.send("x")
            assert "Internal server error" in await client.recv()
            assert "permit" in world.events("failed", "api_websocket")[0].data["reason"]

    play(main)


@pytest.mark.fact("3.2")
@pytest.mark.parametrize("ping", [False, True])
def test_ten_idle_minutes_end_a_connection(play: Play, ping: bool) -> None:
    async def main(world: World) -> None:
        await world.python("f", OK)
        api = await api_of(world, {"$default": "f"})
        async with client_of(world, api) as client:
            await world.clock.advance(300)
            await client.send("x")
            await world.clock.settled()
            began = world.events("message_received", "api_websocket")[0].at
            await world.clock.advance(300)
            if ping:
                await (await client.ping())
            await world.clock.advance(299.999)
            assert not world.events("disconnected", "api_websocket")
            await world.clock.advance(1)
            assert await raised(client) == (1001, "Going away")
        end = world.events("disconnected", "api_websocket")[0]
        assert end.at - began == pytest.approx(600, abs=1e-6)
        assert (end.data["code"], end.data["reason"]) == (1001, "Going away")

    play(main)


@pytest.mark.fact("3.3")
def test_two_hours_end_a_connection_that_talks(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", OK)
        async with client_of(world, await api_of(world, {"$default": "f"})) as client:
            for _ in range(12):
                await world.clock.advance(599)
                await client.send("x")
                await world.clock.settled()
            await world.clock.advance(60)
            assert await raised(client) == (1001, "Going away")
        begin, end = (world.events(name, "api_websocket")[0].at for name in ("connected", "disconnected"))
        assert end - begin == pytest.approx(7200, abs=1e-6)

    play(main)


@pytest.mark.fact("3.4", "3.5", "3.6", "3.7")
@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        (["x" * 32_768], None),
        (["x" * 32_769], 1009),
        (["x" * 32_768] * 4, None),
        ([*["x" * 32_768] * 4, "x"], 1009),
        ([b"x"], 1003),
    ],
)
def test_sizes_and_kinds_of_frames(play: Play, pieces: list[Any], code: int | None) -> None:
    source = "def handler(event, context):\n    return {'statusCode': 200, 'body': str(len(event['body']))}\n"

    async def main(world: World) -> None:
        await world.python("f", source)
        api = await api_of(world, {"$default": "f"}, replies=("$default",))
        async with client_of(world, api) as client:
            await client.send(pieces if len(pieces) > 1 else pieces[0])  # a list is sent as fragments
            if code is None:
                assert await client.recv() == str(sum(map(len, pieces)))
            else:
                assert (await raised(client))[0] == code

    play(main)


@pytest.mark.fact("3.18", "3.19")
def test_boto3_posts_asks_and_deletes(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world, {})
        boto = management(world, api)
        async with client_of(world, api, user_agent_header="me") as client:
            (id_,) = connected(world)
            assert id_.endswith("=")
            await world.clock.advance(5)
            posted = await asyncio.to_thread(boto.post_to_connection, ConnectionId=id_, Data="hej €".encode())
            assert posted["ResponseMetadata"]["HTTPStatusCode"] == 200
            assert await client.recv() == "hej €"
            shape = await asyncio.to_thread(boto.get_connection, ConnectionId=id_)
            assert shape["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "me"}
            assert (shape["LastActiveAt"] - shape["ConnectedAt"]).total_seconds() == pytest.approx(5, abs=0.1)
            error = await failure(boto.post_to_connection, ConnectionId=id_, Data=b"x" * 131_073)
            assert error[:2] == (413, "PayloadTooLargeException")
            await asyncio.to_thread(boto.post_to_connection, ConnectionId=id_, Data=b"x" * 131_072)
            assert len(await client.recv()) == 131_072
            deleted = await asyncio.to_thread(boto.delete_connection, ConnectionId=id_)
            assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
            assert await raised(client) == (1000, "")
        for call, more in (
            (boto.post_to_connection, {"Data": b"x"}),
            (boto.get_connection, {}),
            (boto.delete_connection, {}),
        ):
            assert await failure(call, ConnectionId=id_, **more) == (410, "GoneException", "")
        end = world.events("disconnected", "api_websocket")[0]
        assert (end.data["code"], end.data["reason"]) == (1000, "Connection Closed Normally")
        elsewhere = boto3.session.Session("test", "test", region_name="us-east-1").client(
            "apigatewaymanagementapi", endpoint_url=address(world, api, "http")[:-4] + "dev"
        )
        assert (await failure(elsewhere.get_connection, ConnectionId=id_))[:2] == (403, "ForbiddenException")

    play(main)


@pytest.mark.fact("3.18")
def test_who_may_not_manage_connections_is_told(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world, {})
        await world.aws("iam", "CreateUser", UserName="u")
        key = (await world.aws("iam", "CreateAccessKey", UserName="u"))["AccessKey"]
        boto = management(world, api, key["AccessKeyId"], key["SecretAccessKey"])
        async with client_of(world, api) as client:
            (id_,) = connected(world)
            where = (
                f"arn:aws:execute-api:us-east-1:********0000:{api}/prod/POST/@connections/{{connectionId}}"
            )
            text = f"User: arn:aws:iam::{ACCOUNT}:user/u is not authorized to perform: "
            assert await failure(boto.post_to_connection, ConnectionId=id_, Data=b"x") == (
                403,
                "AccessDeniedException",
                f"{text}execute-api:ManageConnections on resource: {where}",
            )
            allow = {
                "Effect": "Allow",
                "Action": "execute-api:ManageConnections",
                "Resource": f"arn:aws:execute-api:*:*:{api}/*/POST/@connections/*",
            }
            document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
            await world.aws("iam", "PutUserPolicy", UserName="u", PolicyName="p", PolicyDocument=document)
            await asyncio.to_thread(boto.post_to_connection, ConnectionId=id_, Data=b"x")
            assert await client.recv() == "x"
        answer = await world.http.post(f"{address(world, api, 'http')}/@connections/{id_}", content=b"x")
        assert (answer.status_code, answer.json()) == (403, {"message": "Missing Authentication Token"})

    play(main)


@pytest.mark.fact("3.18")
def test_a_client_that_does_not_read_makes_posts_fail(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world, {})
        boto = management(world, api)
        client = await client_of(world, api)
        client.transport.pause_reading()
        (id_,) = connected(world)
        refused = None
        for _ in range(200):
            try:
                await asyncio.to_thread(boto.post_to_connection, ConnectionId=id_, Data=b"x" * 131_072)
            except ClientError as error:
                refused = error.response
                break
        assert refused is not None, "25 MB were taken for a client that does not read"
        assert refused["Error"]["Code"] == "LimitExceededException"
        assert refused["ResponseMetadata"]["HTTPStatusCode"] == 429
        client.transport.abort()

    play(main)


@pytest.mark.fact("3.20")
def test_a_broadcast_is_one_post_for_each_connection(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world, {})
        boto = management(world, api)
        clients = [await client_of(world, api) for _ in range(5)]
        for id_ in connected(world):
            await asyncio.to_thread(boto.post_to_connection, ConnectionId=id_, Data=b"news")
        assert [await client.recv() for client in clients] == ["news"] * 5
        assert len(world.events("posted", "api_websocket")) == 5
        assert {e.data["connection"] for e in world.events("sent", "api_websocket")} == set(connected(world))
        for client in clients:
            await client.close()

    play(main)


@pytest.mark.fact("3.8", "3.9")
def test_more_new_connections_in_a_second_than_the_quota_are_refused(play: Play) -> None:
    assert Limits(date(2026, 11, 24)).value("api_websocket.connect_rate") == 500

    async def main(world: World) -> None:
        api = await api_of(world, {})
        clients = [await client_of(world, api) for _ in range(50)]
        with pytest.raises(InvalidStatus) as caught:
            await client_of(world, api)
        assert caught.value.response.status_code == 429
        await world.clock.advance(0.02)
        clients.append(await client_of(world, api))
        assert len(connected(world)) == 51
        for client in clients:
            client.transport.abort()

    play(main, overrides={"api_websocket.connect_rate": 50})
