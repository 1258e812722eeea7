"""The limits that held on a day: one ``limits.toml`` in each service's folder, played as of a date."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sandbox.limits.errors import AsOfError, LimitAbsentError, OverrideError, UnknownLimitError
from sandbox.limits.rows import Held, Row, rows_of, sources


@dataclass(frozen=True, slots=True)
class Limit:
    """A row as it stands on the chosen day.

    ``value`` has the user's override in it. ``since``: the day since which it held, ``None`` for always.
    """

    name: str  # "lambda.timeout.max"
    fact: str  # id of the behaviour: "4.1"
    value: Any
    unit: str
    grade: str
    source: str
    since: date | None
    row: Row
    overridden: bool = False


class Limits:
    """The limits that held on a day.

    ``overrides`` are quotas that the user had raised, by name: ``{"lambda.concurrency.account": 5000}``.
    Files are read when a name of theirs is first asked for, and once in a process.
    """

    def __init__(self, as_of: date, overrides: Mapping[str, Any] | None = None) -> None:
        self.as_of = as_of
        self.overrides: dict[str, Any] = {}
        for name, value in (overrides or {}).items():
            self.override(name, value)

    def override(self, name: str, value: Any) -> None:
        """Set an adjustable limit. Raises :class:`OverrideError` for a fixed one or a value out of range."""
        row = self.row(name)
        _check_override(row, self._held(row), value, self.as_of)
        self.overrides[name] = value

    def __getitem__(self, name: str) -> Limit:
        """The limit of that name on the chosen day.

        Raises :class:`UnknownLimitError` (a ``KeyError``), or :class:`LimitAbsentError` when the thing did
        not exist yet.
        """
        row = self.row(name)
        return self._limit(row, self._held(row))

    def value(self, name: str) -> Any:
        """The value of a limit on the chosen day; errors as for ``limits[name]``."""
        return self[name].value

    def available(self, name: str) -> bool:
        """Whether the thing existed on the chosen day: there is a value, and it is not ``false``."""
        held = self.row(name).held(self.as_of)
        return held is not None and held.value is not False

    def row(self, name: str) -> Row:
        """The row of that name with its history. Raises :class:`UnknownLimitError`."""
        prefix = name.partition(".")[0]
        path = sources().get(prefix)
        row = rows_of(path, prefix).get(name) if path else None
        if row is None:
            raise UnknownLimitError(name, [row.name for row in all_rows()])
        return row

    def rows(self) -> list[Row]:
        """All rows of all files, also those of things that did not exist yet, by fact and name."""
        return all_rows()

    def __iter__(self) -> Iterator[Limit]:
        """Every limit that had a value on the chosen day, by fact and name."""
        for row in all_rows():
            if (held := row.held(self.as_of)) is not None:
                yield self._limit(row, held)

    def _held(self, row: Row) -> Held:
        held = row.held(self.as_of)
        if held is None:
            first = row.history[0].since
            raise LimitAbsentError(
                f"{row.name}: did not exist on {self.as_of}, only since {first} ({row.title})"
            )
        return held

    def _limit(self, row: Row, held: Held) -> Limit:
        overridden = row.name in self.overrides
        value = self.overrides[row.name] if overridden else held.value
        grade = held.grade or row.grade
        return Limit(row.name, row.fact, value, row.unit, grade, row.source, held.since, row, overridden)


def all_rows() -> list[Row]:
    """Every row, ordered by fact (1.2 before 1.10) and then as in its file."""
    rows = [row for prefix, path in sources().items() for row in rows_of(path, prefix).values()]
    return sorted(rows, key=lambda row: tuple(int(part) for part in row.fact.split(".")))


def parse_as_of(text: str) -> date:
    """A day from a user's text. Raises :class:`AsOfError` that says what is wrong."""
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):  # fromisoformat also takes 20240501 and 2024-W18-3
            raise ValueError("not YYYY-MM-DD")
        day = date.fromisoformat(text)
    except ValueError as error:
        raise AsOfError(f"{text!r} is not a date; write it as YYYY-MM-DD, for example 2024-05-01") from error
    if not 2000 <= day.year < 2100:
        raise AsOfError(f"{text} is too far away; give a day of this century")
    return day


def _check_override(row: Row, held: Held, value: Any, as_of: date) -> None:
    if not row.adjustable:
        raise OverrideError(f"{row.name} is {held.value} {row.unit} and AWS does not raise it ({row.source})")
    if row.adjustable_since is not None and as_of < row.adjustable_since:
        raise OverrideError(f"{row.name} could not be raised on {as_of}, only since {row.adjustable_since}")
    if not _same_kind(held.value, value):
        raise OverrideError(f"{row.name} must be like {held.value!r} ({row.unit}), not {value!r}")
    if row.min is not None and value < row.min:
        raise OverrideError(f"{row.name} must be at least {row.min} {row.unit}, not {value}")
    if row.max is not None and value > row.max:
        raise OverrideError(f"{row.name} must be at most {row.max} {row.unit}, not {value}")


def _same_kind(like: Any, value: Any) -> bool:
    if isinstance(like, bool) or isinstance(value, bool):
        return isinstance(like, bool) and isinstance(value, bool)
    if isinstance(like, int | float):
        return isinstance(value, int | float)
    return isinstance(value, type(like))
