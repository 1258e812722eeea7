"""Resolvers: what functions are sent, pipelines, errors, batches; HTTP endpoints."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.aws.errors import AwsError
from sandbox.context import Invocation, InvocationResult
from sandbox.control.appsync import DataSource

LIST = """
type Item { id: ID name: String owner: Owner }
type Owner { id: ID name: String }
type Query { items(limit: Int): [Item] hello(name: String): String }
"""


def noting(world: Any, answer: Any) -> list[Invocation]:
    """Let functions answer by what ``answer`` makes of an event; gives the invocations."""

    async def invoke(invocation: Invocation) -> InvocationResult:
        await asyncio.sleep(0)
        if invocation.type == "Event":
            return InvocationResult(202, b"", None, "$LATEST", "r")
        return InvocationResult(
            200, json.dumps(answer(json.loads(invocation.payload))).encode(), None, "1", "r"
        )

    world.sandbox.lambda_.answer = invoke
    invocations: list[Invocation] = world.sandbox.lambda_.invocations
    return invocations


def test_a_direct_resolver_sends_the_context(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        invocations = noting(world, lambda event: f"hello {event['arguments']['name']}")
        answer = await world.post("query Q($n: String) { greeting: hello(name: $n) }", n="Ann")
        return answer, invocations[0].function, json.loads(invocations[0].payload)

    answer, function, event = appsync.play(script, appsync.api(appsync.direct("Query.hello")))
    assert answer == {"data": {"greeting": "hello Ann"}}
    assert function == appsync.FUNCTION
    assert event.pop("request")["headers"]["x-api-key"] == appsync.KEY
    assert event == {
        "arguments": {"name": "Ann"},
        "identity": None,
        "source": None,
        "prev": None,
        "info": {
            "fieldName": "hello",
            "parentTypeName": "Query",
            "variables": {"n": "Ann"},
            "selectionSetList": [],
            "selectionSetGraphQL": "",
        },
        "stash": {},
    }


def test_what_the_function_may_know_of_the_selection(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        invocations = noting(world, lambda event: [])
        await world.post("{ items(limit: 2) { id label: name owner { ...O } } } fragment O on Owner { name }")
        return json.loads(invocations[0].payload)["info"]

    info = appsync.play(script, appsync.api(appsync.direct("Query.items"), schema=LIST))
    assert info["selectionSetList"] == ["id", "label", "owner", "owner/name"]
    assert info["selectionSetGraphQL"] == "{\n  id\n  label: name\n  owner {\n    ...O\n  }\n}"


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ("{ hello }", {}),
        ("{ hello(name: null) }", {"name": None}),
        ("query Q($n: String) { hello(name: $n) }", {"name": None}),
        ('query Q($n: String = "x") { hello(name: $n) }', {"name": "x"}),
    ],
)
def test_arguments_that_are_not_given(appsync: SimpleNamespace, query: str, arguments: Any) -> None:
    async def script(world: Any) -> Any:
        invocations = noting(world, lambda event: "")
        await world.post(query)
        return json.loads(invocations[0].payload)["arguments"]

    assert appsync.play(script, appsync.api(appsync.direct("Query.hello"))) == arguments


@pytest.mark.parametrize(
    ("prepare", "kind", "message"),
    [
        (
            lambda functions: functions.returns(
                b'{"errorMessage": "boom", "errorType": "KeyError"}', error="Unhandled"
            ),
            "Lambda:Unhandled",
            "boom",
        ),
        (
            lambda functions: functions.raises(AwsError(404, "ResourceNotFoundException", "gone")),
            None,
            "gone",
        ),
        (
            lambda functions: functions.returns(b"<html>"),
            "Lambda:Unhandled",
            "The function's answer is no JSON",
        ),
    ],
)
def test_a_function_that_fails(
    appsync: SimpleNamespace, prepare: Any, kind: str | None, message: str
) -> None:
    async def script(world: Any) -> Any:
        prepare(world.sandbox.lambda_)
        return await world.post("{ hello }")

    document = appsync.play(script, appsync.api(appsync.direct("Query.hello")))
    (error,) = document["errors"]
    assert document["data"] == {"hello": None}
    assert error["errorType"] == (kind or "Lambda:ResourceNotFoundException")
    assert error["message"].startswith(message)
    assert error["path"] == ["hello"]


@pytest.mark.fact("5.14")
def test_a_function_that_is_started_as_an_event(appsync: SimpleNamespace) -> None:
    code = """
    export function request(ctx) {
      return { operation: 'Invoke', invocationType: 'Event', payload: { room: ctx.args.room } };
    }
    export function response(ctx) { return { room: ctx.args.room, text: JSON.stringify(ctx.result) }; }
    """

    async def script(world: Any) -> Any:
        invocations = noting(world, lambda event: "never seen")
        answer = await world.post('mutation { send(room: "a") { room text } }')
        return answer, invocations[0].type, world.clock.now()

    config = appsync.api(appsync.resolver("Mutation.send", code, "lambda"))
    answer, kind, at = appsync.play(script, config)
    assert answer == {"data": {"send": {"room": "a", "text": "null"}}}
    assert (kind, at) == ("Event", 0.0)


def test_a_handler_sees_a_failed_function(appsync: SimpleNamespace) -> None:
    code = """
    import { util } from '@aws-appsync/utils';
    export function request(ctx) { return { operation: 'Invoke', payload: {} }; }
    export function response(ctx) { util.error('told: ' + ctx.error.message, ctx.error.type, { a: 1 }, { b: 2 }); }
    """

    async def script(world: Any) -> Any:
        world.sandbox.lambda_.returns(b'{"errorMessage": "boom"}', error="Unhandled")
        return await world.post("{ hello }")

    config = appsync.api(appsync.resolver("Query.hello", code, "lambda"))
    (error,) = appsync.play(script, config)["errors"]
    assert (error["message"], error["errorType"]) == ("told: boom", "Lambda:Unhandled")
    assert (error["data"], error["errorInfo"]) == ({"a": 1}, {"b": 2})


@pytest.mark.fact("5.1")
def test_a_handler_sees_that_time_is_over(appsync: SimpleNamespace) -> None:
    code = """
    export function request(ctx) { return { operation: 'Invoke', payload: {} }; }
    export function response(ctx) { return ctx.error.type + '/' + ctx.error.message; }
    """

    async def script(world: Any) -> Any:
        world.sandbox.lambda_.returns(b'"late"', after=31)
        document = await world.post("{ hello }")
        at = world.clock.now()
        await world.clock.advance(10)
        return document, at

    config = appsync.api(appsync.resolver("Query.hello", code, "lambda"))
    document, at = appsync.play(script, config)
    assert document == {"data": {"hello": "Lambda:ExecutionTimeoutException/Execution timed out."}}
    assert at == 30.0


def test_code_that_throws(appsync: SimpleNamespace) -> None:
    code = "export function request(ctx) { return ctx.nope.x; } export function response(ctx) { return 1; }"

    async def script(world: Any) -> Any:
        return await world.post("{ hello }")

    (error,) = appsync.play(script, appsync.api(appsync.resolver("Query.hello", code)))["errors"]
    assert "TypeError" in error["message"]


def test_an_early_return_skips_data_source_and_response(appsync: SimpleNamespace) -> None:
    code = """
    import { runtime } from '@aws-appsync/utils';
    export function request(ctx) { runtime.earlyReturn('early'); }
    export function response(ctx) { return 'late'; }
    """

    async def script(world: Any) -> Any:
        return await world.post("{ hello }")

    config = appsync.api(appsync.resolver("Query.hello", code, "lambda"))
    assert appsync.play(script, config) == {"data": {"hello": "early"}}


# -- pipelines


def step(letter: str, more: str = "") -> str:
    return f"""
    import {{ util, runtime }} from '@aws-appsync/utils';
    export function request(ctx) {{
      ctx.stash.seen = (ctx.stash.seen ?? '') + '{letter}'; {more}
      return {{ payload: (ctx.prev.result ?? '') + '{letter}' }};
    }}
    export function response(ctx) {{ return ctx.result; }}
    """


AROUND = """
export function request(ctx) { ctx.stash.seen = '<'; return '('; }
export function response(ctx) { return ctx.prev.result + ')' + ctx.stash.seen; }
"""


@pytest.mark.parametrize(
    ("more", "result"),
    [
        ("", "(ab)<ab"),
        ("runtime.earlyReturn('E');", "Eb)<ab"),
        ("runtime.earlyReturn('E', { skipTo: 'END' });", "E)<a"),
        ("util.error('stop');", None),
    ],
)
def test_pipelines(appsync: SimpleNamespace, more: str, result: str | None) -> None:
    async def script(world: Any) -> Any:
        return await world.post("{ hello }")

    config = appsync.api(
        appsync.resolver("Query.hello", AROUND, functions=["a", "b"]),
        functions={"a": appsync.mapped(step("a", more)), "b": appsync.mapped(step("b"))},
    )
    document = appsync.play(script, config)
    assert document["data"] == {"hello": result}
    assert ("errors" in document) == (result is None)


def test_a_function_that_is_not_there(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post("{ hello }")

    config = appsync.api(appsync.resolver("Query.hello", AROUND, functions=["gone"]))
    assert appsync.play(script, config)["errors"][0]["message"] == "There is no function gone."


# -- batches


def batched(appsync: SimpleNamespace, **changes: Any) -> Any:
    items = (
        "export function request(ctx) { return { payload: [1,2,3,4,5,6,7].map((n) => ({ id: n })) }; }"
        "export function response(ctx) { return ctx.result; }"
    )
    owner = """
    export function request(ctx) { return { operation: 'BatchInvoke', payload: { item: ctx.source.id } }; }
    export function response(ctx) { return ctx.result; }
    """
    if changes.pop("direct", False):
        made = appsync.direct("Item.owner", **changes)
    else:
        made = appsync.resolver("Item.owner", owner, "lambda", **changes)
    return appsync.api(appsync.resolver("Query.items", items), made, schema=LIST)


@pytest.mark.parametrize(("size", "sizes"), [(0, [5, 2]), (3, [3, 3, 1]), (10, [7])])
def test_fields_of_a_list_are_one_invocation(appsync: SimpleNamespace, size: int, sizes: list[int]) -> None:
    async def script(world: Any) -> Any:
        invocations = noting(world, lambda event: [{"name": f"owner of {one['item']}"} for one in event])
        document = await world.post("{ items { id owner { name } } }")
        return document, [len(json.loads(one.payload)) for one in invocations]

    document, seen = appsync.play(script, batched(appsync, max_batch_size=size))
    assert seen == sizes
    assert [item["owner"]["name"] for item in document["data"]["items"]] == [
        f"owner of {n}" for n in range(1, 8)
    ]


def test_a_batch_with_another_number_of_answers(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        noting(world, lambda event: [])
        return await world.post("{ items { owner { name } } }")

    document = appsync.play(script, batched(appsync, direct=True, max_batch_size=10))
    assert [error["path"] for error in document["errors"]] == [["items", n, "owner"] for n in range(7)]


def test_a_direct_batch_has_errors_of_its_own(appsync: SimpleNamespace) -> None:
    def answer(event: Any) -> Any:
        ids = [one["source"]["id"] for one in event]
        return [
            {"errorMessage": "no owner", "errorType": "None"} if n == 2 else {"data": {"name": str(n)}}
            for n in ids
        ]

    async def script(world: Any) -> Any:
        noting(world, answer)
        return await world.post("{ items { owner { name } } }")

    document = appsync.play(script, batched(appsync, direct=True, max_batch_size=10))
    assert [item["owner"] and item["owner"]["name"] for item in document["data"]["items"]][:3] == [
        "1",
        None,
        "3",
    ]
    (error,) = document["errors"]
    assert (error["message"], error["errorType"], error["path"]) == (
        "no owner",
        "None",
        ["items", 1, "owner"],
    )


# -- other data sources


def test_a_data_source_that_is_not_emulated_is_named(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post("{ hello }")

    source = DataSource("search", "AMAZON_OPENSEARCH_SERVICE", None, {})
    config = appsync.api(appsync.resolver("Query.hello", source="search"), sources=[source])
    (error,) = appsync.play(script, config)["errors"]
    assert (error["errorType"], error["path"]) == ("NotImplemented", ["hello"])
    assert "AMAZON_OPENSEARCH_SERVICE" in error["message"]


HTTP = """
export function request(ctx) {
  return {
    method: 'POST',
    resourcePath: '/v1/rooms',
    params: { query: { q: 'a b' }, headers: { 'x-one': '1' }, body: { name: ctx.args.name } },
  };
}
export function response(ctx) { return JSON.stringify(ctx.result ?? ctx.error); }
"""


def test_an_http_endpoint(appsync: SimpleNamespace) -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head + await reader.readexactly(12))
        writer.write(b"HTTP/1.1 418 T\r\nX-Two: 2\r\nX-Two: 3\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    async def script(world: Any) -> Any:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        http = DataSource("http", "HTTP", None, {"httpConfig": {"endpoint": f"http://127.0.0.1:{port}/base"}})
        world.apis.apis["api1"] = appsync.api(appsync.resolver("Query.hello", HTTP, "http"), sources=[http])
        document = await world.post('{ hello(name: "x") }')
        server.close()
        return json.loads(document["data"]["hello"])

    result = appsync.play(script)
    assert result["statusCode"] == 418
    assert result["headers"]["x-two"] == "2,3"
    assert result["body"] == "hi"
    assert seen[0].startswith(b"POST /base/v1/rooms?q=a+b HTTP/1.1\r\n")
    assert b"x-one: 1\r\n" in seen[0]
    assert seen[0].endswith(b'{"name":"x"}')


def test_an_endpoint_that_is_not_there(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post("{ hello }")

    http = DataSource("http", "HTTP", None, {"httpConfig": {"endpoint": "http://127.0.0.1:9"}})
    config = appsync.api(appsync.resolver("Query.hello", HTTP, "http"), sources=[http])
    document = appsync.play(script, config)
    assert json.loads(document["data"]["hello"])["type"] == "HttpConnectionException"


# -- mapping templates


def templated(appsync: SimpleNamespace, request: str, response: str, **changes: Any) -> Any:
    more = {"request_template": request, "response_template": response, **changes}
    return appsync.resolver("Query.hello", None, more.pop("source", "none"), **more)


def test_a_resolver_of_templates(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post('{ hello(name: "Ann") }')

    request = '{"version": "2018-05-29", "payload": {"greeting": "Hi $ctx.args.name"}}'
    config = appsync.api(templated(appsync, request, "$util.toJson($ctx.result.greeting)"))
    assert appsync.play(script, config) == {"data": {"hello": "Hi Ann"}}


@pytest.mark.parametrize(("version", "message"), [("2017-02-28", "boom"), ("2018-05-29", "mine: boom")])
def test_templates_and_a_failed_data_source(appsync: SimpleNamespace, version: str, message: str) -> None:
    async def script(world: Any) -> Any:
        world.sandbox.lambda_.returns(b'{"errorMessage": "boom"}', error="Unhandled")
        return await world.post("{ hello }")

    request = f'{{"version": "{version}", "operation": "Invoke", "payload": {{}}}}'
    response = '#if($ctx.error)$util.error("mine: $ctx.error.message", $ctx.error.type)#end"never"'
    config = appsync.api(templated(appsync, request, response, source="lambda"))
    (error,) = appsync.play(script, config)["errors"]
    assert (error["message"], error["errorType"]) == (message, "Lambda:Unhandled")


def test_a_pipeline_of_templates(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post('{ hello(name: "x") }')

    one = appsync.mapped(
        None,
        request_template='{"payload": "$ctx.stash.first$ctx.args.name"}',
        response_template="$util.toJson($ctx.result)",
    )
    early = appsync.mapped(None, request_template='#return("$ctx.prev.result!")', response_template='"never"')
    around = templated(
        appsync,
        '$util.qr($ctx.stash.put("first", "<")){}',
        '"$ctx.prev.result$ctx.stash.first"',
        functions=["one", "early"],
    )
    config = appsync.api(around, functions={"one": one, "early": early})
    assert appsync.play(script, config) == {"data": {"hello": "<x!<"}}


def test_arguments_that_a_template_changed_are_the_next_functions(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post('{ hello(name: "x") }')

    owner = appsync.mapped(
        None,
        request_template='$util.qr($ctx.args.put("name", "ann")){}',
        response_template="{}",
    )
    code = "export const request = (ctx) => ({payload: ctx.args.name}); export const response = (ctx) => ctx.result;"
    around = templated(appsync, "{}", '"$ctx.args.name $ctx.prev.result"', functions=["owner", "read"])
    config = appsync.api(around, functions={"owner": owner, "read": appsync.mapped(code)})
    assert appsync.play(script, config) == {"data": {"hello": "ann ann"}}


def test_unauthorized_by_a_handler(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post("{ hello }")

    config = appsync.api(templated(appsync, "$util.unauthorized()", "null"))
    (error,) = appsync.play(script, config)["errors"]
    assert (error["errorType"], error["message"]) == (
        "Unauthorized",
        "Not Authorized to access hello on type Query",
    )


# -- unions and interfaces

ABSTRACT = """
interface Named { name: String }
type Cat implements Named { name: String lives: Int }
type Dog implements Named { name: String tricks: [String] }
union Pet = Cat | Dog
type Query { pets: [Pet] named: Named }
"""


def pets(appsync: SimpleNamespace, value: str, field: str = "pets") -> Any:
    code = f"export function request() {{ return {{}}; }} export function response() {{ return {value}; }}"
    return appsync.api(appsync.resolver(f"Query.{field}", code), schema=ABSTRACT)


def test_typename_says_which_type_it_is(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post("{ pets { __typename ... on Cat { lives } ... on Dog { tricks } } }")

    value = "[{ __typename: 'Cat', lives: 9 }, { __typename: 'Dog', tricks: ['sit'] }]"
    cat, dog = {"__typename": "Cat", "lives": 9}, {"__typename": "Dog", "tricks": ["sit"]}
    assert appsync.play(script, pets(appsync, value)) == {"data": {"pets": [cat, dog]}}


@pytest.mark.parametrize("value", ["{ name: 'x' }", "{ __typename: 'Nope', name: 'x' }"])
def test_a_value_that_does_not_say_which(appsync: SimpleNamespace, value: str) -> None:
    async def script(world: Any) -> Any:
        return await world.post("{ named { name } }")

    document = appsync.play(script, pets(appsync, value, "named"))
    assert document["data"] == {"named": None}
    assert document["errors"][0]["path"] == ["named"]
