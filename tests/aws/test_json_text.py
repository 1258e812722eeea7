"""JSON of strangers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.aws.json_text import DEPTH, loads


@pytest.mark.parametrize(
    "value", [None, 1, "x", "\U0001f600", [1, {"a": [2]}], {"a": "\\ud800"}, [[1]] * 1000]
)
def test_what_is_json_is_read(value: Any) -> None:
    assert loads(json.dumps(value)) == value
    assert loads(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize("depth", [DEPTH + 1, 100_000])
def test_too_many_levels_are_no_value(depth: int) -> None:
    with pytest.raises(ValueError, match="500 levels"):
        loads("[" * depth + "]" * depth)
    assert loads("[" * DEPTH + "]" * DEPTH)


@pytest.mark.parametrize("text", ["NaN", '{"a": -Infinity}', b"\xff\xfe{", "{", ""])
def test_what_is_no_json_is_no_value(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the library's
        loads(text)


def test_half_a_surrogate_pair_can_be_written() -> None:
    value = loads('{"\\uD800": ["a\\udc00b", "\\ud83d\\ude00"], "n": 1}')
    assert value == {"?": ["a?b", "\U0001f600"], "n": 1}
    assert json.dumps(value, ensure_ascii=False).encode()
