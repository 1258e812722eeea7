"""The verbs on objects: what a request means, and the document that answers it."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.services.eks.admission import admitted
from sandbox.services.eks.kinds import (
    DEPLOYMENT,
    INGRESS,
    KINDS,
    NAMESPACE,
    POD,
    REPLICA_SET,
    SERVICE,
    Kind,
    find,
)
from sandbox.services.eks.objects import Document, Event, Objects
from sandbox.services.eks.patching import APPLY, patched
from sandbox.services.eks.selectors import Selection, selection
from sandbox.services.eks.status import StatusError, bad_request, conflict, exists, not_emulated, not_found

# What the status of a new object is, before a controller has seen it.
_STATUS: Mapping[Kind, Document] = {
    INGRESS: {"loadBalancer": {}}, SERVICE: {"loadBalancer": {}}, POD: {"phase": "Pending"}, DEPLOYMENT: {},
    REPLICA_SET: {"replicas": 0},
}  # fmt: skip
_OWN = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: a kind, a namespace ("" for all), an object, and what is below it."""

    kind: Kind
    namespace: str
    name: str
    sub: str


def place(path: str) -> Place:
    """From a path below ``/api`` or ``/apis``. Raises :class:`StatusError`."""
    parts = [part for part in path.split("/") if part]
    head, rest = (parts[:2], parts[2:]) if parts[:1] == ["api"] else (parts[:3], parts[3:])
    group, version = (head[1], head[2]) if len(head) == 3 else ("", head[-1])
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces" and find(group, version, rest[2]):
        namespace, rest = rest[1], rest[2:]
    kind = find(group, version, rest[0]) if rest else None
    if kind is None:
        raise StatusError(404, "NotFound", "the server could not find the requested resource")
    name, sub = (*rest[1:], "", "")[:2]
    if sub and sub not in kind.subresources:
        raise not_emulated(f"{kind.plural}/{sub}")
    return Place(kind, namespace, name, sub)


class Api:
    """The verbs on the objects of a cluster."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects

    def found(self, where: Place) -> Document:
        """The object at a place. Raises :class:`StatusError`."""
        one = self.objects.get(where.kind, where.namespace, where.name)
        if one is None:
            raise not_found(where.kind, where.name)
        return one

    def get(self, where: Place) -> Document:
        """An object, or its scale."""
        one = self.found(where)
        return _scale(one) if where.sub == "scale" else one

    def listed(self, where: Place, query: Mapping[str, str]) -> Document:
        """A list."""
        chosen = _selection(query)
        found = self.objects.all(where.kind, where.namespace or None)
        return {
            "kind": f"{where.kind.kind}List",
            "apiVersion": where.kind.api_version,
            "metadata": {"resourceVersion": str(self.objects.version)},
            "items": [one for one in found if chosen.takes(one)],
        }

    def create(self, where: Place, given: Document, dry: bool) -> Document:
        """A new object."""
        kind = where.kind
        metadata = _body_of(kind, given)
        if kind.namespaced:
            namespace = where.namespace or "default"
            if metadata.setdefault("namespace", namespace) != namespace:
                told = "the namespace of the provided object does not match the namespace sent on the request"
                raise bad_request(told)
            home = self.objects.get(NAMESPACE, "", namespace)
            if home is None:
                raise not_found(NAMESPACE, namespace)
        if self.objects.get(kind, metadata.get("namespace", ""), metadata.get("name", "")) is not None:
            raise exists(kind, metadata["name"])
        made = admitted(kind, copy.deepcopy(given))
        if kind in _STATUS:
            made["status"] = copy.deepcopy(_STATUS[kind])
        return made if dry else self.objects.add(kind, made)

    def replace(self, where: Place, given: Document, dry: bool) -> Document:
        """A whole new version."""
        before = self.found(where)
        version = (given.get("metadata") or {}).get("resourceVersion")
        if version not in (None, "", before["metadata"]["resourceVersion"]):
            raise conflict(where.kind, where.name)
        if where.sub == "scale":
            return self._scaled(where, before, given, dry)
        return self._written(where, before, given, dry)

    def patch(self, where: Place, patch: Any, content_type: str, dry: bool) -> Document:
        """A partial new version; an apply creates what there is not."""
        before = self.objects.get(where.kind, where.namespace, where.name)
        if before is None and content_type.startswith(APPLY):
            patch.setdefault("metadata", {}).setdefault("name", where.name)
            return self.create(where, patch, dry)
        before = self.found(where)
        if where.sub == "scale":
            return self._scaled(where, before, patched(_scale(before), patch, content_type), dry)
        return self._written(where, before, patched(before, patch, content_type), dry)

    def _written(self, where: Place, before: Document, given: Document, dry: bool) -> Document:
        kind = where.kind
        _body_of(kind, given)
        made = copy.deepcopy(before)
        if where.sub == "status":
            made["status"] = given.get("status", {})
        else:
            kept = {name: before["metadata"][name] for name in _OWN if name in before["metadata"]}
            made = {**copy.deepcopy(given), "apiVersion": kind.api_version, "kind": kind.kind}
            made["metadata"] = {**made["metadata"], **kept, "name": where.name}
            if kind.namespaced:
                made["metadata"]["namespace"] = where.namespace
            made = admitted(kind, made)
            made["status"] = before.get("status", {})
            if kind is POD and made["spec"] != before["spec"]:
                told = "pod updates may not change fields other than its metadata"
                raise StatusError(422, "Invalid", f'Pod "{where.name}" is invalid: spec: Forbidden: {told}')
            if made.get("spec") != before.get("spec"):
                made["metadata"]["generation"] = before["metadata"]["generation"] + 1
        made["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
        if dry or made == before:
            return made
        before.clear()
        before.update(made)
        self.objects.changed(kind, before)
        return before

    def _scaled(self, where: Place, before: Document, given: Document, dry: bool) -> Document:
        replicas = (given.get("spec") or {}).get("replicas", 0)
        made = {**before, "spec": {**before["spec"], "replicas": replicas}}
        return _scale(self._written(Place(where.kind, where.namespace, where.name, ""), before, made, dry))

    # -- deletion

    def delete(self, where: Place, options: Mapping[str, Any]) -> Document:
        """Delete an object, and what belongs to it."""
        one = self.found(where)
        self.remove(where.kind, one, options)
        if where.kind is POD:
            return one
        details = {"name": where.name, "group": where.kind.group, "kind": where.kind.plural}
        details["uid"] = one["metadata"]["uid"]
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}

    def delete_all(self, where: Place, query: Mapping[str, str], options: Mapping[str, Any]) -> Document:
        """Delete those that a selection takes."""
        listed = self.listed(where, query)
        for one in listed["items"]:
            self.remove(where.kind, one, options)
        return listed

    def remove(self, kind: Kind, one: Document, options: Mapping[str, Any] | None = None) -> None:
        """Delete an object. A pod is gone when its task has ended."""
        if kind is POD:
            metadata = one["metadata"]
            if "deletionTimestamp" not in metadata:
                grace = (options or {}).get("gracePeriodSeconds")
                grace = one["spec"]["terminationGracePeriodSeconds"] if grace is None else grace
                metadata |= {"deletionTimestamp": self.objects.stamp(), "deletionGracePeriodSeconds": grace}
                self.objects.changed(kind, one)
            return
        self.objects.remove(kind, one)
        if kind is NAMESPACE:
            self._empty(one["metadata"]["name"])
        if (options or {}).get("propagationPolicy") != "Orphan":
            for below in (REPLICA_SET, POD):
                for child in self.objects.owned(below, one):
                    self.remove(below, child)

    def _empty(self, namespace: str) -> None:
        for kind in KINDS:
            if kind.namespaced and kind is not POD:
                for one in self.objects.all(kind, namespace):
                    self.remove(kind, one)
        for pod in self.objects.all(POD, namespace):
            self.remove(POD, pod)

    # -- watching

    async def watch(self, where: Place, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Changes, one line each, until ``timeoutSeconds`` are over."""
        chosen, objects = _selection(query), self.objects
        version = query.get("resourceVersion", "")
        queue = objects.watch()
        seconds = query.get("timeoutSeconds", "")
        try:
            past = objects.since(int(version)) if version.isdigit() and version != "0" else self._now(where)
            if past is None:
                gone = StatusError(410, "Expired", f"too old resource version: {version} ({objects.version})")
                yield _line("ERROR", gone.document)
                return
            for event in past:
                if _concerns(where, chosen, event):
                    yield _line(event.type, event.object)
            async with asyncio.timeout(int(seconds) if seconds.isdigit() and seconds != "0" else None):
                while (event_ := await queue.get()) is not None:
                    if _concerns(where, chosen, event_):
                        yield _line(event_.type, event_.object)
        except TimeoutError:
            return
        finally:
            objects.unwatch(queue)

    def _now(self, where: Place) -> list[Event]:
        found = self.objects.all(where.kind, where.namespace or None)
        return [Event("ADDED", where.kind, copy.deepcopy(one), self.objects.version) for one in found]


def _concerns(where: Place, chosen: Selection, event: Event) -> bool:
    here = where.namespace in ("", event.object["metadata"].get("namespace"))
    named = where.name in ("", event.object["metadata"]["name"])
    return event.kind is where.kind and here and named and chosen.takes(event.object)


def _line(event: str, one: Document) -> bytes:
    return json.dumps({"type": event, "object": one}).encode() + b"\n"


def _selection(query: Mapping[str, str]) -> Selection:
    return selection(query.get("labelSelector", ""), query.get("fieldSelector", ""))


def _body_of(kind: Kind, given: Document) -> Document:
    """The metadata of an object that was sent. Raises :class:`StatusError`."""
    if (
        given.get("kind", kind.kind) != kind.kind
        or given.get("apiVersion", kind.api_version) != kind.api_version
    ):
        sent = f"{given.get('apiVersion')} {given.get('kind')}"
        raise bad_request(
            f"the object is a {sent}, and this is the address of {kind.api_version} {kind.kind}"
        )
    metadata = given.setdefault("metadata", {})
    if not isinstance(metadata, dict) or not (metadata.get("name") or metadata.get("generateName")):
        raise StatusError(
            422, "Invalid", f"{kind.kind} is invalid: metadata.name: name or generateName is required"
        )
    return metadata


def _scale(one: Document) -> Document:
    metadata, kinds = one["metadata"], (DEPLOYMENT.kind, REPLICA_SET.kind)
    assert one["kind"] in kinds
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    labels = one["spec"]["selector"].get("matchLabels") or {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in kept},
        "spec": {"replicas": one["spec"]["replicas"]},
        "status": {
            "replicas": (one.get("status") or {}).get("replicas", 0),
            "selector": ",".join(f"{name}={value}" for name, value in labels.items()),
        },
    }
