from typing import Any

import pytest

from sandbox.stories.expectations import TextMatch
from sandbox.stories.matching import mismatch, short, subset_mismatch


def match(**wanted: Any) -> TextMatch:
    return TextMatch.model_validate(wanted)


@pytest.mark.parametrize(
    ("wanted", "actual"),
    [
        (match(exact="a b"), "a b"),
        (match(contains=["a", "b"], lacks="c"), "b a"),
        (match(matches="^a.c$"), "abc"),
        (match(json={"a": {"b": 1}}), '{"a": {"b": 1, "c": 2}, "d": 3}'),
        (match(json=None), "null"),
        (match(json=[1, {"a": 2}]), '[1, {"a": 2, "b": 3}]'),
        (match(empty=True), ""),
        (match(size=2), "ä"),
    ],
)
def test_what_fits(wanted: TextMatch, actual: str):
    assert mismatch(wanted, actual) is None


@pytest.mark.parametrize(
    ("wanted", "actual", "why"),
    [
        (match(exact="a"), "b", "it is 'b'"),
        (match(contains=["a", "c"]), "a", "it lacks 'c': 'a'"),
        (match(lacks="a"), "a", "it contains 'a': 'a'"),
        (match(matches="x"), "a", "it does not match: 'a'"),
        (match(json={}), "a", "it is not JSON (Expecting value: line 1 column 1 (char 0)): 'a'"),
        (match(json={"a": {"b": 1}}), '{"a": {}}', "a.b is absent"),
        (match(json={"a": [1, {"b": 2}]}), '{"a": [1, {"b": 3}]}', "a[1].b is '3', not 2"),
        (match(json=[1]), "[1, 2]", "the value is '[1, 2]', not [1]"),
        (match(json=True), "1", "the value is '1', not true"),
        (match(empty=True), "ab", "it has 2 bytes: 'ab'"),
        (match(empty=False), "", "it is empty"),
        (match(size=3), "ab", "it has 2 bytes"),
    ],
)
def test_what_does_not_fit_says_why(wanted: TextMatch, actual: str, why: str):
    assert mismatch(wanted, actual) == why


def test_a_long_text_is_cut():
    assert short("x" * 300) == f"{'x' * 200!r}... (300 characters)"
    assert subset_mismatch({"a": 1}, [1]) == "the value is '[1]', not an object"
