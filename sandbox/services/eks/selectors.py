"""Selectors: labels in a query and in objects, and the two fields that everybody selects by."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.services.eks.status import bad_request, not_emulated

Labels = Mapping[str, str]
_SET = re.compile(r"^(?P<key>[^\s!=,()]+)\s+(?P<how>in|notin)\s*\((?P<values>[^)]*)\)$")
_PAIR = re.compile(r"^(?P<key>[^\s!=,()]+)\s*(?P<how>==|=|!=)\s*(?P<value>[^\s,()]*)$")


@dataclass(frozen=True, slots=True)
class Selection:
    """What a list or a watch asks for."""

    labels: tuple[Callable[[Labels], bool], ...] = ()
    fields: tuple[tuple[str, str, bool], ...] = ()  # path, value, whether it must be equal

    def takes(self, one: Mapping[str, Any]) -> bool:
        """Whether an object is asked for."""
        labels = one["metadata"].get("labels") or {}
        if not all(test(labels) for test in self.labels):
            return False
        return all((_value(one, path) == value) == equal for path, value, equal in self.fields)


def selection(labels: str, fields: str) -> Selection:
    """From ``labelSelector`` and ``fieldSelector``. Raises :class:`StatusError`."""
    return Selection(tuple(map(_requirement, _split(labels))), tuple(map(_field, _split(fields))))


def _split(text: str) -> list[str]:
    """At the commas outside parentheses."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _requirement(text: str) -> Callable[[Labels], bool]:
    if found := _SET.match(text):
        key, inside = found["key"], found["how"] == "in"
        values = {value.strip() for value in found["values"].split(",")}
        return lambda labels: (labels.get(key) in values) == inside
    if found := _PAIR.match(text):
        key, value, equal = found["key"], found["value"], found["how"] != "!="
        return lambda labels: (labels.get(key) == value) == equal
    name = text.removeprefix("!").strip()
    if not re.fullmatch(r"[^\s!=,()]+", name):
        raise bad_request(f"unable to parse requirement: {text!r}")
    there = not text.startswith("!")
    return lambda labels: (name in labels) == there


def _field(text: str) -> tuple[str, str, bool]:
    found = re.match(r"^([A-Za-z.]+)(==|=|!=)(.*)$", text)
    if found is None:
        raise bad_request(f"invalid field selector: {text!r}")
    known = (
        "metadata.name",
        "metadata.namespace",
        "status.phase",
        "involvedObject.name",
        "involvedObject.uid",
    )
    if found[1] not in known:
        raise not_emulated(f"the field selector {found[1]}: there is {', '.join(known)}")
    return found[1], found[3], found[2] != "!="


def _value(one: Mapping[str, Any], path: str) -> str:
    here: Any = one
    for part in path.split("."):
        here = (here or {}).get(part)
    return str(here or "")


def matches(selector: Mapping[str, Any], labels: Labels) -> bool:
    """Whether the selector of an object (``matchLabels`` and ``matchExpressions``) takes labels."""
    pairs = (selector.get("matchLabels") or {}).items()
    if not all(labels.get(name) == value for name, value in pairs):
        return False
    return all(_expression(one, labels) for one in selector.get("matchExpressions") or [])


def _expression(one: Mapping[str, Any], labels: Labels) -> bool:
    key, values = one["key"], one.get("values") or []
    met: dict[str, bool] = {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }
    if one.get("operator") not in met:
        raise bad_request(f"{one.get('operator')!r} is not a valid label selector operator")
    return met[one["operator"]]
