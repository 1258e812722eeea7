"""Durations, sizes and the amounts that a story expects, as people write them.

``29s``, ``40 s``, ``100ms``, ``1m30s``, ``2h`` or a plain number of seconds; ``7MB`` (10**6), ``6MiB``
(2**20) or a plain number of bytes. Durations are read as decimals, so that ``0.1s`` is the float nearest to a tenth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

_SECONDS = {"ms": "0.001", "s": "1", "m": "60", "min": "60", "h": "3600"}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|m|h)(?![a-z])")
_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")


def parse_duration(value: Any) -> float:
    """Seconds of a duration; ``ValueError`` says how one is written."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    if isinstance(value, str):
        total, position = Decimal(0), 0
        while match := _PART.match(value, position):
            total += Decimal(match[1]) * Decimal(_SECONDS[match[2]])
            position = match.end()
        if position and not value[position:].strip():
            return float(total)
    raise ValueError(f"{value!r} is not a duration; write 29s, 100ms, 1m30s or a number of seconds")


def parse_size(value: Any) -> int:
    """Bytes of a size; ``ValueError`` says how one is written."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
        unit = _BYTES.get(match[2].upper())
        if unit is not None:
            return int(Decimal(match[1]) * unit)
    raise ValueError(f"{value!r} is not a size; write 7MB, 6MiB or a number of bytes")


def format_duration(seconds: float | None) -> str:
    """Seconds as a story would say them: at most six decimals, no trailing zeros."""
    if seconds is None:
        return "never"
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + " s"


@dataclass(frozen=True, slots=True)
class Amount:
    """What a measured number must be: from ``low`` to ``high``, or absent when ``never``."""

    low: float | None
    high: float | None
    never: bool = False

    def allows(self, actual: float | None, tolerance: float = 0.0) -> bool:
        """Whether the measured number fits; ``None`` means that it never happened."""
        if actual is None or self.never:
            return self.never and actual is None
        return (self.low is None or actual >= self.low - tolerance) and (
            self.high is None or actual <= self.high + tolerance
        )

    def __str__(self) -> str:
        if self.never:
            return "never"
        if self.low == self.high:
            return f"exactly {self.low:g}" if self.low is not None else "anything"
        bounds = [f"at least {self.low:g}"] if self.low is not None else []
        return " and ".join(bounds + ([f"at most {self.high:g}"] if self.high is not None else []))


def _amount(value: Any, parse: Any, kind: str) -> Amount:
    if isinstance(value, Amount):
        return value
    if isinstance(value, dict):
        unknown = set(value) - {"at_least", "at_most"}
        if unknown or not value:
            raise ValueError(f"{kind}: write one value, or at_least and/or at_most")
        low, high = (parse(value[key]) if key in value else None for key in ("at_least", "at_most"))
        if low is not None and high is not None and low > high:
            raise ValueError("at_least is above at_most")
        return Amount(low, high)
    exact = parse(value)
    return Amount(exact, exact)


def parse_instant(value: Any) -> Amount:
    """An instant or a duration that a story expects: exact, a range, or ``never``."""
    if value == "never":
        return Amount(None, None, never=True)
    return _amount(value, parse_duration, "an instant")


def _count(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError(f"{value!r} is not a count; write a whole number, or at_least and/or at_most")


def parse_count(value: Any) -> Amount:
    """A number of things that a story expects: exact or a range."""
    return _amount(value, _count, "a count")


def parse_milliseconds(value: Any) -> Amount:
    """Milliseconds that a story expects: a plain number, a duration (``40s``) or a range of either."""
    return _amount(
        value, lambda one: one if isinstance(one, int) else parse_duration(one) * 1000, "a duration"
    )


_DURATION_SCHEMA = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^(\s*\d+(\.\d+)?\s*(ms|s|min|m|h))+\s*$"},
    ],
    "description": "A duration: 29s, 100ms, 1m30s, 2h or a number of seconds.",
}
_SIZE_SCHEMA = {
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+(\.\d+)?\s*[KMG]?i?B$"}],
    "description": "A size: 7MB, 6MiB or a number of bytes.",
}
_COUNT_SCHEMA: dict[str, Any] = {"type": "integer", "minimum": 0}


def _range_schema(one: dict[str, Any], what: str, *, never: bool = False) -> dict[str, Any]:
    span = {
        "type": "object",
        "properties": {"at_least": one, "at_most": one},
        "additionalProperties": False,
        "minProperties": 1,
    }
    return {"anyOf": [*([{"const": "never"}] if never else []), one, span], "description": what}


Duration = Annotated[float, BeforeValidator(parse_duration), WithJsonSchema(_DURATION_SCHEMA)]
Size = Annotated[int, BeforeValidator(parse_size), WithJsonSchema(_SIZE_SCHEMA)]
Instant = Annotated[
    Amount,
    BeforeValidator(parse_instant),
    WithJsonSchema(_range_schema(_DURATION_SCHEMA, "Exact, a range, or never.", never=True)),
]
Count = Annotated[
    Amount, BeforeValidator(parse_count), WithJsonSchema(_range_schema(_COUNT_SCHEMA, "Exact or a range."))
]
Milliseconds = Annotated[
    Amount,
    BeforeValidator(parse_milliseconds),
    WithJsonSchema(_range_schema(_DURATION_SCHEMA, "Milliseconds as a plain number, or a duration.")),
]
