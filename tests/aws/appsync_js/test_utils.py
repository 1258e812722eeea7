"""``@aws-appsync/utils``: helpers, by the guide; transforms, as AppSync itself answers them."""

from __future__ import annotations

import json
from typing import Any

import pytest


def test_ids_are_seeded_and_in_their_forms(value: Any) -> None:
    assert value("util.autoId()") == "cd613e30-d8f1-4adf-91b7-584a2265b1f5"
    assert len(set(value("[util.autoId(), util.autoId(), util.autoId()]"))) == 3
    assert value("util.autoUlid()").startswith("01KDYAK3SE")  # the instant in Crockford's alphabet
    assert len(value("util.autoKsuid()")) == 27


def test_time(value: Any) -> None:
    assert value("util.time.nowISO8601()") == "2026-01-02T03:04:05.678Z"
    assert value("[util.time.nowEpochSeconds(), util.time.nowEpochMilliSeconds()]") == [
        1_767_323_045,
        1_767_323_045_678,
    ]
    assert value("util.time.nowFormatted('yyyy-MM-dd HH:mm:ssZ')") == "2026-01-02 03:04:05+0000"
    assert value("util.time.nowFormatted('yyyy-MM-dd HH:mm:ssZ', 'Australia/Perth')") == (
        "2026-01-02 11:04:05+0800"
    )
    assert value(
        "util.time.parseFormattedToEpochMilliSeconds('2018-02-01 01:23:45Z', 'yyyy-MM-dd HH:mm:ssX')"
    ) == (1_517_448_225_000)
    assert (
        value("util.time.parseISO8601ToEpochMilliSeconds('2018-02-01T17:21:05.180+08:00')")
        == 1_517_476_865_180
    )
    assert value("util.time.epochMilliSecondsToISO8601(1517943695750)") == "2018-02-06T19:01:35.750Z"
    assert value("util.time.epochMilliSecondsToFormatted(1517943695750, 'yyyy-MM-dd HH:mm:ssZ')") == (
        "2018-02-06 19:01:35+0000"
    )


def test_small_helpers(value: Any) -> None:
    assert value("[util.isNullOrBlank(' '), util.defaultIfNull(null, 1), util.typeOf([])]") == [
        True,
        1,
        "List",
    ]
    assert value("[util.matches('a*b', 'aaaab'), util.matches('a*b', 'xaab')]") == [True, False]
    assert value("[util.urlEncode('a b&ä'), util.urlDecode('a+b%26%C3%A4')]") == ["a+b%26%C3%A4", "a b&ä"]
    assert value("util.base64Decode(util.base64Encode('Grüße'))") == "Grüße"
    assert value("[util.str.toUpper('a'), util.str.toReplace('aXbX', 'X', '-')]") == ["A", "a-b-"]
    assert value("[util.math.roundNum(2.5), util.math.minVal(1, 2)]") == [3, 1]
    assert 10 <= value("util.math.randomWithinRange(10, 20)") < 20
    assert value("util.list.copyAndRemoveAll([1, 2, 3], [2])") == [1, 3]
    assert value("util.map.copyAndRetainAllKeys({ a: 1, b: 2 }, ['b'])") == {"b": 2}
    assert value("util.http.copyHeaders({ Host: 'x', 'x-a': '1', Connection: 'close' })") == {"x-a": "1"}
    assert value("util.xml.toMap('<a><b>1</b><b>2</b><c x=\"3\">t</c></a>')") == {
        "a": {"b": ["1", "2"], "c": {"x": "3", "content": "t"}}
    }


def test_values_of_dynamodb(value: Any) -> None:
    assert value("util.dynamodb.toMapValues({ foo: 'bar', baz: 1234, beep: ['boop'] })") == {
        "foo": {"S": "bar"},
        "baz": {"N": 1234},
        "beep": {"L": [{"S": "boop"}]},
    }
    assert value("util.dynamodb.toDynamoDB(null)") == {"NULL": None}
    assert value("util.dynamodb.toStringSet(['a'])") == {"SS": ["a"]}
    assert value("util.dynamodb.toMapJson({ a: true })") == '{"M":{"a":{"BOOL":true}}}'
    s3 = value("util.dynamodb.toS3Object('foo', 'bar', 'baz')")
    assert s3 == {"S": '{"s3":{"key":"foo","bucket":"bar","region":"baz"}}'}


@pytest.mark.parametrize(
    ("filter", "expression", "values"),
    [
        ("{ v: { eq: 'x' } }", "(#v = :v_eq)", {":v_eq": {"S": "x"}}),
        ("{ v: { contains: 'x' } }", "(contains(#v,:v_contains))", {":v_contains": {"S": "x"}}),
        (
            "{ v: { ge: 1, le: 5 } }",
            "((#v >= :v_ge) AND (#v <= :v_le))",
            {":v_ge": {"N": 1}, ":v_le": {"N": 5}},
        ),
        (
            "{ v: { between: [1, 9] } }",
            "(#v BETWEEN :v_between_start AND :v_between_end)",
            {":v_between_start": {"N": 1}, ":v_between_end": {"N": 9}},
        ),
        ("{ v: { attributeExists: false } }", "(attribute_not_exists(#v))", {}),
        (
            "{ or: [{ and: [{ a: { eq: 1 } }, { b: { eq: 2 } }] }, { c: { eq: 3 } }] }",
            "(((#a = :or_0_and_0_a_eq) AND (#b = :or_0_and_1_b_eq)) OR (#c = :or_1_c_eq))",
            {
                ":or_0_and_0_a_eq": {"N": 1},
                ":or_0_and_1_b_eq": {"N": 2},
                ":or_1_c_eq": {"N": 3},
            },
        ),
        ("{ not: { a: { eq: 1 } } }", "(NOT (#a = :not_a_eq))", {":not_a_eq": {"N": 1}}),
        ("{ a: { eq: 1 }, and: [{ b: { eq: 2 } }] }", "(#a = :a_eq) AND (#b = :and_0_b_eq)", None),
        ("{ v: { in: [] } }", "(null)", {}),
        ("{}", "", {}),
    ],
)
def test_filters_become_expressions(value: Any, filter: str, expression: str, values: Any) -> None:
    made = json.loads(value(f"util.transform.toDynamoDBFilterExpression({filter})"))
    assert made["expression"] == expression
    if values is not None:
        assert made["expressionValues"] == values


@pytest.mark.parametrize(
    "filter",
    ["null", "[]", "'x'", "{ v: { foo: 1 } }", "{ v: 'x' }", "{ and: null }", "{ v: { between: [1] } }"],
)
def test_filters_that_cannot_be_rendered_are_null(value: Any, filter: str) -> None:
    assert value(f"util.transform.toDynamoDBFilterExpression({filter})") is None


def test_alternatives_of_a_subscription_filter_multiply_out(value: Any) -> None:
    made = value(
        "util.transform.toSubscriptionFilter({ a: { le: 5, ge: 2 }, or: [{ b: { eq: 1 } }, { c: { in: [2] } }] })"
    )
    groups = [
        [(one["fieldName"], one["operator"], one["value"]) for one in group["filters"]]
        for group in made["filterGroup"]
    ]
    assert groups == [
        [("a", "le", 5), ("b", "eq", 1)],
        [("a", "le", 5), ("c", "in", [2])],
        [("a", "ge", 2), ("b", "eq", 1)],
        [("a", "ge", 2), ("c", "in", [2])],
    ]
    ignored = value("util.transform.toSubscriptionFilter({ a: { eq: 1 }, b: { eq: 2 } }, ['a'])")
    assert ignored == {"filterGroup": [{"filters": [{"fieldName": "b", "operator": "eq", "value": 2}]}]}
    ruled = value("util.transform.toSubscriptionFilter({}, [], { r: { eq: 1 } })")
    assert ruled == {"filterGroup": [{"filters": [{"fieldName": "r", "operator": "eq", "value": 1}]}]}
    assert value("util.transform.toSubscriptionFilter({})") == {"filterGroup": []}
    assert value("util.transform.toSubscriptionFilter('x')") is None


def test_requests_of_the_dynamodb_module(value: Any) -> None:
    assert value("ddb.get({ key: { id: 'a' } })") == {"operation": "GetItem", "key": {"id": {"S": "a"}}}
    assert value(
        "ddb.put({ key: { id: 'a' }, item: { n: 1 }, condition: { id: { attributeExists: false } } })"
    ) == {
        "operation": "PutItem",
        "key": {"id": {"S": "a"}},
        "attributeValues": {"n": {"N": 1}},
        "condition": {"expression": "(attribute_not_exists(#id))", "expressionNames": {"#id": "id"}},
    }
    update = value(
        "ddb.update({ key: { id: 1 }, update: { a: ddb.operations.increment(2), b: 'x', "
        "c: ddb.operations.remove(), d: { e: ddb.operations.append([1]) } } })"
    )["update"]
    assert update["expression"] == "SET #a = #a + :a, #b = :b, #d.#e = list_append(#d.#e, :d_e) REMOVE #c"
    assert update["expressionValues"] == {":a": {"N": 2}, ":b": {"S": "x"}, ":d_e": {"L": [{"N": 1}]}}
    assert value("ddb.remove({ key: { id: 1 } })") == {"operation": "DeleteItem", "key": {"id": {"N": 1}}}
    query = value("ddb.query({ query: { id: { eq: 'a' } }, limit: 5, filter: { n: { gt: 1 } } })")
    assert (query["operation"], query["query"]["expression"]) == ("Query", "(#id = :id_eq)")
    assert (query["limit"], query["filter"]["expressionValues"]) == (5, {":n_gt": {"N": 1}})
    assert value("ddb.scan({ limit: 1 })") == {"operation": "Scan", "limit": 1}
    assert value("ddb.batchPut({ tables: { t: [{ id: 1 }] } })")["tables"] == {"t": [{"id": {"N": 1}}]}
    assert value("ddb.get({ key: { id: 1 }, projection: ['a', 'b.c'] })")["projection"] == {
        "expression": "#a, #b.#c",
        "expressionNames": {"#a": "a", "#b": "b", "#c": "c"},
    }
