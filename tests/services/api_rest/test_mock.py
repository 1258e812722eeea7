"""MOCK integrations, as CORS preflights use them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

CORS = {
    "200": {
        "statusCode": "200",
        "responseParameters": {
            "method.response.header.Access-Control-Allow-Origin": "'*'",
            "method.response.header.Access-Control-Allow-Methods": "'GET,OPTIONS'",
        },
        "responseTemplates": {"application/json": "{}\n"},
    }
}


def mock(rest: SimpleNamespace, template: str | None, responses: Any) -> Any:
    templates = {} if template is None else {"application/json": template}
    method = rest.method("OPTIONS", type="MOCK", request_templates=templates, responses=responses)
    return rest.api(rest.resource("/chat", method))


@pytest.mark.parametrize(
    "template", ['{"statusCode": 200}', "{statusCode:200}", '{\n  "statusCode" : "200"\n}\n']
)
def test_cors_preflight_is_answered_by_configuration(
    edge: SimpleNamespace, rest: SimpleNamespace, template: str
) -> None:
    headers = {"origin": "https://a.example", "access-control-request-method": "POST"}
    reply, _ = rest.serve(edge, mock(rest, template, CORS), method="OPTIONS", headers=headers)
    assert (reply.status, reply.body) == (200, b"{}\n")
    assert reply.header("access-control-allow-origin") == "*"
    assert reply.header("access-control-allow-methods") == "GET,OPTIONS"
    assert reply.header("content-type") == "application/json"
    assert reply.header("x-amz-apigw-id")


def test_selection_pattern_picks_the_response(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    responses = {
        "200": {"statusCode": "200"},
        "404": {
            "statusCode": "404",
            "selectionPattern": "4\\d{2}",
            "responseTemplates": {"text/plain": "none"},
        },
    }
    reply, _ = rest.serve(edge, mock(rest, '{"statusCode": 404}', responses), method="OPTIONS")
    assert (reply.status, reply.body, reply.header("content-type")) == (404, b"none", "text/plain")
    reply, _ = rest.serve(edge, mock(rest, '{"statusCode": 500}', responses), method="OPTIONS")
    assert reply.status == 200


@pytest.mark.parametrize(("template", "responses"), [(None, CORS), ("{}", CORS), ('{"statusCode": 200}', {})])
def test_incomplete_mock_is_an_internal_error(
    edge: SimpleNamespace, rest: SimpleNamespace, template: str | None, responses: Any
) -> None:
    reply, _ = rest.serve(edge, mock(rest, template, responses), method="OPTIONS")
    assert (reply.status, json.loads(reply.body)) == (500, {"message": "Internal server error"})


def test_templates_compute(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    template = (
        '#set($code = 200)#if($input.params("fail") == "yes")#set($code = 500)#end{"statusCode": $code}'
    )
    responses = {
        "200": {"statusCode": "200", "responseTemplates": {"application/json": "$context.httpMethod"}},
        "500": {"statusCode": "500", "selectionPattern": "5..", "responseTemplates": {"text/plain": "no"}},
    }
    config = mock(rest, template, responses)
    reply, _ = rest.serve(edge, config, method="OPTIONS")
    assert (reply.status, reply.body) == (200, b"OPTIONS")
    reply, _ = rest.serve(edge, config, method="OPTIONS", path="/prod/chat?fail=yes")
    assert (reply.status, reply.body) == (500, b"no")


def test_wrong_template_is_an_internal_error(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    reply, sandbox = rest.serve(edge, mock(rest, '#if($x){"statusCode": 200}', CORS), method="OPTIONS")
    assert (reply.status, json.loads(reply.body)) == (500, {"message": "Internal server error"})
    (failed,) = sandbox.timeline.select("api_rest", "failed")
    assert "mapping template" in failed.data["reason"]
