"""AWS's answer to parameters outside a service model's bounds.

The bounds are botocore's (min, max, pattern, enum). The wording is the one that AWS's services use:
``1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less
than or equal to 900``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from sandbox.aws.errors import AwsError

Bounds = Mapping[str, Mapping[str, Any]]  # "Timeout" -> {"max": 900}


def validate(
    model: Any, params: Mapping[str, Any], bounds: Bounds | None = None, skip: tuple[str, ...] = ()
) -> None:
    """Raise ``ValidationException`` naming every parameter out of bounds.

    Services of the query protocol say ``ValidationError`` (quoted of Elastic Load Balancing's CreateTargetGroup).
    ``bounds`` are laid over the model's own (a model's maximum may be that of a special case). ``skip``: members
    that the caller judges itself.
    """
    if model.input_shape is None:
        return
    found = list(_structure(model.input_shape, params, "", bounds or {}, skip))
    if found:
        plural = "error" if len(found) == 1 else "errors"
        code = "ValidationError" if model.service_model.protocol == "query" else "ValidationException"
        raise AwsError(400, code, f"{len(found)} validation {plural} detected: {'; '.join(found)}")


def _structure(
    shape: Any, value: Mapping[str, Any], path: str, bounds: Bounds, skip: tuple[str, ...]
) -> Iterator[str]:
    for name, member in shape.members.items():
        if name in skip:
            continue
        where = f"{path}.{_lower(name)}" if path else _lower(name)
        if value.get(name) is None:
            if name in shape.required_members:
                yield _failed(None, where, "Member must not be null")
            continue
        yield from _member(member, value[name], where, {**member.metadata, **bounds.get(name, {})})


_PYTHON: Mapping[str, tuple[type, ...]] = {
    "string": (str, bytes),
    "list": (list, tuple),
    "map": (Mapping,),
    "structure": (Mapping,),
}


def _check_type(shape: Any, value: Any, where: str) -> None:
    """JSON of another type is not looked at any further; the words are UNSOURCED."""
    wanted = _PYTHON.get(shape.type_name)
    if wanted is not None and not isinstance(value, wanted):
        told = (
            f"'{where}': {json.dumps(value, default=str)[:100]} can not be converted to a {shape.type_name}"
        )
        raise AwsError(400, "SerializationException", told)


def _member(shape: Any, value: Any, where: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    _check_type(shape, value, where)
    for constraint in _broken(shape, value, metadata):
        yield _failed(value, where, constraint)
    if shape.type_name == "structure" and isinstance(value, Mapping):
        yield from _structure(shape, value, where, {}, ())
    elif shape.type_name == "list" and isinstance(value, list):
        inner = list(_elements(shape.member, value, where))
        yield from inner


def _elements(shape: Any, values: list[Any], where: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for index, value in enumerate(values, 1):
            yield from _member(shape, value, f"{where}.{index}.member", shape.metadata)
        return
    for value in values:
        _check_type(shape, value, where)
    constraints = _all_constraints(shape, shape.metadata)
    if constraints and any(list(_broken(shape, value, shape.metadata)) for value in values):
        yield _failed(values, where, f"Member must satisfy constraint: [{', '.join(constraints)}]")


def _broken(shape: Any, value: Any, metadata: Mapping[str, Any]) -> Iterator[str]:
    kind = shape.type_name
    if kind in ("integer", "long", "float", "double"):
        yield from _out_of_range(value, metadata, "value")
    elif kind in ("string", "list", "map", "blob"):
        yield from _out_of_range(len(value), metadata, "length")
    if kind == "string":
        allowed = metadata.get("enum")
        if allowed and value not in allowed:
            yield f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        pattern = metadata.get("pattern")
        if pattern and not _matches(pattern, value):
            yield f"Member must satisfy regular expression pattern: {pattern}"


def _out_of_range(number: float, metadata: Mapping[str, Any], what: str) -> Iterator[str]:
    if "max" in metadata and number > metadata["max"]:
        yield f"Member must have {what} less than or equal to {metadata['max']}"
    if "min" in metadata and number < metadata["min"]:
        yield f"Member must have {what} greater than or equal to {metadata['min']}"


def _all_constraints(shape: Any, metadata: Mapping[str, Any]) -> list[str]:
    texts = []
    what = "length" if shape.type_name == "string" else "value"
    if "max" in metadata:
        texts.append(f"Member must have {what} less than or equal to {metadata['max']}")
    if "min" in metadata:
        texts.append(f"Member must have {what} greater than or equal to {metadata['min']}")
    if metadata.get("enum"):
        texts.append(f"Member must satisfy enum value set: [{', '.join(metadata['enum'])}]")
    if metadata.get("pattern"):
        texts.append(f"Member must satisfy regular expression pattern: {metadata['pattern']}")
    return texts


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """``None`` for a pattern that only Java's regular expressions know (``\\p{L}``): it is not checked."""
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:
        return None


def _failed(value: Any, where: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{_java(value)}'"
    return f"Value {shown} at '{where}' failed to satisfy constraint: {constraint}"


def _java(value: Any) -> str:
    """A value as Java prints it."""
    if isinstance(value, list):
        return f"[{', '.join(_java(item) for item in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={_java(item)}" for key, item in value.items()) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    return str(value)


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
