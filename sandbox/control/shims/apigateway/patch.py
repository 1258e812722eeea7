"""Patch operations, led by the shape of what they change.

API Gateway's patches name a member by its path (``/variables/model``), values are text. The shape tells what the
text means: a number, a boolean, an entry of a map (the rest of the path is its key, ``~1`` for ``/``), an element
of a list (named by the path to add or remove it, or by the value).
Source: API Gateway API reference, "Patch operations".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, MutableMapping
from typing import Any

from sandbox.control.shims.apigateway.store import bad_request

READ_ONLY = frozenset({"id", "createdDate", "lastUpdatedDate", "path", "rootResourceId", "warnings"})


def apply(
    document: MutableMapping[str, Any],
    shape: Any,
    operations: Iterable[Mapping[str, Any]],
    unknown: Collection[str] = (),
) -> None:
    """Carry out patch operations on a document of this shape, in order. Raises ``BadRequestException``.

    ``unknown``: members of the shape that do not exist on the sandbox's day.
    """
    closed = READ_ONLY.union(unknown)
    for operation in operations:
        _one(document, shape, operation, closed)


def _one(
    document: MutableMapping[str, Any], shape: Any, operation: Mapping[str, Any], closed: Collection[str]
) -> None:
    op, path = operation.get("op", ""), operation.get("path", "")
    if op not in ("add", "remove", "replace", "copy"):
        raise bad_request(
            f"Invalid patch operation specified. Must be one of: add, remove, replace, copy: {op!r}"
        )
    parts = path.lstrip("/").split("/")
    name = parts[0]
    if name not in shape.members or name in closed:
        allowed = ", ".join(f"/{member}" for member in shape.members if member not in closed)
        raise bad_request(
            f"Invalid patch path  '{path}' specified for op '{op}'. Must be one of: [{allowed}]"
        )
    value = operation.get("value")
    if op == "copy":
        value = _read(document, str(operation.get("from", "")))
        op = "replace"
    _member(document, name, shape.members[name], op, [unescape(part) for part in parts[1:]], value)


def _member(
    document: MutableMapping[str, Any], name: str, shape: Any, op: str, rest: list[str], value: Any
) -> None:
    kind = shape.type_name
    if kind == "map":
        _entry(document, name, shape, op, rest, value)
    elif kind == "list":
        _element(document, name, op, rest, value)
    elif kind == "structure" and rest:
        inner = document.setdefault(name, {})
        if rest[0] not in shape.members:
            raise bad_request(f"Invalid patch path  '/{name}/{'/'.join(rest)}' specified for op '{op}'")
        _member(inner, rest[0], shape.members[rest[0]], op, rest[1:], value)
    elif op == "remove" or (value is None and op == "replace"):
        document.pop(name, None)
    else:
        document[name] = convert(shape, value, name)


def _entry(
    document: MutableMapping[str, Any], name: str, shape: Any, op: str, rest: list[str], value: Any
) -> None:
    entries = dict(document.get(name) or {})
    if not rest:
        if op == "remove":
            document.pop(name, None)
            return
        raise bad_request(f"Invalid patch path  '/{name}' specified for op '{op}': it must name a key")
    key, inner = rest[0], rest[1:]
    if shape.value.type_name in ("structure", "map") and inner:
        _member_of_entry(entries, key, shape.value, op, inner, value)
    elif op == "remove":
        entries.pop(key, None)
    else:
        entries["/".join(rest)] = convert(shape.value, value, name)
    document[name] = entries


def _member_of_entry(
    entries: dict[str, Any], key: str, shape: Any, op: str, inner: list[str], value: Any
) -> None:
    entry = dict(entries.get(key) or {})
    if shape.type_name == "structure":
        _member(entry, inner[0], shape.members[inner[0]], op, inner[1:], value)
    elif op == "remove":
        entry.pop("/".join(inner), None)
    else:
        entry["/".join(inner)] = convert(shape.value, value, inner[-1])
    entries[key] = entry


def _element(document: MutableMapping[str, Any], name: str, op: str, rest: list[str], value: Any) -> None:
    elements = list(document.get(name) or [])
    named = "/".join(rest) if rest else value
    if op == "replace":
        index = _index(elements, named) if rest else None
        if index is None:
            elements = [value] if value is not None else []
        else:
            elements[index] = value
    elif op == "add":
        added = value if rest in ([], ["-"]) else named
        if added not in elements:
            elements.append(added)
    else:
        index = _index(elements, named)
        if index is not None:
            del elements[index]
    document[name] = elements


def _index(elements: list[Any], named: Any) -> int | None:
    """Where an element is that a path names by itself or by its position."""
    if named in elements:
        return elements.index(named)
    if isinstance(named, str) and named.isdigit() and int(named) < len(elements):
        return int(named)
    return None


def convert(shape: Any, value: Any, name: str) -> Any:
    """A patch's text as what the shape wants."""
    kind = shape.type_name
    try:
        if kind in ("integer", "long"):
            return int(value)
        if kind in ("float", "double"):
            return float(value)
    except (TypeError, ValueError):
        raise bad_request(
            f"Invalid patch value {value!r} specified for {name}: it must be a number"
        ) from None
    if kind == "boolean":
        if str(value).lower() not in ("true", "false"):
            raise bad_request(f"Invalid patch value {value!r} specified for {name}: it must be true or false")
        return str(value).lower() == "true"
    return value


def unescape(part: str) -> str:
    """JSON pointer's ``~1`` and ``~0``."""
    return part.replace("~1", "/").replace("~0", "~")


def _read(document: Mapping[str, Any], path: str) -> Any:
    found: Any = document
    for part in path.lstrip("/").split("/"):
        if not isinstance(found, Mapping) or unescape(part) not in found:
            raise bad_request(f"Invalid patch path  '{path}' specified for op 'copy'")
        found = found[unescape(part)]
    return found
