"""The Lambda proxy integration: event 1.0, permission, answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.context import Invocation

INTERNAL = b'{"message": "Internal server error"}'


def test_event_is_format_1_0(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    config = rest.api(rest.resource("/users/{id}/{proxy+}", rest.method("POST")), stage_variables={"v": "1"})
    reply, sandbox = rest.serve(
        edge,
        config,
        rest.returns(rest.OK),
        "/prod/users/a%2Bb@c.d/x/y/?q=1&q=2&sp=a+b&e=%C3%A9&none",
        method="POST",
        headers=[
            ("user-agent", "test/1"),
            ("content-type", "application/json"),
            ("x-many", "1"),
            ("x-many", "2"),
            ("content-length", "9"),
            ("connection", "keep-alive"),
            ("x-forwarded-for", "10.1.1.1"),
        ],
        body='{"a":"é"}'.encode(),
    )
    event = rest.event_of(sandbox)
    trace = event["headers"].pop("X-Amzn-Trace-Id")
    assert event["multiValueHeaders"].pop("X-Amzn-Trace-Id") == [trace]
    assert event == {
        "resource": "/users/{id}/{proxy+}",
        "path": "/users/a%2Bb@c.d/x/y/",
        "httpMethod": "POST",
        "headers": {
            "Content-Type": "application/json",
            "Host": rest.HOST,
            "User-Agent": "test/1",
            "X-Forwarded-For": "10.1.1.1, 127.0.0.1",
            "X-Forwarded-Port": "443",
            "X-Forwarded-Proto": "https",
            "X-Many": "2",
        },
        "multiValueHeaders": {
            "Content-Type": ["application/json"],
            "Host": [rest.HOST],
            "User-Agent": ["test/1"],
            "X-Forwarded-For": ["10.1.1.1, 127.0.0.1"],
            "X-Forwarded-Port": ["443"],
            "X-Forwarded-Proto": ["https"],
            "X-Many": ["1", "2"],
        },
        "queryStringParameters": {"q": "2", "sp": "a b", "e": "é", "none": ""},
        "multiValueQueryStringParameters": {"q": ["1", "2"], "sp": ["a b"], "e": ["é"], "none": [""]},
        "pathParameters": {"id": "a%2Bb@c.d", "proxy": "x/y"},
        "stageVariables": {"v": "1"},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "api1",
            "deploymentId": "dep1",
            "domainName": rest.HOST,
            "domainPrefix": "api1",
            "extendedRequestId": reply.header("x-amz-apigw-id"),
            "httpMethod": "POST",
            "identity": {
                "accessKey": None,
                "accountId": None,
                "caller": None,
                "cognitoAuthenticationProvider": None,
                "cognitoAuthenticationType": None,
                "cognitoIdentityId": None,
                "cognitoIdentityPoolId": None,
                "principalOrgId": None,
                "sourceIp": "127.0.0.1",
                "user": None,
                "userAgent": "test/1",
                "userArn": None,
            },
            "path": "/prod/users/a%2Bb@c.d/x/y/",
            "protocol": "HTTP/1.1",
            "requestId": reply.header("x-amzn-requestid"),
            "requestTime": "01/Mar/2026:12:00:00 +0000",
            "requestTimeEpoch": int(edge.START.timestamp() * 1000),
            "resourceId": "res1",
            "resourcePath": "/users/{id}/{proxy+}",
            "stage": "prod",
        },
        "body": '{"a":"é"}',
        "isBase64Encoded": False,
    }
    (invocation,) = sandbox.lambda_.invocations
    assert isinstance(invocation, Invocation)
    assert (invocation.function, invocation.trace_id) == (rest.FUNCTION, trace)
    assert invocation.cause == reply.header("x-amzn-requestid")


@pytest.mark.parametrize(
    ("version", "sent", "names"),
    [
        ("1.1", None, {"X-Api-Key", "Accept", "User-Agent"}),
        (
            "1.1",
            [("x-API-key", "k"), ("accept", "*/*"), ("user-agent", "t")],
            {"x-API-key", "accept", "User-Agent"},
        ),
        ("2", None, {"x-api-key", "accept", "User-Agent"}),
    ],
)
def test_header_names_keep_the_clients_case_when_it_is_known(
    edge: SimpleNamespace, rest: SimpleNamespace, version: str, sent: Any, names: set[str]
) -> None:
    more: dict[str, Any] = {"http_version": version}
    if sent is not None:
        more["sent_headers"] = [(n.encode(), v.encode()) for n, v in sent]
    headers = {"x-api-key": "k", "accept": "*/*", "user-agent": "t"}
    _, sandbox = rest.serve(edge, None, rest.returns(rest.OK), headers=headers, scope=more)
    assert names < set(rest.event_of(sandbox)["headers"])


def test_event_has_null_for_what_is_empty(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    config = rest.api(rest.resource("/"))
    _, sandbox = rest.serve(edge, config, rest.returns(rest.OK), "/prod")
    event = rest.event_of(sandbox)
    for name in (
        "body",
        "pathParameters",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "stageVariables",
    ):
        assert event[name] is None
    assert (event["path"], event["requestContext"]["path"]) == ("/", "/prod")


@pytest.mark.parametrize(
    ("types", "kind", "binary"),
    [
        ((), "image/png", False),
        (("image/png",), "image/png", True),
        (("image/*",), "image/png; x=y", True),
        (("image/png",), "image/gif", False),
        (("*/*",), "", True),
    ],
)
def test_binary_media_types_make_base64_bodies(
    edge: SimpleNamespace, rest: SimpleNamespace, types: Any, kind: str, binary: bool
) -> None:
    config = rest.api(binary_media_types=types)
    headers = {"content-type": kind} if kind else {}
    _, sandbox = rest.serve(edge, config, rest.returns(rest.OK), method="POST", headers=headers, body=b"text")
    event = rest.event_of(sandbox)
    assert (event["isBase64Encoded"], event["body"]) == (binary, "dGV4dA==" if binary else "text")


def test_stage_variables_name_the_function(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    uri = rest.URI.replace("function:chat", "function:${stageVariables.fn}")
    config = rest.api(rest.resource("/chat", rest.method(uri=uri)), stage_variables={"fn": "chat"})
    reply, sandbox = rest.serve(edge, config, rest.returns(rest.OK))
    assert (reply.status, sandbox.lambda_.invocations[0].function) == (200, rest.FUNCTION)


@pytest.mark.parametrize(
    "changes",
    [
        {"uri": "arn:aws:apigateway:us-east-1:sqs:path/1/queue"},
        {"http_method": "GET"},
        {
            "uri": "arn:aws:apigateway:us-east-1:lambda:path/2021-11-15/functions/f/response-streaming-invocations"
        },
    ],
)
def test_wrong_integration_is_an_internal_error(
    edge: SimpleNamespace, rest: SimpleNamespace, changes: Any
) -> None:
    method = rest.method(integration=rest.integration(**changes))
    reply, sandbox = rest.serve(edge, rest.api(rest.resource("/chat", method)))
    assert (reply.status, reply.body, sandbox.lambda_.invocations) == (500, INTERNAL, [])


# -- permission


@pytest.mark.parametrize(
    ("source", "allowed"),
    [
        ("arn:aws:execute-api:us-east-1:000000000000:api1/*/*/*", True),
        ("arn:aws:execute-api:us-east-1:000000000000:api1/prod/POST/chat", True),
        ("arn:aws:execute-api:us-east-1:000000000000:api1/dev/POST/chat", False),
        ("arn:aws:execute-api:us-east-1:000000000000:api2/*/*/*", False),
    ],
)
def test_function_has_to_permit_the_gateway(
    edge: SimpleNamespace, rest: SimpleNamespace, source: str, allowed: bool
) -> None:
    def prepare(sandbox: Any) -> None:
        sandbox.control.resources.policies[("chat", None)] = rest.permission(source)
        sandbox.lambda_.returns(b'{"statusCode":200}')

    config = rest.api(rest.resource("/chat"))
    reply, sandbox = rest.serve(edge, config, prepare, method="POST")
    if allowed:
        assert reply.status == 200
        return
    assert (reply.status, reply.body, sandbox.lambda_.invocations) == (500, INTERNAL, [])
    (failed,) = sandbox.timeline.select("api_rest", "failed")
    assert "does not permit apigateway.amazonaws.com" in failed.data["reason"]


def test_alias_has_its_own_policy(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    uri = rest.URI.replace("function:chat", "function:chat:live")
    config = rest.api(rest.resource("/chat", rest.method(uri=uri)))
    reply, _ = rest.serve(edge, config, rest.returns(rest.OK))
    assert reply.status == 500


def test_role_of_the_integration_stands_for_a_permission(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    def prepare(sandbox: Any) -> None:
        sandbox.control.resources.policies.clear()
        sandbox.lambda_.returns(b'{"statusCode":200}')

    credentials = "arn:aws:iam::000000000000:role/gateway"
    config = rest.api(rest.resource("/chat", rest.method(credentials=credentials)))
    assert rest.serve(edge, config, prepare)[0].status == 200


# -- answers


def test_answer_sets_status_headers_and_body(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    returned = {
        "statusCode": "201",
        "headers": {"X-A": "1", "x-b": "single", "X-Flag": True},
        "multiValueHeaders": {"X-B": ["2", "3"], "Set-Cookie": ["a=1", "b=2"]},
        "body": "é",
        "isBase64Encoded": False,
    }
    reply, _ = rest.serve(edge, None, rest.returns(returned))
    assert (reply.status, reply.body.decode()) == (201, "é")
    assert (reply.header("x-a"), reply.header("x-flag")) == ("1", "true")
    assert reply.all("x-b") == ["2", "3"]
    assert reply.all("set-cookie") == ["a=1", "b=2"]
    assert reply.header("content-type") == "application/json"
    assert reply.header("content-length") == "2"
    assert reply.header("x-amzn-trace-id").startswith("Root=1-")


def test_headers_of_the_connection_are_renamed(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    headers = {
        "Date": "d",
        "Server": "s",
        "Content-Length": "999",
        "Connection": "close",
        "Transfer-Encoding": "chunked",
        "WWW-Authenticate": "Basic",
    }
    reply, _ = rest.serve(edge, None, rest.returns({"headers": headers, "body": "ok"}))
    assert reply.header("x-amzn-remapped-date") == "d"
    assert reply.header("x-amzn-remapped-server") == "s"
    assert reply.header("x-amzn-remapped-content-length") == "999"
    assert reply.header("x-amzn-remapped-connection") == "close"
    assert reply.header("x-amzn-remapped-www-authenticate") == "Basic"
    assert reply.all("content-length") == ["2"]
    assert not {"date", "server", "connection", "transfer-encoding"} & {n for n, _ in reply.headers}


@pytest.mark.parametrize(
    ("types", "accept", "body"),
    [
        ((), "image/png", b"4pyT"),
        (("image/png",), "image/png, */*", "✓".encode()),
        (("image/png",), "", b"4pyT"),
        (("*/*",), "", "✓".encode()),
    ],
)
def test_base64_answers_are_decoded_for_binary_types(
    edge: SimpleNamespace, rest: SimpleNamespace, types: Any, accept: str, body: bytes
) -> None:
    config = rest.api(binary_media_types=types)
    returned = {"statusCode": 200, "body": "4pyT", "isBase64Encoded": True}
    headers = {"accept": accept} if accept else {}
    reply, _ = rest.serve(edge, config, rest.returns(returned), headers=headers)
    assert reply.body == body


@pytest.mark.parametrize(
    "returned",
    [
        b"no json",
        b"null",
        "text",
        [1],
        {"message": "hello"},
        {"statusCode": "abc"},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "headers": {"X": 1}},
        {"statusCode": 200, "headers": "x"},
        {"statusCode": 200, "cookies": []},
        {"statusCode": 200, "headers": {"X\r\nY": "z"}},
        {"statusCode": 101},
    ],
)
def test_malformed_answer_is_a_502(edge: SimpleNamespace, rest: SimpleNamespace, returned: Any) -> None:
    reply, sandbox = rest.serve(edge, None, rest.returns(returned))
    assert (reply.status, reply.body) == (502, INTERNAL)
    assert reply.header("x-amzn-errortype") == "InternalServerErrorException"
    (failed,) = sandbox.timeline.select("api_rest", "failed")
    assert failed.data["reason"].startswith("malformed Lambda proxy response: ")


def test_empty_object_is_an_answer(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    reply, _ = rest.serve(edge, None, rest.returns({}))
    assert (reply.status, reply.body) == (200, b"")


def test_function_error_is_a_502(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    reply, _ = rest.serve(edge, None, rest.returns({"errorMessage": "x"}, error="Unhandled", after=1.5))
    assert (reply.status, reply.body, reply.ended_at) == (502, INTERNAL, 1.5)
