"""Profiles and overrides as text or data: TOML rows, JSON fields and request headers read by the same rules."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mock_llm.pace import DISTRIBUTIONS, SECOND, Jitter, Profile

BUILT_IN = Path(__file__).with_name("profiles.toml")
MAX_TOKENS = 1_000_000
MAX_SECONDS = 7 * 86_400


class ProfileError(ValueError):
    """A profile, a header or a setting that cannot be: the message says what and what is allowed."""


def load_profiles(path: Path = BUILT_IN) -> dict[str, Profile]:
    """The profiles of a TOML file by name. Raises :class:`ProfileError` naming file, profile and key."""
    try:
        rows = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"{path}: {error}") from error
    profiles = {}
    for name, row in rows.items():
        if not isinstance(row, dict):
            raise ProfileError(f"{path}: {name!r} is not a table")
        try:
            profiles[name] = apply(Profile(name), row)
        except ProfileError as error:
            raise ProfileError(f"{path}: [{name}] {error}") from None
    return profiles


@cache
def built_in_profiles() -> Mapping[str, Profile]:
    """The profiles that come with the mock model, read once."""
    return MappingProxyType(load_profiles())


def apply(profile: Profile, values: Mapping[str, Any]) -> Profile:
    """The profile with some of its keys replaced. Raises :class:`ProfileError` naming the key."""
    changes: dict[str, Any] = {}
    for key, value in values.items():
        reader = READERS.get(key)
        if reader is None:
            raise ProfileError(f"unknown key {key!r}; there are: {', '.join(READERS)}")
        try:
            changes["gap" if key == "rate" else key] = reader(value)
        except ProfileError as error:
            raise ProfileError(f"{key} {error}, not {_shown(value)}") from None
    if "stall" in changes and "stall_after" not in changes and profile.stall_after is None:
        raise ProfileError("stall needs stall_after: the number of tokens before the silence")
    return replace(profile, **changes)


def describe(profile: Profile) -> dict[str, Any]:
    """A profile as JSON, in the words and units of the TOML file."""
    stall = None
    if profile.stall_after is not None:
        stall = "forever" if profile.stall is None else profile.stall / SECOND
    jitter = profile.jitter.kind
    if jitter in ("uniform", "lognormal"):
        jitter += f":{profile.jitter.spread:g}"
    row = {field.name: getattr(profile, field.name) for field in fields(profile) if field.name != "gap"}
    if profile.thinking is None:
        del row["thinking"]
    rate = "inf" if not profile.gap else float(SECOND / profile.gap)
    headers = "first_token" if profile.headers is None else profile.headers / SECOND
    row |= {"headers": headers, "load": float(profile.load)}
    return row | {"first_token": profile.first_token / SECOND, "rate": rate, "jitter": jitter, "stall": stall}


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise ProfileError("must be a number")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise ProfileError("must be a number") from None
    if number.is_nan():
        raise ProfileError("must be a number")
    return number


def _seconds(value: Any) -> int:
    number = _number(value)
    if not 0 <= number <= MAX_SECONDS:
        raise ProfileError(f"must be seconds between 0 and {MAX_SECONDS}")
    return int((number * SECOND).to_integral_value())


def _gap(value: Any) -> Fraction:
    number = _number(value)
    if number == Decimal("Infinity"):
        return Fraction(0)
    if not Decimal("0.0001") <= number <= 1_000_000:
        raise ProfileError('must be tokens per second between 0.0001 and 1000000, or "inf"')
    return SECOND / Fraction(number)


def whole(low: int, high: int) -> Callable[[Any], int]:
    """A reader of whole numbers from ``low`` to ``high``."""

    def read(value: Any) -> int:
        number = _number(value)
        if not low <= number <= high or number != number.to_integral_value():
            raise ProfileError(f"must be a whole number from {low} to {high}")
        return int(number)

    return read


def _stall(value: Any) -> int | None:
    return None if value == "forever" or value in ("inf", float("inf")) else _seconds(value)


def _headers(value: Any) -> int | None:
    return None if value == "first_token" else _seconds(value)


def _load(value: Any) -> Fraction:
    number = _number(value)
    if not 0 <= number <= 1000:
        raise ProfileError("must be a number from 0 to 1000")
    return Fraction(number)


def _jitter(value: Any) -> Jitter:
    text = value if isinstance(value, str) else ""
    match = re.fullmatch(r"(uniform|lognormal):(\d+(?:\.\d+)?)", text)
    if match and float(match[2]) <= (1 if match[1] == "uniform" else 3):
        return Jitter(match[1], float(match[2]))
    if text == "none" or (text in DISTRIBUTIONS and text == "exponential"):
        return Jitter(text)
    raise ProfileError("must be none, uniform:W (W from 0 to 1), lognormal:S (S from 0 to 3) or exponential")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ProfileError("must be a text")
    return value


def _shown(value: Any) -> str:
    return repr(str(value) if isinstance(value, Decimal) else value)


READERS: dict[str, Callable[[Any], Any]] = {
    "about": _text,
    "source": _text,
    "first_token": _seconds,
    "rate": _gap,
    "tokens": whole(1, MAX_TOKENS),
    "jitter": _jitter,
    "burst": whole(1, MAX_TOKENS),
    "stall_after": whole(0, MAX_TOKENS),
    "stall": _stall,
    "headers": _headers,
    "load": _load,
    "thinking": whole(0, MAX_TOKENS),
}
PACE_KEYS = tuple(key for key in READERS if key not in ("about", "source"))
