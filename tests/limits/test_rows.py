"""Reading and checking limits files: errors say where and what."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sandbox.limits import LimitsFileError
from sandbox.limits.rows import Row, rows_of

GOOD = """
[[limit]]
fact = "4.3"
name = "lambda.payload"
title = "Payload"
unit = "bytes"
adjustable = false
source = "a page"
grade = "A"

[[limit.value]]
value = 1

[[limit.value]]
since = 2025-10-24
value = 2
grade = "S"
"""


def read(tmp_path: Path, text: str) -> dict[str, Row]:
    path = tmp_path / "limits.toml"
    path.write_text(text)
    return dict(rows_of.__wrapped__(path, "lambda"))


def test_a_history_is_played_by_date(tmp_path: Path) -> None:
    row = read(tmp_path, GOOD)["lambda.payload"]
    before, after = row.held(date(2025, 10, 23)), row.held(date(2025, 10, 24))
    assert before is not None
    assert after is not None
    assert (before.value, before.since, before.grade) == (1, None, "")
    assert (after.value, after.since, after.grade) == (2, date(2025, 10, 24), "S")


def test_nothing_held_before_the_first_since(tmp_path: Path) -> None:
    text = GOOD.replace("[[limit.value]]\nvalue = 1\n", "")
    row = read(tmp_path, text)["lambda.payload"]
    assert row.held(date(2025, 10, 23)) is None
    assert row.held(date(2025, 10, 24)) is not None


@pytest.mark.parametrize(
    ("change", "to", "problem"),
    [
        ('grade = "A"', 'grade = "B"', "grade must be one of A, A-old, O, S, UNSOURCED, not 'B'"),
        ('grade = "S"', 'grade = "?"', "grade must be one of"),
        ('unit = "bytes"\n', "", "missing: unit"),
        ('unit = "bytes"', 'unit = ""', "unit is empty"),
        ('unit = "bytes"', 'units = "bytes"', "missing: unit"),
        ('unit = "bytes"', 'unit = "bytes"\ncolour = "red"', "unknown: colour; known are"),
        ("adjustable = false", 'adjustable = "no"', "adjustable has the wrong type: 'no'"),
        ('fact = "4.3"', 'fact = "4.x"', "fact must look like 4.10, not '4.x'"),
        ('name = "lambda.payload"', 'name = "payload"', "the name must start with 'lambda.'"),
        ("since = 2025-10-24\n", "", "value 2 has no since"),
        ("since = 2025-10-24", 'since = "2025-10-24"', "since must be a date"),
        (
            "[[limit.value]]\nvalue = 1",
            "[[limit.value]]\nsince = 2025-12-01\nvalue = 1",
            "in the order of their",
        ),
        ("value = 2", "valu = 2", "value 2 needs value"),
    ],
)
def test_a_bad_row_is_named_with_file_and_line(tmp_path: Path, change: str, to: str, problem: str) -> None:
    assert change in GOOD
    with pytest.raises(LimitsFileError) as caught:
        read(tmp_path, "# a comment\n" + GOOD.replace(change, to, 1))
    assert problem in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'limits.toml'}:3: ")


def test_a_name_used_twice_is_refused_at_the_second_row(tmp_path: Path) -> None:
    with pytest.raises(LimitsFileError, match=r"limits\.toml:18: the name 'lambda\.payload' is used twice"):
        read(tmp_path, GOOD + GOOD.removeprefix("\n"))


def test_text_that_is_not_toml_says_so(tmp_path: Path) -> None:
    with pytest.raises(LimitsFileError, match=r"not TOML: .*line 1"):
        read(tmp_path, "[[limit]\n")
