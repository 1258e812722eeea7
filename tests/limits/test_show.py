"""What `sandbox limits` prints."""

from __future__ import annotations

import io
import json
from datetime import date

import pytest
from rich.console import Console

from sandbox.limits import Limits
from sandbox.limits.rows import GRADES
from sandbox.limits.show import as_json, as_table, humane

MAY_2024 = Limits(date(2024, 5, 1))


def by_name(limits: Limits, name: str) -> dict[str, object]:
    [row] = [row for row in as_json(limits) if row["name"] == name]
    return row


def test_json_has_every_row_and_is_json() -> None:
    rows = as_json(MAY_2024)
    assert json.loads(json.dumps(rows)) == rows
    assert [row["name"] for row in rows] == [row.name for row in MAY_2024.rows()]


def test_json_of_a_thing_that_did_not_exist_yet() -> None:
    row = by_name(MAY_2024, "api_rest.stream.duration")
    assert (row["available"], row["value"], row["since"]) == (False, None, None)
    assert row["history"] == [{"since": "2025-11-19", "value": 900, "note": "", "grade": "A"}]


def test_json_follows_the_day_and_the_overrides() -> None:
    name = "api_rest.integration_timeout.max_without_quota"
    raised = Limits(date(2025, 1, 1), {name: 60})
    assert (by_name(raised, name)["value"], by_name(raised, name)["overridden"]) == (60, True)
    assert by_name(raised, name)["adjustable"] is True
    assert by_name(MAY_2024, name)["adjustable"] is False


def test_the_table_shows_what_held_that_day() -> None:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(as_table(MAY_2024))
    text = console.export_text()
    assert "AWS limits as of 2024-05-01" in text
    assert "20 MiB" in text
    assert "200 MiB" not in text
    assert "UNSOURCED" in text
    assert "of [{minimum}]" in text.replace("\n", " ") or "[{minimum}]" in text  # not taken for markup


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_grade_is_cut_off_on_a_narrow_terminal(width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(as_table(MAY_2024, width))
    lines = console.export_text().splitlines()
    assert all(len(line) <= width for line in lines)
    at = next(line.index("grade") for line in lines if "fact" in line)
    grades = [line[at : at + 9].strip() for line in lines if line[:8].strip() and line[at : at + 9].strip()]
    assert [grade for grade in grades if grade in GRADES] == [limit.grade for limit in MAY_2024]


def test_a_narrow_terminal_is_spared_two_columns_and_told_so() -> None:
    shown = {}
    for width in (80, 120):
        console = Console(width=width, record=True, file=io.StringIO())
        console.print(as_table(MAY_2024, width))
        shown[width] = " ".join(console.export_text().split())
    assert "client sees" in shown[120]
    assert "client sees" not in shown[80]
    assert "More columns on a wider terminal, all with --json." in shown[80]


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (6291456, "bytes", "6 MiB"),
        (6291556, "bytes", "6,291,556 bytes"),
        (2097152, "bytes/s", "2 MiB/s"),
        (29, "s", "29 s"),
        (0.05, "s", "0.05 s"),
        (True, "flag", "yes"),
        (False, "flag", "no"),
        (504, "status", "504"),
        (10000, "per s", "10,000 per s"),
        (1000, "count", "1,000"),
        (0.0000166667, "USD", "0.0000166667 USD"),
        ([3.5, 2.8], "USD", "3.5, 2.8"),
        (["a", "b"], "text", "a, b"),
        ('{"message": "x"}', "text", '{"message": "x"}'),
    ],
)
def test_values_read_as_people_write_them(value: object, unit: str, shown: str) -> None:
    assert humane(value, unit) == shown
