"""IoT Core end to end: sockets, signatures, Cognito, functions, topic rules (facts 6.1 to 6.16)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sandbox.aws.errors import AwsError
from sandbox.services.iot.mqtt import (
    Ack,
    Connack,
    Connect,
    Decoder,
    Disconnect,
    Filter,
    Publish,
    Subscribe,
    encode,
)
from sandbox.services.iot.mqtt import packets as p
from tests.fidelity.conftest import ROLE

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

ACCOUNT = "000000000000"
ARN = f"arn:aws:iot:us-east-1:{ACCOUNT}"
PYTHON = """
import json, time, boto3

iot = boto3.client("iot-data")

def handler(event, context):
    for n in range(event["n"]):
        time.sleep(2)
        iot.publish(topic=event["topic"], qos=event.get("qos", 0), payload=json.dumps({"token": n}))
"""
NODE = """
import { IoTDataPlaneClient, PublishCommand } from "@aws-sdk/client-iot-data-plane";

const iot = new IoTDataPlaneClient({});

export const handler = async ({n, topic, qos = 0}) => {
  for (let i = 0; i < n; i++) {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await iot.send(new PublishCommand({topic, qos, payload: Buffer.from(JSON.stringify({token: i}))}));
  }
};
"""


def moving(play: Play, main: Callable[[World], Awaitable[None]]) -> None:
    """Play with time that moves also while nothing is under way."""

    async def body(world: World) -> None:
        with world.clock.in_flight("test"):
            await main(world)

    play(body)


def signed(
    world: World,
    host: str,
    key: str = "test",
    secret: str = "test",
    token: str | None = None,
    age: float = 0.0,
    service: str = "iotdevicegateway",
    expires: str = "86400",
) -> str:
    """The query of ``/mqtt`` as IoT's SDKs write it."""
    stamp = (world.clock.utcnow() - timedelta(seconds=age)).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/us-east-1/{service}/aws4_request"
    query = (
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={quote(f'{key}/{scope}', safe='')}"
        f"&X-Amz-Date={stamp}&X-Amz-Expires={expires}&X-Amz-SignedHeaders=host"
    )
    canonical = f"GET\n/mqtt\n{query}\nhost:{host}\n\nhost\n{hashlib.sha256(b'').hexdigest()}"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    secret_key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        secret_key = hmac.digest(secret_key, part.encode(), "sha256")
    query += f"&X-Amz-Signature={hmac.digest(secret_key, text.encode(), 'sha256').hex()}"
    return query if token is None else f"{query}&X-Amz-Security-Token={quote(token, safe='')}"


class Client:
    """A client over a real socket."""

    def __init__(self, socket: ClientConnection, level: int) -> None:
        self.socket = socket
        self.level = level
        self._decoder = Decoder(level=level)
        self._ready: list[p.Packet] = []

    async def say(self, packet: p.Packet) -> None:
        await self.socket.send(encode(packet, self.level))

    async def next(self) -> p.Packet:
        while not self._ready:
            self._ready += self._decoder.feed(await self.socket.recv(decode=False))
        return self._ready.pop(0)

    async def subscribe(self, *topics: str, qos: int = 1) -> list[int]:
        await self.say(Subscribe(1, [Filter(topic, qos) for topic in topics]))
        answer = await self.next()
        assert isinstance(answer, p.Suback)
        return list(answer.reasons)

    async def message(self) -> Publish:
        found = await self.next()
        assert isinstance(found, Publish)
        if found.qos:
            await self.say(Ack(found.packet_id))
        return found

    async def ended(self) -> list[p.Packet]:
        """What still comes before the end."""
        found = []
        try:
            while True:
                found.append(await self.next())
        except ConnectionClosed:
            return found


async def endpoint(world: World) -> str:
    found = await world.aws("iot", "DescribeEndpoint", endpointType="iot:Data-ATS")
    return str(found["endpointAddress"])


@asynccontextmanager
async def socket_of(
    world: World, query: str, host: str, headers: dict[str, str] | None = None, subprotocol: str = "mqtt"
) -> AsyncIterator[ClientConnection]:
    """A WebSocket to the endpoint by its own name."""
    where: dict[str, Any] = {"host": "127.0.0.1", "port": world.sandbox.settings.port, "proxy": None}
    address = f"ws://{host}/mqtt?{query}"
    async with connect(
        address, subprotocols=[subprotocol], additional_headers=headers, compression=None, **where
    ) as socket:  # type: ignore[list-item]
        yield socket


@asynccontextmanager
async def client_of(
    world: World, client_id: str = "c", level: int = 4, query: str | None = None, **packet: Any
) -> AsyncIterator[Client]:
    host = await endpoint(world)
    async with socket_of(world, signed(world, host) if query is None else query, host) as socket:
        client = Client(socket, level)
        await client.say(Connect(client_id, level, keep_alive=1200, **packet))
        yield client


async def connected(client: Client) -> Connack:
    answer = await client.next()
    assert isinstance(answer, Connack)
    assert answer.reason == 0
    return answer


async def status_of(world: World, query: str, **options: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as refused:
        async with socket_of(world, query, await endpoint(world), **options):
            pass
    answer = refused.value.response
    return answer.status_code, json.loads(answer.body or b"{}"), dict(answer.headers.raw_items())


async def role_may(
    world: World, *actions: str, resource: str = "*", name: str = ROLE.rpartition("/")[2]
) -> None:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    await world.aws("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=document)
    await world.aws("iam", "PutRolePolicy", RoleName=name, PolicyName="p", PolicyDocument=document)


async def publish(world: World, topic: str, payload: bytes = b"x", **more: Any) -> None:
    await world.aws("iot-data", "Publish", topic=topic, payload=payload, **more)


@pytest.mark.fact("6.1", "6.2")
@pytest.mark.parametrize("subprotocol", ["mqtt", "mqttv3.1"])
def test_a_signed_handshake_opens_a_connection(play: Play, subprotocol: str) -> None:
    async def main(world: World) -> None:
        host = await endpoint(world)
        assert host.endswith("-ats.iot.us-east-1.amazonaws.com")
        async with socket_of(world, signed(world, host), host, subprotocol=subprotocol) as socket:
            assert socket.subprotocol == subprotocol
            client = Client(socket, 4)
            await client.say(Connect("c"))
            await connected(client)

    moving(play, main)


@pytest.mark.fact("6.2")
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"secret": "wrong"}, "The request signature we calculated does not match"),
        ({"key": "AKIANOBODY"}, "The security token included in the request is invalid."),
        ({"age": 301}, "Signature expired: "),
        ({"service": "iotdata"}, "Credential should be scoped to correct service: 'iotdevicegateway'. "),
        ({"token": "made-up"}, "The security token included in the request is invalid."),
    ],
    ids=["secret", "key", "age", "service", "token"],
)
def test_wrong_credentials_are_refused_at_the_handshake(
    play: Play, fault: dict[str, Any], message: str
) -> None:
    async def main(world: World) -> None:
        query = signed(world, await endpoint(world), **fault)
        status, body, headers = await status_of(world, query)
        assert status == 403
        assert body["message"].startswith(message)
        assert headers["x-amzn-ErrorType"] == "ForbiddenException:"
        assert headers["x-amzn-RequestId"] == body["traceId"]
        if "age" in fault:  # X-Amz-Expires is a day, and counts for nothing
            assert body["message"].endswith("- 5 min.)")

    moving(play, main)


@pytest.mark.fact("6.2")
def test_the_length_of_a_refusal_is_that_of_the_recorded_ones(play: Play) -> None:
    async def main(world: World) -> None:
        host = await endpoint(world)
        for fault, length in (({"secret": "wrong"}, "241"), ({"age": 301.0}, "163")):
            _, _, headers = await status_of(world, signed(world, host, **fault))
            assert headers["Content-Length"] == length

    moving(play, main)


@pytest.mark.fact("6.2")
def test_neither_credentials_nor_an_authorizer_is_403_and_another_subprotocol_400(play: Play) -> None:
    async def main(world: World) -> None:
        assert (await status_of(world, ""))[:1] == (403,)
        query = signed(world, await endpoint(world))
        assert (await status_of(world, query, subprotocol="chat"))[:1] == (400,)

    moving(play, main)


def test_a_text_frame_and_a_broken_packet_end_the_connection(play: Play) -> None:
    async def main(world: World) -> None:
        for data in ("{}", b"\x00\x00"):
            async with client_of(world) as client:
                await connected(client)
                await client.socket.send(data)
                assert await client.ended() == []
            await asyncio.sleep(1)
        reasons = [event.data["reason"] for event in world.events("disconnected", "iot")]
        assert reasons == ["CLIENT_ERROR", "CLIENT_ERROR"]

    moving(play, main)


def test_a_packet_may_come_in_several_frames_and_a_frame_hold_several_packets(play: Play) -> None:
    async def main(world: World) -> None:
        async with client_of(world) as client:
            await connected(client)
            both = encode(Subscribe(1, [Filter("a", 0)]), 4) + encode(Publish("a", b"hello"), 4)
            await client.socket.send([both[:5], both[5:9], both[9:]])  # one message of three frames
            assert isinstance(await client.next(), p.Suback)
            assert (await client.message()).payload == b"hello"
            again = encode(Publish("a", b"again"), 4)
            for at in range(len(again)):
                await client.socket.send(again[at : at + 1])
            assert (await client.message()).payload == b"again"

    moving(play, main)


def test_a_close_frame_is_a_farewell_and_a_lost_connection_is_none(play: Play) -> None:
    async def main(world: World) -> None:
        async with client_of(world, "watcher") as watcher:
            await connected(watcher)
            await watcher.subscribe("left")
            will = p.Will("left", b"lost", 1)
            async with client_of(world, "polite", will=will) as polite:
                await connected(polite)
            async with client_of(world, "lost", will=will) as lost:
                await connected(lost)
                lost.socket.transport.abort()
            assert (await watcher.message()).payload == b"lost"
        reasons = {event.id: event.data["reason"] for event in world.events("disconnected", "iot")}
        assert (reasons["polite"], reasons["lost"]) == ("CLIENT_INITIATED_DISCONNECT", "CONNECTION_LOST")

    moving(play, main)


# -- functions


@pytest.mark.fact("6.5", "6.15")
@pytest.mark.parametrize("runtime", ["python", "node"])
def test_a_function_pushes_tokens_with_the_unmodified_sdk(play: Play, runtime: str) -> None:
    async def main(world: World) -> None:
        await (
            world.python("f", PYTHON, Timeout=300)
            if runtime == "python"
            else world.node("f", NODE, Timeout=300)
        )
        await role_may(world, "iot:Publish", resource=f"{ARN}:topic/room/*")
        async with client_of(world) as client:
            await connected(client)
            await client.subscribe("room/+/answer")
            began = world.clock.now()
            event = json.dumps({"n": 20, "topic": "room/a/answer", "qos": 1}).encode()
            await world.invoke("f", event, type="Event")
            times = []
            for n in range(20):
                assert json.loads((await client.message()).payload) == {"token": n}
                times.append(world.clock.now() - began)
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert gaps == pytest.approx([2.0] * 19, abs=1e-3)

    moving(play, main)


ENDPOINT = """
import boto3

def handler(event, context):
    host = boto3.client("iot").describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    data = boto3.client("iot-data", endpoint_url=f"https://{host}")
    data.publish(topic="room/a b/answer", payload=b"by name", retain=True)
    return data.get_retained_message(topic="room/a b/answer")["payload"].decode()
"""


@pytest.mark.fact("6.1")
def test_a_function_publishes_by_the_endpoints_own_name(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", ENDPOINT, Timeout=60)
        await role_may(world, "iot:*")
        async with client_of(world) as client:
            await connected(client)
            await client.subscribe("room/#")
            assert json.loads((await world.invoke("f")).payload) == "by name"
            heard = await client.message()
            assert (heard.topic, heard.payload, heard.retain) == ("room/a b/answer", b"by name", False)

    moving(play, main)


@pytest.mark.fact("6.5")
def test_a_function_whose_role_may_not_publish_is_refused(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", PYTHON, Timeout=60)
        await role_may(world, "iot:Publish", resource=f"{ARN}:topic/other")
        result = await world.invoke("f", json.dumps({"n": 1, "topic": "room/a"}).encode())
        failure = json.loads(result.payload)
        assert failure["errorType"] == "ForbiddenException"
        assert failure["errorMessage"].endswith("when calling the Publish operation: Forbidden")

    moving(play, main)


# -- Cognito


async def identity(world: World, guests: bool = False) -> tuple[str, dict[str, Any]]:
    """An identity that has logged in (or a guest), and its credentials."""
    pool = (await world.aws("cognito-idp", "CreateUserPool", PoolName="people"))["UserPool"]["Id"]
    flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    made = await world.aws(
        "cognito-idp", "CreateUserPoolClient", UserPoolId=pool, ClientName="w", ExplicitAuthFlows=flows
    )
    client = made["UserPoolClient"]["ClientId"]
    who = {"UserPoolId": pool, "Username": "ada"}
    await world.aws("cognito-idp", "AdminCreateUser", **who, MessageAction="SUPPRESS")
    await world.aws("cognito-idp", "AdminSetUserPassword", **who, Password="Analytical-1843", Permanent=True)
    login = await world.aws(
        "cognito-idp",
        "AdminInitiateAuth",
        UserPoolId=pool,
        ClientId=client,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ada", "PASSWORD": "Analytical-1843"},
    )
    provider = f"cognito-idp.us-east-1.amazonaws.com/{pool}"
    identities = await world.aws(
        "cognito-identity",
        "CreateIdentityPool",
        IdentityPoolName="i",
        AllowUnauthenticatedIdentities=True,
        CognitoIdentityProviders=[{"ProviderName": provider, "ClientId": client}],
    )
    role = f"arn:aws:iam::{ACCOUNT}:role/reader"
    await world.aws(
        "cognito-identity",
        "SetIdentityPoolRoles",
        IdentityPoolId=identities["IdentityPoolId"],
        Roles={"authenticated": role, "unauthenticated": role},
    )
    await role_may(world, "iot:*", name="reader")
    logins = {} if guests else {"Logins": {provider: login["AuthenticationResult"]["IdToken"]}}
    found = await world.aws(
        "cognito-identity", "GetId", IdentityPoolId=identities["IdentityPoolId"], **logins
    )
    keys = await world.aws(
        "cognito-identity", "GetCredentialsForIdentity", IdentityId=found["IdentityId"], **logins
    )
    return found["IdentityId"], keys["Credentials"]


def query_of(world: World, host: str, keys: dict[str, Any]) -> str:
    return signed(world, host, keys["AccessKeyId"], keys["SecretKey"], keys["SessionToken"])


@pytest.mark.fact("6.2", "6.14")
def test_an_identity_needs_an_attached_policy_with_its_own_variables(play: Play) -> None:
    variable = "${cognito-identity.amazonaws.com:sub}"
    statements = [
        {"Effect": "Allow", "Action": "iot:Connect", "Resource": f"{ARN}:client/{variable}"},
        {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": f"{ARN}:topicfilter/chat/{variable}/*"},
        {"Effect": "Allow", "Action": "iot:Receive", "Resource": f"{ARN}:topic/chat/{variable}/*"},
    ]

    async def main(world: World) -> None:
        me, keys = await identity(world)
        query = query_of(world, await endpoint(world), keys)
        async with client_of(world, me, query=query) as client:
            assert await client.ended() == []
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        await world.aws("iot", "CreatePolicy", policyName="chat", policyDocument=document)
        await world.aws("iot", "AttachPolicy", policyName="chat", target=me)
        async with client_of(world, me, 5, query=query) as client:
            await connected(client)
            assert await client.subscribe(f"chat/{me}/answer", "chat/other/answer") == [1, 0x87]
            await publish(world, f"chat/{me}/answer", b"hello", qos=1)
            assert (await client.message()).payload == b"hello"
            await client.say(Publish(f"chat/{me}/answer", b"x", 1, packet_id=9))
            refused = await client.next()
            assert isinstance(refused, Ack)
            assert refused.reason == 0x87
        async with client_of(world, "somebody-else", 5, query=query) as client:
            answer = await client.next()
            assert isinstance(answer, Connack)
            assert answer.reason == 0x87

    moving(play, main)


@pytest.mark.fact("6.2")
def test_a_guest_has_the_roles_policy_alone(play: Play) -> None:
    async def main(world: World) -> None:
        _, keys = await identity(world, guests=True)
        async with client_of(world, query=query_of(world, await endpoint(world), keys)) as client:
            await connected(client)

    moving(play, main)


@pytest.mark.fact("6.2", "6.3")
def test_credentials_that_end_keep_out_but_throw_nobody_out(play: Play) -> None:
    async def main(world: World) -> None:
        _, keys = await identity(world, guests=True)
        host = await endpoint(world)
        async with client_of(world, query=query_of(world, host, keys)) as client:
            await connected(client)
            await client.subscribe("a")
            for _ in range(4):
                await asyncio.sleep(1000)
                await client.say(p.Pingreq())
                assert isinstance(await client.next(), p.Pingresp)
            status, body, _ = await status_of(world, query_of(world, host, keys))
            assert (status, body["message"]) == (403, "The security token included in the request is expired")
            await publish(world, "a")
            assert (await client.message()).payload == b"x"

    moving(play, main)


# -- custom authorizers

AUTHORIZER = """
import json

def handler(event, context):
    print(json.dumps(event))
    if event.get("token") == "fail":
        raise ValueError("no")
    mqtt = event["protocolData"].get("mqtt", {})
    allow = lambda action, resource: {"Effect": "Allow", "Action": action, "Resource": resource}
    arn = "arn:aws:iot:us-east-1:000000000000:"
    return {
        "isAuthenticated": event.get("token", mqtt.get("password")) in ("good", "Z29vZA=="),
        "principalId": "guest",
        "disconnectAfterInSeconds": 300,
        "refreshAfterInSeconds": 300,
        "policyDocuments": [json.dumps({"Version": "2012-10-17", "Statement": [
            allow("iot:Connect", arn + "client/*"), allow("iot:Subscribe", arn + "topicfilter/mine")]})],
    }
"""


async def authorizer(world: World, source: str = AUTHORIZER, **config: Any) -> None:
    await world.python("auth", source)
    await world.aws(
        "lambda",
        "AddPermission",
        FunctionName="auth",
        StatementId="iot",
        Action="lambda:InvokeFunction",
        Principal="iot.amazonaws.com",
        SourceArn=f"{ARN}:authorizer/a",
    )
    given = {"signingDisabled": True, "status": "ACTIVE", "tokenKeyName": "my-token", **config}
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:auth"
    await world.aws("iot", "CreateAuthorizer", authorizerName="a", authorizerFunctionArn=arn, **given)


def event_of(world: World) -> dict[str, Any]:
    lines = [event.data["line"] for event in world.events("log") if event.data["line"].startswith('{"')]
    found: dict[str, Any] = json.loads(lines[-1])
    return found


@pytest.mark.fact("6.2")
@pytest.mark.parametrize("where", ["query", "headers"])
def test_a_custom_authorizer_is_asked_at_the_handshake(play: Play, where: str) -> None:
    async def main(world: World) -> None:
        await authorizer(world)
        host = await endpoint(world)
        given = {"x-amz-customauthorizer-name": "a", "my-token": "good"}
        query = "&".join(f"{name}={value}" for name, value in given.items()) if where == "query" else ""
        headers = given if where == "headers" else None
        async with socket_of(world, query, host, headers) as socket:
            client = Client(socket, 5)
            await client.say(Connect("g", 5, keep_alive=1200))
            await connected(client)
            assert await client.subscribe("mine", "yours") == [1, 0x87]
            event = event_of(world)
            assert (event["token"], event["signatureVerified"], event["protocols"]) == (
                "good",
                False,
                ["tls", "http"],
            )
            assert event["protocolData"]["tls"] == {"serverName": host}
            assert event["protocolData"]["http"]["queryString"] == (f"?{query}" if query else "")
            began = world.clock.now()
            assert await client.ended() == []
            assert world.clock.now() - began == pytest.approx(300, abs=1)
        assert world.events("disconnected", "iot")[-1].data["reason"] == "CUSTOMAUTH_TTL_EXPIRATION"
        for token in ("bad", "fail"):
            status, body, _ = await status_of(world, f"x-amz-customauthorizer-name=a&my-token={token}")
            assert (status, body["message"]) == (403, "Forbidden")

    moving(play, main)


@pytest.mark.fact("6.2")
def test_a_custom_authorizer_is_asked_by_the_user_name_of_connect(play: Play) -> None:
    async def main(world: World) -> None:
        await authorizer(world)
        for username, password, reason in (
            ("me?x-amz-customauthorizer-name=a", b"good", 0),
            ("me?x-amz-customauthorizer-name=a", b"bad", 0x87),
            ("me?x-amz-customauthorizer-name=none", b"good", 0x87),
            ("me", b"good", 0x87),
        ):
            async with client_of(
                world, f"c{reason}{username}"[:40], 5, "", username=username, password=password
            ) as c:
                answer = await c.next()
                assert isinstance(answer, Connack)
                assert answer.reason == reason
        await world.aws("iot", "SetDefaultAuthorizer", authorizerName="a")
        async with client_of(world, "d", 5, "", username="me", password=b"good") as client:
            await connected(client)
        mqtt = event_of(world)["protocolData"]["mqtt"]
        assert mqtt == {"username": "me", "password": "Z29vZA==", "clientId": "d"}

    moving(play, main)


@pytest.mark.fact("6.2")
def test_an_authorizer_lets_a_device_publish_by_http(play: Play) -> None:
    async def main(world: World) -> None:
        publishing = AUTHORIZER.replace(
            'allow("iot:Subscribe", arn + "topicfilter/mine")', 'allow("iot:Publish", arn + "topic/mine/*")'
        )
        await authorizer(world, publishing)
        url = f"{world.sandbox.endpoint}/topics/mine%2Fa?qos=1"
        name = {"x-amz-customauthorizer-name": "a"}
        async with client_of(world) as client:
            await connected(client)
            await client.subscribe("#")
            done = await world.http.post(url, content=b"hello", headers={**name, "my-token": "good"})
            assert (done.status_code, done.json()["message"]) == (200, "OK")
            heard = await client.message()
            assert (heard.topic, heard.payload, heard.qos) == ("mine/a", b"hello", 1)
        for bad, token in ((url, "bad"), (url.replace("mine", "yours"), "good")):
            refused = await world.http.post(
                f"{bad}&x-amz-customauthorizer-name=a", headers={"my-token": token}
            )
            assert (refused.status_code, refused.json()["message"]) == (403, "Forbidden")
            assert refused.headers["x-amzn-errortype"] == "ForbiddenException"

    moving(play, main)


@pytest.mark.fact("6.2")
def test_an_authorizer_can_be_tried_out(play: Play) -> None:
    async def main(world: World) -> None:
        await authorizer(world)
        tried = await world.aws(
            "iot",
            "TestInvokeAuthorizer",
            authorizerName="a",
            mqttContext={"username": "me", "password": b"good", "clientId": "x"},
            httpContext={"headers": {"a": "b"}, "queryString": "?c=d"},
        )
        assert (tried["isAuthenticated"], tried["principalId"]) == (True, "guest")
        assert json.loads(tried["policyDocuments"][0])["Statement"]
        event = event_of(world)
        assert event["protocolData"]["http"] == {"headers": {"a": "b"}, "queryString": "?c=d"}
        with pytest.raises(AwsError) as unknown:
            await world.aws("iot", "TestInvokeAuthorizer", authorizerName="none")
        assert unknown.value.status == 404
        with pytest.raises(AwsError) as failed:
            await world.aws("iot", "TestInvokeAuthorizer", authorizerName="a", token="fail")
        assert failed.value.code == "InvalidResponseException"

    moving(play, main)


@pytest.mark.fact("6.2")
def test_policies_know_the_thing_of_an_identity(play: Play) -> None:
    thing = "${iot:Connection.Thing.ThingName}"
    statements = [
        {
            "Effect": "Allow",
            "Action": "iot:Connect",
            "Resource": f"{ARN}:client/{thing}",
            "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "true"}},
        }
    ]

    async def main(world: World) -> None:
        me, keys = await identity(world)
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        await world.aws("iot", "CreatePolicy", policyName="things", policyDocument=document)
        await world.aws("iot", "AttachPolicy", policyName="things", target=me)
        query = query_of(world, await endpoint(world), keys)
        async with client_of(world, "lamp", query=query) as client:
            assert await client.ended() == []
        await asyncio.sleep(1)
        await world.aws("iot", "CreateThing", thingName="lamp")
        await world.aws("iot", "AttachThingPrincipal", thingName="lamp", principal=me)
        assert (await world.aws("iot", "ListPrincipalThings", principal=me))["things"] == ["lamp"]
        assert (await world.aws("iot", "ListThingPrincipals", thingName="lamp"))["principals"] == [me]
        async with client_of(world, "lamp", query=query) as client:
            await connected(client)
        async with client_of(world, "other", query=query) as client:
            assert await client.ended() == []
        with pytest.raises(AwsError) as unknown:
            await world.aws("iot", "AttachThingPrincipal", thingName="none", principal=me)
        assert unknown.value.status == 404

    moving(play, main)


@pytest.mark.fact("6.2")
def test_an_identitys_publish_by_http_needs_both_policies_too(play: Play) -> None:
    import boto3

    async def main(world: World) -> None:
        me, keys = await identity(world)
        data = boto3.client(
            "iot-data",
            endpoint_url=world.sandbox.endpoint,
            region_name="us-east-1",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretKey"],
            aws_session_token=keys["SessionToken"],
        )
        with pytest.raises(data.exceptions.ClientError, match="ForbiddenException"):
            await asyncio.to_thread(data.publish, topic="a", payload=b"")
        statement = {"Effect": "Allow", "Action": "iot:Publish", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        await world.aws("iot", "CreatePolicy", policyName="p", policyDocument=document)
        await world.aws("iot", "AttachPolicy", policyName="p", target=me)
        await asyncio.to_thread(data.publish, topic="a", payload=b"")

    moving(play, main)


@pytest.mark.fact("6.2")
def test_the_tokens_signature_is_checked_before_the_function_is_asked(play: Play) -> None:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    async def main(world: World) -> None:
        key = rsa.generate_private_key(65_537, 2048)
        spki, pem = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.Encoding.PEM
        public = key.public_key().public_bytes(pem, spki).decode()
        await authorizer(world, signingDisabled=False, tokenSigningPublicKeys={"k": public})
        signature = base64.b64encode(key.sign(b"good", PKCS1v15(), hashes.SHA256())).decode()
        host = await endpoint(world)
        begin = "x-amz-customauthorizer-name=a&my-token="
        query = f"{begin}good&x-amz-customauthorizer-signature={quote(signature, safe='')}"
        async with socket_of(world, query, host) as socket:
            client = Client(socket, 4)
            await client.say(Connect("s"))
            await connected(client)
        assert event_of(world)["signatureVerified"] is True
        invoked = len(world.events("invoked"))
        for wrong in (
            f"{begin}bad&x-amz-customauthorizer-signature={quote(signature, safe='')}",
            f"{begin}good",
        ):
            assert (await status_of(world, wrong))[0] == 403
        assert len(world.events("invoked")) == invoked

    moving(play, main)


# -- iot-data


@pytest.mark.fact("6.4", "6.12")
def test_publish_by_http(play: Play) -> None:
    async def main(world: World) -> None:
        async with client_of(world, level=5) as client:
            await connected(client)
            await client.subscribe("a/b")
            await publish(
                world,
                "a/b",
                b"hello",
                qos=1,
                retain=True,
                contentType="text/plain",
                responseTopic="r",
                correlationData=base64.b64encode(b"\x01").decode(),
                payloadFormatIndicator="UTF8_DATA",
                messageExpiry=60,
                userProperties=json.dumps([{"n": "1"}]),
            )
            assert (await client.message()).properties == {
                "payload_format_indicator": 1,
                "content_type": "text/plain",
                "response_topic": "r",
                "message_expiry_interval": 60,
                "correlation_data": b"\x01",
                "user_property": [("n", "1")],
            }
        kept = await world.aws("iot-data", "GetRetainedMessage", topic="a/b")
        assert (kept["payload"], kept["qos"]) == (b"hello", 1)
        assert json.loads(kept["userProperties"]) == [{"n": "1"}]
        listed = await world.aws("iot-data", "ListRetainedMessages")
        assert [(one["topic"], one["payloadSize"]) for one in listed["retainedTopics"]] == [("a/b", 5)]
        await publish(world, "a/b", b"", retain=True)
        for topic, payload, status, code in (
            ("a/b", b"x" * 131_073, 413, "RequestEntityTooLargeException"),
            ("a/+", b"x", 400, "InvalidRequestException"),
            ("$SYS/x", b"x", 400, "InvalidRequestException"),
        ):
            with pytest.raises(AwsError) as refused:
                await publish(world, topic, payload)
            assert (refused.value.status, refused.value.code) == (status, code)
        with pytest.raises(AwsError) as gone:
            await world.aws("iot-data", "GetRetainedMessage", topic="a/b")
        assert (gone.value.status, gone.value.code) == (404, "ResourceNotFoundException")

    moving(play, main)


@pytest.mark.fact("6.16")
def test_direct_messages_and_connections(play: Play) -> None:
    async def main(world: World) -> None:
        async with client_of(world, "ada", 5, properties={"session_expiry_interval": 60}) as client:
            await connected(client)
            await client.subscribe("x", "y/#", qos=1)
            listed = await world.aws("iot-data", "ListSubscriptions", clientId="ada")
            assert listed["subscriptions"] == [
                {"topicFilter": "x", "qos": 1},
                {"topicFilter": "y/#", "qos": 1},
            ]
            sending = asyncio.ensure_future(
                world.aws(
                    "iot-data",
                    "SendDirectMessage",
                    clientId="ada",
                    topic="no/subscription",
                    payload=b"hi",
                    confirmation=True,
                )
            )
            assert (await client.message()).topic == "no/subscription"
            assert (await sending)["ResponseMetadata"]["HTTPStatusCode"] == 200
            began = world.clock.now()
            with pytest.raises(AwsError) as late:
                await world.aws(
                    "iot-data",
                    "SendDirectMessage",
                    clientId="ada",
                    topic="t",
                    payload=b"",
                    confirmation=True,
                    timeout=5,
                )
            assert (late.value.status, late.value.code) == (504, "GatewayTimeoutException")
            assert world.clock.now() - began == pytest.approx(5)
            there = await world.aws("iot-data", "GetConnection", clientId="ada")
            assert (there["connected"], there["keepAliveDuration"], there["sessionExpiry"]) == (
                True,
                1200,
                60,
            )
            await world.aws("iot-data", "DeleteConnection", clientId="ada")
            said = await client.ended()
            assert [one.reason for one in said if isinstance(one, Disconnect)] == [0x98]
        gone = await world.aws("iot-data", "GetConnection", clientId="ada")
        assert (gone["connected"], gone["disconnectReason"]) == (False, "API_INITIATED_DISCONNECT")
        for operation in ("GetConnection", "ListSubscriptions", "DeleteConnection"):
            with pytest.raises(AwsError) as unknown:
                await world.aws("iot-data", operation, clientId="nobody")
            assert unknown.value.status == 404

    moving(play, main)


# -- topic rules


async def rule(world: World, name: str, sql: str, *actions: dict[str, Any], **more: Any) -> None:
    payload = {"sql": sql, "actions": list(actions), "awsIotSqlVersion": "2016-03-23", **more}
    await world.aws("iot", "CreateTopicRule", ruleName=name, topicRulePayload=payload)


async def queue(world: World, name: str) -> tuple[str, dict[str, Any]]:
    url = (await world.aws("sqs", "CreateQueue", QueueName=name))["QueueUrl"]
    return url, {"sqs": {"queueUrl": url, "roleArn": ROLE}}


async def received(world: World, url: str) -> list[Any]:
    found = await world.aws("sqs", "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
    return [json.loads(one["Body"]) for one in found.get("Messages", [])]


def test_rules_hand_messages_on(play: Play) -> None:
    async def main(world: World) -> None:
        url, to_queue = await queue(world, "q")
        sql = "SELECT *, topic(2) AS room FROM 'chat/+/ask' WHERE kind = 'question'"
        again = {"republish": {"topic": "again/${topic(2)}", "roleArn": ROLE, "qos": 1}}
        await rule(world, "r", sql, to_queue, again)
        async with client_of(world) as client:
            await connected(client)
            await client.subscribe("again/#")
            await publish(world, "chat/a/ask", b'{"kind": "remark"}')
            await publish(world, "chat/a/ask", b'{"kind": "question", "text": "why?"}')
            assert json.loads((await client.message()).payload)["room"] == "a"
        expected = [{"kind": "question", "text": "why?", "room": "a"}]
        assert await received(world, url) == expected
        await world.aws("iot", "DisableTopicRule", ruleName="r")
        await publish(world, "chat/a/ask", b'{"kind": "question"}')
        assert await received(world, url) == []
        await world.aws("iot", "EnableTopicRule", ruleName="r")
        await publish(world, "$aws/rules/r/chat/b/ask", b'{"kind": "question"}')  # Basic Ingest
        assert [one["room"] for one in await received(world, url)] == ["b"]

    moving(play, main)


def test_a_rule_starts_a_function_that_lets_it_in(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", "def handler(event, context): print('got', event)")
        url, to_queue = await queue(world, "errors")
        action = {"lambda": {"functionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"}}
        await rule(world, "r", "SELECT text FROM 'a'", action, errorAction=to_queue)
        await publish(world, "a", b'{"text": 1}')
        (told,) = await received(world, url)
        assert told["ruleName"] == "r"
        assert "does not permit iot.amazonaws.com" in told["failures"][0]["errorMessage"]
        assert base64.b64decode(told["base64OriginalPayload"]) == b'{"text": 1}'
        await world.aws(
            "lambda",
            "AddPermission",
            FunctionName="f",
            StatementId="iot",
            Action="lambda:InvokeFunction",
            Principal="iot.amazonaws.com",
            SourceArn=f"{ARN}:rule/r",
        )
        await publish(world, "a", b'{"text": 2}')
        await asyncio.sleep(5)
        assert any("got {'text': 2}" in event.data["line"] for event in world.events("log"))

    moving(play, main)


def test_an_action_that_no_api_would_take_is_told(play: Play) -> None:
    async def main(world: World) -> None:
        url, to_queue = await queue(world, "errors")
        table = {"dynamoDBv2": {"roleArn": ROLE, "putItem": {"tableName": "no table of this name"}}}
        gone = {"sqs": {"queueUrl": f"{url}-gone", "roleArn": ROLE}}
        await rule(world, "r", "SELECT * FROM 'a'", table, gone, errorAction=to_queue)
        await publish(world, "a", b"{}")
        await asyncio.sleep(1)
        told = await received(world, url)
        assert sorted(one["failures"][0]["failedAction"] for one in told) == ["dynamoDBv2", "sqs"]

    moving(play, main)


def test_rules_write_items(play: Play) -> None:
    async def main(world: World) -> None:
        await world.aws(
            "dynamodb",
            "CreateTable",
            TableName="t",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        one = {
            "dynamoDB": {
                "tableName": "t",
                "roleArn": ROLE,
                "hashKeyField": "id",
                "hashKeyValue": "${topic(1)}",
            }
        }
        two = {"dynamoDBv2": {"roleArn": ROLE, "putItem": {"tableName": "t"}}}
        await rule(world, "one", "SELECT n FROM 'first'", one)
        await rule(world, "two", "SELECT topic() AS id, n FROM 'second'", two)
        for topic in ("first", "second"):
            await publish(world, topic, b'{"n": 5}')
        await asyncio.sleep(1)
        items = (await world.aws("dynamodb", "Scan", TableName="t"))["Items"]
        assert {"id": {"S": "first"}, "payload": {"M": {"n": {"N": "5"}}}} in items
        assert {"id": {"S": "second"}, "n": {"N": "5"}} in items

    moving(play, main)


def test_rules_keep_messages_in_buckets_streams_logs_and_metrics(play: Play) -> None:
    async def main(world: World) -> None:
        aws = world.aws
        await aws("s3", "CreateBucket", Bucket="kept")
        await aws("logs", "CreateLogGroup", logGroupName="/iot")
        await aws("logs", "CreateLogGroup", logGroupName="/many")
        await aws("kinesis", "CreateStream", StreamName="s", ShardCount=1)
        bucket = {"bucketName": "kept", "key": "${topic()}/${n}", "roleArn": ROLE}
        metric = {"metricNamespace": "N", "metricName": "M", "metricUnit": "Count", "metricValue": "${n}"}
        await rule(
            world,
            "all",
            "SELECT * FROM 'a/+'",
            {"s3": bucket},
            {"cloudwatchLogs": {"logGroupName": "/iot", "roleArn": ROLE}},
            {"kinesis": {"streamName": "s", "partitionKey": "${topic(2)}", "roleArn": ROLE}},
            {"cloudwatchMetric": {**metric, "roleArn": ROLE}},
        )
        batch = {"logGroupName": "/many", "batchMode": True, "roleArn": ROLE}
        await rule(world, "many", "SELECT VALUE * FROM 'many'", {"cloudwatchLogs": batch})
        await publish(world, "a/b", b'{"n": 5}')
        now = int(world.clock.epoch() * 1000)
        events = [{"timestamp": now, "message": "one"}, {"timestamp": now + 1, "message": "two"}]
        await publish(world, "many", json.dumps(events).encode())
        await asyncio.sleep(2)
        kept = await aws("s3", "GetObject", Bucket="kept", Key="a/b/5")
        assert json.loads(kept["Body"].read()) == {"n": 5}
        logged = await aws("logs", "FilterLogEvents", logGroupName="/iot")
        assert [json.loads(one["message"]) for one in logged["events"]] == [{"n": 5}]
        logged = await aws("logs", "FilterLogEvents", logGroupName="/many")
        assert [one["message"] for one in logged["events"]] == ["one", "two"]
        shard = {"ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
        iterator = await aws("kinesis", "GetShardIterator", StreamName="s", **shard)
        records = await aws("kinesis", "GetRecords", ShardIterator=iterator["ShardIterator"])
        assert [(one["PartitionKey"], json.loads(one["Data"])) for one in records["Records"]] == [
            ("b", {"n": 5})
        ]
        (found,) = (await aws("cloudwatch", "ListMetrics", Namespace="N"))["Metrics"]
        assert found["MetricName"] == "M"

    moving(play, main)


def test_rules_feed_a_delivery_stream_and_an_alarm(play: Play) -> None:
    async def main(world: World) -> None:
        aws = world.aws
        await aws("s3", "CreateBucket", Bucket="delivered")
        target = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::delivered"}
        await aws(
            "firehose", "CreateDeliveryStream", DeliveryStreamName="d", S3DestinationConfiguration=target
        )
        alarm = {
            "AlarmName": "hot",
            "MetricName": "M",
            "Namespace": "N",
            "Period": 60,
            "EvaluationPeriods": 1,
        }
        compared = {"Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold", "Statistic": "Sum"}
        await aws("cloudwatch", "PutMetricAlarm", **alarm, **compared)
        stream = {"deliveryStreamName": "d", "separator": "\n", "batchMode": True, "roleArn": ROLE}
        state = {"alarmName": "${name}", "stateReason": "${why}", "stateValue": "ALARM", "roleArn": ROLE}
        await rule(world, "stream", "SELECT VALUE * FROM 'list'", {"firehose": stream})
        await rule(world, "alarm", "SELECT * FROM 'heat'", {"cloudwatchAlarm": state})
        await publish(world, "list", b'[{"n": 1}, {"n": 2}]')
        await publish(world, "heat", b'{"name": "hot", "why": "too warm"}')
        await asyncio.sleep(2)
        keys = [one["Key"] for one in (await aws("s3", "ListObjectsV2", Bucket="delivered"))["Contents"]]
        bodies = [(await aws("s3", "GetObject", Bucket="delivered", Key=key))["Body"].read() for key in keys]
        assert b"".join(bodies) == b'{"n":1}\n{"n":2}\n'
        (told,) = (await aws("cloudwatch", "DescribeAlarms", AlarmNames=["hot"]))["MetricAlarms"]
        assert (told["StateValue"], told["StateReason"]) == ("ALARM", "too warm")

    moving(play, main)


def test_a_rule_starts_a_state_machine(play: Play) -> None:
    async def main(world: World) -> None:
        definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
        text = json.dumps(definition)
        made = await world.aws("stepfunctions", "CreateStateMachine", name="m", definition=text, roleArn=ROLE)
        start = {"stateMachineName": "m", "executionNamePrefix": "${topic()}-", "roleArn": ROLE}
        await rule(world, "r", "SELECT * FROM 'begin'", {"stepFunctions": start})
        await publish(world, "begin", b'{"n": 1}')
        await asyncio.sleep(1)
        machine = made["stateMachineArn"]
        (found,) = (await world.aws("stepfunctions", "ListExecutions", stateMachineArn=machine))["executions"]
        assert found["name"].startswith("begin-")
        told = await world.aws("stepfunctions", "DescribeExecution", executionArn=found["executionArn"])
        assert json.loads(told["input"]) == {"n": 1}

    moving(play, main)


def test_what_the_stores_do_not_take_goes_to_the_error_action(play: Play) -> None:
    async def main(world: World) -> None:
        url, to_queue = await queue(world, "errors")
        metric = {"metricNamespace": "N", "metricName": "M", "metricUnit": "Count", "metricValue": "much"}
        await world.aws("logs", "CreateLogGroup", logGroupName="/many")
        await rule(
            world,
            "r",
            "SELECT * FROM 'a'",
            {"cloudwatchMetric": {**metric, "roleArn": ROLE}},
            {"cloudwatchLogs": {"logGroupName": "/many", "batchMode": True, "roleArn": ROLE}},
            {"s3": {"bucketName": "nobodys", "key": "k", "roleArn": ROLE}},
            {"kinesis": {"streamName": "none", "partitionKey": "k", "roleArn": ROLE}},
            errorAction=to_queue,
        )
        await publish(world, "a", b"{}")
        await asyncio.sleep(1)
        told = [one["failures"][0] for one in await received(world, url)]
        failed = {one["failedAction"]: (one["failedResource"], one["errorMessage"]) for one in told}
        assert failed.keys() == {"cloudwatchMetric", "cloudwatchLogs", "s3", "kinesis"}
        assert failed["s3"][0] == "nobodys"
        assert "NoSuchBucket" in failed["s3"][1]
        assert "list of objects" in failed["cloudwatchLogs"][1]
        assert "no number" in failed["cloudwatchMetric"][1]

    moving(play, main)


def test_rules_that_republish_in_a_circle_stop(play: Play) -> None:
    async def main(world: World) -> None:
        await rule(world, "r", "SELECT * FROM 'round'", {"republish": {"topic": "round", "roleArn": ROLE}})
        await publish(world, "round", b"{}")
        await asyncio.sleep(1)
        assert len(world.events("published", "iot")) == 9
        assert "republished 9 times" in world.events("rule_failed", "iot")[0].data["reason"]

    moving(play, main)
