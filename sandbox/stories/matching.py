"""Whether a text or a JSON value is what a story expects, and if not, why."""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.stories.expectations import TextMatch

_SHOWN = 200


def short(text: str) -> str:
    """A text as an error shows it: quoted, at most 200 characters."""
    if len(text) <= _SHOWN:
        return repr(text)
    return f"{text[:_SHOWN]!r}... ({len(text)} characters)"


def subset_mismatch(wanted: Any, actual: Any, path: str = "") -> str | None:
    """Why ``actual`` lacks members of ``wanted`` (lists must be of one length); ``None`` when it has all."""
    where = path or "the value"
    if isinstance(wanted, dict):
        if not isinstance(actual, dict):
            return f"{where} is {short(json.dumps(actual))}, not an object"
        for key, value in wanted.items():
            inner = f"{path}.{key}" if path else str(key)
            if key not in actual:
                return f"{inner} is absent"
            if (problem := subset_mismatch(value, actual[key], inner)) is not None:
                return problem
        return None
    if isinstance(wanted, list) and isinstance(actual, list) and len(wanted) == len(actual):
        for n, (one, other) in enumerate(zip(wanted, actual, strict=True)):
            if (problem := subset_mismatch(one, other, f"{path}[{n}]")) is not None:
                return problem
        return None
    if wanted != actual or isinstance(wanted, bool) != isinstance(actual, bool):
        return f"{where} is {short(json.dumps(actual, default=str))}, not {json.dumps(wanted, default=str)}"
    return None


def mismatch(wanted: str | TextMatch, actual: str, size: int | None = None) -> str | None:
    """Why a text is not what is wanted; ``None`` when it is. ``size``: its bytes, if the text was decoded."""
    if isinstance(wanted, str):
        return None if actual == wanted else f"it is {short(actual)}"
    for check in (_exact, _contains, _lacks, _matches, _json, _size):
        if (problem := check(wanted, actual, size)) is not None:
            return problem
    return None


def describe(wanted: str | TextMatch | None) -> str:
    """What is wanted, for a failure."""
    if wanted is None:
        return "absent"
    if isinstance(wanted, str):
        return f"exactly {short(wanted)}"
    parts = wanted.model_dump(exclude_unset=True, by_alias=True)
    return ", ".join(
        f"{name} {short(value) if isinstance(value, str) else value}" for name, value in parts.items()
    )


def _list(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else value or []


def _exact(wanted: TextMatch, actual: str, _: int | None) -> str | None:
    return f"it is {short(actual)}" if wanted.exact is not None and wanted.exact != actual else None


def _contains(wanted: TextMatch, actual: str, _: int | None) -> str | None:
    missing = [piece for piece in _list(wanted.contains) if piece not in actual]
    return f"it lacks {missing[0]!r}: {short(actual)}" if missing else None


def _lacks(wanted: TextMatch, actual: str, _: int | None) -> str | None:
    found = [piece for piece in _list(wanted.lacks) if piece in actual]
    return f"it contains {found[0]!r}: {short(actual)}" if found else None


def _matches(wanted: TextMatch, actual: str, _: int | None) -> str | None:
    if wanted.matches is not None and not re.search(wanted.matches, actual):
        return f"it does not match: {short(actual)}"
    return None


def _json(wanted: TextMatch, actual: str, _: int | None) -> str | None:
    if "json_" not in wanted.model_fields_set:
        return None
    try:
        value = json.loads(actual)
    except ValueError as error:
        return f"it is not JSON ({error}): {short(actual)}"
    return subset_mismatch(wanted.json_, value)


def _size(wanted: TextMatch, actual: str, size: int | None) -> str | None:
    length = len(actual.encode()) if size is None else size
    if wanted.empty is not None and wanted.empty != (length == 0):
        return f"it has {length} bytes: {short(actual)}" if length else "it is empty"
    if wanted.size is not None and wanted.size != length:
        return f"it has {length} bytes"
    return None
