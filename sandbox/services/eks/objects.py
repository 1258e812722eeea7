"""The objects of one cluster: their versions, who watches them, and what goes with its owner."""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.context import Sandbox
from sandbox.control.changes import Changes
from sandbox.services.eks.kinds import NAMESPACE, Kind
from sandbox.services.eks.selectors import Selection

Document = dict[str, Any]
_REMEMBERED = 1000  # events, for watches that begin in the past


@dataclass(frozen=True, slots=True)
class Event:
    """A change: ADDED, MODIFIED or DELETED."""

    type: str
    kind: Kind
    object: Document
    version: int


@dataclass(slots=True)
class Objects:
    """Objects by kind, namespace and name. ``changes``: told after every change, for the controllers."""

    sandbox: Sandbox
    changes: Changes = field(default_factory=Changes)
    version: int = 0
    _by_kind: dict[str, dict[tuple[str, str], Document]] = field(default_factory=dict)
    _events: deque[Event] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _watches: set[asyncio.Queue[Event | None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        for name in ("default", "kube-system"):
            self.add(NAMESPACE, {"metadata": {"name": name}, "status": {"phase": "Active"}})

    def get(self, kind: Kind, namespace: str, name: str) -> Document | None:
        """An object, not a copy of it."""
        return self._by_kind.get(kind.plural, {}).get((namespace, name))

    def all(self, kind: Kind, namespace: str | None = None) -> list[Document]:
        """The objects of a kind, the oldest first."""
        known = self._by_kind.get(kind.plural, {})
        return [one for (where, _), one in known.items() if namespace in (None, where)]

    def owned(self, kind: Kind, owner: Document) -> list[Document]:
        """Those that belong to another object."""
        uid = owner["metadata"]["uid"]
        return [one for one in self.all(kind) if uid in owner_ids(one)]

    def add(self, kind: Kind, given: Document) -> Document:
        """A new object, completed."""
        made = {"apiVersion": kind.api_version, "kind": kind.kind, **copy.deepcopy(given)}
        metadata: Document = made.setdefault("metadata", {})
        if "name" not in metadata:
            metadata["name"] = (
                f"{metadata['generateName']}{self.sandbox.ids.text(5, 'bcdfghjklmnpqrstvwxz2456789')}"
            )
        metadata |= {"uid": self.sandbox.ids.uuid(), "creationTimestamp": self.stamp(), "generation": 1}
        self._by_kind.setdefault(kind.plural, {})[_key(made)] = made
        self._tell("ADDED", kind, made)
        return made

    def changed(self, kind: Kind, one: Document) -> None:
        """An object was written to."""
        self._tell("MODIFIED", kind, one)

    def remove(self, kind: Kind, one: Document) -> None:
        """An object is gone."""
        if self._by_kind.get(kind.plural, {}).pop(_key(one), None) is not None:
            self._tell("DELETED", kind, one)

    def _tell(self, event: str, kind: Kind, one: Document) -> None:
        self.version += 1
        one["metadata"]["resourceVersion"] = str(self.version)
        made = Event(event, kind, copy.deepcopy(one), self.version)
        self._events.append(made)
        for watch in self._watches:
            watch.put_nowait(made)
        self.changes.tell()

    def stamp(self) -> str:
        """Now, as Kubernetes writes it."""
        return self.sandbox.clock.utcnow().strftime("%Y-%m-%dT%H:%M:%SZ")

    # -- watching

    def since(self, version: int) -> list[Event] | None:
        """What happened after a version; ``None`` when that is not known any more."""
        if self._events and version < self._events[0].version - 1:
            return None
        return [one for one in self._events if one.version > version]

    def watch(self) -> asyncio.Queue[Event | None]:
        """Later changes; ``None`` is the end."""
        made: asyncio.Queue[Event | None] = asyncio.Queue()
        self._watches.add(made)
        return made

    def unwatch(self, watch: asyncio.Queue[Event | None]) -> None:
        """Nobody reads them any more."""
        self._watches.discard(watch)

    def close(self) -> None:
        """The cluster is gone."""
        for watch in self._watches:
            watch.put_nowait(None)


def _key(one: Document) -> tuple[str, str]:
    return one["metadata"].get("namespace", ""), one["metadata"]["name"]


def owner_ids(one: Document) -> set[str]:
    """The ids of its owners."""
    return {owner["uid"] for owner in one["metadata"].get("ownerReferences") or []}


def reference(owner: Document) -> Document:
    """A reference to the controller of an object."""
    metadata = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def chosen(found: list[Document], selection: Selection) -> Iterator[Document]:
    """Those that a selection takes."""
    return (one for one in found if selection.takes(one))
