"""paho-mqtt, the AWS IoT Device SDK (awscrt), MQTT.js and boto3, unmodified, against the broker on virtual time."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import paho.mqtt.client as paho
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from sandbox.stories.handle import SandboxHandle

if TYPE_CHECKING:
    from tests.clients.conftest import Run

pytestmark = pytest.mark.fact("6.1", "6.2")
PAYLOAD = "a token ✓"
LIMIT_S = 20


def where(sandbox: SandboxHandle) -> tuple[str, int]:
    parts = urlsplit(sandbox.endpoint)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def path(host: str) -> str:
    """``/mqtt`` signed for a host, by botocore."""
    request = AWSRequest("GET", f"wss://{host}/mqtt")
    SigV4QueryAuth(Credentials("test", "test"), "iotdevicegateway", "us-east-1", expires=60).add_auth(request)
    return str(request.url).split(host, 1)[1]


@pytest.fixture
def authority(sandbox: SandboxHandle, tmp_path: Path) -> Path:
    """The sandbox's certificate authority."""
    file = tmp_path / "ca.pem"
    file.write_bytes(httpx.get(f"{sandbox.endpoint}/_sandbox/ca.pem").content)
    return file


class Paho:
    """paho with what it heard."""

    def __init__(self, version: int, client_id: str, port: int, host: str) -> None:
        api = paho.CallbackAPIVersion.VERSION2
        self.client = paho.Client(api, client_id, transport="websockets", protocol=version)
        self.heard: queue.Queue[Any] = queue.Queue()
        self.client.ws_set_options(path=path(f"{host}:{port}"))
        self.client.on_connect = lambda *said: self.heard.put(("connected", str(said[3])))
        self.client.on_subscribe = lambda *said: self.heard.put(
            ("subscribed", [one.value for one in said[3]])
        )
        self.client.on_message = lambda *said: self.heard.put(said[2])
        self.client.on_disconnect = lambda *said: self.heard.put(("disconnected", str(said[3])))

    def next(self) -> Any:
        return self.heard.get(timeout=LIMIT_S)


@pytest.fixture(params=[paho.MQTTv311, paho.MQTTv5], ids=["3.1.1", "5"])
def client(request: pytest.FixtureRequest, sandbox: SandboxHandle) -> Iterator[Paho]:
    host, port = where(sandbox)
    made = Paho(request.param, f"paho-{request.param}", port, host)
    made.client.connect(host, port)
    made.client.loop_start()
    assert made.next() == ("connected", "Success")
    yield made
    made.client.disconnect()
    made.client.loop_stop()


def test_paho_hears_boto3_and_itself(client: Paho, sandbox: SandboxHandle):
    client.client.subscribe("room/+/answer", 1)
    assert client.next() == ("subscribed", [1])
    data = sandbox.client("iot-data")
    properties = json.dumps([{"n": "1"}])
    data.publish(topic="room/a/answer", qos=1, payload=PAYLOAD.encode(), userProperties=properties)
    heard = client.next()
    assert (heard.topic, heard.payload.decode(), heard.qos) == ("room/a/answer", PAYLOAD, 1)
    if client.client.protocol == paho.MQTTv5:
        assert heard.properties.UserProperty == [("n", "1")]
    client.client.publish("room/b/answer", b"mine", 0)
    heard = client.next()
    assert (heard.topic, heard.payload, heard.qos) == ("room/b/answer", b"mine", 0)


def test_paho_over_tls_by_the_endpoints_own_name(sandbox: SandboxHandle, authority: Path):
    host, port = where(sandbox)
    name = sandbox.client("iot").describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    made = Paho(paho.MQTTv5, "tls", port, host)
    made.client.tls_set(str(authority))
    made.client.ws_set_options(path=path(name), headers={"Host": name})  # AWS's port is not in the name
    made.client.connect("localhost", port)
    made.client.loop_start()
    assert made.next() == ("connected", "Success")
    made.client.disconnect()
    made.client.loop_stop()


def test_paho_asks_and_is_answered(sandbox: SandboxHandle):
    """Request and response of MQTT 5: response topic and correlation data arrive as they were sent."""
    host, port = where(sandbox)
    both = [Paho(paho.MQTTv5, name, port, host) for name in ("asker", "answerer")]
    for one in both:
        one.client.connect(host, port)
        one.client.loop_start()
        assert one.next() == ("connected", "Success")
    asker, answerer = both
    answerer.client.subscribe("ask", 1)
    asker.client.subscribe("answers/asker", 1)
    assert {answerer.next()[0], asker.next()[0]} == {"subscribed"}
    properties = Properties(PacketTypes.PUBLISH)
    properties.ResponseTopic, properties.CorrelationData = "answers/asker", b"\x00\x01"
    asker.client.publish("ask", b"?", 1, properties=properties)
    asked = answerer.next()
    back = Properties(PacketTypes.PUBLISH)
    back.CorrelationData = asked.properties.CorrelationData
    answerer.client.publish(asked.properties.ResponseTopic, b"!", 1, properties=back)
    answer = asker.next()
    assert (answer.topic, answer.payload, answer.properties.CorrelationData) == (
        "answers/asker",
        b"!",
        b"\x00\x01",
    )
    for one in both:
        one.client.disconnect()
        one.client.loop_stop()


@pytest.mark.parametrize("protocol", [4, 5])
def test_mqtt_js_chats_and_is_refused_with_a_wrong_secret(
    sandbox: SandboxHandle, run_node: Run, protocol: int
):
    data = sandbox.client("iot-data")

    def publish() -> None:
        for _ in range(LIMIT_S * 10):
            names = [
                (event.name, event.data.get("topic")) for event in sandbox.timeline() if event.source == "iot"
            ]
            if ("published", "room/b/c") in names:
                break
            threading.Event().wait(0.1)
        data.publish(topic="room/a", payload=b"end", qos=1)

    other = threading.Thread(target=publish)
    other.start()
    address = sandbox.endpoint.replace("http://", "ws://") + "/mqtt"
    said = run_node("mqtt_chat.mjs", sandbox.endpoint, address=address, protocol=protocol)
    other.join()
    assert said[0] == {"connected": 0, "subscription": protocol}
    assert {"granted": [1, 1]} in said
    heard = [one for one in said if "topic" in one]
    user = {"user": {"n": "1"}} if protocol == 5 else {}
    assert heard[0] == {"topic": "room/b/c", "text": "hello ✓", "qos": 1, **user}
    assert heard[1]["text"] == "end"
    assert said[-1] == {"closed": True}
    refused = [event.data["status"] for event in sandbox.timeline() if event.name == "handshake_refused"]
    assert refused == [403]


@pytest.mark.parametrize("wrong", [False, True], ids=["right", "wrong"])
def test_the_iot_sdk_for_mqtt_311(sandbox: SandboxHandle, authority: Path, wrong: bool):
    from awscrt import auth, mqtt
    from awscrt.exceptions import AwsCrtError
    from awsiot import mqtt_connection_builder

    _, port = where(sandbox)
    connection = mqtt_connection_builder.websockets_with_default_aws_signing(
        endpoint="localhost",
        port=port,
        region="us-east-1",
        credentials_provider=auth.AwsCredentialsProvider.new_static("test", "wrong" if wrong else "test"),
        client_id="crt-311",
        clean_session=True,
        ca_filepath=str(authority),
    )
    if wrong:
        with pytest.raises(AwsCrtError, match="WEBSOCKET"):
            connection.connect().result(LIMIT_S)
        return
    assert connection.connect().result(LIMIT_S) == {"session_present": False}
    heard: Future[tuple[str, bytes]] = Future()

    def on_message(topic: str, payload: bytes, **_: Any) -> None:
        heard.set_result((topic, payload))

    subscribed, _ = connection.subscribe("room/+", mqtt.QoS.AT_LEAST_ONCE, callback=on_message)
    assert subscribed.result(LIMIT_S)["qos"] == mqtt.QoS.AT_LEAST_ONCE
    published, _ = connection.publish("room/a", PAYLOAD, mqtt.QoS.AT_LEAST_ONCE)
    published.result(LIMIT_S)
    assert heard.result(LIMIT_S) == ("room/a", PAYLOAD.encode())
    connection.disconnect().result(LIMIT_S)


@contextmanager
def sdk_client(
    sandbox: SandboxHandle, authority: Path, client_id: str, **listeners: Any
) -> Iterator[tuple[Any, queue.Queue[Any]]]:
    """The AWS IoT Device SDK's client for MQTT 5, started, and what its connections were told."""
    from awscrt import auth
    from awsiot import mqtt5_client_builder

    connected: queue.Queue[Any] = queue.Queue()
    stopped: Future[None] = Future()
    client = mqtt5_client_builder.websockets_with_default_aws_signing(
        endpoint="localhost",
        port=where(sandbox)[1],
        region="us-east-1",
        credentials_provider=auth.AwsCredentialsProvider.new_static("test", "test"),
        client_id=client_id,
        ca_filepath=str(authority),
        on_lifecycle_connection_success=connected.put,
        on_lifecycle_stopped=lambda _: stopped.set_result(None),
        **listeners,
    )
    client.start()
    yield client, connected
    client.stop()
    stopped.result(LIMIT_S)


@pytest.mark.fact("6.14")
def test_the_iot_sdk_for_mqtt_5(sandbox: SandboxHandle, authority: Path):
    from awscrt import mqtt5

    heard: Future[Any] = Future()
    with sdk_client(sandbox, authority, "crt-5", on_publish_received=heard.set_result) as (client, connected):
        settings = connected.get(timeout=LIMIT_S).negotiated_settings
        assert (settings.client_id, settings.receive_maximum_from_server) == ("crt-5", 100)
        assert settings.maximum_qos == mqtt5.QoS.AT_LEAST_ONCE
        assert settings.topic_alias_maximum_to_server == 8
        filters = [mqtt5.Subscription("room/+", mqtt5.QoS.AT_LEAST_ONCE)]
        suback = client.subscribe(mqtt5.SubscribePacket(filters)).result(LIMIT_S)
        assert suback.reason_codes == [mqtt5.SubackReasonCode.GRANTED_QOS_1]
        pairs = [mqtt5.UserProperty("n", "1")]
        packet = mqtt5.PublishPacket(
            topic="room/a", payload=PAYLOAD, qos=mqtt5.QoS.AT_LEAST_ONCE, user_properties=pairs
        )
        done = client.publish(packet).result(LIMIT_S)
        assert done.puback.reason_code == mqtt5.PubackReasonCode.SUCCESS
        got = heard.result(LIMIT_S).publish_packet
        assert (got.topic, got.payload.decode(), got.user_properties) == ("room/a", PAYLOAD, pairs)


@pytest.mark.fact("6.2")
def test_the_iot_sdk_with_a_custom_authorizer(sandbox: SandboxHandle, authority: Path):
    """No authorizer that lets anybody in: the SDK's connection ends without a CONNACK."""
    from awscrt.exceptions import AwsCrtError
    from awsiot import mqtt_connection_builder

    _, port = where(sandbox)
    arn = "arn:aws:lambda:us-east-1:000000000000:function:none"
    sandbox.client("iot").create_authorizer(
        authorizerName="a", authorizerFunctionArn=arn, signingDisabled=True, status="ACTIVE"
    )
    connection = mqtt_connection_builder.websockets_with_custom_authorizer(
        endpoint="localhost",
        port=port,
        region="us-east-1",
        auth_authorizer_name="a",
        auth_username="me",
        auth_password=b"secret",
        client_id="crt-custom",
        ca_filepath=str(authority),
    )
    with pytest.raises(AwsCrtError, match="AWS_ERROR_MQTT_UNEXPECTED_HANGUP"):
        connection.connect().result(LIMIT_S)
    refusals = [event.data["reason"] for event in sandbox.timeline() if event.name == "connect_refused"]
    assert refusals == [
        f"{arn} does not permit iot.amazonaws.com for arn:aws:iot:us-east-1:000000000000:authorizer/a"
    ]


@pytest.mark.fact("6.16")
def test_the_iot_sdk_is_told_why_it_was_disconnected(sandbox: SandboxHandle, authority: Path):
    from awscrt import mqtt5

    gone: queue.Queue[Any] = queue.Queue()
    with sdk_client(sandbox, authority, "crt-told", on_lifecycle_disconnection=gone.put) as (_, connected):
        connected.get(timeout=LIMIT_S)
        sandbox.client("iot-data").delete_connection(clientId="crt-told")
        packet = gone.get(timeout=LIMIT_S).disconnect_packet
        assert packet.reason_code == mqtt5.DisconnectReasonCode.ADMINISTRATIVE_ACTION
        connected.get(timeout=LIMIT_S)  # by itself, a second or so later


def refused(call: Any, **params: Any) -> tuple[int, str, str]:
    """Status, code and message."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Error"]["Message"]


@pytest.mark.fact("6.17")
def test_shadows_by_boto3(sandbox: SandboxHandle):
    data = sandbox.client("iot-data")
    missing = refused(data.get_thing_shadow, thingName="t")
    assert missing == (404, "ResourceNotFoundException", "No shadow exists with name: 't'")
    missing = refused(data.get_thing_shadow, thingName="t", shadowName="s")
    assert missing[2] == "No shadow exists with name: 't~s'"

    def update(document: Any, **more: str) -> Any:
        answer = data.update_thing_shadow(thingName="t", payload=json.dumps(document), **more)
        return json.loads(answer["payload"].read())

    first = update({"state": {"desired": {"a": 1}}, "clientToken": "x"})
    assert (first["state"], first["version"], first["clientToken"]) == ({"desired": {"a": 1}}, 1, "x")
    assert update({"state": {"reported": {"a": 1}}, "version": 1})["version"] == 2
    for name in ("b", "a", "c"):
        assert update({"state": {"desired": {}}}, shadowName=name)["version"] == 1
    conflict = refused(data.update_thing_shadow, thingName="t", payload=b'{"state": {}, "version": 1}')
    assert conflict == (409, "ConflictException", "Version conflict")
    wrong = refused(data.update_thing_shadow, thingName="t", payload=b"{")
    assert wrong == (400, "InvalidRequestException", "Invalid JSON")
    assert refused(data.update_thing_shadow, thingName="t", payload=b'"\xff"')[:2] == (
        415,
        "UnsupportedDocumentEncodingException",
    )
    found = json.loads(data.get_thing_shadow(thingName="t")["payload"].read())
    assert found["state"] == {"desired": {"a": 1}, "reported": {"a": 1}}
    page = data.list_named_shadows_for_thing(thingName="t", pageSize=2)
    assert page["results"] == ["a", "b"]
    rest = data.list_named_shadows_for_thing(thingName="t", pageSize=2, nextToken=page["nextToken"])
    assert (rest["results"], "nextToken" in rest) == (["c"], False)
    gone = json.loads(data.delete_thing_shadow(thingName="t")["payload"].read())
    assert gone["version"] == 2
    assert refused(data.delete_thing_shadow, thingName="t")[:2] == (404, "ResourceNotFoundException")
    assert refused(data.get_thing_shadow, thingName="no thing")[:2] == (400, "InvalidRequestException")


@pytest.mark.fact("6.17")
def test_the_iot_sdks_shadow_client(sandbox: SandboxHandle, authority: Path):
    import awsiot
    from awscrt import mqtt_request_response
    from awsiot import iotshadow as shadow

    with sdk_client(sandbox, authority, "lamp") as (client, connected):
        connected.get(timeout=LIMIT_S)
        options = mqtt_request_response.ClientOptions(
            max_request_response_subscriptions=4,
            max_streaming_subscriptions=2,
            operation_timeout_in_seconds=LIMIT_S,
        )
        shadows = shadow.IotShadowClientV2(client, options)
        deltas: queue.Queue[Any] = queue.Queue()
        subscribed = threading.Event()
        stream = shadows.create_named_shadow_delta_updated_stream(
            shadow.NamedShadowDeltaUpdatedSubscriptionRequest(thing_name="lamp", shadow_name="light"),
            awsiot.ServiceStreamOptions(
                subscription_status_listener=lambda _: subscribed.set(), incoming_event_listener=deltas.put
            ),
        )
        stream.open()
        assert subscribed.wait(LIMIT_S)
        name = {"thing_name": "lamp", "shadow_name": "light"}
        with pytest.raises(awsiot.V2ServiceException) as missing:
            shadows.get_named_shadow(shadow.GetNamedShadowRequest(**name)).result(LIMIT_S)
        error = missing.value.modeled_error
        assert (error.code, error.message) == (404, "No shadow exists with name: 'lamp~light'")
        wanted = shadow.ShadowState(desired={"color": "red"})
        done = shadows.update_named_shadow(shadow.UpdateNamedShadowRequest(**name, state=wanted)).result(
            LIMIT_S
        )
        assert (done.version, done.state.desired) == (1, {"color": "red"})
        heard = deltas.get(timeout=LIMIT_S)
        assert (heard.state, heard.version) == ({"color": "red"}, 1)
        document = b'{"state": {"reported": {"color": "blue"}}}'
        sandbox.client("iot-data").update_thing_shadow(thingName="lamp", shadowName="light", payload=document)
        assert deltas.get(timeout=LIMIT_S).version == 2
        got = shadows.get_named_shadow(shadow.GetNamedShadowRequest(**name)).result(LIMIT_S)
        assert (got.state.reported, got.state.delta) == ({"color": "blue"}, {"color": "red"})
        gone = shadows.delete_named_shadow(shadow.DeleteNamedShadowRequest(**name)).result(LIMIT_S)
        assert gone.version == 2
