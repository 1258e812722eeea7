"""Limits for people and for programs: ``sandbox limits`` and ``sandbox limits --json``."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sandbox.limits.limits import Limits
from sandbox.limits.rows import Row

if TYPE_CHECKING:
    from rich.table import Table

BARE = ("count", "status", "close code", "level", "factor")
WIDE = 110  # columns of a terminal from which on all of the table is shown
UNITS = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))


def as_json(limits: Limits) -> list[dict[str, Any]]:
    """Every row as it stands on the chosen day, ordered by fact.

    ``available`` is false, and ``value`` and ``since`` are null, for a thing that did not exist yet. Durations
    are in seconds, sizes in bytes, dates ISO texts; ``history`` has every value that held and will hold.
    """
    return [_row_json(limits, row) for row in limits.rows()]


def _row_json(limits: Limits, row: Row) -> dict[str, Any]:
    exists = row.held(limits.as_of) is not None
    limit = limits[row.name] if exists else None
    return {
        "name": row.name,
        "fact": row.fact,
        "title": row.title,
        "value": limit.value if limit else None,
        "unit": row.unit,
        "since": _iso(limit.since) if limit else None,
        "available": exists,
        "overridden": limit.overridden if limit else False,
        "adjustable": row.adjustable_on(limits.as_of),
        "adjust": row.adjust,
        "client_sees": row.client_sees,
        "source": row.source,
        "grade": limit.grade if limit else row.grade,
        "emulated": list(row.emulated),
        "note": row.note,
        "history": [
            {
                "since": _iso(held.since),
                "value": held.value,
                "note": held.note,
                "grade": held.grade or row.grade,
            }
            for held in row.history
        ],
    }


def as_table(limits: Limits, width: int = WIDE) -> Table:
    """A table for a terminal of so many columns: what held on the chosen day, and how sure that is.

    A narrow one leaves out since when and what a client sees.
    """
    from rich import box  # rich takes longer to import than everything here
    from rich.table import Table

    table = Table(
        title=f"AWS limits as of {limits.as_of}",
        caption="Grades: A AWS's own text or code · A-old the same, a copy of 2023 · O recorded against real AWS"
        " · S secondary · UNSOURCED no source found. Grey: the sandbox does not play it."
        + ("" if width >= WIDE else " More columns on a wider terminal, all with --json."),
        header_style="bold",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("fact", no_wrap=True, min_width=5)
    table.add_column("name", overflow="fold", ratio=3)
    table.add_column("value", overflow="fold", ratio=2)
    if width >= WIDE:
        table.add_column("since", no_wrap=True, min_width=10)
    table.add_column("grade", no_wrap=True, min_width=9)
    if width >= WIDE:
        table.add_column("client sees", overflow="fold", ratio=2)
    for limit in limits:
        row = limit.row
        value = humane(limit.value, row.unit) + (" (raised)" if limit.overridden else "")
        grade = f"[bold red]{limit.grade}[/]" if limit.grade == "UNSOURCED" else limit.grade
        cells: tuple[str, ...] = (row.fact, row.name, _plain(value), grade)
        if width >= WIDE:
            cells = (*cells[:3], _iso(limit.since) or "", grade, _plain(row.client_sees))
        table.add_row(*cells, style=None if row.emulated else "grey50")
    return table


def humane(value: Any, unit: str) -> str:
    """A value with its unit as people read it: ``6 MiB``, ``29 s``, ``yes``; texts as they are."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(humane(item, "count") for item in value)
    if isinstance(value, str):
        return value
    if unit in ("bytes", "bytes/s"):
        return _size(value) + unit.removeprefix("bytes")
    if unit in BARE:
        return str(value) if unit != "count" else _number(value)
    return f"{_number(value)} {unit}"


def _number(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.10f}".rstrip("0").rstrip(".")


def _size(size: int) -> str:
    for factor, name in UNITS:
        if size >= factor and size % factor == 0:
            return f"{size // factor} {name}"
    return f"{size:,} bytes"


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _plain(text: str) -> str:
    """Text that rich must not take for markup."""
    return text.replace("[", r"\[")
