"""The pages tell what the data say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.limits.limits import all_rows

DOCS = Path(__file__).resolve().parents[2] / "docs"
DATES = sorted({held.since for row in all_rows() for held in row.history if held.since}, key=str)


@pytest.mark.parametrize("day", DATES, ids=str)
def test_every_day_on_which_a_value_changed_is_told(day: object) -> None:
    page = (DOCS / "aws-changes.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| {day}\b", page, re.MULTILINE)


def test_no_day_is_told_that_the_data_do_not_have() -> None:
    page = (DOCS / "aws-changes.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| (\d{4}-\d\d-\d\d)", page, re.MULTILINE)) == {str(day) for day in DATES}


def test_days_without_a_source_are_told_so() -> None:
    page = (DOCS / "aws-changes.md").read_text(encoding="utf-8")
    for day in DATES:
        notes = " ".join(held.note for row in all_rows() for held in row.history if held.since == day)
        marked = re.search(rf"^\| {day} \*(month|unsourced)\*", page, re.MULTILINE) is not None
        assert marked == bool(
            re.search(r"the day is (not|unsourced)|(day|date)[^.;]* is UNSOURCED|UNSOURCED", notes)
        ), day


def test_links_between_pages_lead_somewhere() -> None:
    root = DOCS.parent
    pages = [*DOCS.rglob("*.md"), *(page for page in root.glob("*.md"))]
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http:", "https:", "mailto:")):
                assert (page.parent / target).exists(), f"{page.relative_to(root)} -> {target}"
