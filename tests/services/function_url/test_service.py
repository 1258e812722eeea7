"""A Function URL, without sockets: access, events, answers, streams, with exact instants."""

from __future__ import annotations

import json
from datetime import date
from types import SimpleNamespace
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.auth import Credential
from sandbox.aws.errors import AwsError
from sandbox.context import Address, ConnectionAbort
from sandbox.control.resources import Cors, FunctionUrl, PolicyStatement
from sandbox.services.function_url import FunctionUrlService

HOST = "abc123.lambda-url.us-east-1.on.aws"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:chat"
HTTP = "application/vnd.awslambda.http-integration-response"
FORBIDDEN = (
    b'{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see:'
    b' https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}'
)


def allow(action: str, **condition: Any) -> PolicyStatement:
    return PolicyStatement(action, "Allow", "*", (action,), ARN, condition)


OPEN = (
    allow("lambda:InvokeFunctionUrl", StringEquals={"lambda:FunctionUrlAuthType": "NONE"}),
    allow("lambda:InvokeFunction", Bool={"lambda:InvokedViaFunctionUrl": "true"}),
)


def url(
    mode: str = "BUFFERED", auth: str = "NONE", cors: Cors | None = None, policy: Any = OPEN
) -> FunctionUrl:
    return FunctionUrl("abc123", "chat", None, auth, mode, cors, policy)  # type: ignore[arg-type]


def serve(
    edge: SimpleNamespace, config: FunctionUrl | None, prepare: Any = None, as_of: Any = None, **request: Any
) -> Any:
    """One request; gives (reply, sandbox)."""

    async def main(clock: Any) -> Any:
        sandbox = edge.new_sandbox(clock, **({"as_of": as_of} if as_of else {}))
        if config is not None:
            sandbox.control.resources.urls["abc123"] = config
        if prepare:
            prepare(sandbox)
        reply = await edge.request(FunctionUrlService(sandbox), clock, HOST, **request)
        return reply, sandbox

    return edge.run(main)


def returns(payload: Any, **options: Any) -> Any:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return lambda sandbox: sandbox.lambda_.returns(raw, **options)


def streams(*steps: tuple[float, bytes], kind: str = "text/event-stream", error: str | None = None) -> Any:
    return lambda sandbox: sandbox.lambda_.streams(*steps, kind=kind, error=error)


def event_of(sandbox: Any) -> Any:
    return json.loads(sandbox.lambda_.invocations[0].payload)


@pytest.mark.parametrize(
    ("host", "region"),
    [
        (HOST, "us-east-1"),
        ("abc123.lambda-url.eu-central-2.localhost", "eu-central-2"),
        ("abc123.lambda-url.localhost", ""),
    ],
)
def test_url_claims_its_hosts(host: str, region: str) -> None:
    service = FunctionUrlService(None)  # type: ignore[arg-type]
    assert service.match(Address("GET", host, "/", "", {})) == {"url_id": "abc123", "region": region}


@pytest.mark.parametrize(
    "host", ["localhost", "lambda.us-east-1.amazonaws.com", "a.execute-api.localhost", "x." + HOST]
)
def test_url_leaves_other_hosts_alone(host: str) -> None:
    assert FunctionUrlService(None).match(Address("GET", host, "/", "", {})) is None  # type: ignore[arg-type]


# -- access


def test_unknown_url_is_refused_byte_for_byte(edge: SimpleNamespace) -> None:
    reply, _ = serve(edge, None)
    assert (reply.status, reply.body) == (403, b'{"Message":null}')
    assert reply.header("x-amzn-errortype") == "AccessDeniedException"
    assert reply.header("content-type") == "application/json"
    assert reply.header("x-amzn-requestid")


@pytest.mark.parametrize("policy", [(), OPEN[:1], OPEN[1:]])
def test_public_url_needs_both_permissions(edge: SimpleNamespace, policy: Any) -> None:
    reply, _ = serve(edge, url(policy=policy))
    assert (reply.status, reply.body) == (403, FORBIDDEN)
    assert reply.header("x-amzn-errortype") == "AccessDeniedException"


def test_public_url_needed_one_permission_before_october_2025(edge: SimpleNamespace) -> None:
    reply, _ = serve(edge, url(policy=OPEN[:1]), returns("ok"), as_of=date(2024, 5, 1))
    assert reply.status == 200
    reply, _ = serve(edge, url(policy=()), as_of=date(2024, 5, 1))
    assert (reply.status, reply.body) == (403, b'{"Message":"Forbidden"}')


def test_condition_on_the_other_auth_type_is_not_met(edge: SimpleNamespace) -> None:
    policy = (
        allow("lambda:InvokeFunctionUrl", StringEquals={"lambda:FunctionUrlAuthType": "AWS_IAM"}),
        OPEN[1],
    )
    reply, _ = serve(edge, url(policy=policy))
    assert reply.status == 403


def signed_headers(secret: str = "secret") -> dict[str, str]:
    request = AWSRequest("GET", f"https://{HOST}/", headers={"host": HOST})
    with pytest.MonkeyPatch.context() as patch:
        from datetime import UTC, datetime

        patch.setattr(botocore.auth, "get_current_datetime", lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))
        botocore.auth.SigV4Auth(Credentials("AKIA", secret), "lambda", "us-east-1").add_auth(request)
    return {n: v for n, v in request.headers.items() if n.lower() != "host"}


def know(*actions: str) -> Any:
    policy = {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
    credential = Credential(
        "AKIA", "secret", None, "arn:aws:iam::000000000000:user/ada", policies=(policy,), user_id="AIDA1"
    )

    def prepare(sandbox: Any) -> None:
        sandbox.control.credentials["AKIA"] = credential
        sandbox.lambda_.returns(b'"ok"')

    return prepare


def test_iam_url_takes_a_signed_request_and_names_the_caller(edge: SimpleNamespace) -> None:
    reply, sandbox = serve(
        edge, url(auth="AWS_IAM", policy=()), know("lambda:Invoke*"), headers=signed_headers()
    )
    assert reply.status == 200
    context = event_of(sandbox)["requestContext"]
    assert context["accountId"] == "000000000000"
    assert context["authorizer"] == {
        "iam": {
            "accessKey": "AKIA",
            "accountId": "000000000000",
            "callerId": "AIDA1",
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": "arn:aws:iam::000000000000:user/ada",
            "userId": "AIDA1",
        }
    }


def test_iam_url_refuses_the_unsigned_the_badly_signed_and_the_unauthorized(edge: SimpleNamespace) -> None:
    reply, _ = serve(edge, url(auth="AWS_IAM"), know("lambda:*"))
    assert (reply.status, reply.body) == (403, FORBIDDEN)
    reply, _ = serve(edge, url(auth="AWS_IAM"), know("lambda:*"), headers=signed_headers("wrong"))
    assert (reply.status, reply.header("x-amzn-errortype")) == (403, "InvalidSignatureException")
    assert json.loads(reply.body)["message"].startswith("The request signature we calculated")
    config = url(auth="AWS_IAM", policy=())
    reply, _ = serve(edge, config, know("lambda:InvokeFunctionUrl"), headers=signed_headers())
    assert (reply.status, reply.body) == (403, FORBIDDEN)


# -- the event


def test_event_is_payload_2_0(edge: SimpleNamespace) -> None:
    reply, sandbox = serve(
        edge,
        url(),
        returns("ok"),
        method="POST",
        path="/my%20path/x?a=1&a=2&b=%C3%A9&c",
        headers=[
            ("User-Agent", "test/1"),
            ("Content-Type", "application/json"),
            ("X-Many", "1"),
            ("x-many", "2"),
            ("Cookie", "c1=v1; c2=v2"),
            ("Connection", "keep-alive"),
        ],
        body=b'{"q": "\xc3\xa9"}',
    )
    event = event_of(sandbox)
    assert list(event) == [
        "version",
        "routeKey",
        "rawPath",
        "rawQueryString",
        "cookies",
        "headers",
        "queryStringParameters",
        "requestContext",
        "body",
        "isBase64Encoded",
    ]
    trace = event["headers"].pop("x-amzn-trace-id")
    assert trace.startswith(f"Root=1-{int(edge.START.timestamp()):08x}-")
    assert event == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/my%20path/x",
        "rawQueryString": "a=1&a=2&b=%C3%A9&c",
        "cookies": ["c1=v1", "c2=v2"],
        "headers": {
            "host": HOST,
            "user-agent": "test/1",
            "content-type": "application/json",
            "x-many": "1,2",
            "cookie": "c1=v1; c2=v2",
            "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
            "x-amzn-tls-version": "TLSv1.3",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "queryStringParameters": {"a": "1,2", "b": "é", "c": ""},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abc123",
            "domainName": HOST,
            "domainPrefix": "abc123",
            "http": {
                "method": "POST",
                "path": "/my%20path/x",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "test/1",
            },
            "requestId": reply.header("x-amzn-requestid"),
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Mar/2026:12:00:00 +0000",
            "timeEpoch": int(edge.START.timestamp() * 1000),
        },
        "body": '{"q": "é"}',
        "isBase64Encoded": False,
    }
    assert sandbox.lambda_.invocations[0].request_id == reply.header("x-amzn-requestid")


def test_event_without_body_and_query_leaves_them_out(edge: SimpleNamespace) -> None:
    _, sandbox = serve(edge, url(), returns("ok"))
    event = event_of(sandbox)
    assert not {"body", "cookies", "queryStringParameters"} & set(event)
    assert (event["rawQueryString"], event["isBase64Encoded"]) == ("", False)


@pytest.mark.parametrize(
    ("kind", "binary"),
    [
        ("text/plain", False),
        ("Application/JSON; charset=utf-8", False),
        ("application/xml", False),
        ("application/javascript", False),
        ("application/x-www-form-urlencoded", True),
        ("multipart/form-data; boundary=x", True),
        ("application/octet-stream", True),
        ("", True),
    ],
)
def test_binary_bodies_are_base64(edge: SimpleNamespace, kind: str, binary: bool) -> None:
    headers = {"content-type": kind} if kind else {}
    _, sandbox = serve(edge, url(), returns("ok"), method="POST", headers=headers, body=b"text")
    event = event_of(sandbox)
    assert (event["isBase64Encoded"], event["body"]) == (binary, "dGV4dA==" if binary else "text")


# -- buffered answers


@pytest.mark.parametrize(
    ("returned", "body"),
    [
        ({"hello": "world"}, b'{"hello":"world"}'),
        (["hello", 3, True], b'["hello",3,true]'),
        ("hello", b"hello"),
        (3, b"3"),
        (3.1, b"3.1"),
        (True, b"true"),
        (None, b"null"),
        ({"body": "no status"}, b'{"body":"no status"}'),
    ],
)
def test_json_without_status_is_the_body(edge: SimpleNamespace, returned: Any, body: bytes) -> None:
    reply, _ = serve(edge, url(), returns(returned))
    assert (reply.status, reply.body) == (200, body)
    assert reply.header("content-type") == "application/json"
    assert reply.header("content-length") == str(len(body))


def test_structured_answer(edge: SimpleNamespace) -> None:
    returned = {
        "statusCode": "418",
        "headers": {"content-type": "text/plain", "X-N": 5, "transfer-encoding": "chunked"},
        "cookies": ["a=1; Path=/", "b=2"],
        "body": "4pyT",
        "isBase64Encoded": True,
    }
    reply, _ = serve(edge, url(), returns(returned))
    assert (reply.status, reply.body) == (418, "✓".encode())
    assert (reply.header("content-type"), reply.header("x-n")) == ("text/plain", "5")
    assert reply.all("set-cookie") == ["a=1; Path=/", "b=2"]
    assert reply.header("transfer-encoding") is None


@pytest.mark.parametrize(
    "returned",
    [
        {"statusCode": "x"},
        {"statusCode": 200, "headers": "no"},
        {"statusCode": 200, "body": "!", "isBase64Encoded": True},
        b"no json",
    ],
)
def test_answer_in_no_form_is_a_502(edge: SimpleNamespace, returned: Any) -> None:
    reply, _ = serve(edge, url(), returns(returned))
    assert (reply.status, reply.body) == (502, b"Internal Server Error")


def test_header_values_cannot_break_out(edge: SimpleNamespace) -> None:
    headers = {"X-A": "a\r\nX-B: b\0", "WWW-Authenticate": "Basic"}
    reply, _ = serve(edge, url(), returns({"statusCode": 401, "headers": headers}))
    assert reply.header("x-a") == "a  X-B: b"
    assert reply.header("x-amzn-remapped-www-authenticate") == "Basic"
    assert reply.header("www-authenticate") is None
    reply, _ = serve(edge, url(), returns({"statusCode": 200, "headers": {"X-A\r\nX-B": "b"}}))
    assert (reply.status, reply.body) == (502, b"Internal Server Error")


def test_function_error_is_a_502(edge: SimpleNamespace) -> None:
    reply, _ = serve(edge, url(), returns({"errorMessage": "x"}, error="Unhandled", after=2.5))
    assert (reply.status, reply.body) == (502, b"Internal Server Error")
    assert reply.ended_at == 2.5
    assert reply.header("x-amzn-requestid")


@pytest.mark.parametrize("mode", ["BUFFERED", "RESPONSE_STREAM"])
def test_throttle_is_a_429(edge: SimpleNamespace, mode: str) -> None:
    reason = {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User"}
    error = AwsError(429, "TooManyRequestsException", "Rate Exceeded.", fields=dict(reason))
    reply, sandbox = serve(edge, url(mode), lambda s: s.lambda_.raises(error))
    assert reply.status == 429
    assert reply.body.decode() == sandbox.limits.value("function_url.error.throttled.body")
    assert reply.header("x-amzn-errortype") == "TooManyRequestsException"


def test_request_over_6_mb_is_a_413_and_not_invoked(edge: SimpleNamespace) -> None:
    reply, sandbox = serve(edge, url(), method="POST", body=bytes(6 * 2**20 + 1))
    assert (reply.status, sandbox.lambda_.invocations) == (413, [])
    reply, sandbox = serve(edge, url(), returns("ok"), method="POST", body=bytes(6 * 2**20))
    assert reply.status == 200


def test_buffered_answer_arrives_whole_at_the_end(edge: SimpleNamespace) -> None:
    reply, sandbox = serve(edge, url(), returns("data: a\n\ndata: b\n\n", after=40.0))
    assert reply.chunks == [(40.0, b"data: a\n\ndata: b\n\n")]
    events = [(e.name, e.at) for e in sandbox.timeline]
    assert events == [
        ("request_received", 0),
        ("response_started", 40),
        ("sent", 40),
        ("response_completed", 40),
    ]


# -- streams


def test_stream_sends_every_chunk_at_its_instant(edge: SimpleNamespace) -> None:
    steps = ((1.0, b"one"), (0.25, b"two"), (0.0, b""), (28.0, b"three"))
    reply, sandbox = serve(edge, url("RESPONSE_STREAM"), streams(*steps))
    assert (reply.status, reply.header("content-type")) == (200, "text/event-stream")
    assert reply.chunks == [(1.0, b"one"), (1.25, b"two"), (29.25, b"three")]
    assert reply.header("content-length") is None
    assert [e.data["bytes"] for e in sandbox.timeline.select("function_url", "sent")] == [3, 3, 5]


def test_stream_prelude_sets_status_and_headers_at_once(edge: SimpleNamespace) -> None:
    prelude = b'{"statusCode":202,"headers":{"content-type":"text/event-stream","X-A":"b"},"cookies":["s=1"]}'
    steps = ((0.5, prelude[:20]), (0.5, prelude[20:] + bytes(5)), (1.0, bytes(3)), (2.0, b"data: x\n\n"))
    reply, _ = serve(edge, url("RESPONSE_STREAM"), streams(*steps, kind=HTTP))
    assert (reply.status, reply.started_at) == (202, 2.0)
    assert (reply.header("content-type"), reply.header("x-a")) == ("text/event-stream", "b")
    assert reply.all("set-cookie") == ["s=1"]
    assert reply.chunks == [(4.0, b"data: x\n\n")]


def test_prelude_without_content_type_gets_octet_stream(edge: SimpleNamespace) -> None:
    reply, _ = serve(edge, url("RESPONSE_STREAM"), streams((0, b"{}" + bytes(8) + b"x"), kind=HTTP))
    assert (reply.status, reply.header("content-type"), reply.body) == (200, "application/octet-stream", b"x")


@pytest.mark.parametrize("kind", [HTTP, "application/octet-stream"])
def test_stream_that_ends_without_a_byte_is_an_empty_200(edge: SimpleNamespace, kind: str) -> None:
    reply, _ = serve(edge, url("RESPONSE_STREAM"), streams(kind=kind))
    assert (reply.status, reply.body) == (200, b"")
    assert reply.header("content-type") == "application/octet-stream"
    assert reply.header("content-length") is None


@pytest.mark.parametrize("data", [b"Not Found", b"oops" + bytes(8) + b"x", b'{"statusCode":1}' + bytes(8)])
def test_broken_prelude_is_a_502(edge: SimpleNamespace, data: bytes) -> None:
    reply, _ = serve(edge, url("RESPONSE_STREAM"), streams((1.0, data), kind=HTTP))
    assert (reply.status, reply.body) == (502, b"Internal Server Error")


@pytest.mark.parametrize("steps", [(), ((1.0, b'{"status'),)])
def test_failure_before_the_first_payload_is_a_502(edge: SimpleNamespace, steps: Any) -> None:
    reply, _ = serve(edge, url("RESPONSE_STREAM"), streams(*steps, kind=HTTP, error="Unhandled"))
    assert (reply.status, reply.body) == (502, b"Internal Server Error")


def test_failure_in_the_middle_cuts_the_answer(edge: SimpleNamespace) -> None:
    cut: list[Any] = []

    def prepare(sandbox: Any) -> None:
        cut.append(sandbox)
        sandbox.lambda_.streams((1.0, b"half"), kind="text/plain", error="Sandbox.Timedout")

    with pytest.raises(ConnectionAbort) as caught:
        serve(edge, url("RESPONSE_STREAM"), prepare)
    reply = caught.value.reply  # type: ignore[attr-defined]
    assert (reply.status, reply.body, reply.ended_at) == (200, b"half", None)
    (event,) = cut[0].timeline.select("function_url", "response_cut")
    assert event.data == {"error": "Sandbox.Timedout", "bytes": 4}


def test_answer_of_a_handler_that_does_not_stream_is_passed_raw(edge: SimpleNamespace) -> None:
    raw = b'{"statusCode":418,"body":"x"}'
    reply, _ = serve(edge, url("RESPONSE_STREAM"), streams((0, raw), kind="application/json"))
    assert (reply.status, reply.body) == (200, raw)


@pytest.mark.parametrize("mode", ["BUFFERED", "RESPONSE_STREAM"])
def test_client_gone_is_noted_and_the_function_runs_on(edge: SimpleNamespace, mode: str) -> None:
    finished: list[float] = []

    def prepare(sandbox: Any) -> None:
        if mode == "RESPONSE_STREAM":
            sandbox.lambda_.streams((1.0, b"a"), (9.0, b"b"), kind="text/plain")
            return
        sandbox.lambda_.returns(b'"ok"', after=10.0)
        answer = sandbox.lambda_.answer

        async def noted(invocation: Any) -> Any:
            result = await answer(invocation)
            finished.append(sandbox.clock.now())
            return result

        sandbox.lambda_.answer = noted

    reply, sandbox = serve(edge, url(mode), prepare, gone_after=3.0)
    (event,) = sandbox.timeline.select("function_url", "client_gone")
    assert event.at == 3.0
    assert not list(sandbox.timeline.select("function_url", "response_completed"))
    assert reply.ended_at is None
    if mode == "BUFFERED":
        assert (reply.status, finished) == (0, [10.0])
    else:
        assert reply.body == b"a"


# -- CORS


CORS = Cors(True, ("content-type", "x-a"), ("GET", "POST"), ("https://a.example",), ("x-b",), 300)
PREFLIGHT = {"origin": "https://a.example", "access-control-request-method": "POST"}


def test_preflight_is_answered_without_the_function(edge: SimpleNamespace) -> None:
    reply, sandbox = serve(edge, url(cors=CORS, policy=()), method="OPTIONS", headers=PREFLIGHT)
    assert (reply.status, reply.body, sandbox.lambda_.invocations) == (200, b"", [])
    assert reply.header("access-control-allow-origin") == "https://a.example"
    assert reply.header("access-control-allow-methods") == "GET,POST"
    assert reply.header("access-control-allow-headers") == "content-type,x-a"
    assert reply.header("access-control-allow-credentials") == "true"
    assert reply.header("access-control-max-age") == "300"


def test_preflight_of_a_stranger_names_no_origin(edge: SimpleNamespace) -> None:
    reply, _ = serve(
        edge, url(cors=CORS), method="OPTIONS", headers=PREFLIGHT | {"origin": "https://b.example"}
    )
    assert reply.header("access-control-allow-origin") is None
    assert reply.header("access-control-allow-methods") is None


def test_options_goes_to_the_function_without_cors(edge: SimpleNamespace) -> None:
    _, sandbox = serve(edge, url(), returns("ok"), method="OPTIONS", headers=PREFLIGHT)
    assert event_of(sandbox)["requestContext"]["http"]["method"] == "OPTIONS"


@pytest.mark.parametrize("origins", [("https://a.example",), ("*",)])
def test_cors_headers_are_added_to_those_of_the_function(edge: SimpleNamespace, origins: Any) -> None:
    config = url(cors=Cors(allow_origins=origins, expose_headers=("x-b",)))
    returned = {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*"}, "body": ""}
    reply, _ = serve(edge, config, returns(returned), headers={"origin": "https://a.example"})
    assert reply.all("access-control-allow-origin") == ["*", "https://a.example"]
    assert reply.header("access-control-expose-headers") == "x-b"


def test_websocket_upgrade_is_refused(edge: SimpleNamespace) -> None:
    async def main(clock: Any) -> Any:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "websocket", "aws": {"url_id": "abc123", "region": ""}}
        await FunctionUrlService(edge.new_sandbox(clock))(scope, receive, send)
        return sent

    assert edge.run(main)[0]["type"] == "websocket.close"
