"""IoT SQL: what is selected, what WHERE lets through, and what is refused by name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.aws.iot_sql import UNDEFINED, Facts, SqlError, SqlNotEmulatedError, filled, parse, select

PAYLOAD = {
    "a": 1,
    "text": "hi",
    "b": {"c": "x"},
    "list": [1, 2, 3],
    "flag": True,
    "none": None,
    "price": "2.5",
}
SHADOWS = {("lamp", ""): {"state": {"desired": {"on": True}}}, ("lamp", "light"): {"version": 7}}


def facts(payload: Any = PAYLOAD, topic: str = "room/lovelace/7") -> Facts:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    properties = {
        "user_property": [("k", "v"), ("k", "w")],
        "content_type": "text/plain",
        "correlation_data": b"\x00",
    }
    return Facts.of(
        raw,
        topic=topic,
        client_id="ada",
        principal="AROA:x",
        timestamp=1_700_000_000_123,
        trace="t",
        properties=properties,
        new_id=lambda: "id",
        shadow=lambda thing, name: SHADOWS.get((thing, name)),
    )


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("*", PAYLOAD),
        ("a", {"a": 1}),
        ("a AS b, b.c", {"b": 1, "c": "x"}),
        ("*, topic(2) AS room", {**PAYLOAD, "room": "lovelace"}),
        (
            "{'x': get(list, 0), 'y': {'z': [a, 'b']}, 'none': gone} AS o",
            {"o": {"x": 1, "y": {"z": [1, "b"]}}},
        ),
        ("{} AS o, {'p': a}.p AS p", {"o": {}, "p": 1}),
        ("get_thing_shadow('lamp', 'arn').state.desired AS d", {"d": {"on": True}}),
        ("get_thing_shadow('lamp', 'light', 'arn').version AS v", {"v": 7}),
        ("get_thing_shadow('none', 'arn') AS n", {}),
        ("* AS state.reported", {"state": {"reported": PAYLOAD}}),
        ("1 AS a.b, 2 AS a.c.d, 3 AS e", {"a": {"b": 1, "c": {"d": 2}}, "e": 3}),
        ("*, 1 AS b.c", {**PAYLOAD, "b": {**PAYLOAD["b"], "c": 1}}),
        (
            "topic() as t, clientid() as c, timestamp() as at",
            {"t": "room/lovelace/7", "c": "ada", "at": 1_700_000_000_123},
        ),
        ("clientId()", {"clientid": "ada"}),
        ("missing, a", {"a": 1}),
        ("none", {"none": None}),
        ("list[1] AS second", {"second": 2}),
        ("get(list, 0) AS first, get(b, 'c') AS c", {"first": 1, "c": "x"}),
        ("1 + 2 * 3 AS s, (1 + 2) * 3 AS p, -a AS n, 7 % 4 AS m", {"s": 7, "p": 9, "n": -1, "m": 3}),
        (
            "price + 1 AS more, text + '!' AS loud, a || text AS both",
            {"more": 3.5, "loud": "hi!", "both": "1hi"},
        ),
        ("1 / 0 AS nothing", {}),
        ("upper(text) AS u, length(text) AS l, substring(text, 1) AS s", {"u": "HI", "l": 2, "s": "i"}),
        ("concat(text, '-', a) AS c", {"c": "hi-1"}),
        ("cast(price AS String) AS s", None),
        ("cast(price, 'Decimal') AS d, cast(a, 'String') AS s", {"d": 2.5, "s": "1"}),
        ("CASE a WHEN 1 THEN 'one' ELSE 'other' END AS word", {"word": "one"}),
        ("principal() AS p, newuuid() AS id, traceid() AS t", {"p": "AROA:x", "id": "id", "t": "t"}),
        (
            "get_mqtt_property('content_type') AS kind, get_user_properties('k') AS k",
            {"kind": "text/plain", "k": ["v", "w"]},
        ),
        ("isUndefined(missing) AS u, isNull(none) AS n", {"u": True, "n": True}),
    ],
)
def test_select(columns: str, expected: Any):
    if expected is None:
        with pytest.raises(SqlError):
            parse(f"SELECT {columns} FROM 'a'")
    else:
        assert select(parse(f"SELECT {columns} FROM 'room/#'"), facts()) == expected


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("a = 1", True),
        ("a <> 1", False),
        ("a > 0 AND b.c = 'x'", True),
        ("a > 1 OR text = 'hi'", True),
        ("NOT a = 2", True),
        ("NOT (a = 1)", False),
        ("missing = 1", False),
        ("missing <> 1", False),
        ("NOT missing = 1", False),
        ("flag", True),
        ("text", False),
        ("text < 'z' AND price >= 2", True),
        ("a IN [1, 2]", True),
        ("a IN [3]", False),
        ("flag = 1", False),
        ("startswith(topic(), 'room/') = true", True),
        ("regexp_matches(text, '^h.$')", True),
    ],
)
def test_where(condition: str, holds: bool):
    selected = select(parse(f"SELECT a FROM 'room/#' WHERE {condition}"), facts())
    assert selected == ({"a": 1} if holds else UNDEFINED)


def test_a_payload_that_is_no_json():
    raw = facts(b"\xff\x00")
    assert select(parse("SELECT * FROM 'a'"), raw) == b"\xff\x00"
    assert select(parse("SELECT encode(*, 'base64') AS data FROM 'a'"), raw) == {"data": "/wA="}
    assert select(parse("SELECT a FROM 'a' WHERE a = 1"), raw) is UNDEFINED


def test_select_value():
    assert select(parse("SELECT VALUE list FROM 'a'"), facts()) == [1, 2, 3]
    assert select(parse("SELECT VALUE missing FROM 'a'"), facts()) is None


@pytest.mark.parametrize(
    ("sql", "error", "named"),
    [
        ("SELECT", SqlError, "ends too soon"),
        ("UPDATE a", SqlError, "SELECT is expected before 'update'"),
        ("SELECT *", SqlError, "FROM is expected"),
        ("SELECT * FROM topic", SqlError, "is a text"),
        ("SELECT a b FROM 'x'", SqlError, "FROM is expected before 'b'"),
        ("SELECT a + 1 FROM 'x'", SqlError, "needs AS"),
        ("SELECT * FROM 'a' WHERE a =", SqlError, "ends too soon"),
        ("SELECT * FROM 'a' WHERE ?", SqlError, "cannot read"),
        ("SELECT aws_lambda('f', a) AS x FROM 'a'", SqlNotEmulatedError, "aws_lambda"),
        ("SELECT {a: 1} AS x FROM 'a'", SqlError, "begins with its name as a text, not with 'a'"),
        ("SELECT {'a': 1 AS x FROM 'a'", SqlError, "} is expected"),
        ("SELECT {'a' 1} AS x FROM 'a'", SqlError, ": is expected"),
        ("SELECT * FROM 'a' GROUP BY a", SqlNotEmulatedError, "GROUP"),
    ],
)
def test_what_cannot_be_read_is_told(sql: str, error: type[SqlError], named: str):
    with pytest.raises(error, match=named) as wrong:
        parse(sql)
    assert type(wrong.value) is error


def test_what_is_nested_too_deep_is_told():
    with pytest.raises(SqlError, match="too deep"):
        parse(f"SELECT {'(' * 3000}1{')' * 3000} FROM 'a'")


def test_texts_with_expressions_in_them():
    assert filled("out/${topic(2)}/${b.c}/${a + 1}", facts()) == "out/lovelace/x/2"
    with pytest.raises(SqlError, match="undefined"):
        filled("out/${missing}", facts())
