"""JSON that strangers wrote: whatever ``loads`` takes can be written again, as UTF-8 and from deep within a call."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

DEPTH = 500  # of lists and objects in each other; half of what the interpreter can write
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


class DeepError(ValueError):
    """JSON with more levels than are read."""

    def __init__(self) -> None:
        super().__init__(f"the JSON has more than {DEPTH} levels")


def loads(text: str | bytes) -> Any:
    """The value of a JSON text. Half a surrogate pair becomes ``?``, as Java writes it.

    Raises ``ValueError`` when it is none, as with ``NaN`` and its like, :class:`DeepError` when it has more than
    :data:`DEPTH` levels.
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text))
    try:
        value = json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise DeepError from error
    if text.count("[") + text.count("{") > DEPTH:
        _check_depth(value)
    return _whole(value) if _HALF.search(text) else value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _check_depth(value: Any) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEPTH):
        level = [inner for one in level for inner in _inside(one) if isinstance(inner, dict | list)]
        if not level:
            return
    raise DeepError


def _inside(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {_whole(name): _whole(one) for name, one in value.items()}
    return value
