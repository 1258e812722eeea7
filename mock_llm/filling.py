"""A value that a JSON schema allows, drawn from a seed: the arguments of a tool that has to be called."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from mock_llm.text import words

DEEPEST = 16


def fill(schema: Mapping[str, Any], rng: random.Random, depth: int = 0) -> Any:
    """A value for the schema: all of ``properties``, the first of alternatives, one element in an array.

    Knows ``const``, ``enum``, ``default``, ``anyOf``/``oneOf``/``allOf``, ``type`` and the bounds of numbers and
    lengths; ``$ref``, ``pattern`` and ``format`` are not looked at.
    """
    if depth > DEEPEST:
        return None
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][int(rng.random() * len(schema["enum"]))]
    for name in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(name), list) and schema[name] and isinstance(schema[name][0], dict):
            return fill(schema[name][0], rng, depth + 1)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else None
    if kind is None:
        kind = "object" if "properties" in schema or depth == 0 else "string"
    maker = MAKERS.get(kind) if isinstance(kind, str) else None
    return maker(schema, rng, depth) if maker else None


def _object(schema: Mapping[str, Any], rng: random.Random, depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    rows = properties.items() if isinstance(properties, dict) else ()
    return {name: fill(row if isinstance(row, dict) else {}, rng, depth + 1) for name, row in rows}


def _array(schema: Mapping[str, Any], rng: random.Random, depth: int) -> list[Any]:
    items = schema.get("items")
    count = min(32, max(1, int(_bound(schema, "minItems", 1))))
    return [
        fill(items if isinstance(items, dict) else {"type": "string"}, rng, depth + 1) for _ in range(count)
    ]


def _string(schema: Mapping[str, Any], rng: random.Random, depth: int) -> str:
    text = words()[int(rng.random() * len(words()))]
    while len(text) < min(10_000, _bound(schema, "minLength", 0)):
        text += " " + words()[int(rng.random() * len(words()))]
    return text[: max(0, int(_bound(schema, "maxLength", len(text))))]


def _integer(schema: Mapping[str, Any], rng: random.Random, depth: int) -> int:
    low = int(_bound(schema, "minimum", 0))
    high = int(_bound(schema, "maximum", low + 100))
    return low + int(rng.random() * (max(low, high) - low + 1))


def _number(schema: Mapping[str, Any], rng: random.Random, depth: int) -> float:
    low = _bound(schema, "minimum", 0)
    high = _bound(schema, "maximum", low + 100)
    return round(low + rng.random() * (max(low, high) - low), 2)


def _bound(schema: Mapping[str, Any], name: str, default: float) -> float:
    value = schema.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    return float(max(-1e15, min(1e15, value))) if value == value else default  # NaN is not itself


MAKERS: dict[str, Any] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": lambda schema, rng, depth: rng.random() < 0.5,
    "null": lambda schema, rng, depth: None,
}
