"""Patch operations, as API Gateway's Update calls take them.

Source: API Gateway REST API Reference, "PatchOperation". Values are texts; ``/`` and ``~`` in a key of a path are
written ``~1`` and ``~0`` (RFC 6901).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.cloudformation.template.intrinsics import text
from sandbox.control.cloudformation.types.base import Request, document, tags_changed

Patch = dict[str, str]


def escape(key: str) -> str:
    """A key as part of a path."""
    return key.replace("~", "~0").replace("/", "~1")


def scalars(r: Request, names: str, **paths: str) -> list[Patch]:
    """Changed scalars. A property ``BinaryName`` stands at ``/binaryName`` unless ``paths`` says otherwise."""
    where = {name: f"/{name[0].lower()}{name[1:]}" for name in names.split()} | paths
    patches: list[Patch] = []
    for name, path in where.items():
        if not r.changed(name):
            continue
        value = r.get(name)
        if value is None:
            patches.append({"op": "replace", "path": path, "value": ""})
        else:
            patches.append({"op": "replace", "path": path, "value": _value(value)})
    return patches


def _value(value: Any) -> str:
    return document(value) if isinstance(value, dict) else text(value)


def mapping(path: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> list[Patch]:
    """Changed entries of a map."""
    old, new = old or {}, new or {}
    patches = [
        {"op": "replace", "path": f"{path}/{escape(key)}", "value": _value(value)}
        for key, value in new.items()
        if old.get(key) != value
    ]
    return patches + [{"op": "remove", "path": f"{path}/{escape(key)}"} for key in old if key not in new]


def members(path: str, old: list[Any] | None, new: list[Any] | None) -> list[Patch]:
    """Added and removed items of a set that is written as keys of a path (``/binaryMediaTypes/image~1png``)."""
    old, new = old or [], new or []
    patches = [{"op": "add", "path": f"{path}/{escape(text(item))}"} for item in new if item not in old]
    return patches + [
        {"op": "remove", "path": f"{path}/{escape(text(item))}"} for item in old if item not in new
    ]


def values(path: str, old: list[Any] | None, new: list[Any] | None) -> list[Patch]:
    """Added and removed items of a list whose items are the patches' values (``/providerARNs``)."""
    old, new = old or [], new or []
    patches = [{"op": "add", "path": path, "value": text(item)} for item in new if item not in old]
    return patches + [{"op": "remove", "path": path, "value": text(item)} for item in old if item not in new]


async def retag(r: Request, arn: str) -> None:
    """Bring a resource's tags to the wanted ones."""
    added, removed = tags_changed(r)
    if added:
        tags = {tag["Key"]: tag["Value"] for tag in added}
        await r.call("apigateway", "TagResource", resourceArn=arn, tags=tags)
    if removed:
        await r.call("apigateway", "UntagResource", resourceArn=arn, tagKeys=removed)
