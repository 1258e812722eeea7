"""The ``Condition`` block of an IAM policy.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators". An operator that is not known here is
not met.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

Context = Mapping[str, Any]
Compare = Callable[[str, str], bool]


def as_list(value: Any) -> list[Any]:
    """IAM lets one value stand for a list of one."""
    if value is None:
        return []
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else [value]


def as_text(value: Any) -> str:
    """A value as IAM compares it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def wildcard(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """``*`` matches any text (slashes and colons too), ``?`` one character."""
    return _compiled(pattern, ignore_case).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def expand(text: str, context: Context) -> str:
    """Replace policy variables: ``${aws:username}``, ``${aws:username, 'nobody'}``, ``${*}``."""

    def replace(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        if name in ("*", "?", "$"):
            return name
        value = find(context, name)
        if value is None:
            return default if default is not None else match[0]
        return as_text(as_list(value)[0]) if as_list(value) else match[0]

    return re.sub(r"\$\{(?P<name>[^},]+?)\s*(?:,\s*'(?P<default>[^']*)'\s*)?\}", replace, text)


def find(context: Context, key: str) -> Any:
    """A context key; their names have no case."""
    wanted = key.lower()
    return next((value for name, value in context.items() if name.lower() == wanted), None)


def _arn(pattern: str, text: str) -> bool:
    """The six parts of an ARN are compared one by one, so that ``*`` does not run over a colon."""
    ours, theirs = pattern.split(":", 5), text.split(":", 5)
    if len(ours) < 6 or len(theirs) < 6:
        return wildcard(pattern, text)
    return all(wildcard(a, b) for a, b in zip(ours, theirs, strict=True))


def _number(compare: Callable[[float, float], bool]) -> Compare:
    def body(wanted: str, actual: str) -> bool:
        try:
            return compare(float(actual), float(wanted))
        except ValueError:
            return False

    return body


def _instant(text: str) -> float:
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text)
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _date(compare: Callable[[float, float], bool]) -> Compare:
    def body(wanted: str, actual: str) -> bool:
        try:
            return compare(_instant(actual), _instant(wanted))
        except ValueError:
            return False

    return body


def _address(wanted: str, actual: str) -> bool:
    try:
        return ipaddress.ip_address(actual) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


_ORDER: dict[str, Callable[[float, float], bool]] = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
}
_POSITIVE: dict[str, Compare] = {
    "StringEquals": lambda wanted, actual: wanted == actual,
    "StringEqualsIgnoreCase": lambda wanted, actual: wanted.lower() == actual.lower(),
    "StringLike": wildcard,
    "ArnEquals": _arn,
    "ArnLike": _arn,
    "Bool": lambda wanted, actual: wanted.lower() == actual.lower(),
    "IpAddress": _address,
    "BinaryEquals": lambda wanted, actual: wanted == actual,
    **{f"Numeric{name}": _number(compare) for name, compare in _ORDER.items()},
    **{f"Date{name}": _date(compare) for name, compare in _ORDER.items()},
}
_NEGATIVE: dict[str, Compare] = {
    "StringNotEquals": _POSITIVE["StringEquals"],
    "StringNotEqualsIgnoreCase": _POSITIVE["StringEqualsIgnoreCase"],
    "StringNotLike": wildcard,
    "ArnNotEquals": _arn,
    "ArnNotLike": _arn,
    "NumericNotEquals": _POSITIVE["NumericEquals"],
    "DateNotEquals": _POSITIVE["DateEquals"],
    "NotIpAddress": _address,
}


def met(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Whether all operators of a ``Condition`` block are met: AND over operators and keys, OR over values."""
    return all(
        _operator(operator, key, as_list(values), context)
        for operator, block in conditions.items()
        for key, values in block.items()
    )


def _operator(operator: str, key: str, values: list[Any], context: Context) -> bool:
    quantifier, _, base = operator.rpartition(":")
    if_exists = base.endswith("IfExists")
    base = base.removesuffix("IfExists")
    present = find(context, key)
    if base == "Null":
        return any((as_text(value).lower() == "true") == (present is None) for value in values)
    actual = [as_text(value) for value in as_list(present)]
    wanted = [expand(as_text(value), context) for value in values]
    if not actual:
        # A key that is absent: met by IfExists, by ForAllValues and by the negated operators.
        return if_exists or quantifier == "ForAllValues" or (not quantifier and base in _NEGATIVE)
    compare = _POSITIVE.get(base) or _NEGATIVE.get(base)
    if compare is None or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        return False
    negated = base in _NEGATIVE
    hits = [any(compare(want, value) for want in wanted) != negated for value in actual]
    # Without a quantifier, a negated operator has to hold for every value of a key, others for some value.
    return all(hits) if quantifier == "ForAllValues" or (negated and not quantifier) else any(hits)
