"""Filter patterns, rule by rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.services.event_sources.filters import fits, passes


@pytest.mark.parametrize(
    ("pattern", "value", "fitting"),
    [
        ({"a": ["x"]}, {"a": "x"}, True),
        ({"a": ["x"]}, {"a": "y"}, False),
        ({"a": ["x", "y"]}, {"a": "y"}, True),
        ({"a": ["x"]}, {"a": ["w", "x"]}, True),
        ({"a": [1]}, {"a": 1.0}, True),
        ({"a": [1]}, {"a": True}, False),
        ({"a": [True]}, {"a": True}, True),
        ({"a": [None]}, {"a": None}, True),
        ({"a": [None]}, {}, False),
        ({"a": [""]}, {"a": ""}, True),
        ({"a": {"b": ["x"]}}, {"a": {"b": "x", "c": 1}}, True),
        ({"a": {"b": ["x"]}}, {"a": "x"}, False),
        ({"a": ["x"], "b": ["y"]}, {"a": "x", "b": "z"}, False),
        ({"a": [{"prefix": "ab"}]}, {"a": "abc"}, True),
        ({"a": [{"suffix": "bc"}]}, {"a": "abc"}, True),
        ({"a": [{"suffix": "bc"}]}, {"a": 7}, False),
        ({"a": [{"equals-ignore-case": "ABC"}]}, {"a": "abc"}, True),
        ({"a": [{"anything-but": ["x", "y"]}]}, {"a": "z"}, True),
        ({"a": [{"anything-but": ["x", "y"]}]}, {"a": "x"}, False),
        ({"a": [{"anything-but": ["x"]}]}, {}, False),
        ({"a": [{"anything-but": {"prefix": "no"}}]}, {"a": "none"}, False),
        ({"a": [{"exists": True}]}, {"a": None}, True),
        ({"a": [{"exists": False}]}, {"b": 1}, True),
        ({"a": [{"exists": False}]}, {"a": 1}, False),
        ({"a": [{"numeric": [">", 10, "<=", 20]}]}, {"a": 20}, True),
        ({"a": [{"numeric": [">", 10, "<=", 20]}]}, {"a": 10}, False),
        ({"a": [{"numeric": ["=", 5]}]}, {"a": "5"}, False),
        ({"$or": [{"a": ["x"]}, {"b": [1]}]}, {"b": 1}, True),
        ({"$or": [{"a": ["x"]}, {"b": [1]}]}, {"b": 2}, False),
    ],
)
def test_rules(pattern: dict[str, Any], value: dict[str, Any], fitting: bool) -> None:
    assert fits(pattern, value) is fitting


def test_a_body_is_read_as_json_and_a_plain_one_fits_no_pattern_of_json() -> None:
    pattern = {"body": {"kind": ["chat"]}}
    assert passes((pattern,), {"body": json.dumps({"kind": "chat"})})
    assert not passes((pattern,), {"body": "chat"})
    assert passes(({"body": ["chat"]},), {"body": "chat"})
    assert passes((), {"body": "anything"})
    assert passes((pattern, {"body": {"kind": ["mail"]}}), {"body": '{"kind": "mail"}'})
