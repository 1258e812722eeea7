"""Mapping templates: the language, ``$input``, ``$util``, ``$context``, and integrations that use them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.aws.vtl.gateway import Context, Input, Util
from sandbox.aws.vtl.values import wrap
from sandbox.aws.vtl.velocity import TemplateFault, render

BODY = {"a": {"b": False, "n": 1.5}, "l": [{"c": 5}, {"c": 6}], "s": 'it\'s "x"', "one": [{"c": 1}]}
PARAMS = {"path": {"id": "7"}, "querystring": {"q": "a b"}, "header": {"X-Who": "ada"}}


def made(template: str, **more: Any) -> str:
    names = {"input": Input(json.dumps(BODY), PARAMS), "util": Util(), **more}
    return render(template, names)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("$input.path('$.a.b')", "false"),
        ("$input.path('$').a", "{b=false, n=1.5}"),
        ("$input.path('$.l')", '[{"c":5},{"c":6}]'),
        ("$input.json('$.l')", '[{"c":5},{"c":6}]'),
        ("$input.json('$.s')", '"it\'s \\"x\\""'),
        ("$input.path('$.none')|$input.json('$.none')", '|""'),
        ("$input.path('$.one[*].c')", "[1]"),
        ("$util.escapeJavaScript($input.path('$.s'))", 'it\\\'s \\"x\\"'),
        (
            "$input.params('id') $input.params('q') $input.params('x-who') [$input.params('z')]",
            "7 a b ada []",
        ),
        ("$input.params().header.get('X-Who')", "ada"),
        ("$util.urlEncode('a b&c=ü') $util.urlDecode('a+b%26')", "a+b%26c%3D%C3%BC a b&"),
        ("$util.base64Encode('hé') $util.base64Decode('aMOp')", "aMOp hé"),
        ("$util.parseJson('{\"k\":[1,2]}').k.size()", "2"),
        ("#set($x = true)$x #if($x && !$input.path('$.a.b'))yes#end", "true yes"),
        ('#foreach($i in $input.path("$.l"))$i.c#if($foreach.hasNext),#end#end', "5,6"),
        ('#set($s = "a,b,,")#foreach($p in $s.split(","))<$p>#end', "<a><b>"),
        ("#set($m = {})$!m.put('k', 'v')$m.k $m.size() $m", "v 1 {k=v}"),
        ("#set($n = $input.path('$.l').size() + 1)$n", "3"),
        ("## nothing\n#if($input.path('$.s').startsWith('it'))in#{else}out#end", "in"),
        ("$input.path('$').nope", "$input.path('$').nope"),
    ],
)
def test_template(template: str, text: str) -> None:
    assert made(template) == text


def test_template_that_hands_all_parameters_on() -> None:
    template = """#set($allParams = $input.params())
{
"body-json" : $input.json('$'),
"params" : {
#foreach($type in $allParams.keySet())
    #set($params = $allParams.get($type))
"$type" : {
    #foreach($paramName in $params.keySet())
    "$paramName" : "$util.escapeJavaScript($params.get($paramName))"
        #if($foreach.hasNext),#end
    #end
}
    #if($foreach.hasNext),#end
#end
},
"stage-variables" : {
#foreach($key in $stageVariables.keySet())
"$key" : "$util.escapeJavaScript($stageVariables.get($key))"
    #if($foreach.hasNext),#end
#end
},
"context" : {"stage" : "$context.stage", "api-key" : "$context.identity.apiKey",
"sub": "$context.authorizer.claims.sub"}
}
"""
    context = Context({"stage": "prod", "identity": {"apiKey": None}})
    value = json.loads(made(template, context=context, stageVariables=wrap({"v": "1"})))
    assert value["body-json"] == BODY
    assert value["params"] == PARAMS
    assert value["stage-variables"] == {"v": "1"}
    assert value["context"] == {"stage": "prod", "api-key": "", "sub": ""}


def test_empty_body_is_an_empty_object() -> None:
    assert render("$input.json('$') $input.body", {"input": Input("", {})}) == "{} {}"


@pytest.mark.parametrize("template", ["#if($x)", "$input.path('$[')", "#foreach($a in 5)#end"])
def test_wrong_template_says_where(template: str) -> None:
    with pytest.raises(TemplateFault):
        made(template)


# -- Lambda functions behind templates

TEMPLATES = {"application/json": '{"text": $input.json("$.q"), "who": "$context.identity.userAgent"}'}
RESPONSES = {
    "200": {
        "statusCode": "200",
        "responseParameters": {
            "method.response.header.X-Model": "integration.response.body.model",
            "method.response.header.X-Stage": "context.stage",
            "method.response.header.X-Static": "'s'",
        },
        "responseTemplates": {"application/json": '{"answer": $input.json("$.text")}'},
    },
    "422": {
        "statusCode": "422",
        "selectionPattern": "Bad.*",
        "responseTemplates": {"application/json": "$input.path('$.errorMessage')"},
    },
}


def custom(rest: SimpleNamespace, **changes: Any) -> Any:
    given = {"type": "AWS", "request_templates": TEMPLATES, "responses": RESPONSES, **changes}
    return rest.api(rest.resource("/chat", rest.method(**given)))


def post(edge: SimpleNamespace, rest: SimpleNamespace, config: Any, prepare: Any, **more: Any) -> Any:
    given = {"method": "POST", "body": b'{"q": "hi"}', "headers": {"user-agent": "ua"}, **more}
    return rest.serve(edge, config, prepare, **given)


def test_lambda_gets_the_templates_text_and_its_value_is_translated(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    config = custom(rest)
    reply, sandbox = post(edge, rest, config, rest.returns({"text": "hello", "model": "m1"}))
    assert rest.event_of(sandbox) == {"text": "hi", "who": "ua"}
    assert (reply.status, json.loads(reply.body)) == (200, {"answer": "hello"})
    assert (reply.header("x-model"), reply.header("x-stage"), reply.header("x-static")) == ("m1", "prod", "s")
    assert reply.header("content-type") == "application/json"


def test_error_message_of_a_function_selects_the_response(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    failure = rest.returns({"errorMessage": "Bad question", "errorType": "E"}, error="Unhandled")
    reply, _ = post(edge, rest, custom(rest), failure)
    assert (reply.status, reply.body) == (422, b"Bad question")
    other = rest.returns({"errorMessage": "Other", "text": 1, "model": "m"}, error="Unhandled")
    reply, _ = post(edge, rest, custom(rest), other)
    assert reply.status == 200


def test_event_invocation_is_asynchronous(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    mapping = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
    config = custom(rest, request_parameters=mapping, responses={"200": {"statusCode": "200"}})
    _, sandbox = post(edge, rest, config, rest.returns(b""))
    assert sandbox.lambda_.invocations[0].type == "Event"


def test_overrides_of_templates(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    template = (
        '#set($context.responseOverride.status = 418)#set($context.responseOverride.header.hello = "world")x'
    )
    responses = {"200": {"statusCode": "200", "responseTemplates": {"application/json": template}}}
    reply, _ = post(edge, rest, custom(rest, responses=responses), rest.returns({}))
    assert (reply.status, reply.body, reply.header("hello")) == (418, b"x", "world")


@pytest.mark.parametrize(
    ("passthrough", "templates", "kind", "status"),
    [
        ("WHEN_NO_MATCH", TEMPLATES, "text/plain", 200),
        ("WHEN_NO_TEMPLATES", TEMPLATES, "text/plain", 415),
        ("WHEN_NO_TEMPLATES", {}, "text/plain", 200),
        ("NEVER", TEMPLATES, "text/plain", 415),
        ("NEVER", {}, None, 415),
        ("NEVER", TEMPLATES, None, 200),
    ],
)
def test_passthrough(
    edge: SimpleNamespace, rest: SimpleNamespace, passthrough: str, templates: Any, kind: Any, status: int
) -> None:
    config = custom(rest, passthrough=passthrough, request_templates=templates)
    headers = {"content-type": kind} if kind else {}
    reply, sandbox = post(edge, rest, config, rest.returns({"text": 1}), headers=headers)
    assert reply.status == status
    if status == 415:
        assert reply.body == b'{"message":"Unsupported Media Type"}'
        assert reply.header("x-amzn-errortype") == "UnsupportedMediaTypeException"
        assert not sandbox.lambda_.invocations
    elif kind:
        assert rest.event_of(sandbox) == {"q": "hi"}  # as it came


@pytest.mark.parametrize(
    ("handling", "accept", "body"),
    [
        ("CONVERT_TO_TEXT", "image/png", b"aGk="),
        ("CONVERT_TO_BINARY", "text/plain", b"hi"),
        (None, "image/png", b"hi"),
        (None, "text/plain", b"aGk="),
    ],
)
def test_content_handling_of_an_answer(
    edge: SimpleNamespace, rest: SimpleNamespace, handling: Any, accept: str, body: bytes
) -> None:
    response = {"statusCode": "200", "contentHandling": handling}
    method = rest.method(type="AWS", responses={"200": response})
    config = rest.api(rest.resource("/chat", method), binary_media_types=("image/png",))
    # A function answers with JSON, which is text.
    reply, _ = rest.serve(edge, config, rest.returns(b"aGk="), headers={"accept": accept})
    assert reply.body == body


@pytest.mark.parametrize(
    ("handling", "kind", "sent", "got"),
    [
        ("CONVERT_TO_TEXT", "image/png", b"hi", "aGk="),
        ("CONVERT_TO_BINARY", "text/plain", b"aGk=", "hi"),
        (None, "image/png", b"hi", "hi"),
        (None, "text/plain", b"aGk=", "aGk="),
    ],
)
def test_content_handling_of_a_request(
    edge: SimpleNamespace, rest: SimpleNamespace, handling: Any, kind: str, sent: bytes, got: str
) -> None:
    method = rest.method(
        type="AWS",
        content_handling=handling,
        request_templates={kind: '{"body": "$input.body"}'},
        responses={"200": {"statusCode": "200"}},
    )
    config = rest.api(rest.resource("/chat", method), binary_media_types=("image/png",))
    more = {"method": "POST", "body": sent, "headers": {"content-type": kind}}
    _, sandbox = rest.serve(edge, config, rest.returns({}), **more)
    assert rest.event_of(sandbox) == {"body": got}
