"""DynamoDB's typed values: from a request handler to the API, and from the API to plain values for the next one."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any


def typed(value: Mapping[str, Any]) -> dict[str, Any]:
    """``{"S": "x"}`` for the API: binary values are base64 in handlers and bytes there."""
    (kind, inner), *more = value.items()
    if more:
        raise ValueError(f"{dict(value)!r} is no typed value: it has several types")
    if kind == "B":
        return {"B": base64.b64decode(inner)}
    if kind == "BS":
        return {"BS": [base64.b64decode(one) for one in inner]}
    if kind == "M":
        return {"M": attributes(inner)}
    if kind == "L":
        return {"L": [typed(one) for one in inner]}
    if kind == "N":
        return {"N": str(inner)}
    if kind == "NS":
        return {"NS": [str(one) for one in inner]}
    return {"NULL": True} if kind == "NULL" else {kind: inner}


def attributes(given: Any) -> dict[str, Any]:
    """Named typed values for the API. Raises ``ValueError`` that says which one is none."""
    if not isinstance(given, Mapping):
        raise ValueError(f"{given!r} is no object of typed values")
    made = {}
    for name, value in given.items():
        if not isinstance(value, Mapping) or not value:
            raise ValueError(f'{name!r} is {value!r}, not a typed value such as {{"S": "text"}}')
        made[str(name)] = typed(value)
    return made


def plain(value: Mapping[str, Any]) -> Any:
    """A value without its type."""
    (kind, inner), *_ = value.items()
    if kind == "N":
        return _number(inner)
    if kind == "NS":
        return [_number(one) for one in inner]
    if kind == "NULL":
        return None
    if kind == "M":
        return item(inner)
    if kind == "L":
        return [plain(one) for one in inner]
    if kind == "B":
        return base64.b64encode(inner).decode()
    if kind == "BS":
        return [base64.b64encode(one).decode() for one in inner]
    return list(inner) if kind == "SS" else inner


def item(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An item without its types; ``None`` for none."""
    return None if given is None else {name: plain(value) for name, value in given.items()}


def _number(text: str) -> int | float:
    value = float(text)
    return int(text) if text.lstrip("-").isdigit() else value
