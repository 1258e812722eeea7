"""Which route a request of an HTTP API takes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

KEYS = (
    "GET /pets/dog/1",
    "GET /pets/dog/{id}",
    "GET /pets/{proxy+}",
    "ANY /{proxy+}",
    "POST /pets/dog/{id}",
    "ANY /pets/dog/{any}",
    "GET /",
    "GET /{kind}/full",
    "$default",
)


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1", None),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        ("POST", "/test/5", "ANY /{proxy+}", {"proxy": "test/5"}),
        ("PUT", "/pets/dog/2", "ANY /pets/dog/{any}", {"any": "2"}),
        ("GET", "/pets/dog/a%20b", "GET /pets/dog/{id}", {"id": "a b"}),
        ("GET", "/", "GET /", None),
        ("GET", "/pets/full", "GET /{kind}/full", {"kind": "pets"}),
        ("POST", "/", "$default", None),
    ],
)
def test_the_most_specific_route_wins(
    edge: SimpleNamespace, http: SimpleNamespace, method: str, path: str, key: str, parameters: object
) -> None:
    config = http.api(*(http.route(key) for key in KEYS))
    reply, sandbox = http.serve(edge, config, http.returns(http.OK), method=method, path=path)
    assert reply.status == 200
    event = http.event_of(sandbox)
    assert (event["routeKey"], event.get("pathParameters")) == (key, parameters)


def test_no_route_is_404(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    reply, sandbox = http.serve(edge, http.api(http.route("GET /chat")), path="/other")
    assert (reply.status, reply.body) == (404, b'{"message":"Not Found"}')
    assert reply.header("content-type") == "application/json"
    assert len(reply.header("apigw-requestid")) == 16
    assert not sandbox.lambda_.invocations


def test_a_named_stage_is_in_the_path(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    config = http.api(http.route("GET /chat"), stage="live")
    reply, sandbox = http.serve(edge, config, http.returns(http.OK), path="/live/chat")
    assert reply.status == 200
    event = http.event_of(sandbox)
    assert (event["rawPath"], event["requestContext"]["http"]["path"]) == ("/live/chat", "/live/chat")
    assert (event["requestContext"]["stage"], event["routeKey"]) == ("live", "GET /chat")
    reply, _ = http.serve(edge, config, path="/chat")
    assert reply.status == 404


def test_a_disabled_endpoint(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    reply, _ = http.serve(edge, http.api(disable_execute_api_endpoint=True))
    assert reply.status == 404
