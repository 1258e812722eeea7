"""The real-time endpoint: handshakes, frames, subscriptions, what mutations send."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.auth import Credential
from sandbox.aws.errors import AwsError
from sandbox.control.appsync import AppSyncKey, AuthProvider, DataSource

ON_SEND = "subscription S($room: String) { onSend(room: $room) { room text } }"
ANY = "subscription { onAny { room text } }"
SEND = "mutation M($room: String!, $text: String) { send(room: $room, text: $text) { id room text } }"
ACK = {"type": "connection_ack", "payload": {"connectionTimeoutMs": 300000}}
DENIED = {
    "errorType": "UnauthorizedException",
    "message": "You are not authorized to make this call.",
    "errorCode": 401,
}


# -- handshakes


@pytest.mark.fact("5.6", "5.7", "5.8")
@pytest.mark.parametrize("path", ["/graphql", "/graphql/realtime"])
@pytest.mark.parametrize("as_subprotocol", [True, False])
def test_a_connection_is_acknowledged(appsync: SimpleNamespace, path: str, as_subprotocol: bool) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect(path=path, as_subprotocol=as_subprotocol)
        return socket.accepted, socket.frames

    assert appsync.play(script) == ("graphql-ws", [ACK, {"type": "ka"}])


@pytest.mark.fact("5.6")
def test_a_custom_domain(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return (await world.connect(host="graphql.example.com", path="/graphql/realtime")).frames

    assert appsync.play(script)[0] == ACK


@pytest.mark.fact("5.7")
@pytest.mark.parametrize(
    ("offered", "word"),
    [(("graphql-transport-ws",), "SubProtocolNotSupportedError"), ((), "NoProtocolError")],
)
def test_another_subprotocol_is_refused(appsync: SimpleNamespace, offered: Any, word: str) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect(subprotocols=offered)
        await socket.say({"type": "connection_init"})
        return socket.frames, socket.closed

    told = {"payload": {"errors": [{"message": word, "errorCode": 400}]}, "type": "connection_error"}
    assert appsync.play(script) == ([told], True)


@pytest.mark.fact("5.9", "5.11")
@pytest.mark.parametrize(
    "header", [{"host": "h", "x-api-key": "da2-other"}, {"host": "h", "Authorization": "x"}]
)
def test_wrong_credentials_are_refused_at_connect(appsync: SimpleNamespace, header: Any) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect(header)
        await socket.say({"type": "connection_init"})
        return socket.frames, socket.closed

    assert appsync.play(script) == ([{"payload": {"errors": [DENIED]}, "type": "connection_error"}], True)


def test_a_header_that_is_none(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return (await world.connect("text")).frames

    assert appsync.play(script)[0]["payload"]["errors"][0]["errorType"] == "BadRequestException"


def test_another_path(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        await world.connect(path="/other")
        with pytest.raises(AwsError, match="no GraphQL API"):
            await world.tasks.pop()

    appsync.play(script)


def signed(path: str, body: str) -> dict[str, str]:
    headers = {
        "accept": "application/json, text/javascript",
        "content-encoding": "amz-1.0",
        "content-type": "application/json; charset=UTF-8",
    }
    url = f"https://api1.appsync-api.us-east-1.amazonaws.com{path}"
    request = AWSRequest("POST", url, data=body.encode(), headers=headers)
    SigV4Auth(Credentials("AKIAUSER", "secret"), "appsync", "us-east-1").add_auth(request)
    return {**dict(request.headers.items()), "host": "api1.appsync-api.us-east-1.amazonaws.com"}


@pytest.mark.fact("5.7", "5.11")
def test_signatures_at_connect_and_at_start(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect(signed("/graphql/connect", "{}"))
        data = json.dumps({"query": ANY, "variables": {}})
        good = await socket.start(ANY, "good", signed("/graphql", data))
        bad = await socket.start(ANY, "bad", signed("/graphql", data + " "))
        return socket.frames[0], good, bad["payload"]["errors"][0]["errorType"]

    config = appsync.api(auth=(AuthProvider("AWS_IAM"),))
    assert appsync.play(script, config) == (
        ACK,
        {"id": "good", "type": "start_ack"},
        "InvalidSignatureException",
    )


@pytest.mark.fact("5.5", "5.8")
def test_keep_alive_every_60_seconds_and_24_hours_in_all(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        await world.clock.advance(86399.999)
        open_until = socket.closed
        beats = [at for at, frame in socket.heard if frame == {"type": "ka"}]
        await world.clock.advance(0.001)
        return beats, open_until, socket.closed

    beats, before, after = appsync.play(script)
    assert beats == [float(60 * n) for n in range(1440)]
    assert (before, after) == (False, True)


def test_no_keep_alive_before_the_ack(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect(init=False)
        await world.clock.advance(200)
        return socket.heard

    assert appsync.play(script) == []


# -- start


@pytest.mark.fact("5.8")
def test_the_frames_of_a_subscription(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        await socket.start(ON_SEND, room="a")
        answer = await world.post(SEND, room="a", text="hi")
        await world.clock.advance(2)
        await world.post(SEND, room="b", text="not for us")
        await socket.say({"id": "s1", "type": "stop"})
        await world.post(SEND, room="a", text="too late")
        return answer, socket.heard[2:]

    answer, heard = appsync.play(script)
    assert answer == {"data": {"send": {"id": None, "room": "a", "text": "hi"}}}
    assert heard == [
        (0.0, {"id": "s1", "type": "start_ack"}),
        (0.0, {"id": "s1", "type": "data", "payload": {"data": {"onSend": {"room": "a", "text": "hi"}}}}),
        (2.0, {"id": "s1", "type": "complete"}),
    ]


@pytest.mark.fact("5.9", "5.11")
def test_credentials_are_asked_for_at_start_too(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        wrong = await socket.start(ANY, "a", {"x-api-key": "da2-other"})
        none = await socket.start(ANY, "b", {})
        await world.clock.advance(60)
        expired = await socket.start(ANY, "c")
        return wrong, none, expired

    config = appsync.api(keys={appsync.KEY: AppSyncKey(appsync.KEY, 1772366400 + 60)})
    wrong, none, expired = appsync.play(script, config)
    told = {name: DENIED[name] for name in ("errorType", "message")}
    assert wrong == {"id": "a", "type": "error", "payload": {"errors": [told]}}
    assert none["payload"]["errors"][0]["message"] == "Valid authorization header not provided."
    assert expired == {**wrong, "id": "c"}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("subscription { nope }", "Validation error of type FieldUndefined"),
        ("subscription {", "Unable to parse GraphQL query."),
        ("{ hello }", "Only one field of a subscription"),
        ("subscription { onAny { id } onSend { id } }", "Validation error: Anonymous Subscription must"),
        ("subscription S($x: String!) { onSend(room: $x) { id } }", "Variable '$x'"),
    ],
)
def test_queries_that_cannot_be_started(appsync: SimpleNamespace, query: str, message: str) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        return await socket.start(query)

    frame = appsync.play(script)
    assert (frame["type"], frame["id"]) == ("error", "s1")
    assert frame["payload"]["errors"][0]["message"].startswith(message)


@pytest.mark.fact("5.9")
def test_an_id_that_is_taken(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        await socket.start(ANY)
        return await socket.start(ANY)

    frame = appsync.play(script)
    assert frame["payload"]["errors"][0]["message"] == "DuplicatedOperationError"


@pytest.mark.fact("5.3")
def test_a_connection_has_100_subscriptions(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        kinds = [(await socket.start(ANY, f"s{n}"))["type"] for n in range(100)]
        over = await socket.start(ANY, "one-more")
        await socket.say({"id": "s0", "type": "stop"})
        return kinds, over, await socket.start(ANY, "again")

    kinds, over, again = appsync.play(script)
    assert kinds == ["start_ack"] * 100
    assert over["payload"]["errors"][0]["errorType"] == "MaxSubscriptionsReachedError"
    assert again == {"id": "again", "type": "start_ack"}


def test_a_field_that_the_caller_may_not_have(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await (await world.connect()).start(ANY)

    schema = appsync.SDL.replace("onAny: Message", "onAny: Message @aws_iam")
    config = appsync.api(schema=schema, auth=(AuthProvider("API_KEY"), AuthProvider("AWS_IAM")))
    told = {"errorType": "Unauthorized", "message": "Not Authorized to access onAny on type Subscription"}
    assert appsync.play(script, config)["payload"] == {"errors": [told]}


def test_policies_are_asked_at_start(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        statement = {
            "Effect": "Allow",
            "Action": "appsync:GraphQL",
            "Resource": f"{appsync.ARN}/types/Query/*",
        }
        arn = "arn:aws:iam::000000000000:user/me"
        made = Credential("AKIAUSER", "secret", None, arn, policies=({"Statement": [statement]},))
        world.sandbox.control.credentials["AKIAUSER"] = made
        socket = await world.connect(signed("/graphql/connect", "{}"))
        data = json.dumps({"query": ANY, "variables": {}})
        return socket.frames[0], await socket.start(ANY, headers=signed("/graphql", data))

    ack, refused = appsync.play(script, appsync.api(auth=(AuthProvider("AWS_IAM"),)))
    assert ack == ACK
    assert refused["payload"] == {
        "errors": [{"errorType": "UnauthorizedException", "message": "Permission denied"}]
    }


def test_a_resolver_may_refuse_a_subscription(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        refused = await socket.start(ON_SEND, room="secret")
        await world.post(SEND, room="secret")
        return refused, await socket.start(ON_SEND, "s2", room="open"), socket.data()

    code = """
    import { util } from '@aws-appsync/utils';
    export function request(ctx) {
      if (ctx.args.room === 'secret') util.error('Not your room', 'Private');
      return { payload: null };
    }
    export function response(ctx) { return ctx.result; }
    """
    config = appsync.api(appsync.resolver("Mutation.send"), appsync.resolver("Subscription.onSend", code))
    refused, allowed, data = appsync.play(script, config)
    assert refused["payload"] == {"errors": [{"errorType": "Private", "message": "Not your room"}]}
    assert allowed["type"] == "start_ack"
    assert data == []


def test_a_fault_of_the_sandbox_is_told(
    appsync: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from sandbox.services.appsync import execution

    def fail(*_: Any) -> Any:
        raise RuntimeError("broken")

    async def script(world: Any) -> Any:
        socket = await world.connect()
        monkeypatch.setattr(execution, "chosen", fail)
        return await socket.start(ANY)

    assert appsync.play(script)["payload"]["errors"][0]["errorType"] == "InternalFailure"
    assert "broken" in caplog.text


def test_a_resolver_that_needs_what_is_not_emulated(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await (await world.connect()).start(ON_SEND, room="a")

    source = DataSource("search", "AMAZON_OPENSEARCH_SERVICE", None, {})
    config = appsync.api(appsync.resolver("Subscription.onSend", source="search"), sources=[source])
    assert appsync.play(script, config)["payload"]["errors"][0]["errorType"] == "NotImplemented"


def test_other_messages(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        wrong: tuple[Any, ...] = (
            "{",
            "[]",
            "5",
            {"type": "nope"},
            {"type": "start"},
            {"type": "start", "id": {}},
        )
        for message in (*wrong, {"type": "stop", "id": "s9"}, {"type": "stop", "id": {}}):
            await socket.say(message)
        return [(frame["type"], frame["payload"]["errors"][0]["errorType"]) for frame in socket.frames[2:]]

    told = appsync.play(script)
    assert [kind for kind, _ in told] == ["error"] * 8
    assert [name for _, name in told] == [
        *["UnsupportedOperation"] * 4,
        *["BadRequestException"] * 2,
        *["UnknownOperationError"] * 2,
    ]


# -- what is sent


@pytest.mark.fact("5.12")
def test_only_mutations_that_are_named_trigger(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        await socket.start(ANY)
        await world.post('mutation { quiet(room: "a") { room } }')
        await world.post('mutation { send(room: "b") { room } }')
        return socket.data()

    config = appsync.api(appsync.resolver("Mutation.send"), appsync.resolver("Mutation.quiet"))
    assert appsync.play(script, config) == [{"data": {"onAny": {"room": "b", "text": None}}}]


def test_subscribers_get_what_the_mutation_selected(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        await socket.start("subscription { onAny { id room text author { name age } n: count } }")
        await world.post(
            'mutation { send(room: "a", count: 3, author: "ann") { room c: count ...A ... on Message { id } } }'
            " fragment A on Message { who: author { name } }"
        )
        return socket.data()

    config = appsync.api(appsync.resolver("Mutation.send", appsync.AUTHORED))
    message = {"id": None, "room": "a", "text": None, "author": {"name": "ann", "age": None}, "n": 3}
    assert appsync.play(script, config) == [{"data": {"onAny": message}}]


def test_a_field_that_is_selected_twice_is_one_mutation(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        await socket.start(ANY)
        await world.post(
            'mutation { send(room: "a", text: "x") { room } send(room: "a", text: "x") { text } }'
        )
        return socket.data()

    assert appsync.play(script) == [{"data": {"onAny": {"room": "a", "text": "x"}}}]


def test_mutations_of_one_request_are_sent_in_their_order(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        await socket.start(ANY)
        await world.post('mutation { b: send(room: "1") { room } a: send(room: "2") { room } }')
        return [payload["data"]["onAny"]["room"] for payload in socket.data()]

    assert appsync.play(script) == ["1", "2"]


def test_a_field_that_was_not_selected_and_may_not_be_null(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        await socket.start(ANY)
        await world.post('mutation { send(room: "a", text: "x") { text } }')
        return socket.data()

    (payload,) = appsync.play(script)
    assert payload["data"] == {"onAny": None}
    told = "Cannot return null for non-nullable type: 'String' within parent 'Message' (/onAny/room)"
    assert payload["errors"] == [{"path": ["onAny", "room"], "locations": None, "message": told}]


@pytest.mark.fact("5.12")
def test_a_mutation_that_answers_with_errors_is_sent_all_the_same(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        await socket.start(ANY)
        answer = await world.post('mutation { send(room: "a", text: "x") { room text } }')
        return answer["errors"][0]["message"], socket.data()

    code = """
    import { util } from '@aws-appsync/utils';
    export function request(ctx) { return { payload: ctx.args }; }
    export function response(ctx) { util.appendError('half of it'); return ctx.result; }
    """
    config = appsync.api(appsync.resolver("Mutation.send", code))
    assert appsync.play(script, config) == ("half of it", [{"data": {"onAny": {"room": "a", "text": "x"}}}])


@pytest.mark.parametrize(
    ("start", "variables", "reached"),
    [
        ("onSend", {}, ["a/x", "a/null", "b/x"]),
        ('onSend(room: "a")', {}, ["a/x", "a/null"]),
        ('onSend(room: "a", text: "x")', {}, ["a/x"]),
        ("onSend(text: null)", {}, ["a/null"]),
        ("onSend(room: $room)", {"room": "b"}, ["b/x"]),
        ("onSend(room: $room)", {"room": None}, []),
        ("onSend(text: $text)", {"text": None}, ["a/null"]),
        ("onSend(room: $room)", {}, []),
        ("onSend(text: $text)", {}, ["a/null"]),
    ],
)
def test_arguments_are_filters(
    appsync: SimpleNamespace, start: str, variables: dict[str, Any], reached: list[str]
) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        declared = "($room: String)" if "$room" in start else "($text: String)" if "$text" in start else ""
        await socket.start(f"subscription S{declared} {{ {start} {{ room text }} }}", **variables)
        for room, text in (("a", "x"), ("a", None), ("b", "x")):
            await world.post(SEND, room=room, text=text)
        return [p["data"]["onSend"] for p in socket.data()]

    assert [f"{m['room']}/{m['text'] or 'null'}" for m in appsync.play(script)] == reached


@pytest.mark.fact("5.2")
def test_a_payload_over_240_kb_is_dropped_in_silence(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        await socket.start(ANY)
        frame = len('{"data":{"onAny":{"room":"a","text":""}}}')
        fits = await world.post(SEND, room="a", text="x" * (245760 - frame))
        over = await world.post(SEND, room="a", text="x" * (245760 - frame + 1))
        dropped = list(world.sandbox.timeline.select("appsync", "dropped"))
        return "errors" in fits, "errors" in over, len(socket.data()), len(dropped)

    assert appsync.play(script) == (False, False, 1, 1)


@pytest.mark.fact("5.11")
def test_nothing_is_delivered_before_start_ack(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        world.sandbox.anomalies.configure(subscribe_delay=1.0)
        socket = await world.connect()
        assert await socket.start(ANY) is None
        await world.clock.advance(0.5)
        await world.post(SEND, room="early")
        await world.clock.advance(0.5)
        await world.post(SEND, room="late")
        return socket.heard[2:]

    assert appsync.play(script) == [
        (1.0, {"id": "s1", "type": "start_ack"}),
        (1.0, {"id": "s1", "type": "data", "payload": {"data": {"onAny": {"room": "late", "text": None}}}}),
    ]


def test_anomalies_of_delivery(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        world.sandbox.anomalies.configure(
            duplicates=1.0, slow_subscribers=1.0, slow_by=2.0, deaf_after_ack=1.0
        )
        socket = await world.connect()
        await socket.start(ANY)
        await world.post(SEND, room="lost")
        await world.clock.advance(1)
        await world.post(SEND, room="a")
        await world.post(SEND, room="b")
        await world.clock.advance(10)
        return [(at, f["payload"]["data"]["onAny"]["room"]) for at, f in socket.heard if f["type"] == "data"]

    assert appsync.play(script) == [(3.0, "a"), (3.0, "a"), (5.0, "b"), (5.0, "b")]


def test_a_subscription_stopped_while_it_comes_to_stand(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        world.sandbox.anomalies.configure(subscribe_delay=1.0)
        socket = await world.connect()
        await socket.start(ANY)
        await socket.say({"id": "s1", "type": "stop"})
        await world.clock.advance(2)
        await world.post(SEND, room="a")
        return socket.frames[2:]

    assert appsync.play(script) == [{"id": "s1", "type": "complete"}]


def test_a_client_that_left_gets_nothing(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        await socket.start(ANY)
        await socket.leave()
        await world.post(SEND, room="a")
        published = list(world.sandbox.timeline.select("appsync", "published"))
        return socket.data(), published[-1].data["subscribers"]

    assert appsync.play(script) == ([], 0)


def test_equal_subscriptions_are_sent_one_text(
    appsync: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sandbox.services.appsync.realtime import broadcast

    made: list[Any] = []
    original = broadcast._payload
    monkeypatch.setattr(broadcast, "_payload", lambda *given: made.append(given) or original(*given))

    async def script(world: Any) -> Any:
        sockets = [await world.connect() for _ in range(3)]
        for n, socket in enumerate(sockets):
            await socket.start(ON_SEND, f"s{n}", room="a")
        await sockets[0].start("subscription { onSend { room } }", "other")
        await world.post(SEND, room="a")
        return [socket.data() for socket in sockets], len(made)

    data, texts = appsync.play(script)
    assert data[1] == data[2] == [{"data": {"onSend": {"room": "a", "text": None}}}]
    assert data[0][1] == {"data": {"onSend": {"room": "a"}}}
    assert texts == 2


# -- filters of resolvers


FILTERED = """
import { util, extensions } from '@aws-appsync/utils';
export function request(ctx) { return { payload: null }; }
export function response(ctx) {
  extensions.setSubscriptionFilter({
    filterGroup: [
      {
        filters: [
          { fieldName: 'count', operator: 'gt', value: 5 },
          { fieldName: 'room', operator: 'eq', value: 'a' },
        ],
      },
      { filters: [{ fieldName: 'author.name', operator: 'beginsWith', value: 'An' }] },
    ],
  });
  extensions.setSubscriptionInvalidationFilter({
    filterGroup: [{ filters: [{ fieldName: 'room', operator: 'eq', value: ctx.args.room }] }],
  });
  return null;
}
"""
ENDS = """
import { extensions } from '@aws-appsync/utils';
export function request(ctx) { return { payload: ctx.args }; }
export function response(ctx) {
  extensions.invalidateSubscriptions({ subscriptionField: 'onSend', payload: { room: ctx.args.room } });
  return ctx.result;
}
"""


@pytest.mark.fact("5.12")
def test_enhanced_filters_replace_the_arguments(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        await socket.start(ON_SEND, room="zzz")
        mutation = (
            "mutation M($r: String!, $c: Int, $a: String) { send(room: $r, count: $c, author: $a)"
            " { room text count author { name } } }"
        )
        for r, c, a in (("a", 6, "x"), ("a", 5, "x"), ("b", 9, "x"), ("b", 0, "Ann"), ("a", None, None)):
            await world.post(mutation, r=r, c=c, a=a)
        return [p["data"]["onSend"]["room"] for p in socket.data()]

    config = appsync.api(
        appsync.resolver("Mutation.send", appsync.AUTHORED), appsync.resolver("Subscription.onSend", FILTERED)
    )
    assert appsync.play(script, config) == ["a", "b"]


@pytest.mark.fact("5.12")
def test_invalidation_ends_subscriptions(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        await socket.start(ON_SEND, "a", room="a")
        await socket.start(ON_SEND, "b", room="b")
        await world.post('mutation { quiet(room: "a") { room } }')
        return socket.frames[2:]

    config = appsync.api(
        appsync.resolver("Mutation.quiet", ENDS), appsync.resolver("Subscription.onSend", FILTERED)
    )
    assert appsync.play(script, config) == [
        {"id": "a", "type": "start_ack"},
        {"id": "b", "type": "start_ack"},
        {"id": "a", "type": "complete"},
    ]


@pytest.mark.parametrize("text", ["[" * 100_000, "{", '{"type": NaN}'])
def test_a_message_that_is_hardly_json_is_told(appsync: SimpleNamespace, text: str) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        await socket.say(text)
        return socket.frames[-1]

    assert appsync.play(script)["payload"]["errors"][0]["errorType"] == "UnsupportedOperation"


def test_an_id_that_is_half_a_surrogate_pair(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        socket = await world.connect()
        return await socket.start(ON_SEND, "\ud800")

    assert appsync.play(script) == {"id": "?", "type": "start_ack"}
