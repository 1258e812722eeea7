"""Deployments and ReplicaSets: what Kubernetes' own controllers do, one look after every change.

Source: Kubernetes, "Deployments" (rolling update, revision annotation, progress deadline).
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

from sandbox.services.eks.api import Api
from sandbox.services.eks.kinds import DEPLOYMENT, POD, REPLICA_SET
from sandbox.services.eks.objects import Document, Objects, reference

_HASH = "pod-template-hash"
_REVISION = "deployment.kubernetes.io/revision"


class Workloads:
    """The controllers of one cluster."""

    def __init__(self, objects: Objects, api: Api) -> None:
        self._objects = objects
        self._api = api

    def look(self) -> None:
        """Bring what there is nearer to what is wanted."""
        for deployment in self._objects.all(DEPLOYMENT):
            self._deploy(deployment)
        for replicas in self._objects.all(REPLICA_SET):
            self._replicate(replicas)

    def under_way(self) -> bool:
        """Whether a deployment is not complete, and not given up."""
        return any(not complete(one) for one in self._objects.all(DEPLOYMENT))

    # -- ReplicaSets

    def _replicate(self, owner: Document) -> None:
        pods = [pod for pod in self._objects.owned(POD, owner) if "deletionTimestamp" not in pod["metadata"]]
        wanted = owner["spec"]["replicas"]
        for _ in range(wanted - len(pods)):
            template = owner["spec"]["template"]
            self._objects.add(
                POD,
                {
                    "metadata": {
                        **{k: v for k, v in template["metadata"].items() if k in ("labels", "annotations")},
                        "generateName": f"{owner['metadata']['name']}-",
                        "namespace": owner["metadata"]["namespace"],
                        "ownerReferences": [reference(owner)],
                    },
                    "spec": template["spec"],
                },
            )
        surplus = sorted(pods, key=_ready)[: max(len(pods) - wanted, 0)]  # those that are not ready first
        for pod in surplus:
            self._api.remove(POD, pod)
        pods = [pod for pod in self._objects.owned(POD, owner) if "deletionTimestamp" not in pod["metadata"]]
        self._status(owner, {"replicas": len(pods), **_counted(pods)}, REPLICA_SET)

    def _status(self, one: Document, counts: Document, kind: Any) -> None:
        made = {**(one.get("status") or {}), **counts, "observedGeneration": one["metadata"]["generation"]}
        if made != one.get("status"):
            one["status"] = made
            self._objects.changed(kind, one)

    # -- Deployments

    def _deploy(self, deployment: Document) -> None:
        spec = deployment["spec"]
        new = self._newest(deployment)
        old = [one for one in self._objects.owned(REPLICA_SET, deployment) if one is not new]
        if spec["strategy"]["type"] == "Recreate":
            for one in old:
                self._size(one, 0)
            if not any(self._objects.owned(POD, one) for one in old):
                self._size(new, spec["replicas"])
        else:
            self._roll(spec, new, old)
        self._tell(deployment, new, old)

    def _newest(self, deployment: Document) -> Document:
        """The ReplicaSet of the template that is wanted now."""
        template, metadata = deployment["spec"]["template"], deployment["metadata"]
        number = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
        known = self._objects.owned(REPLICA_SET, deployment)
        found = next((one for one in known if one["metadata"]["labels"][_HASH] == number), None)
        revision = str(1 + max((int(one["metadata"]["annotations"][_REVISION]) for one in known), default=0))
        if found is not None:
            if found is not max(known, key=lambda one: int(one["metadata"]["annotations"][_REVISION])):
                found["metadata"]["annotations"][_REVISION] = revision  # rolled back
                self._objects.changed(REPLICA_SET, found)
            return found
        labels = {**(template["metadata"].get("labels") or {}), _HASH: number}
        pairs = {**(deployment["spec"]["selector"].get("matchLabels") or {}), _HASH: number}
        return self._objects.add(
            REPLICA_SET,
            {
                "metadata": {
                    "name": f"{metadata['name']}-{number}",
                    "namespace": metadata["namespace"],
                    "labels": labels,
                    "annotations": {_REVISION: revision},
                    "ownerReferences": [reference(deployment)],
                },
                "spec": {
                    "replicas": 0,
                    "selector": {**deployment["spec"]["selector"], "matchLabels": pairs},
                    "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
                },
            },
        )

    def _roll(self, spec: Document, new: Document, old: list[Document]) -> None:
        wanted, rolling = spec["replicas"], spec["strategy"]["rollingUpdate"]
        surge = _share(rolling["maxSurge"], wanted, math.ceil)
        missing = _share(rolling["maxUnavailable"], wanted, math.floor)
        if surge == 0 and missing == 0:
            missing = 1  # as Kubernetes resolves it: neither would end never
        sizes = sum(one["spec"]["replicas"] for one in old)
        room = wanted + surge - sizes - new["spec"]["replicas"]
        if new["spec"]["replicas"] > wanted:
            self._size(new, wanted)
        elif room > 0:
            self._size(new, min(wanted, new["spec"]["replicas"] + room))
        available = {id(one): sum(map(_ready, self._objects.owned(POD, one))) for one in (new, *old)}
        spare = sum(available.values()) - (wanted - missing)
        for one in old:
            broken = one["spec"]["replicas"] - available[id(one)]
            fewer = min(one["spec"]["replicas"], max(broken, 0) + max(spare, 0))
            spare -= max(fewer - max(broken, 0), 0)
            self._size(one, one["spec"]["replicas"] - fewer)

    def _size(self, one: Document, replicas: int) -> None:
        if one["spec"]["replicas"] != replicas:
            one["spec"]["replicas"] = replicas
            one["metadata"]["generation"] += 1
            self._objects.changed(REPLICA_SET, one)

    def _tell(self, deployment: Document, new: Document, old: list[Document]) -> None:
        mine = self._living(new)
        pods = [*mine, *(pod for one in old for pod in self._living(one))]
        counts = {"replicas": len(pods), "updatedReplicas": len(mine), **_counted(pods)}
        wanted, spec = deployment["spec"]["replicas"], deployment["spec"]
        missing = 0
        if spec["strategy"]["type"] == "RollingUpdate":
            missing = _share(spec["strategy"]["rollingUpdate"]["maxUnavailable"], wanted, math.floor)
        done = len(pods) == len(mine) == wanted and counts["readyReplicas"] == wanted
        conditions = [
            _condition(
                "Available", counts["availableReplicas"] >= wanted - missing, "MinimumReplicasAvailable"
            ),
            _condition("Progressing", True, "NewReplicaSetAvailable" if done else "ReplicaSetUpdated"),
        ]
        counts["unavailableReplicas"] = max(wanted - counts["availableReplicas"], 0)
        self._status(deployment, {**counts, "conditions": conditions}, DEPLOYMENT)
        annotations = deployment["metadata"].setdefault("annotations", {})
        revision = new["metadata"]["annotations"][_REVISION]
        if annotations.get(_REVISION) != revision:
            annotations[_REVISION] = revision
            self._objects.changed(DEPLOYMENT, deployment)

    def _living(self, owner: Document) -> list[Document]:
        return [pod for pod in self._objects.owned(POD, owner) if "deletionTimestamp" not in pod["metadata"]]


def complete(deployment: Document) -> bool:
    """Whether all its pods are of its template, and ready."""
    status, wanted = deployment.get("status") or {}, deployment["spec"]["replicas"]
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")]
    return counts == [wanted] * 3 and status.get("observedGeneration") == deployment["metadata"]["generation"]


def _condition(name: str, met: bool, reason: str) -> Document:
    return {"type": name, "status": "True" if met else "False", "reason": reason}


def _ready(pod: Document) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _counted(pods: list[Document]) -> Document:
    ready = sum(map(_ready, pods))
    return {"readyReplicas": ready, "availableReplicas": ready}


def _share(given: int | str, of: int, rounded: Any) -> int:
    """A number, or a share such as ``25%``."""
    text = str(given)
    return int(rounded(of * int(text[:-1]) / 100)) if text.endswith("%") else int(text)
