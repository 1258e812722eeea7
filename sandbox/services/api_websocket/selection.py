"""Selection expressions: which route a message takes, which model it has to fit (fact 3.10).

Source: API Gateway developer guide, "WebSocket selection expressions": ``$request.body.action`` and
``${request.body.a}-${request.body.b}``; ``\\$`` is a dollar sign; a path that leads nowhere is the empty text;
values are evaluated once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import NotEmulatedError

DEFAULT = "$default"
_RESERVED = frozenset(("$connect", "$disconnect", DEFAULT))
_VARIABLE = re.compile(r"\\\$|\$\{(?P<braced>[^}]*)\}|\$(?P<plain>[A-Za-z_][\w\[\]-]*(?:\.[\w\[\]-]+)*)")


def evaluate(expression: str, values: Mapping[str, Any]) -> str:
    """The text that an expression means. ``values``: ``{"request": {"body": ...}, "context": ..., ...}``."""

    def replace(match: re.Match[str]) -> str:
        path = match["braced"] if match["braced"] is not None else match["plain"]
        if path is None:
            return "$"
        root = path.partition(".")[0]
        if root not in values:
            raise NotEmulatedError(f"${path} in the selection expression {expression!r}")
        return text(at(values, path))

    return _VARIABLE.sub(replace, expression)


def at(values: Any, path: str) -> Any:
    """The value at a dotted path, with ``[n]`` for items; ``None`` when it leads nowhere."""
    for step in re.findall(r"[^.\[\]]+", path):
        if isinstance(values, Mapping):
            values = values.get(step)
        elif isinstance(values, list) and step.isdecimal():
            values = values[int(step)] if int(step) < len(values) else None
        else:
            return None
    return values


def text(value: Any) -> str:
    """A JSON value as an expression writes it: nothing for ``null``, a text without its quotes."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def parsed(body: str) -> Any:
    """A message's JSON, ``None`` when it is none (or nested too deep to be read)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def route_key(expression: str, body: str, routes: Mapping[str, Any]) -> str | None:
    """The key of the route that a message takes; ``None`` when there is none for it."""
    value = parsed(body)
    if isinstance(value, dict | list):
        key = evaluate(expression, {"request": {"body": value}})
        if key in routes and key not in _RESERVED:
            return key
    return DEFAULT if DEFAULT in routes else None
