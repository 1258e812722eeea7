"""JSON as mapping templates see it: Java's maps, lists and strings, with the methods that templates call.

Printed, a map is ``{a=1, b=x}`` and a list is JSON, as recorded against API Gateway (localstack's validated tests,
``template_mapping.py``); in AppSync a list is ``[a, b]``, as Java prints it (``Unauthorized on [content]`` of
Amplify's templates). ``true`` and ``false`` are in lower case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

JAVA_LISTS: ContextVar[bool] = ContextVar("JAVA_LISTS", default=False)  # print them as Java does


def wrap(value: Any) -> Any:
    """A JSON value, or a value of the template engine, in its form for templates."""
    if isinstance(value, bool):
        return Boolean(value)
    if isinstance(value, str):
        return value if isinstance(value, Text) else Text(value)
    if isinstance(value, Mapping):
        return Map(dict(value))
    if isinstance(value, (list, tuple, range)) and not isinstance(value, List):
        return List(value)
    return value


def unwrap(value: Any) -> Any:
    """Back to what ``json`` writes."""
    if isinstance(value, Map):
        return {str(key): unwrap(value.raw[key]) for key in value.raw}
    if isinstance(value, Mapping):
        return {str(key): unwrap(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [unwrap(inner) for inner in value]
    return bool(value) if isinstance(value, Boolean) else value


def to_json(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(unwrap(value), separators=(",", ":"), ensure_ascii=False)


class Boolean:
    """``true`` or ``false``: Python's own would be printed with a capital letter."""

    __slots__ = ("_value",)

    def __init__(self, value: bool) -> None:
        self._value = value

    def __bool__(self) -> bool:
        return self._value

    def __str__(self) -> str:
        return "true" if self._value else "false"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (bool, Boolean)) and self._value == bool(other)

    def __hash__(self) -> int:
        return hash(self._value)


class Text(str):
    """A string with Java's methods. Patterns are regular expressions."""

    __slots__ = ()

    def length(self) -> int:
        return len(self)

    def isEmpty(self) -> bool:  # noqa: N802 - Java's name
        return not self

    def isBlank(self) -> bool:  # noqa: N802
        return not self.strip()

    def equals(self, other: object) -> bool:
        return str(self) == other

    def equalsIgnoreCase(self, other: str) -> bool:  # noqa: N802
        return self.lower() == str(other).lower()

    def contains(self, part: str) -> bool:
        return part in self

    def startsWith(self, prefix: str) -> bool:  # noqa: N802
        return self.startswith(prefix)

    def endsWith(self, suffix: str) -> bool:  # noqa: N802
        return self.endswith(suffix)

    def indexOf(self, part: str) -> int:  # noqa: N802
        return self.find(part)

    def lastIndexOf(self, part: str) -> int:  # noqa: N802
        return self.rfind(part)

    def substring(self, begin: int, end: int | None = None) -> Text:
        return Text(self[begin:end])

    def charAt(self, index: int) -> Text:  # noqa: N802
        return Text(self[index])

    def concat(self, other: str) -> Text:
        return Text(str(self) + other)

    def trim(self) -> Text:
        return Text(self.strip())

    def toLowerCase(self) -> Text:  # noqa: N802
        return Text(self.lower())

    def toUpperCase(self) -> Text:  # noqa: N802
        return Text(self.upper())

    def toString(self) -> Text:  # noqa: N802
        return self

    def matches(self, pattern: str) -> bool:
        return re.fullmatch(pattern, self) is not None

    def replaceAll(self, pattern: str, by: str) -> Text:  # noqa: N802
        return Text(re.sub(pattern, _java_replacement(by), self))

    def replaceFirst(self, pattern: str, by: str) -> Text:  # noqa: N802
        return Text(re.sub(pattern, _java_replacement(by), self, count=1))

    def split(self, pattern: str, limit: int = 0) -> Any:  # type: ignore[override]
        parts = re.split(pattern, self, maxsplit=max(0, limit - 1))
        while limit == 0 and len(parts) > 1 and not parts[-1]:
            parts.pop()  # Java leaves empty parts at the end out
        return List(parts)


def _java_replacement(text: str) -> str:
    """``$1`` of Java as ``\\g<1>`` of Python."""
    return re.sub(r"\$(\d)", r"\\g<\1>", text.replace("\\", "\\\\"))


class List(list[Any]):
    """A list with Java's methods."""

    def __init__(self, values: Any = ()) -> None:
        super().__init__(wrap(value) for value in values)

    def __str__(self) -> str:
        if not JAVA_LISTS.get():
            return to_json(self)
        return "[" + ", ".join(map(_shown, self)) + "]"

    def __bool__(self) -> bool:
        return True  # as in Velocity 1: what is there is true, however empty

    def size(self) -> int:
        return len(self)

    def get(self, index: int) -> Any:
        return self[index]

    def set(self, index: int, value: Any) -> Any:
        before, self[index] = self[index], wrap(value)
        return before

    def add(self, value: Any) -> bool:
        self.append(wrap(value))
        return True

    def addAll(self, values: Any) -> bool:  # noqa: N802
        self.extend(wrap(value) for value in values)
        return True

    def isEmpty(self) -> bool:  # noqa: N802
        return not len(self)

    def contains(self, value: Any) -> bool:
        return value in self

    def indexOf(self, value: Any) -> int:  # noqa: N802
        return self.index(value) if value in self else -1


class Map:
    """A map. ``$map.name`` reads, ``#set($map.name = ...)`` writes; a loop goes over its values."""

    __slots__ = ("raw",)

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw

    def __getitem__(self, name: Any) -> Any:
        value = self.raw[name]
        if not isinstance(value, (Map, List, Text, Boolean)):
            value = self.raw[name] = wrap(value)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        self.raw[name] = wrap(value)

    def __iter__(self) -> Iterator[Any]:
        return iter([self[name] for name in self.raw])

    def __len__(self) -> int:
        return len(self.raw)

    def __bool__(self) -> bool:
        return True  # as in Velocity 1: what is there is true, however empty

    def __str__(self) -> str:
        return "{" + ", ".join(f"{name}={_shown(self[name])}" for name in self.raw) + "}"

    def get(self, name: Any) -> Any:
        return self[name] if name in self.raw else None

    def getOrDefault(self, name: Any, default: Any) -> Any:  # noqa: N802
        return self[name] if name in self.raw else default

    def put(self, name: str, value: Any) -> Any:
        before = self.get(name)
        self[name] = value
        return before if before is not None else ""

    def putAll(self, other: Map) -> str:  # noqa: N802
        for name in other.raw:
            self[name] = other[name]
        return ""

    def remove(self, name: str) -> Any:
        before = self.get(name)
        self.raw.pop(name, None)
        return before if before is not None else ""

    def keySet(self) -> List:  # noqa: N802
        return List(self.raw)

    def values(self) -> List:
        return List(self)

    def entrySet(self) -> List:  # noqa: N802
        return List([{"key": name, "value": self[name]} for name in self.raw])

    def containsKey(self, name: Any) -> bool:  # noqa: N802
        return name in self.raw

    def containsValue(self, value: Any) -> bool:  # noqa: N802
        return value in list(self)

    def size(self) -> int:
        return len(self.raw)

    def isEmpty(self) -> bool:  # noqa: N802
        return not self.raw

    def toString(self) -> Text:  # noqa: N802
        return Text(str(self))


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)
