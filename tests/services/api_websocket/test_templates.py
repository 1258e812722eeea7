"""Templates of WebSocket integrations: what they write, and that nothing unknown is passed over."""

from types import SimpleNamespace

import pytest

from sandbox.services.api_websocket import templates
from sandbox.services.api_websocket.errors import IntegrationError

CALL = SimpleNamespace(
    context=lambda: {"connectionId": "c=", "identity": {"sourceIp": "1.2.3.4"}},
    api=SimpleNamespace(stage_variables={"queue": "q"}),
)
BODY = '{"a": {"b": [1, "x y"]}, "t": "it\'s"}'


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("$input.body", BODY),
        ("$input.json('$.a.b')", '[1,"x y"]'),
        ("$input.json('$.t')", '"it\'s"'),
        ("$input.path('$.a.b[1]')", "x y"),
        ("$input.path('$.none')", ""),
        ("$util.urlEncode($input.path('$.a.b[1]'))!", "x+y!"),
        ("$util.base64Encode($context.connectionId)", "Yz0="),
        ("${context.identity.sourceIp}/$stageVariables.queue", "1.2.3.4/q"),
        ('{"statusCode": 200}', '{"statusCode": 200}'),
        ("costs $5", "costs $5"),
        ("#set($n = $input.path('$.a.b'))#foreach($one in $n)[$one]#end", "[1][x y]"),
        ("#if($context.identity.sourceIp == '1.2.3.4')yes#else no#end", "yes"),
        ("$util.parseJson($input.body).t", "it's"),
        ("$stageVariables.none.", "."),
    ],
)
def test_a_template_writes(template: str, text: str) -> None:
    assert templates.render(template, CALL, BODY) == text


@pytest.mark.parametrize("template", ["#if(true)", "$input.json('$[')"])
def test_a_template_that_cannot_be_carried_out_is_the_integrations_failure(template: str) -> None:
    with pytest.raises(IntegrationError):
        templates.render(template, CALL, BODY)


def test_a_value_is_not_read_as_a_template() -> None:
    assert (
        templates.render("$input.path('$.v')", CALL, '{"v": "$context.connectionId"}')
        == "$context.connectionId"
    )
