"""Which event filters are patterns: what Lambda refuses when a mapping is made.

Source: Lambda developer guide, "Filter rule syntax": null, empty, equals, equals ignoring case, ``$or``,
``anything-but``, ``numeric``, ``exists``, ``prefix``, ``suffix``.
"""

from __future__ import annotations

from typing import Any

_SIGNS = ("=", "<", "<=", ">", ">=")


def is_pattern(value: Any) -> bool:
    """Whether a JSON value is an object of rules, at any depth."""
    return isinstance(value, dict) and all(_is_wanted(name, wanted) for name, wanted in value.items())


def _is_wanted(name: str, wanted: Any) -> bool:
    if name == "$or":
        return isinstance(wanted, list) and bool(wanted) and all(map(is_pattern, wanted))
    if isinstance(wanted, dict):
        return is_pattern(wanted)
    return isinstance(wanted, list) and bool(wanted) and all(map(_is_rule, wanted))


def _is_rule(rule: Any) -> bool:
    if not isinstance(rule, dict):
        return not isinstance(rule, list)
    if len(rule) != 1:
        return False
    ((kind, wanted),) = rule.items()
    if kind == "exists":
        return isinstance(wanted, bool)
    if kind in ("prefix", "suffix", "equals-ignore-case"):
        return isinstance(wanted, str)
    if kind == "anything-but":
        return _is_rule(wanted) if isinstance(wanted, dict) else _are_values(wanted)
    return kind == "numeric" and _is_range(wanted)


def _are_values(wanted: Any) -> bool:
    values = wanted if isinstance(wanted, list) else [wanted]
    return bool(values) and not any(isinstance(one, list | dict) for one in values)


def _is_range(wanted: Any) -> bool:
    if not isinstance(wanted, list) or len(wanted) not in (2, 4):
        return False
    bounds = wanted[1::2]
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in bounds)
    return numbers and all(isinstance(sign, str) and sign in _SIGNS for sign in wanted[::2])
