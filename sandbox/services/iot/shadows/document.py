"""A shadow's document: how an update changes it, what differs, and when each value was last written.

The rules are the developer guide's ("Device Shadow service documents"); where it is silent, those of AWS's shadow
service for Greengrass (github.com/aws-greengrass/aws-greengrass-shadow-manager): lists have a time for each element,
and the size is that of both sections. UNSOURCED: that an empty object adds nothing and takes nothing away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SECTIONS = ("desired", "reported")
_UNTOUCHED = object()


@dataclass(frozen=True, slots=True)
class Document:
    """``state`` and ``metadata``: by section, empty ones left out. ``version``: 0 for none yet."""

    version: int = 0
    state: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def updated(self, patch: Mapping[str, Any] | None, now_s: int, version: int) -> Document:
        """The document after an update; ``None`` empties it."""
        state: dict[str, Any] = {} if patch is None else dict(self.state)
        metadata: dict[str, Any] = {} if patch is None else dict(self.metadata)
        for section in SECTIONS:
            if patch is None or section not in patch:
                continue
            value, times = merged(state.pop(section, None), patch[section]), metadata.pop(section, None)
            if value:
                state[section] = value
                metadata[section] = _timed(value, patch[section], times, now_s)
        return Document(version, state, metadata)

    @property
    def size(self) -> int:
        """Bytes that count towards the limit: those of the sections, without metadata."""
        return sum(len(dumped(self.state[section])) for section in SECTIONS if section in self.state)

    def delta(self) -> tuple[Any, Any] | None:
        """What is desired and not reported so, and its times; ``None`` when there is nothing."""
        desired = self.state.get("desired")
        differing = _differing(desired, self.state.get("reported")) if desired else None
        return (differing, _like(self.metadata.get("desired"), differing)) if differing else None

    def shown(self) -> dict[str, Any]:
        """State and metadata, and the version if there is one."""
        told: dict[str, Any] = {"state": dict(self.state), "metadata": dict(self.metadata)}
        return told | ({"version": self.version} if self.version else {})


def dumped(value: Any) -> bytes:
    """JSON as it is sent."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def stamped(value: Any, now_s: int) -> Any:
    """The metadata of a value: its form, with a time in place of each leaf."""
    if isinstance(value, Mapping):
        return {name: stamped(one, now_s) for name, one in value.items()}
    if isinstance(value, list):
        return [stamped(one, now_s) for one in value]
    return {"timestamp": now_s}


def merged(old: Any, new: Any) -> Any:
    """An object merged into another; null takes away, anything but an object replaces. ``None``: nothing is left."""
    if not isinstance(new, Mapping):
        return new
    found = dict(old) if isinstance(old, Mapping) else {}
    for name, value in new.items():
        left = merged(found.get(name), value)
        found.pop(name, None)
        if left is not None and left != {}:
            found[name] = left
    return found


def _timed(value: Any, patch: Any, old: Any, now_s: int) -> Any:
    """The metadata of what an update left: new where the update said something, else as it was."""
    if patch is _UNTOUCHED:
        return old
    if not isinstance(value, Mapping):
        return stamped(value, now_s)
    before = old if isinstance(old, Mapping) else {}
    return {
        name: _timed(one, patch.get(name, _UNTOUCHED), before.get(name), now_s) for name, one in value.items()
    }


def _like(times: Any, value: Any) -> Any:
    """The part of the metadata that belongs to a value."""
    if isinstance(value, Mapping) and isinstance(times, Mapping):
        return {name: _like(times.get(name), one) for name, one in value.items()}
    return times


def _differing(desired: Any, reported: Any) -> Any:
    """The part of what is desired that is not reported; ``None`` when all of it is."""
    if isinstance(desired, Mapping) and isinstance(reported, Mapping):
        parts = {name: _differing(value, reported.get(name)) for name, value in desired.items()}
        return {name: part for name, part in parts.items() if part is not None} or None
    same = desired == reported and isinstance(desired, bool) == isinstance(reported, bool)
    return None if same else desired
