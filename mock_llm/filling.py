"""A value that a JSON schema allows, drawn from a seed: arguments of tools that must be called, answers in JSON."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from mock_llm.patterns import matching
from mock_llm.text import words

DEEPEST = 16
DEEP = 5  # from here on the shorter alternative: schemas may contain themselves


def fill(schema: Mapping[str, Any], rng: random.Random) -> Any:
    """A value for the schema: all of ``properties``, the first of alternatives, one element in an array.

    Knows ``$ref`` within the schema, ``const``, ``enum``, ``default``, ``anyOf``/``oneOf``/``allOf``, ``type``, the
    bounds of numbers and lengths, ``multipleOf``, ``pattern`` and the usual ``format``. What excludes (``not``,
    ``if``, ``uniqueItems``) is not looked at.
    """
    return _Filler(schema, rng).value(schema, 0)


class _Filler:
    def __init__(self, root: Mapping[str, Any], rng: random.Random) -> None:
        self._root = root
        self._rng = rng
        self._makers: dict[str, Callable[[Mapping[str, Any], int], Any]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": self._integer,
            "number": self._number,
            "boolean": lambda schema, depth: rng.random() < 0.5,
            "null": lambda schema, depth: None,
        }

    def value(self, schema: Mapping[str, Any], depth: int) -> Any:
        """A value; ``None`` where the schema is too deep or has a type of its own."""
        if depth > DEEPEST:
            return None
        if isinstance(schema.get("$ref"), str):
            return self.value(self._referred(schema["$ref"]), depth + 1)
        for name in ("const", "default"):
            if name in schema:
                return schema[name]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return self._one(schema["enum"])
        alternative = self._alternative(schema, depth)
        if alternative is not None:
            return self.value(alternative, depth + 1)
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = kind[-1 if depth > DEEP else 0] if kind else None
        if kind is None:
            kind = "object" if "properties" in schema or depth == 0 else "string"
        maker = self._makers.get(kind) if isinstance(kind, str) else None
        return maker(schema, depth) if maker else None

    def _referred(self, ref: str) -> Mapping[str, Any]:
        found: Any = self._root
        for step in ref.removeprefix("#").split("/")[1:] if ref.startswith("#") else ["?"]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    def _alternative(self, schema: Mapping[str, Any], depth: int) -> Mapping[str, Any] | None:
        parts = schema.get("allOf")
        if isinstance(parts, list) and len(parts) > 1 and all(isinstance(part, Mapping) for part in parts):
            return self._merged(parts)
        for name in ("anyOf", "oneOf", "allOf"):
            rows = schema.get(name)
            if isinstance(rows, list) and rows and isinstance(rows[0], Mapping):
                last = rows[-1] if isinstance(rows[-1], Mapping) else rows[0]
                return last if depth > DEEP else rows[0]
        return None

    def _merged(self, parts: list[Mapping[str, Any]]) -> Mapping[str, Any]:
        merged: dict[str, Any] = {}
        for part in parts:
            told = self._referred(part["$ref"]) if isinstance(part.get("$ref"), str) else part
            properties = {**merged.get("properties", {}), **(told.get("properties") or {})}
            merged |= told
            merged |= {"properties": properties} if properties else {}
        return merged

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        rows = properties.items() if isinstance(properties, dict) else ()
        return {name: self.value(row if isinstance(row, dict) else {}, depth + 1) for name, row in rows}

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        items = schema.get("items")
        row = items if isinstance(items, dict) else {"type": "string"}
        least = int(_bound(schema, "minItems", 0 if depth > DEEP else 1))
        most = int(_bound(schema, "maxItems", 32))
        return [self.value(row, depth + 1) for _ in range(max(0, min(32, most, max(least, depth <= DEEP))))]

    def _string(self, schema: Mapping[str, Any], depth: int) -> str:
        if isinstance(schema.get("pattern"), str):
            said = matching(schema["pattern"], self._rng)
            if said is not None:
                return said
        form = schema.get("format")
        if isinstance(form, str) and form in FORMATS:
            return FORMATS[form](self._rng)
        text: str = self._one(words())
        while len(text) < min(10_000, _bound(schema, "minLength", 0)):
            text += " " + self._one(words())
        return text[: max(0, int(_bound(schema, "maxLength", len(text))))]

    def _integer(self, schema: Mapping[str, Any], depth: int) -> int:
        low = int(_bound(schema, "exclusiveMinimum", _bound(schema, "minimum", 0) - 1)) + 1
        high = int(_bound(schema, "exclusiveMaximum", _bound(schema, "maximum", low + 100) + 1)) - 1
        drawn = low + int(self._rng.random() * (max(low, high) - low + 1))
        step = int(_bound(schema, "multipleOf", 1))
        return drawn if step < 2 else -(-drawn // step) * step

    def _number(self, schema: Mapping[str, Any], depth: int) -> float:
        low = _bound(schema, "minimum", _bound(schema, "exclusiveMinimum", 0))
        high = _bound(schema, "maximum", _bound(schema, "exclusiveMaximum", low + 100))
        drawn = round(low + self._rng.random() * (max(low, high) - low), 2)
        step = _bound(schema, "multipleOf", 0)
        return drawn if step <= 0 else round(round(drawn / step) * step, 10)

    def _one(self, values: Any) -> Any:
        return values[int(self._rng.random() * len(values))]


def _bound(schema: Mapping[str, Any], name: str, default: float) -> float:
    value = schema.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    return float(max(-1e15, min(1e15, value))) if value == value else default  # NaN is not itself


def _day(rng: random.Random) -> str:
    return f"2025-{1 + int(rng.random() * 12):02}-{1 + int(rng.random() * 28):02}"


def _hour(rng: random.Random) -> str:
    return f"{int(rng.random() * 24):02}:{int(rng.random() * 60):02}:{int(rng.random() * 60):02}Z"


def _word(rng: random.Random) -> str:
    return words()[int(rng.random() * len(words()))]


def _bits(rng: random.Random, count: int) -> int:
    return sum(int(rng.random() * 65536) << (16 * index) for index in range(count // 16))


# RFC 3339, 5321, 1123, 2673, 4291, 4122, 3986 and ISO 8601, as JSON Schema names them.
FORMATS: dict[str, Callable[[random.Random], str]] = {
    "date-time": lambda rng: f"{_day(rng)}T{_hour(rng)}",
    "date": _day,
    "time": _hour,
    "duration": lambda rng: f"PT{1 + int(rng.random() * 59)}M",
    "email": lambda rng: f"{_word(rng)}@example.com",
    "hostname": lambda rng: f"{_word(rng)}.example.com",
    "ipv4": lambda rng: f"192.0.2.{1 + int(rng.random() * 254)}",
    "ipv6": lambda rng: f"2001:db8::{1 + int(rng.random() * 65535):x}",
    "uuid": lambda rng: str(uuid.UUID(int=_bits(rng, 128), version=4)),
    "uri": lambda rng: f"https://example.com/{_word(rng)}",
}
