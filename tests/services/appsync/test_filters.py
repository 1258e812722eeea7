"""Filters of subscriptions, one operator after the other."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.services.appsync.realtime import filters

PAYLOAD = {"n": 5, "text": "hello", "tags": ["a", "b"], "yes": True, "none": None, "in": {"deep": {"er": 1}}}


@pytest.mark.parametrize(
    ("name", "operator", "value", "matches"),
    [
        ("n", "eq", 5, True),
        ("n", "eq", 6, False),
        ("yes", "eq", 1, False),
        ("yes", "eq", True, True),
        ("in.deep.er", "eq", 1, True),
        ("in.other.er", "eq", 1, False),
        ("n", "ne", 6, True),
        ("n", "ne", 5, False),
        ("n", "le", 5, True),
        ("n", "lt", 5, False),
        ("n", "ge", 5, True),
        ("n", "gt", 5, False),
        ("missing", "lt", 5, False),
        ("text", "gt", 5, False),
        ("text", "contains", "ell", True),
        ("tags", "contains", "a", True),
        ("tags", "contains", "c", False),
        ("text", "notContains", "x", True),
        ("tags", "notContains", "b", False),
        ("text", "beginsWith", "he", True),
        ("text", "beginsWith", "lo", False),
        ("n", "in", [4, 5], True),
        ("n", "in", [1], False),
        ("n", "notIn", [1], True),
        ("n", "notIn", [5], False),
        ("n", "between", [1, 5], True),
        ("n", "between", [6, 9], False),
        ("tags", "containsAny", ["x", "b"], True),
        ("text", "containsAny", ["x", "lo"], True),
        ("text", "containsAny", ["x"], False),
        ("n", "like", 5, False),
    ],
)
def test_operators(name: str, operator: str, value: Any, matches: bool) -> None:
    groups = [{"filters": [{"fieldName": name, "operator": operator, "value": value}]}]
    assert filters.by_groups(groups, PAYLOAD) is matches


def test_groups_are_alternatives_and_filters_are_not() -> None:
    good = {"fieldName": "n", "operator": "eq", "value": 5}
    bad = {"fieldName": "n", "operator": "eq", "value": 6}
    assert filters.by_groups([{"filters": [bad]}, {"filters": [good]}], PAYLOAD)
    assert not filters.by_groups([{"filters": [good, bad]}], PAYLOAD)
    assert not filters.by_groups([], PAYLOAD)


@pytest.mark.parametrize(
    ("argument", "groups"),
    [
        ({"filterGroup": [{"filters": []}]}, [{"filters": []}]),
        ({"filterGroup": {"filters": []}}, [{"filters": []}]),
        ({"other": 1}, None),
        (None, None),
    ],
)
def test_what_extensions_are_given(argument: Any, groups: Any) -> None:
    assert filters.groups_of(argument) == groups


@pytest.mark.parametrize(
    ("arguments", "payload", "matches"),
    [
        ({}, None, True),
        ({"n": 5}, None, False),
        ({"n": 5}, PAYLOAD, True),
        ({"n": 5, "text": "x"}, PAYLOAD, False),
        ({"none": None}, PAYLOAD, True),
        ({"n": None}, PAYLOAD, False),
        ({"tags": ["a", "b"]}, PAYLOAD, True),
    ],
)
def test_arguments(arguments: Any, payload: Any, matches: bool) -> None:
    assert filters.by_arguments(arguments, payload) is matches
