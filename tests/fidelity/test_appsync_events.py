"""Proofs of the rows about AppSync's Event APIs: the websockets client, httpx, real handlers, virtual time."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from websockets.asyncio.client import ClientConnection, connect

from tests.auth.issuer import Issuer

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

KEY = {"authType": "API_KEY"}
IAM = {"authType": "AWS_IAM"}
LAMBDA = {"authType": "AWS_LAMBDA"}
UNAUTHORIZED = [
    {"errorType": "UnauthorizedException", "message": "You are not authorized to make this call."}
]
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:"


@dataclass
class Api:
    """An Event API with the namespace ``chat``, and clients of it."""

    world: World
    info: dict[str, Any]
    key: str

    @property
    def label(self) -> str:
        return str(self.info["dns"]["HTTP"].partition(".")[0])

    def url(self, scheme: str, path: str) -> str:
        return f"{scheme}://127.0.0.1:{self.world.sandbox.settings.port}/_aws/appsync/{self.label}{path}"

    async def namespace(self, name: str, **settings: Any) -> None:
        await self.world.aws(
            "appsync", "CreateChannelNamespace", apiId=self.info["apiId"], name=name, **settings
        )

    async def function(self, name: str, source: str) -> None:
        """A function, and a data source of the same name."""
        await self.world.python(name, source)
        await self.world.aws(
            "appsync",
            "CreateDataSource",
            apiId=self.info["apiId"],
            name=name,
            type="AWS_LAMBDA",
            lambdaConfig={"lambdaFunctionArn": FUNCTION + name},
        )

    async def publish(
        self, *events: Any, channel: str = "/chat/a", headers: Any = None, status: int = 200
    ) -> Any:
        body = {"channel": channel, "events": [json.dumps(event) for event in events]}
        given = {"x-api-key": self.key} if headers is None else headers
        answer = await self.world.http.post(self.url("http", "/event"), json=body, headers=given)
        assert answer.status_code == status, answer.text
        return answer.json()

    @asynccontextmanager
    async def client(self, auth: Any = None, init: bool = True) -> AsyncIterator[Client]:
        text = json.dumps({"host": "h", "x-api-key": self.key} if auth is None else auth).encode()
        header = "header-" + base64.urlsafe_b64encode(text).decode().rstrip("=")
        options: Any = {"subprotocols": ["aws-appsync-event-ws", header], "ping_interval": None}
        async with connect(self.url("ws", "/event/realtime"), **options) as socket:
            client = Client(self, socket)
            if init:
                await client.say(type="connection_init")
                assert (await client.hear())["type"] == "connection_ack"
            yield client


@dataclass
class Client:
    api: Api
    socket: ClientConnection

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.socket.recv())
        return found

    async def ask(self, **message: Any) -> dict[str, Any]:
        await self.say(**message)
        return await self.hear()

    async def subscribe(self, channel: str, id: str = "s1", auth: Any = None) -> dict[str, Any]:
        authorization = {"x-api-key": self.api.key, "host": "h"} if auth is None else auth
        return await self.ask(type="subscribe", id=id, channel=channel, authorization=authorization)

    async def events(self, n: int) -> list[Any]:
        """The next n events, each in a frame of its own."""
        found = []
        for _ in range(n):
            frame = await self.hear()
            assert frame["type"] == "data", frame
            (text,) = frame["event"]
            found.append((frame["id"], json.loads(text)))
        return found


async def api_of(world: World, *more: Any, connection: Any = None, **namespace: Any) -> Api:
    modes = [KEY, *({"authType": provider["authType"]} for provider in more)]
    config = {
        "authProviders": [KEY, *more],
        "connectionAuthModes": connection or modes,
        "defaultPublishAuthModes": modes,
        "defaultSubscribeAuthModes": modes,
    }
    made = (await world.aws("appsync", "CreateApi", name="live", eventConfig=config))["api"]
    key = (await world.aws("appsync", "CreateApiKey", apiId=made["apiId"]))["apiKey"]["id"]
    api = Api(world, made, key)
    await api.namespace("chat", **namespace)
    return api


@pytest.mark.fact("5.20", "5.21", "5.22", "5.23")
def test_a_publish_by_http_reaches_subscribers(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world)
        async with api.client(init=False) as client:
            assert client.socket.subprotocol == "aws-appsync-event-ws"
            ack = await client.ask(type="connection_init")
            assert ack == {"type": "connection_ack", "connectionTimeoutMs": 300_000}
            assert await client.subscribe("/chat/a") == {"id": "s1", "type": "subscribe_success"}
            answer = await api.publish({"n": 1}, "two")
            assert [entry["index"] for entry in answer["successful"]] == [0, 1]
            assert answer["failed"] == []
            assert await client.events(2) == [("s1", {"n": 1}), ("s1", "two")]
            assert await client.ask(type="unsubscribe", id="s1") == {
                "id": "s1",
                "type": "unsubscribe_success",
            }
            await api.publish("lost")
            assert await client.ask(type="unsubscribe", id="s1") == {
                "id": "s1",
                "type": "unsubscribe_error",
                "errors": [{"errorType": "UnknownOperationError", "message": "Unknown operation id s1"}],
            }

    play(main)


@pytest.mark.fact("5.20", "5.23")
def test_a_client_can_publish_on_its_connection_since_march_2025(play: Play) -> None:
    def told(result: dict[str, Any]) -> list[str]:
        return [error["errorType"] for error in result["errors"]]

    async def today(world: World) -> None:
        api = await api_of(world)
        async with api.client() as client:
            await client.subscribe("/chat/a")
            message = {"type": "publish", "id": "p", "channel": "/chat/a", "events": ['{"a":1}']}
            await client.say(**message, authorization={"x-api-key": api.key})
            frames = [await client.hear(), await client.hear()]
            assert {frame["type"] for frame in frames} == {"data", "publish_success"}
            (done,) = (frame for frame in frames if frame["type"] == "publish_success")
            assert (done["id"], done["failed"], done["successful"][0]["index"]) == ("p", [], 0)
            refused = await client.ask(**message, authorization={"x-api-key": "da2-other"})
            assert refused == {"id": "p", "type": "publish_error", "errors": UNAUTHORIZED}

    async def before(world: World) -> None:
        api = await api_of(world)
        async with api.client() as client:
            message = {"type": "publish", "id": "p", "channel": "/chat/a", "events": ["1"]}
            answer = await client.ask(**message, authorization={"x-api-key": api.key})
            assert told(answer) == ["UnsupportedOperation"]

    play(today)
    play(before, as_of=date(2025, 3, 12))


@pytest.mark.fact("5.23")
def test_keep_alives_come_each_minute(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world)
        async with api.client() as client:
            began = world.clock.now()
            heard = []
            for _ in range(3):
                await world.clock.advance(60)
                heard.append((round(world.clock.now() - began, 6), await client.hear()))
            assert heard == [(60, {"type": "ka"}), (120, {"type": "ka"}), (180, {"type": "ka"})]

    play(main)


@pytest.mark.fact("5.24")
def test_ids_channels_and_batches_have_bounds(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world)
        async with api.client() as client:

            async def word(channel: str = "/chat/a", id: str = "ok") -> str:
                answer = await client.subscribe(channel, id)
                return (
                    str(answer["type"]) if "errors" not in answer else str(answer["errors"][0]["errorType"])
                )

            assert await word(id="a" * 128) == "subscribe_success"
            assert await word(id="a" * 129) == "BadRequestException"
            assert await word(id="a b") == "BadRequestException"
            assert await word(id="A_z-9+") == "subscribe_success"
            assert await word(f"/chat/{'x' * 50}", "c1") == "subscribe_success"
            assert await word(f"/chat/{'x' * 51}", "c2") == "BadRequestException"
            assert await word("/chat/b/c/d/e", "c3") == "subscribe_success"
            assert await word("/chat/b/c/d/e/f", "c4") == "BadRequestException"
            assert await word("/chat/b_c", "c5") == "BadRequestException"
            assert await word("/nothing/b", "c6") == "NotFoundException"
            assert await word("/chat/a", "c3") == "DuplicatedOperationError"
        await api.publish(1, 2, 3, 4, 5)
        refused = await api.publish(1, 2, 3, 4, 5, 6, status=400)
        assert refused["errors"][0]["message"] == "events must be a list of at most 5 events."
        await api.publish(1, channel="/chat/*", status=400)
        body = {"channel": "/chat/a", "events": ["no json"]}
        answer = await world.http.post(api.url("http", "/event"), json=body, headers={"x-api-key": api.key})
        assert (answer.status_code, answer.json()["errors"][0]["message"]) == (
            400,
            "Event 0 is no valid JSON.",
        )

    play(main)


@pytest.mark.fact("5.25")
def test_an_event_has_a_largest_size(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world)
        await api.publish("x" * (245_760 - 2))
        assert (await api.publish("x" * (245_760 - 1), status=400))["errors"][0]["message"] == (
            "Event 0 is larger than 245760 bytes."
        )

    play(main)


@pytest.mark.fact("5.23")
def test_a_pattern_gets_all_below_it(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world)
        async with api.client() as client:
            for name, channel in (("all", "/chat/*"), ("room", "chat/a/*"), ("exact", "/chat/a/")):
                assert (await client.subscribe(channel, name))["type"] == "subscribe_success"
            await api.publish(1, channel="/chat/a")
            assert sorted(await client.events(2)) == [("all", 1), ("exact", 1)]
            await api.publish(2, channel="/chat/a/b/c")
            assert sorted(await client.events(2)) == [("all", 2), ("room", 2)]
            await api.publish(3, channel="/chat")
            await api.publish(4, channel="/chat/b")
            assert await client.events(1) == [("all", 4)]

    play(main)


@pytest.mark.fact("5.22", "5.23")
def test_wrong_and_expired_keys_are_refused_at_connect_and_at_subscribe(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world)
        for auth in ({"host": "h", "x-api-key": "da2-wrong"}, {"host": "h"}):
            async with api.client(auth, init=False) as client:
                refused = await client.ask(type="connection_init")
                assert refused["type"] == "connection_error"
                assert refused["errors"][0]["errorType"] == "UnauthorizedException"
        async with api.client() as client:
            wrong = await client.subscribe("/chat/a", auth={"x-api-key": "da2-wrong"})
            assert wrong == {"id": "s1", "type": "subscribe_error", "errors": UNAUTHORIZED}
            assert (await client.subscribe("/chat/a"))["type"] == "subscribe_success"
        later = int(world.sandbox.clock.epoch()) + 300 * 86_400
        made = await world.aws("appsync", "CreateApiKey", apiId=api.info["apiId"], expires=later)
        await world.clock.advance(8 * 86_400)
        async with api.client({"x-api-key": made["apiKey"]["id"], "host": "h"}) as client:
            assert (await client.subscribe("/chat/a"))["errors"] == UNAUTHORIZED
        async with api.client(init=False) as client:
            assert (await client.ask(type="connection_init"))["type"] == "connection_error"
        assert (await api.publish(1, status=401))["errors"] == UNAUTHORIZED

    play(main)


@pytest.mark.fact("5.22")
def test_a_client_without_the_subprotocol_is_refused(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world)
        async with connect(api.url("ws", "/event/realtime"), ping_interval=None) as socket:
            refused = json.loads(await socket.recv())
            assert refused["type"] == "connection_error"
            assert refused["errors"][0]["errorType"] == "BadRequestException"

    play(main)


@pytest.mark.fact("5.13", "5.23")
def test_each_operation_takes_the_modes_that_it_was_given(play: Play) -> None:
    async def main(world: World) -> None:
        code = "export const onPublish = (ctx) => ctx.events.map((e) => ({id: e.id, payload: ctx.identity}))"
        api = await api_of(world, IAM, publishAuthModes=[IAM], codeHandlers=code)
        await world.aws("iam", "CreateUser", UserName="u")
        keys = (await world.aws("iam", "CreateAccessKey", UserName="u"))["AccessKey"]

        def signed(body: str, path: str = "/event") -> dict[str, str]:
            """As Amplify signs: a POST of the operation's members."""
            host = f"{api.label}.appsync-api.us-east-1.amazonaws.com"
            request = AWSRequest("POST", f"https://{host}{path}", data=body, headers={"host": host})
            SigV4Auth(
                Credentials(keys["AccessKeyId"], keys["SecretAccessKey"]), "appsync", "us-east-1"
            ).add_auth(request)
            return dict(request.headers.items())

        async def allow(*actions: str) -> None:
            arn = api.info["apiArn"]
            statement = {"Effect": "Allow", "Action": list(actions), "Resource": [arn, f"{arn}/*"]}
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            await world.aws("iam", "PutUserPolicy", UserName="u", PolicyName="p", PolicyDocument=document)

        async with api.client(signed("{}"), init=False) as client:
            assert (await client.ask(type="connection_init"))["errors"] == UNAUTHORIZED
        await allow("appsync:EventConnect", "appsync:EventPublish")
        async with api.client(signed("{}")) as client:
            by_iam = await client.subscribe("/chat/a", auth=signed('{"channel":"/chat/a"}'))
            assert by_iam["errors"] == UNAUTHORIZED
            assert (await client.subscribe("/chat/a"))["type"] == "subscribe_success"
            await api.namespace("closed", subscribeAuthModes=[IAM])
            assert (await client.subscribe("/closed/a", "s2"))["errors"] == UNAUTHORIZED
            by_key = {"type": "publish", "id": "p", "channel": "/chat/a", "events": ["1"]}
            refused = await client.ask(**by_key, authorization={"x-api-key": api.key})
            assert refused["errors"] == UNAUTHORIZED
            body = '{"channel":"/chat/a","events":["1"]}'
            await client.say(**by_key, authorization=signed(body))
            frames = [await client.hear(), await client.hear()]
            assert {frame["type"] for frame in frames} == {"data", "publish_success"}
            (seen,) = (json.loads(frame["event"][0]) for frame in frames if frame["type"] == "data")
            assert (seen["userArn"], seen["cognitoIdentityId"]) == (
                "arn:aws:iam::000000000000:user/u",
                None,
            )
            other = await client.ask(**{**by_key, "events": ["2"]}, authorization=signed(body))
            assert other["errors"][0]["errorType"] == "InvalidSignatureException"

    play(main)


@pytest.mark.fact("5.13")
def test_a_lambda_authorizer_judges_each_operation(play: Play) -> None:
    source = """
def handler(event, context):
    asked = event["requestContext"]
    print("ASKED", asked["operation"], asked["channelNamespaceName"], asked["channel"])
    return {"isAuthorized": event["authorizationToken"] == "me" and asked["channel"] != "/chat/secret",
            "handlerContext": {"user": "me"}, "ttlOverride": 60}
"""
    code = "export const onPublish = (ctx) => ctx.events.map((e) => ({id: e.id, payload: ctx.identity}))"

    async def main(world: World) -> None:
        await world.python("auth", source)
        await world.aws(
            "lambda",
            "AddPermission",
            FunctionName="auth",
            StatementId="a",
            Action="lambda:InvokeFunction",
            Principal="appsync.amazonaws.com",
        )
        provider = {**LAMBDA, "lambdaAuthorizerConfig": {"authorizerUri": f"{FUNCTION}auth"}}
        api = await api_of(world, provider, codeHandlers=code)
        mine = {"Authorization": "me", "host": "h"}
        async with api.client(mine) as client:
            assert (await client.subscribe("/chat/*", auth=mine))["type"] == "subscribe_success"
            assert (await client.subscribe("/chat/secret", "s2", auth=mine))["errors"] == UNAUTHORIZED
            for _ in range(2):
                await api.publish(1, headers={"Authorization": "me"})
                assert await client.events(1) == [("s1", {"handlerContext": {"user": "me"}})]
            await api.publish(1, headers={"Authorization": "you"}, status=401)
            await world.aws("lambda", "RemovePermission", FunctionName="auth", StatementId="a")
            unkept = await api.publish(1, channel="/chat/b", headers={"Authorization": "me"}, status=401)
            assert unkept["errors"] == UNAUTHORIZED
        asked = [
            e.data["line"].split()[1:] for e in world.events("log") if e.data["line"].startswith("ASKED")
        ]
        assert asked == [
            ["EVENT_CONNECT", "None", "None"],
            ["EVENT_SUBSCRIBE", "chat", "/chat/*"],
            ["EVENT_SUBSCRIBE", "chat", "/chat/secret"],
            ["EVENT_PUBLISH", "chat", "/chat/a"],
            ["EVENT_PUBLISH", "chat", "/chat/a"],
        ]
        failed = world.events("failed", "appsync_events")[-2]  # the last is the refused publish
        assert failed.data["type"] == "authorizer"
        assert failed.data["reason"].startswith(f"{FUNCTION}auth does not permit appsync.amazonaws.com")

    play(main)


HANDLERS = """
import { util } from '@aws-appsync/utils';
export function onSubscribe(ctx) {
  if (ctx.info.channel.path === '/chat/closed') util.unauthorized();
}
export function onPublish(ctx) {
  console.log('got', ctx.events.length);
  return ctx.events
    .filter((event) => event.payload !== 'drop')
    .map((event) => event.payload === 'bad' ? { id: event.id, error: 'not this one' }
      : event.payload === 'huge' ? { id: event.id, payload: 'x'.repeat(300000) }
      : { id: event.id, payload: { text: event.payload, in: ctx.info.channel.segments } });
}
"""


@pytest.mark.fact("5.23")
def test_handlers_change_drop_and_refuse(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world, codeHandlers=HANDLERS)
        async with api.client() as client:
            assert (await client.subscribe("/chat/closed", "no"))["errors"] == UNAUTHORIZED
            assert (await client.subscribe("/chat/a"))["type"] == "subscribe_success"
            answer = await api.publish("one", "drop", "bad", "two")
            assert [entry["index"] for entry in answer["successful"]] == [0, 1, 3]
            assert [(entry["index"], entry["message"]) for entry in answer["failed"]] == [(2, "not this one")]
            expected = [("s1", {"text": text, "in": ["chat", "a"]}) for text in ("one", "two")]
            assert await client.events(2) == expected
            await api.publish("huge")
            told = await client.hear()
            assert (told["type"], told["id"]) == ("broadcast_error", "s1")
        assert [e.data["text"] for e in world.events("log", "appsync_events")] == ["got 4", "got 1"]

    play(main)


DIRECT = """
import time
class UnauthorizedException(Exception):
    pass
def handler(event, context):
    print("SAW", event["info"]["operation"], event["info"]["channel"]["path"])
    if event["info"]["operation"] == "SUBSCRIBE":
        return {"error": "not here"} if event["info"]["channel"]["path"] == "/direct/closed" else None
    time.sleep(2)
    if event["events"][0]["payload"] == "raise":
        raise ValueError("no")
    if event["events"][0]["payload"] == "refuse":
        raise UnauthorizedException("not you")
    return {"events": [{"id": e["id"], "payload": {"seen": e["payload"]}} for e in event["events"]]}
"""


def test_functions_can_be_handlers(play: Play) -> None:
    def config(kind: str) -> Any:
        return {
            "behavior": "DIRECT",
            "integration": {"dataSourceName": "f", "lambdaConfig": {"invokeType": kind}},
        }

    async def main(world: World) -> None:
        api = await api_of(world)
        await api.function("f", DIRECT)
        both = {"onPublish": config("REQUEST_RESPONSE"), "onSubscribe": config("REQUEST_RESPONSE")}
        await api.namespace("direct", handlerConfigs=both)
        await api.namespace("async", handlerConfigs={"onPublish": config("EVENT")})
        async with api.client() as client:
            refused = await client.subscribe("/direct/closed", "no")
            assert refused["errors"][0]["message"] == "not here"
            await client.subscribe("/direct/a", "d")
            await client.subscribe("/async/a", "e")
            began = world.clock.now()
            await api.publish(1, channel="/direct/a")
            assert round(world.clock.now() - began, 3) >= 2
            assert await client.events(1) == [("d", {"seen": 1})]
            began = world.clock.now()
            await api.publish(2, channel="/async/a")
            assert await client.events(1) == [("e", 2)]
            assert world.clock.now() - began < 1
            failed = await api.publish("raise", channel="/direct/a", status=500)
            assert failed["errors"] == [{"errorType": "Lambda:Unhandled", "message": "no"}]
            refused = await api.publish("refuse", channel="/direct/a", status=403)
            assert refused["errors"] == [{"errorType": "UnauthorizedException", "message": "not you"}]

    play(main)


SOURCED = """
export const onPublish = {
  request(ctx) {
    return { operation: 'Invoke', payload: { texts: ctx.events.map((e) => e.payload) } };
  },
  response(ctx) {
    return ctx.events.map((e, index) => ({ id: e.id, payload: ctx.result[index] }));
  },
};
"""


def test_a_handler_can_ask_a_function(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world)
        await api.function("f", "def handler(event, context): return [t.upper() for t in event['texts']]")
        config = {"onPublish": {"behavior": "CODE", "integration": {"dataSourceName": "f"}}}
        await api.namespace("loud", codeHandlers=SOURCED, handlerConfigs=config)
        async with api.client() as client:
            await client.subscribe("/loud/a")
            await api.publish("a", "b", channel="/loud/a")
            assert await client.events(2) == [("s1", "A"), ("s1", "B")]

    play(main)


STORED = """
import * as ddb from '@aws-appsync/utils/dynamodb';
import { util } from '@aws-appsync/utils';
export const onPublish = {
  request(ctx) {
    const [{ payload }] = ctx.events;
    const condition = { id: { attributeExists: false } };
    return ddb.put({ key: { id: payload.id }, item: { text: payload.text }, condition });
  },
  response(ctx) {
    if (ctx.error) util.error('stored already', ctx.error.type);
    return ctx.events.map((e) => ({ id: e.id, payload: { stored: ctx.result } }));
  },
};
"""


def test_a_handler_can_store_an_event(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world)
        await world.aws(
            "dynamodb",
            "CreateTable",
            TableName="events",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        table = {"tableName": "events", "awsRegion": "us-east-1"}
        sources: dict[str, Any] = {
            "table": {"type": "AMAZON_DYNAMODB", "dynamodbConfig": table},
            "search": {
                "type": "AMAZON_OPENSEARCH_SERVICE",
                "openSearchServiceConfig": {"endpoint": "https://s.test", "awsRegion": "us-east-1"},
            },
        }
        for name, settings in sources.items():
            role = "arn:aws:iam::000000000000:role/r"
            where = {"apiId": api.info["apiId"], "name": name, "serviceRoleArn": role}
            await world.aws("appsync", "CreateDataSource", **where, **settings)
            config = {"onPublish": {"behavior": "CODE", "integration": {"dataSourceName": name}}}
            await api.namespace(name, codeHandlers=STORED, handlerConfigs=config)
        async with api.client() as client:
            await client.subscribe("/table/a")
            await api.publish({"id": "1", "text": "hi"}, channel="/table/a")
            assert await client.events(1) == [("s1", {"stored": {"id": "1", "text": "hi"}})]
            again = await api.publish({"id": "1", "text": "ho"}, channel="/table/a", status=400)
            kind = "DynamoDB:ConditionalCheckFailedException"
            assert again["errors"] == [{"errorType": kind, "message": "stored already"}]
        kept = await world.aws("dynamodb", "Scan", TableName="events")
        assert [item["text"]["S"] for item in kept["Items"]] == ["hi"]
        lacking = await api.publish({"id": "1", "text": "ho"}, channel="/search/a", status=501)
        assert "AMAZON_OPENSEARCH_SERVICE" in json.dumps(lacking)

    play(main)


def test_deliveries_go_wrong_when_asked_to(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world)
        world.sandbox.anomalies.configure(duplicates=1.0, services=["appsync_events"])
        async with api.client() as client:
            await client.subscribe("/chat/a")
            await api.publish(1)
            assert await client.events(2) == [("s1", 1), ("s1", 1)]
        world.sandbox.anomalies.configure(subscribe_delay=5.0)
        async with api.client() as client:
            began = world.clock.now()
            await client.say(
                type="subscribe", id="s1", channel="/chat/a", authorization={"x-api-key": api.key}
            )
            await api.publish("lost")
            assert (await client.hear())["type"] == "subscribe_success"
            assert round(world.clock.now() - began, 3) == 5
            world.sandbox.anomalies.reset()
            await api.publish("heard")
            assert await client.events(1) == [("s1", "heard")]

    play(main)


OWN_ROOM = """
import { util } from '@aws-appsync/utils';
export function onSubscribe(ctx) {
  if (ctx.info.channel.path !== `/chat/${ctx.identity.username}`) util.unauthorized();
}
"""


@pytest.mark.fact("5.13")
def test_a_user_of_a_pool_gets_a_room_of_their_own(play: Play) -> None:
    async def main(world: World) -> None:
        cognito = "cognito-idp"
        pool = (await world.aws(cognito, "CreateUserPool", PoolName="p"))["UserPool"]["Id"]
        flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        made = await world.aws(
            cognito, "CreateUserPoolClient", UserPoolId=pool, ClientName="c", ExplicitAuthFlows=flows
        )
        user = {"UserPoolId": pool, "Username": "ada"}
        await world.aws(cognito, "AdminCreateUser", **user, MessageAction="SUPPRESS")
        await world.aws(cognito, "AdminSetUserPassword", **user, Password="Analytical-1843", Permanent=True)
        login = await world.aws(
            cognito,
            "AdminInitiateAuth",
            UserPoolId=pool,
            ClientId=made["UserPoolClient"]["ClientId"],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ada", "PASSWORD": "Analytical-1843"},
        )
        token = {"Authorization": login["AuthenticationResult"]["AccessToken"], "host": "h"}
        provider = {
            "authType": "AMAZON_COGNITO_USER_POOLS",
            "cognitoConfig": {"userPoolId": pool, "awsRegion": "us-east-1"},
        }
        api = await api_of(world, provider, codeHandlers=OWN_ROOM)
        async with api.client(token) as client:
            assert (await client.subscribe("/chat/ada", auth=token))["type"] == "subscribe_success"
            assert (await client.subscribe("/chat/bob", "s2", auth=token))["errors"] == UNAUTHORIZED
            await api.publish("hej", channel="/chat/ada", headers=token)
            assert await client.events(1) == [("s1", "hej")]
            await world.clock.advance(3601)  # the access token has expired, the connection stands
            frames = [await client.subscribe("/chat/ada", "s3", auth=token)]
            while frames[-1]["type"] == "ka":
                frames.append(await client.hear())
            assert frames[-1]["errors"] == UNAUTHORIZED

    play(main)


@pytest.mark.fact("5.13")
def test_a_user_of_a_foreign_issuer(play: Play) -> None:
    code = "export const onPublish = (ctx) => ctx.events.map((e) => ({id: e.id, payload: ctx.identity}))"
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = {**json.loads(RSAAlgorithm.to_jwk(private.public_key())), "kid": "k", "alg": "RS256"}

    async def main(world: World) -> None:
        async with Issuer(json.dumps({"keys": [public]}).encode()) as issuer:
            now = int(world.clock.epoch())

            def token(signer: rsa.RSAPrivateKey = private, **changes: Any) -> dict[str, str]:
                claims = {"iss": issuer.url, "sub": "ada", "aud": "web-1", "iat": now, "exp": now + 9000}
                claims |= {"auth_time": now, **changes}
                kept = {name: value for name, value in claims.items() if value is not None}
                text = jwt.encode(kept, signer, algorithm="RS256", headers={"kid": "k"})
                return {"Authorization": text, "host": "h"}

            config = {"issuer": issuer.url, "clientId": "web-.*", "iatTTL": 100_000, "authTTL": 50_000}
            provider = {"authType": "OPENID_CONNECT", "openIDConnectConfig": config}
            api = await api_of(world, provider, codeHandlers=code)
            await api.namespace("closed", subscribeAuthModes=[KEY])
            async with api.client(token()) as client:
                assert (await client.subscribe("/chat/a", auth=token()))["type"] == "subscribe_success"
                assert (await client.subscribe("/closed/a", "s2", auth=token()))["errors"] == UNAUTHORIZED
                await api.publish(1, headers=token())
                ((_, seen),) = await client.events(1)
                assert (seen["issuer"], seen["sub"], seen["claims"]["aud"]) == (issuer.url, "ada", "web-1")
                forger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
                for wrong in (
                    token(forger),
                    token(aud="other"),
                    token(aud=None),
                    token(aud=None, azp="other"),
                    token(iss=f"{issuer.url}/else"),
                    token(exp=now - 1),
                    token(iat=now - 101),
                    token(auth_time=now - 51),
                    token(auth_time=None),
                ):
                    assert (await api.publish(1, headers=wrong, status=401))["errors"] == UNAUTHORIZED
                for right in (token(aud=["other", "web-2"]), token(aud=None, azp="web-3")):
                    await api.publish(1, headers=right)
                    await client.events(1)
            async with api.client(token(aud="other"), init=False) as client:
                assert (await client.ask(type="connection_init"))["errors"] == UNAUTHORIZED

    play(main)


@pytest.mark.fact("5.21")
def test_a_domain_of_ones_own_leads_to_the_api(play: Play) -> None:
    async def main(world: World) -> None:
        api = await api_of(world)
        arn = "arn:aws:acm:us-east-1:000000000000:certificate/1"
        await world.aws("appsync", "CreateDomainName", domainName="live.example.com", certificateArn=arn)
        await world.aws("appsync", "AssociateApi", domainName="live.example.com", apiId=api.info["apiId"])
        answer = await world.http.post(
            f"{world.sandbox.endpoint}/event",
            json={"channel": "/chat/a", "events": ["1"]},
            headers={"host": "live.example.com", "x-api-key": api.key},
        )
        assert (answer.status_code, answer.json()["failed"]) == (200, [])
        preflight = await world.http.options(api.url("http", "/event"), headers={"origin": "https://a"})
        assert preflight.headers["access-control-allow-origin"] == "*"
        missing = await world.http.post(f"{world.sandbox.endpoint}/_aws/appsync/nothing/event", json={})
        assert missing.status_code == 404

    play(main)
