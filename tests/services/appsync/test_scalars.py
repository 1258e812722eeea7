"""AppSync's scalars: what they take, and how they are written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.aws import appsync_schema

SCHEMA = "type Query {" + " ".join(f"{name}(v: {name}): {name}" for name in appsync_schema.SCALARS) + "}"
ECHO = """
export function request(ctx) { return { payload: ctx.args.v }; }
export function response(ctx) { return ctx.result; }
"""


@pytest.mark.parametrize(
    ("kind", "value", "good"),
    [
        ("AWSDate", "2026-02-28", True),
        ("AWSDate", "2026-02-28Z", True),
        ("AWSDate", "2026-02-28+01:00", True),
        ("AWSDate", "2026-02-30", False),
        ("AWSTime", "12:30", True),
        ("AWSTime", "12:30:24.123Z", True),
        ("AWSTime", "25:00", False),
        ("AWSDateTime", "2026-02-28T12:00:00Z", True),
        ("AWSDateTime", "2026-02-28T12:00:00.000+05:30", True),
        ("AWSDateTime", "2026-02-28T12:00:00", False),
        ("AWSDateTime", "2026-02-31T12:00:00Z", False),
        ("AWSTimestamp", 1772366400, True),
        ("AWSTimestamp", True, False),
        ("AWSEmail", "a@example.com", True),
        ("AWSEmail", "example.com", False),
        ("AWSURL", "https://example.com/x?y", True),
        ("AWSURL", "no url", False),
        ("AWSPhone", "+1 555 123 4567", True),
        ("AWSPhone", "call me", False),
        ("AWSIPAddress", "127.0.0.1", True),
        ("AWSIPAddress", "2001:db8::1/64", True),
        ("AWSIPAddress", "300.0.0.1", False),
    ],
)
def test_values(appsync: SimpleNamespace, kind: str, value: Any, good: bool) -> None:
    async def script(world: Any) -> Any:
        return await world.post(f"query Q($v: {kind}) {{ {kind}(v: $v) }}", v=value)

    document = appsync.play(script, appsync.api(appsync.resolver(f"Query.{kind}", ECHO), schema=SCHEMA))
    if good:
        assert document == {"data": {kind: value}}
    else:
        assert document["data"] is None
        assert f"as a valid {kind}" in document["errors"][0]["message"]


def test_json_is_read_for_handlers_and_written_for_clients(appsync: SimpleNamespace) -> None:
    code = """
    export function request(ctx) { return { payload: { had: ctx.args.v.a[1] } }; }
    export function response(ctx) { return ctx.result; }
    """

    async def script(world: Any) -> Any:
        by_variable = await world.post("query Q($v: AWSJSON) { AWSJSON(v: $v) }", v='{"a": [1, 2]}')
        by_literal = await world.post('{ AWSJSON(v: "{\\"a\\": [1, 2]}") }')
        return by_variable, by_literal, await world.post("query Q($v: AWSJSON) { AWSJSON(v: $v) }", v="{")

    config = appsync.api(appsync.resolver("Query.AWSJSON", code), schema=SCHEMA)
    by_variable, by_literal, wrong = appsync.play(script, config)
    assert by_variable == by_literal == {"data": {"AWSJSON": '{"had":2}'}}
    assert wrong["data"] is None


def test_a_value_that_is_none_of_its_type(appsync: SimpleNamespace) -> None:
    code = "export function request() { return {}; } export function response() { return 'yesterday'; }"

    async def script(world: Any) -> Any:
        return await world.post("{ AWSDateTime }")

    config = appsync.api(appsync.resolver("Query.AWSDateTime", code), schema=SCHEMA)
    assert appsync.play(script, config) == {
        "data": {"AWSDateTime": None},
        "errors": [
            {
                "path": ["AWSDateTime"],
                "locations": None,
                "message": "Can't serialize value (/AWSDateTime) : "
                "Unable to serialize `yesterday` as a valid AWSDateTime",
            }
        ],
    }
