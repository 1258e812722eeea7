"""Rows of limits as they stand in the TOML files: reading and checking them.

A file holds ``[[limit]]`` tables. What a row may have is in :data:`KEYS`; ``value`` is either the one value
that always held, or ``[[limit.value]]`` tables with the day since which each held. Only the first of those
may leave out ``since``: it then held from the beginning. Before the first ``since`` the thing did not exist.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.limits.errors import LimitsFileError

PACKAGE = Path(__file__).parent.parent
GRADES = ("A", "A-old", "O", "S", "UNSOURCED")

REQUIRED: dict[str, type] = {
    "fact": str,
    "name": str,
    "title": str,
    "unit": str,
    "adjustable": bool,
    "source": str,
    "grade": str,
}
OPTIONAL: dict[str, type | tuple[type, ...]] = {
    "adjust": str,
    "adjustable_since": date,
    "min": (int, float),
    "max": (int, float),
    "client_sees": str,
    "emulated": list,
    "note": str,
}
KEYS = REQUIRED.keys() | OPTIONAL.keys() | {"value"}


@dataclass(frozen=True, slots=True)
class Held:
    """A value and the day since which it held (``None``: from the beginning)."""

    since: date | None
    value: Any
    note: str = ""
    grade: str = ""  # empty: the row's


@dataclass(frozen=True, slots=True)
class Row:
    """One limit with its whole history. Durations in seconds, sizes in bytes, unless ``unit`` says otherwise.

    ``fact`` groups the rows that speak of the same behaviour ("1.5"). ``emulated`` names the services of the
    sandbox that play it. ``grade``: ``A`` AWS's own text or code, ``A-old`` the same but a copy of 2023,
    ``O`` recorded against real AWS, ``S`` secondary, ``UNSOURCED`` no source found.
    """

    name: str
    fact: str
    title: str
    unit: str
    history: tuple[Held, ...]
    adjustable: bool
    source: str
    grade: str
    adjust: str = ""
    adjustable_since: date | None = None
    min: float | None = None
    max: float | None = None
    client_sees: str = ""
    emulated: tuple[str, ...] = ()
    note: str = ""

    def held(self, as_of: date) -> Held | None:
        """What held on a day, ``None`` when the thing did not exist yet."""
        found = None
        for held in self.history:
            if held.since is None or held.since <= as_of:
                found = held
        return found

    def adjustable_on(self, as_of: date) -> bool:
        """Whether AWS let a user change it on a day."""
        return self.adjustable and (self.adjustable_since is None or as_of >= self.adjustable_since)


@cache
def sources() -> dict[str, Path]:
    """The files by the first word of the names in them: ``{"lambda": .../services/lambda_/limits.toml}``."""
    found = {path.parent.name.rstrip("_"): path for path in PACKAGE.glob("services/*/limits.toml")}
    found["prices"] = PACKAGE / "limits" / "prices.toml"
    return dict(sorted(found.items()))


@cache
def rows_of(path: Path, prefix: str) -> Mapping[str, Row]:
    """The rows of a file by name, checked. Raises :class:`LimitsFileError` with file and line."""
    text = path.read_text(encoding="utf-8")
    try:
        tables = tomllib.loads(text).get("limit", [])
    except tomllib.TOMLDecodeError as error:
        raise LimitsFileError(str(path), f"not TOML: {error}") from error
    rows: dict[str, Row] = {}
    for index, table in enumerate(tables):
        try:
            row = _row(table, prefix)
            if row.name in rows:
                raise ValueError(f"the name {row.name!r} is used twice")
        except ValueError as error:
            raise LimitsFileError(f"{path}:{_line(text, index)}", str(error)) from error
        rows[row.name] = row
    return rows


def _line(text: str, index: int) -> int:
    """The line of the ``index``-th row's head, counted from 1."""
    heads = [number for number, line in enumerate(text.splitlines(), 1) if line.strip() == "[[limit]]"]
    return heads[index] if index < len(heads) else 0


def _row(table: Mapping[str, Any], prefix: str) -> Row:
    label = f"limit {table['name']!r}: " if isinstance(table.get("name"), str) else ""
    _check_keys(table, label)
    if not table["name"].startswith(prefix + "."):
        raise ValueError(f"{label}the name must start with {prefix + '.'!r}")
    major, _, minor = table["fact"].partition(".")
    if not (major.isdigit() and minor.isdigit()):
        raise ValueError(f"{label}fact must look like 4.10, not {table['fact']!r}")
    _check_grade(table["grade"], label)
    fields = {key: value for key, value in table.items() if key != "value"}
    fields["emulated"] = tuple(fields.get("emulated", ()))
    return Row(history=_history(table["value"], label), **fields)


def _check_keys(table: Mapping[str, Any], label: str) -> None:
    missing = sorted((REQUIRED.keys() | {"value"}) - table.keys())
    if missing:
        raise ValueError(f"{label}missing: {', '.join(missing)}")
    unknown = sorted(table.keys() - KEYS)
    if unknown:
        raise ValueError(f"{label}unknown: {', '.join(unknown)}; known are {', '.join(sorted(KEYS))}")
    for key, kind in ({**REQUIRED, **OPTIONAL}).items():
        if key in table and (not isinstance(table[key], kind) or isinstance(table[key], datetime)):
            raise ValueError(f"{label}{key} has the wrong type: {table[key]!r}")
        if key in REQUIRED and table[key] == "":
            raise ValueError(f"{label}{key} is empty")


def _check_grade(grade: object, label: str) -> None:
    if grade not in GRADES:
        raise ValueError(f"{label}grade must be one of {', '.join(GRADES)}, not {grade!r}")


def _history(value: Any, label: str) -> tuple[Held, ...]:
    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        return (Held(None, value),)
    history: list[Held] = []
    for number, entry in enumerate(value):
        unknown = sorted(entry.keys() - {"since", "value", "note", "grade"})
        if unknown or "value" not in entry:
            raise ValueError(
                f"{label}value {number + 1} needs value and may have since, note, grade: {entry!r}"
            )
        since = entry.get("since")
        if since is None and number > 0:
            raise ValueError(f"{label}value {number + 1} has no since: only the first may leave it out")
        if since is not None and (not isinstance(since, date) or isinstance(since, datetime)):
            raise ValueError(f"{label}since must be a date like 2025-11-19, not {since!r}")
        before = history[-1].since if history else None
        if since is not None and before is not None and since <= before:
            raise ValueError(f"{label}the values must be in the order of their dates: {since}")
        if "grade" in entry:
            _check_grade(entry["grade"], label)
        history.append(Held(since, entry["value"], entry.get("note", ""), entry.get("grade", "")))
    return tuple(history)
