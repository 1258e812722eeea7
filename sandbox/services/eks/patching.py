"""Patches: merge (RFC 7386), JSON (RFC 6902) and Kubernetes' strategic merge, which knows its lists by their keys."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sandbox.services.eks.status import StatusError, bad_request, not_emulated

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
# Lists that are merged element by element, and what tells elements apart (patchMergeKey in Kubernetes' API types).
_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",), "initContainers": ("name",), "env": ("name",), "volumes": ("name",),
    "volumeMounts": ("mountPath",), "ports": ("containerPort", "port"), "conditions": ("type",),
    "ownerReferences": ("uid",), "imagePullSecrets": ("name",),
}  # fmt: skip


def patched(before: Any, patch: Any, content_type: str) -> Any:
    """A changed copy. Raises :class:`StatusError`. A server-side apply changes what it names; nobody owns fields."""
    kind = content_type.partition(";")[0].strip()
    if kind == JSON:
        return _json(copy.deepcopy(before), patch)
    if kind == MERGE:
        return _merge(before, patch, strategic=False)
    if kind in (STRATEGIC, APPLY):
        return _merge(before, patch, strategic=True)
    known = ", ".join((JSON, MERGE, STRATEGIC, APPLY))
    raise StatusError(
        415,
        "UnsupportedMediaType",
        f"the body of the request was in an unknown format - accepted media types include: {known}",
    )


def _merge(before: Any, patch: Any, *, strategic: bool) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    made = dict(before) if isinstance(before, dict) else {}
    if strategic and made and patch.get("$patch") == "replace":
        made = {}
    for name, value in patch.items():
        if strategic and name.startswith("$"):
            if name != "$patch":
                raise not_emulated(f"{name} in a patch")
        elif value is None:
            made.pop(name, None)
        elif strategic and name in _KEYS and isinstance(value, list) and isinstance(made.get(name), list):
            made[name] = _merge_list(made[name], value, _KEYS[name])
        else:
            made[name] = _merge(made.get(name), value, strategic=strategic)
    return made


def _merge_list(before: list[Any], patch: list[Any], keys: tuple[str, ...]) -> list[Any]:
    made = list(before)
    for one in patch:
        key = next((name for name in keys if name in one), keys[0])
        place = next((n for n, other in enumerate(made) if other.get(key) == one.get(key)), None)
        if one.get("$patch") == "delete":
            made = [other for other in made if other.get(key) != one.get(key)]
        elif place is None:
            made.append(_merge(None, one, strategic=True))
        else:
            made[place] = _merge(made[place], one, strategic=True)
    return made


def _json(document: Any, patch: Any) -> Any:
    if not isinstance(patch, list):
        raise bad_request("a JSON patch is a list of operations")
    for one in patch:
        try:
            parts = [p.replace("~1", "/").replace("~0", "~") for p in one["path"].split("/")[1:]]
            holder = document
            for part in parts[:-1]:
                holder = holder[int(part)] if isinstance(holder, list) else holder[part]
            _operate(holder, parts[-1], one)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise StatusError(
                422, "Invalid", f"the JSON patch cannot be applied: {one}: {error!r}"
            ) from error
    return document


def _operate(holder: Any, last: str, one: Mapping[str, Any]) -> None:
    place: Any = last
    if isinstance(holder, list):
        place = len(holder) if last == "-" else int(last)
    if one["op"] == "add" and isinstance(holder, list):
        holder.insert(place, one["value"])
    elif one["op"] == "add":
        holder[place] = one["value"]
    elif one["op"] == "replace":
        holder[place]  # it must be there
        holder[place] = one["value"]
    elif one["op"] == "remove":
        del holder[place]
    elif one["op"] == "test":
        if holder[place] != one["value"]:
            raise ValueError("the test failed")
    else:
        raise not_emulated(f"the operation {one['op']} of a JSON patch")
