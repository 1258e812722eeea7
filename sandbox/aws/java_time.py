"""Patterns of Java's ``DateTimeFormatter``, as AppSync's time helpers take them, over Python's dates.

Known letters: y u M d D E a h H K k m s S n z V X x Z, and quoted text. Any other is an error that names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_PIECES = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|.", re.DOTALL)
_OFFSET = re.compile(r"^(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?$")


def zone(name: str) -> tzinfo:
    """A time zone by its name or offset: "UTC", "Asia/Jakarta", "+05:30". Raises ``ValueError``."""
    offset = _OFFSET.match(name)
    if offset:
        sign = -1 if offset[1] == "-" else 1
        return timezone(sign * timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0)))
    if name in ("Z", "UTC", "GMT"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"unknown time zone {name!r}") from error


def format_time(millis: int, pattern: str, where: tzinfo) -> str:
    """An instant, in milliseconds since the epoch, by a pattern."""
    when = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)).astimezone(where)
    return "".join(_formatted(piece.group(), bool(piece[1]), when) for piece in _PIECES.finditer(pattern))


def parse_time(text: str, pattern: str, where: tzinfo | None) -> int:
    """The instant, in milliseconds since the epoch, that a text names. Raises ``ValueError``."""
    expression, names = "", []
    for piece in _PIECES.finditer(pattern):
        if not piece[1]:
            expression += re.escape(_literal(piece.group()))
            continue
        names.append(piece.group())
        expression += f"({_pattern(piece.group())})"
    found = re.fullmatch(expression, text)
    if found is None:
        raise ValueError(f"{text!r} is not of the form {pattern!r}")
    return _instant(dict(zip(names, found.groups(), strict=True)), where, text)


def _literal(piece: str) -> str:
    if piece == "''":
        return "'"
    return piece[1:-1].replace("''", "'") if piece.startswith("'") else piece


_FORMATS: dict[str, Callable[[datetime, int], str]] = {
    "y": lambda when, width: f"{when.year % 100:02d}" if width == 2 else f"{when.year:0{width}d}",
    "M": lambda when, width: _name(when, width, "%b", "%B") if width > 2 else f"{when.month:0{width}d}",
    "d": lambda when, width: f"{when.day:0{width}d}",
    "D": lambda when, width: f"{when.timetuple().tm_yday:0{width}d}",
    "E": lambda when, width: _name(when, width, "%a", "%A"),
    "a": lambda when, width: "AM" if when.hour < 12 else "PM",
    "h": lambda when, width: f"{(when.hour + 11) % 12 + 1:0{width}d}",
    "K": lambda when, width: f"{when.hour % 12:0{width}d}",
    "H": lambda when, width: f"{when.hour:0{width}d}",
    "k": lambda when, width: f"{when.hour or 24:0{width}d}",
    "m": lambda when, width: f"{when.minute:0{width}d}",
    "s": lambda when, width: f"{when.second:0{width}d}",
    "S": lambda when, width: f"{when.microsecond:06d}".ljust(width, "0")[:width],
    "n": lambda when, width: f"{when.microsecond * 1000:0{width}d}",
    "z": lambda when, width: when.tzname() or "",
    "V": lambda when, width: str(when.tzinfo),
    "X": lambda when, width: _offset(when, width, zulu=True),
    "x": lambda when, width: _offset(when, width, zulu=False),
    "Z": lambda when, width: _offset(when, 3 if width == 5 else 2, zulu=width == 5),
}
_FORMATS["u"] = _FORMATS["y"]


def _formatted(piece: str, is_letters: bool, when: datetime) -> str:
    if not is_letters:
        return _literal(piece)
    if piece[0] not in _FORMATS:
        raise ValueError(f"unknown pattern letter {piece[0]!r}")
    return _FORMATS[piece[0]](when, len(piece))


def _name(when: datetime, width: int, short: str, long: str) -> str:
    return when.strftime(long if width == 4 else short)


def _offset(when: datetime, width: int, *, zulu: bool) -> str:
    seconds = int((when.utcoffset() or timedelta()).total_seconds())
    if not seconds and zulu:
        return "Z"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    sign = "-" if seconds < 0 else "+"
    if width == 1:
        return f"{sign}{hours:02d}" + (f"{minutes:02d}" if minutes else "")
    return f"{sign}{hours:02d}{':' if width in (3, 5) else ''}{minutes:02d}"


def _pattern(piece: str) -> str:
    letter, width = piece[0], len(piece)
    if letter in "yu":
        return r"\d{2}" if width == 2 else rf"[+-]?\d{{{width},}}" if width > 1 else r"\d+"
    if letter in "ME" and width > 2:
        return r"[A-Za-z]+"
    if letter in "MdDhHKkms":
        return r"\d{1,3}" if width == 1 else rf"\d{{{width}}}"
    if letter == "S":
        return rf"\d{{{width}}}"
    if letter == "a":
        return r"[AaPp][Mm]"
    if letter in "XxZ":
        return r"Z|[+-]\d{2}:?(?:\d{2})?"
    if letter in "zV":
        return r"[A-Za-z_/+\-]+"
    raise ValueError(f"unknown pattern letter {letter!r}")


def _instant(found: dict[str, str], where: tzinfo | None, text: str) -> int:
    given = {piece[0]: (value, len(piece)) for piece, value in found.items()}

    def number(letters: str, default: int) -> int:
        return next((int(given[letter][0]) for letter in letters if letter in given), default)

    year = number("yu", 1970)
    if any(given.get(letter, ("", 0))[1] == 2 for letter in "yu"):
        year += 2000
    month = 1
    if "M" in given:
        value, width = given["M"]
        month = _month(value) if width > 2 else int(value)
    hour = number("Hk", -1) % 24 if {"H", "k"} & given.keys() else number("hK", 0) % 12
    if "a" in given and given["a"][0].upper() == "PM":
        hour = hour % 12 + 12
    fraction = given.get("S", ("0", 1))[0].ljust(6, "0")[:6]
    its_zone = _zone_of(given) or where
    if its_zone is None:
        raise ValueError(f"{text!r} names no time zone, and none was given")
    when = datetime(
        year, month, number("d", 1), hour, number("m", 0), number("s", 0), int(fraction), tzinfo=its_zone
    )
    if "D" in given:
        when = when.replace(month=1, day=1) + timedelta(days=number("D", 1) - 1)
    return round((when - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def _month(name: str) -> int:
    """A month by its name or the first three letters of it."""
    names = [datetime(1970, month, 1, tzinfo=UTC).strftime("%B").lower() for month in range(1, 13)]
    found = [number for number, whole in enumerate(names, 1) if name.lower() in (whole, whole[:3])]
    if not found:
        raise ValueError(f"unknown month {name!r}")
    return found[0]


def _zone_of(given: dict[str, tuple[str, int]]) -> tzinfo | None:
    for letter in "XxZzV":
        if letter in given:
            return zone(given[letter][0])
    return None
