"""Filter criteria: patterns by EventBridge's rules, on a record whose body is JSON.

Source: Lambda Developer Guide, "Control which events Lambda sends to your function" and "Using event filtering with
an Amazon SQS event source": a message that no pattern fits is deleted; a pattern for a JSON body fits no other body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.aws import json_text

Pattern = Mapping[str, Any]
_MISSING = object()

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


def passes(patterns: tuple[Pattern, ...], record: Mapping[str, Any]) -> bool:
    """Whether any pattern fits, or there is none."""
    return not patterns or any(fits(pattern, _readable(record)) for pattern in patterns)


def _readable(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with its body as JSON, if it is that."""
    try:
        return {**record, "body": json_text.loads(record["body"])}
    except ValueError:
        return record


def fits(pattern: Pattern, value: Any) -> bool:
    """Whether a value has what each member of the pattern wants; one of ``$or`` is enough."""
    for name, wanted in pattern.items():
        if name == "$or":
            if not any(fits(one, value) for one in wanted):
                return False
            continue
        found = value.get(name, _MISSING) if isinstance(value, Mapping) else _MISSING
        if not (fits(wanted, found) if isinstance(wanted, Mapping) else _one_of(wanted, found)):
            return False
    return True


def _one_of(rules: Any, found: Any) -> bool:
    if not isinstance(rules, list):
        return False
    values = found if isinstance(found, list) else [found]
    return any(_rule(rule, value) for rule in rules for value in values)


def _rule(rule: Any, value: Any) -> bool:
    if not isinstance(rule, Mapping):
        return (value is not _MISSING and type(rule) is type(value) and rule == value) or _equal(rule, value)
    (kind, wanted), *_ = rule.items()
    if kind == "exists":
        return bool(wanted) == (value is not _MISSING)
    if value is _MISSING:
        return False
    return _KINDS.get(kind, lambda *_: False)(wanted, value)


def _equal(rule: Any, value: Any) -> bool:
    """Numbers are equal whatever their type; true is no number."""
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (rule, value))
    return numbers and float(rule) == float(value)


def _anything_but(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, Mapping):
        return not _rule(wanted, value)
    return not any(_rule(one, value) for one in (wanted if isinstance(wanted, list) else [wanted]))


def _numeric(wanted: Any, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    pairs = zip(wanted[::2], wanted[1::2], strict=False)
    return all(_COMPARE[sign](value, bound) for sign, bound in pairs)


_KINDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "prefix": lambda wanted, value: isinstance(value, str) and value.startswith(wanted),
    "suffix": lambda wanted, value: isinstance(value, str) and value.endswith(wanted),
    "equals-ignore-case": lambda wanted, value: (
        isinstance(value, str) and value.casefold() == str(wanted).casefold()
    ),
    "anything-but": _anything_but,
    "numeric": _numeric,
}
