"""The HTTP endpoint: answers, refusals, errors of queries, limits of a request."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.aws.errors import AwsError
from sandbox.context import Address
from sandbox.control.appsync import AppSyncKey
from sandbox.services.appsync import AppSyncService

UNAUTHORIZED = {
    "errors": [{"errorType": "UnauthorizedException", "message": "You are not authorized to make this call."}]
}


def test_a_mutation_is_answered(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        body = json.dumps({"query": 'mutation { send(room: "a", text: "é") { text room } }'})
        reply = await world.send(body)
        return reply.status, reply.body.decode(), reply.header("content-type"), reply.headers

    status, body, kind, headers = appsync.play(script)
    assert (status, body) == (200, '{"data":{"send":{"text":"é","room":"a"}}}')
    assert kind == "application/json;charset=UTF-8"
    assert dict(headers)["access-control-allow-origin"] == "*"
    assert dict(headers)["x-amzn-appsync-tokensconsumed"] == "1"


@pytest.mark.fact("5.10")
def test_without_credentials(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post("{ hello }", headers={}, status=401)

    assert appsync.play(script) == {
        "errors": [
            {"errorType": "UnauthorizedException", "message": "Valid authorization header not provided."}
        ]
    }


@pytest.mark.fact("5.10")
def test_the_bytes_of_a_refusal(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        reply = await world.send("{}", {"x-api-key": "da2-other"})
        return reply.body.decode(), world.sandbox.limits.value("appsync.error.unauthorized.body")

    sent, known = appsync.play(script)
    assert sent == known


@pytest.mark.fact("5.10", "5.13")
def test_a_wrong_and_an_expired_key_are_refused_alike(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        wrong = await world.post("{ hello }", headers={"x-api-key": "da2-other"}, status=401)
        before = await world.post("{ hello }")
        await world.clock.advance(60)
        return wrong, before, await world.post("{ hello }", status=401)

    key = AppSyncKey(appsync.KEY, 1772366400 + 60)  # the test's date and a minute
    config = appsync.api(keys={appsync.KEY: key})
    assert appsync.play(script, config) == (UNAUTHORIZED, {"data": {"hello": None}}, UNAUTHORIZED)


def test_a_mode_that_the_api_has_not_lets_nobody_in(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post("{ hello }", headers={"authorization": "AWS4-HMAC-SHA256 x"}, status=401)

    assert appsync.play(script) == UNAUTHORIZED


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "Request body is not a valid JSON."),
        ("[]", "Unable to parse GraphQL query."),
        ('{"query": "{"}', "Unable to parse GraphQL query."),
        ('{"query": "{ hello }", "variables": []}', None),
        ('{"query": "{ hello }", "variables": "x"}', "The variables are no object."),
    ],
)
def test_what_is_no_request(appsync: SimpleNamespace, body: str, message: str | None) -> None:
    async def script(world: Any) -> Any:
        reply = await world.send(body)
        return reply.status, json.loads(reply.body)

    status, document = appsync.play(script)
    if message is None:  # an empty list counts as no variables
        assert status == 200
        return
    told = {"errorType": "MalformedHttpRequestException", "message": message}
    assert (status, document) == (400, {"errors": [told]})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ nope }", "FieldUndefined: Field 'nope' in type 'Query' is undefined @ 'nope'"),
        (
            "{ messages { a: nope } }",
            "FieldUndefined: Field 'nope' in type 'Message' is undefined @ 'messages/a'",
        ),
        (
            "{ messages }",
            "SubSelectionRequired: Sub selection required for type [Message] of field messages @ 'messages'",
        ),
        ("mutation { send { id } }", "MissingFieldArgument: Missing field argument room @ 'send'"),
        ("{ hello(x: 1) }", "UnknownArgument: Unknown field argument x @ 'hello'"),
        ("query ($x: Nope) { hello(name: $x) }", "UnknownType: Unknown type Nope"),
        ("{ hello(name: $x) }", "UndefinedVariable: Undefined variable x @ 'hello'"),
    ],
)
def test_queries_that_do_not_fit_the_schema(appsync: SimpleNamespace, query: str, message: str) -> None:
    async def script(world: Any) -> Any:
        return await world.post(query)

    document = appsync.play(script)
    assert document["data"] is None
    error = document["errors"][0]
    assert error["message"] == f"Validation error of type {message}"
    assert error["path"] is None
    assert error["locations"][0].keys() == {"line", "column", "sourceName"}


def test_a_field_that_may_not_be_null(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post('mutation { send(room: "a") { room } }')

    code = "export function request() { return {}; } export function response() { return { id: 1 }; }"
    assert appsync.play(script, appsync.api(appsync.resolver("Mutation.send", code))) == {
        "data": {"send": None},
        "errors": [
            {
                "path": ["send", "room"],
                "locations": None,
                "message": "Cannot return null for non-nullable type: 'String' within parent 'Message' (/send/room)",
            }
        ],
    }


def test_a_value_of_another_type(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post('mutation { send(room: "a", text: "x") { room count } }')

    code = 'export function request() { return {}; } export function response() { return { room: "a", count: "x" }; }'
    document = appsync.play(script, appsync.api(appsync.resolver("Mutation.send", code)))
    assert document["data"] == {"send": {"room": "a", "count": None}}
    assert document["errors"][0]["message"].startswith("Can't serialize value (/send/count) : ")


@pytest.mark.fact("5.1")
def test_after_30_seconds_the_field_has_an_error(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        world.sandbox.lambda_.returns(b'"late"', after=40)
        document = await world.post("{ hello }")
        at = world.clock.now()
        await world.clock.advance(20)
        return at, document

    at, document = appsync.play(script, appsync.api(appsync.direct("Query.hello")))
    assert at == 30.0
    assert document["data"] == {"hello": None}
    assert document["errors"] == [
        {
            "path": ["hello"],
            "data": None,
            "errorType": "Lambda:ExecutionTimeoutException",
            "errorInfo": None,
            "locations": [{"line": 1, "column": 3, "sourceName": None}],
            "message": "Execution timed out.",
        }
    ]


@pytest.mark.fact("5.1")
def test_just_before_30_seconds_there_is_an_answer(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        world.sandbox.lambda_.returns(b'"in time"', after=29.999)
        return await world.post("{ hello }"), world.clock.now()

    document, at = appsync.play(script, appsync.api(appsync.direct("Query.hello")))
    assert (document, at) == ({"data": {"hello": "in time"}}, 29.999)


def test_introspection_can_be_off(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        on = await world.post("{ __schema { queryType { name } } }")
        world.apis.apis["api1"] = dataclasses.replace(world.apis.apis["api1"], introspection="DISABLED")
        off = await world.post("{ __schema { queryType { name } } }")
        return on, off, await world.post("{ __typename }")

    on, off, name = appsync.play(script)
    assert on == {"data": {"__schema": {"queryType": {"name": "Query"}}}}
    assert off["data"] is None
    told = "Field '__schema' in type 'Query' is undefined @ '__schema'"
    assert off["errors"][0]["message"] == f"Validation error of type FieldUndefined: {told}"
    assert name == {"data": {"__typename": "Query"}}


def test_a_query_that_is_too_deep(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        flat = await world.post("{ messages { id } }")
        return flat, await world.post("{ messages { author { name } } }")

    flat, deep = appsync.play(script, appsync.api(query_depth_limit=2))
    assert flat == {"data": {"messages": None}}
    assert deep["errors"][0]["errorType"] == "QueryDepthLimitReached"


@pytest.mark.fact("5.1")
def test_too_many_resolvers(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post("{ a: hello b: hello c: hello }")

    code = "export function request() { return {}; } export function response() { return 'x'; }"
    config = appsync.api(appsync.resolver("Query.hello", code), resolver_count_limit=2)
    document = appsync.play(script, config)
    assert document["data"] == {"a": "x", "b": "x", "c": None}
    assert document["errors"][0]["errorType"] == "ResolverExecutionLimitReached"


def test_a_subscription_is_not_run_over_http(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post("subscription { onAny { id } }")

    assert appsync.play(script)["errors"][0]["errorType"] == "UnsupportedOperation"


def test_browsers_may_ask(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        asked = {"access-control-request-headers": "x-api-key,content-type", "origin": "https://app"}
        return await world.send("", asked, method="OPTIONS")

    reply = appsync.play(script)
    assert reply.status == 200
    assert reply.header("access-control-allow-headers") == "x-api-key,content-type"


def test_an_unknown_api(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        with pytest.raises(AwsError, match="There is no GraphQL API") as refused:
            await world.post("{ hello }", host="other.appsync-api.us-east-1.amazonaws.com")
        return refused.value.status

    assert appsync.play(script) == 404


def test_a_custom_domain(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post("{ hello }", host="graphql.example.com")

    assert appsync.play(script) == {"data": {"hello": None}}


@pytest.mark.parametrize(
    ("host", "path", "claimed"),
    [
        ("abc.appsync-api.us-east-1.amazonaws.com", "/graphql", "abc"),
        ("abc.appsync-api.us-east-1.localhost", "/graphql", "abc"),
        ("abc.appsync-realtime-api.eu-west-1.amazonaws.com", "/graphql", "abc"),
        ("abc.appsync-api.us-east-1.amazonaws.com", "/graphql/realtime", "abc"),
        ("abc.appsync-api.us-east-1.amazonaws.com", "/event", None),
        ("abc.appsync-realtime-api.us-east-1.amazonaws.com", "/event/realtime", None),
        ("api.example.com", "/graphql", "api.example.com"),
        ("api.example.com", "/other", None),
        ("localhost", "/graphql", None),
        ("127.0.0.1", "/graphql", None),
        ("::1", "/graphql", None),
        ("bucket.s3.amazonaws.com", "/graphql", None),
    ],
)
def test_addresses(host: str, path: str, claimed: str | None) -> None:
    service = AppSyncService(None)  # type: ignore[arg-type]
    found = service.match(Address("POST", host, path, "", {}))
    assert (found or {}).get("api_id") == claimed


def test_an_api_without_a_schema(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        return await world.post("{ hello }", status=400)

    (error,) = appsync.play(script, appsync.api(schema=""))["errors"]
    assert "no schema" in error["message"]


def test_what_handlers_log_is_on_the_timeline(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        await world.post("{ hello }")
        return [(e.data["level"], e.data["text"]) for e in world.sandbox.timeline.select("appsync", "log")]

    code = """
    export function request(ctx) { console.log('asked', { a: 1 }); return {}; }
    export function response(ctx) { console.error('told'); return null; }
    """
    (first, second) = appsync.play(script, appsync.api(appsync.resolver("Query.hello", code)))
    assert first[0] == "INFO"
    assert "asked" in first[1]
    assert second == ("ERROR", "told")


def test_a_request_has_one_id_on_the_timeline(appsync: SimpleNamespace) -> None:
    async def script(world: Any) -> Any:
        await world.post('mutation { send(room: "a") { room } }')
        return {event.id for event in world.sandbox.timeline if event.source == "appsync"}

    assert len(appsync.play(script)) == 1


@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"query": ' + "[" * 600 + "]" * 600 + "}", '{"query": NaN}']
)
def test_a_body_that_is_hardly_json(appsync: SimpleNamespace, body: str) -> None:
    async def script(world: Any) -> Any:
        reply = await world.send(body)
        return reply.status, json.loads(reply.body)["errors"][0]["message"]

    assert appsync.play(script) == (400, "Request body is not a valid JSON.")


def test_half_a_surrogate_pair_comes_back_as_a_question_mark(appsync: SimpleNamespace) -> None:
    query = 'mutation ($text: String) { send(room: \\"a\\", text: $text) { text } }'
    body = '{"query": "%s", "variables": {"text": "a\\ud800"}}' % query  # noqa: UP031 - braces

    async def script(world: Any) -> Any:
        return json.loads((await world.send(body)).body)

    assert appsync.play(script) == {"data": {"send": {"text": "a?"}}}


def test_half_a_surrogate_pair_of_a_resolver(appsync: SimpleNamespace) -> None:
    request = 'export function request(ctx) { return { payload: { text: "a\\ud800" } }; }'
    code = request + "\nexport function response(ctx) { return ctx.result; }"

    async def script(world: Any) -> Any:
        return await world.post('mutation { send(room: "a") { text } }')

    config = appsync.api(appsync.resolver("Mutation.send", code))
    assert appsync.play(script, config) == {"data": {"send": {"text": "a?"}}}


@pytest.mark.parametrize("query", ["{ hello } #" + "x" * 2**20, "{" + " hello" * 15_000 + "}"])
def test_queries_that_are_too_long_are_not_read(appsync: SimpleNamespace, query: str) -> None:
    async def script(world: Any) -> Any:
        return await world.post(query, status=400)

    assert appsync.play(script)["errors"][0]["message"] == "Unable to parse GraphQL query."
