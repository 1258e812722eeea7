"""Lambda proxy integrations: both event formats, what answers mean, what fails."""

from __future__ import annotations

from base64 import b64encode
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.aws.errors import AwsError

HEADERS = [("cookie", "a=1; b=2"), ("X-Same", "1"), ("x-same", "2"), ("user-agent", "test")]
INTERNAL = b'{"message":"Internal Server Error"}'


def test_format_2(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    config = http.api(http.route("POST /chat/{id}"), stage_variables={"color": "red"})
    reply, sandbox = http.serve(
        edge,
        config,
        http.returns(http.OK),
        path="/chat/a%20b?x=1&x=2&y=%20",
        method="POST",
        headers=[*HEADERS, ("content-type", "application/json")],
        body=b'{"a": 1}',
    )
    event = http.event_of(sandbox)
    headers = event.pop("headers")
    assert headers.pop("x-amzn-trace-id").startswith("Root=1-")
    assert headers == {
        "content-length": "8",
        "content-type": "application/json",
        "host": http.HOST,
        "user-agent": "test",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
        "x-same": "1,2",
    }
    assert event == {
        "version": "2.0",
        "routeKey": "POST /chat/{id}",
        "rawPath": "/chat/a b",
        "rawQueryString": "x=1&x=2&y=%20",
        "cookies": ["a=1", "b=2"],
        "queryStringParameters": {"x": "1,2", "y": " "},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "api1",
            "domainName": http.HOST,
            "domainPrefix": "api1",
            "http": {
                "method": "POST",
                "path": "/chat/a b",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "test",
            },
            "requestId": reply.header("apigw-requestid"),
            "routeKey": "POST /chat/{id}",
            "stage": "$default",
            "time": "01/Mar/2026:12:00:00 +0000",
            "timeEpoch": 1772366400000,
        },
        "pathParameters": {"id": "a b"},
        "stageVariables": {"color": "red"},
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    }


def test_format_2_leaves_out_what_is_not_there(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    _, sandbox = http.serve(edge, prepare=http.returns(http.OK))
    event = http.event_of(sandbox)
    absent = {"cookies", "queryStringParameters", "pathParameters", "stageVariables", "body"}
    assert not absent & set(event)
    assert "authorizer" not in event["requestContext"]


def test_a_binary_body_is_base64(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    _, sandbox = http.serve(edge, prepare=http.returns(http.OK), method="POST", body=b"\xff\x00")
    event = http.event_of(sandbox)
    assert (event["body"], event["isBase64Encoded"]) == (b64encode(b"\xff\x00").decode(), True)


def test_format_1(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    config = http.api(http.route("GET /chat/{id}", payload_format="1.0"))
    reply, sandbox = http.serve(edge, config, http.returns(http.OK), path="/chat/7?x=1&x=2", headers=HEADERS)
    event = http.event_of(sandbox)
    assert event["version"] == "1.0"
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/chat/{id}", "/chat/7", "GET")
    assert event["headers"]["User-Agent"] == "test"
    assert event["headers"]["cookie"] == "a=1; b=2"
    assert event["multiValueHeaders"]["x-same"] == ["1", "2"]
    assert event["queryStringParameters"] == {"x": "2"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"]}
    assert (event["pathParameters"], event["stageVariables"], event["body"]) == ({"id": "7"}, None, None)
    context = event["requestContext"]
    assert (context["resourcePath"], context["resourceId"], context["stage"]) == (
        "/chat/{id}",
        None,
        "$default",
    )
    assert context["requestId"] == context["extendedRequestId"] == reply.header("apigw-requestid")
    assert context["requestTime"] == "01/Mar/2026:12:00:00 +0000"
    assert context["identity"]["sourceIp"] == "127.0.0.1"


@pytest.mark.fact("2.6")
@pytest.mark.parametrize(
    ("given", "status", "kind", "body"),
    [
        ("Hello", 200, "application/json", b"Hello"),
        ({"message": "hi"}, 200, "application/json", b'{"message":"hi"}'),
        ({"statusCode": 201, "body": "x"}, 201, "application/json", b"x"),
        ({"statusCode": "418", "headers": {"Content-Type": "text/x"}}, 418, "text/x", b""),
        ({"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}, 200, "application/json", b"hi"),
    ],
)
def test_answers_of_format_2(
    edge: SimpleNamespace, http: SimpleNamespace, given: Any, status: int, kind: str, body: bytes
) -> None:
    reply, _ = http.serve(edge, prepare=http.returns(given))
    assert (reply.status, reply.header("content-type"), reply.body) == (status, kind, body)


def test_cookies_become_headers(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    reply, _ = http.serve(edge, prepare=http.returns({"statusCode": 200, "cookies": ["a=1", "b=2"]}))
    assert reply.all("set-cookie") == ["a=1", "b=2"]


def test_many_values_of_format_1(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    given = {"statusCode": 200, "headers": {"a": "1"}, "multiValueHeaders": {"a": ["2", "3"]}, "body": "x"}
    config = http.api(http.route(payload_format="1.0"))
    reply, _ = http.serve(edge, config, http.returns(given))
    assert (reply.all("a"), reply.body) == (["2", "3"], b"x")


@pytest.mark.fact("2.3")
@pytest.mark.parametrize(
    ("version", "given"),
    [
        ("1.0", "Hello"),
        ("1.0", {"message": "hi"}),
        ("1.0", {"statusCode": 200, "body": {}}),
        ("2.0", {"statusCode": "no"}),
        ("2.0", {"statusCode": 200, "headers": []}),
        ("2.0", {"statusCode": 200, "body": "?", "isBase64Encoded": True}),
    ],
)
def test_a_wrong_answer_is_500(
    edge: SimpleNamespace, http: SimpleNamespace, version: str, given: Any
) -> None:
    config = http.api(http.route(payload_format=version))
    reply, _ = http.serve(edge, config, http.returns(given))
    if given == {"statusCode": 200, "headers": []}:
        assert reply.status == 200  # an empty list says nothing
    else:
        assert (reply.status, reply.body) == (500, INTERNAL)


@pytest.mark.fact("2.3")
def test_a_failing_function_is_500(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    reply, sandbox = http.serve(edge, prepare=http.returns({"errorMessage": "x"}, error="Unhandled"))
    assert (reply.status, reply.body) == (500, INTERNAL)
    (failed,) = sandbox.timeline.select("api_http", "failed")
    assert "Unhandled" in failed.data["reason"]


@pytest.mark.fact("2.3")
@pytest.mark.parametrize("source", ["*/POST/*", "*/$default/x", "other/*"])
def test_without_permission_it_is_500(edge: SimpleNamespace, http: SimpleNamespace, source: str) -> None:
    def prepare(sandbox: Any) -> None:
        sandbox.control.resources.policies[("chat", None)] = http.permission(f"{http.ARN}/{source}")

    reply, sandbox = http.serve(edge, prepare=prepare)
    assert (reply.status, reply.body) == (500, INTERNAL)
    assert not sandbox.lambda_.invocations


@pytest.mark.fact("2.2")
def test_a_throttled_function_is_503(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    refusal = AwsError(429, "TooManyRequestsException", "Rate Exceeded.")
    reply, _ = http.serve(edge, prepare=lambda sandbox: sandbox.lambda_.raises(refusal))
    assert (reply.status, reply.body) == (503, b'{"message":"Service Unavailable"}')


def test_the_function_of_an_alias_by_a_stage_variable(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    uri = (
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
        "arn:aws:lambda:us-east-1:000000000000:function:${stageVariables.name}:live/invocations"
    )

    def prepare(sandbox: Any) -> None:
        sandbox.lambda_.returns(b'"ok"')
        given = http.permission(function=f"{http.FUNCTION}:live")
        sandbox.control.resources.policies[("chat", "live")] = given

    config = http.api(http.route(uri=uri), stage_variables={"name": "chat"})
    reply, sandbox = http.serve(edge, config, prepare)
    assert reply.status == 200
    assert sandbox.lambda_.invocations[0].function == f"{http.FUNCTION}:live"
