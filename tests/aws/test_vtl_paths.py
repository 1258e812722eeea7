"""Paths into a payload: what goes without the library finds what the library finds."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from jsonpath_ng.ext.parser import parse

from sandbox.aws.vtl.gateway import json_path

VALUES: list[Any] = [
    {"a": {"b": {"c": 1}}, "b": [1], "_x9": None},
    {"a": [{"b": 1}]},
    {"a": "text", "b": False},
    {"a": None},
    [{"a": 1}],
    "text",
    7,
    None,
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize("path", ["$.a", "$.a.b", "$.a.b.c", "$.b", "$._x9", "$.none", "$.a.upper"])
def test_members_by_name(path: str, value: Any) -> None:
    found = [match.value for match in parse(path).find(value)]
    assert json_path(value, path) == (found[0] if found else "")


def test_a_member_may_have_the_name_of_an_operator() -> None:
    assert json_path({"where": 1}, "$.where") == 1


@pytest.mark.parametrize(
    ("path", "found"), [("$.a[0].b", 1), ("$.a[*].b", [1, 2]), ("$['a'][1].b", 2), ("$..b", [1, 2])]
)
def test_other_paths(path: str, found: Any) -> None:
    assert json_path({"a": [{"b": 1}, {"b": 2}]}, path) == found


def test_members_by_name_need_no_library() -> None:
    code = (
        "import sys; from sandbox.aws.vtl.gateway import json_path; assert json_path({'a': 1}, '$.a') == 1; "
        "assert 'jsonpath_ng' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
