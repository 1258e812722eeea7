"""The kinds of objects that there are, and how discovery tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind. ``subresources``: paths below an object."""

    group: str  # "" is the core group
    version: str
    kind: str
    plural: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    subresources: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """``v1``, ``apps/v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def named(self) -> str:
        """As messages name it: ``pods``, ``deployments.apps``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


NAMESPACE = Kind("", "v1", "Namespace", "namespaces", ("ns",), namespaced=False)
POD = Kind("", "v1", "Pod", "pods", ("po",), subresources=("log", "status"))
SERVICE = Kind("", "v1", "Service", "services", ("svc",))
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps", ("cm",))
SECRET = Kind("", "v1", "Secret", "secrets")
EVENT = Kind("", "v1", "Event", "events", ("ev",))
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments", ("deploy",), subresources=("scale", "status"))
REPLICA_SET = Kind("apps", "v1", "ReplicaSet", "replicasets", ("rs",), subresources=("scale", "status"))
INGRESS = Kind("networking.k8s.io", "v1", "Ingress", "ingresses", ("ing",), subresources=("status",))
KINDS = (NAMESPACE, POD, SERVICE, CONFIG_MAP, SECRET, EVENT, DEPLOYMENT, REPLICA_SET, INGRESS)
GROUPS = {kind.group: kind.version for kind in KINDS if kind.group}


def find(group: str, version: str, plural: str) -> Kind | None:
    """By its address."""
    return next((k for k in KINDS if (k.group, k.version, k.plural) == (group, version, plural)), None)


def discovery(path: str) -> Mapping[str, Any] | None:
    """What ``/api``, ``/apis``, ``/api/v1`` and ``/apis/<group>[/<version>]`` answer; ``None`` for another path."""
    parts = path.strip("/").split("/")
    if parts == ["api"]:
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if parts == ["apis"]:
        groups = [_group(group) for group in GROUPS]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    if parts == ["api", "v1"]:
        return _resources("")
    if parts[0] == "apis" and len(parts) in (2, 3) and parts[1] in GROUPS:
        if len(parts) == 2:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(parts[1])}
        return _resources(parts[1]) if parts[2] == GROUPS[parts[1]] else None
    return None


def _group(group: str) -> dict[str, Any]:
    version = {"groupVersion": f"{group}/{GROUPS[group]}", "version": GROUPS[group]}
    return {"name": group, "versions": [version], "preferredVersion": version}


def _resources(group: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    for kind in KINDS:
        if kind.group != group:
            continue
        same = {"namespaced": kind.namespaced, "kind": kind.kind}
        found.append(
            {
                "name": kind.plural,
                "singularName": kind.kind.lower(),
                **same,
                "verbs": VERBS,
                "shortNames": list(kind.short),
            }
        )
        found += [
            {"name": f"{kind.plural}/{sub}", "singularName": "", **same, "verbs": ["get"]}
            for sub in kind.subresources
        ]
    version = f"{group}/{GROUPS[group]}" if group else "v1"
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": found}
