"""What an object must be to be taken, and what it gets when it says nothing.

Source: Kubernetes API reference, v1.33 (defaults of Deployment, Pod, Service and Ingress).
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.services.eks.kinds import (
    DEPLOYMENT,
    EVENT,
    INGRESS,
    NAMESPACE,
    POD,
    REPLICA_SET,
    SECRET,
    SERVICE,
    Kind,
)
from sandbox.services.eks.objects import Document
from sandbox.services.eks.selectors import matches
from sandbox.services.eks.status import invalid, not_emulated

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_POD_NOT = (
    "volumes",
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "hostAliases",
    "ephemeralContainers",
    "resourceClaims",
)
_CONTAINER_NOT = ("volumeMounts", "volumeDevices", "lifecycle", "startupProbe")


def admitted(kind: Kind, given: Document) -> Document:
    """The object, completed. Raises :class:`StatusError`."""
    name = given["metadata"].get("name") or given["metadata"].get("generateName", "")
    if not _NAME.fullmatch(name.rstrip("-") if "name" not in given["metadata"] else name):
        raise invalid(kind, name, "metadata.name", f'Invalid value: "{name}": a lowercase RFC 1123 subdomain')
    if kind in (POD, SERVICE, DEPLOYMENT, REPLICA_SET, INGRESS) and not isinstance(given.get("spec"), dict):
        raise invalid(kind, name, "spec", "Required value")
    if kind is POD:
        _pod(kind, name, given["spec"], "spec")
    elif kind in (DEPLOYMENT, REPLICA_SET):
        _workload(kind, name, given["spec"])
    elif kind is SERVICE:
        _service(kind, name, given["spec"])
    elif kind is SECRET:
        given.setdefault("type", "Opaque")
    elif kind is NAMESPACE:
        given.setdefault("status", {"phase": "Active"})
    elif kind is EVENT:
        given.setdefault("type", "Normal")
    return given


def _workload(kind: Kind, name: str, spec: Document) -> None:
    spec.setdefault("replicas", 1)
    template, selector = spec.get("template"), spec.get("selector")
    if not selector:
        raise invalid(kind, name, "spec.selector", "Required value")
    if not isinstance(template, dict) or "spec" not in template:
        raise invalid(kind, name, "spec.template", "Required value")
    labels = (template.setdefault("metadata", {}) or {}).get("labels") or {}
    if not matches(selector, labels):
        told = "`selector` does not match template `labels`"
        raise invalid(kind, name, "spec.template.metadata.labels", f"Invalid value: {labels}: {told}")
    if kind is DEPLOYMENT:
        strategy = spec.setdefault("strategy", {})
        if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
            strategy["rollingUpdate"] = {
                "maxSurge": "25%", "maxUnavailable": "25%", **(strategy.get("rollingUpdate") or {}),
            }  # fmt: skip
        spec.setdefault("progressDeadlineSeconds", 600)
        spec.setdefault("revisionHistoryLimit", 10)
        if spec.get("minReadySeconds") or spec.get("paused"):
            raise not_emulated("minReadySeconds and paused of a Deployment")
    _pod(kind, name, template["spec"], "spec.template.spec")


def _pod(kind: Kind, name: str, spec: Document, where: str) -> None:
    for field in _POD_NOT:
        if spec.get(field):
            raise not_emulated(f"{where}.{field}")
    if not spec.get("containers"):
        raise invalid(kind, name, f"{where}.containers", "Required value")
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    if spec["terminationGracePeriodSeconds"] > 120:
        raise not_emulated(
            f"{where}.terminationGracePeriodSeconds above 120, which is the longest for a task of ECS"
        )
    for number, container in enumerate(spec["containers"] + (spec.get("initContainers") or [])):
        _container(kind, name, container, f"{where}.containers[{number}]")


def _container(kind: Kind, name: str, container: Document, where: str) -> None:
    for field in ("name", "image"):
        if not container.get(field):
            raise invalid(kind, name, f"{where}.{field}", "Required value")
    for field in _CONTAINER_NOT:
        if container.get(field):
            raise not_emulated(f"{where}.{field}")
    for probe in ("readinessProbe", "livenessProbe"):
        _probe(container.get(probe), f"{where}.{probe}")
    for port in container.get("ports") or []:
        port.setdefault("protocol", "TCP")


def _probe(probe: Any, where: str) -> None:
    if not probe:
        return
    if not ("httpGet" in probe or "tcpSocket" in probe):
        raise not_emulated(f"{where}: only httpGet and tcpSocket")
    for field, value in (
        ("initialDelaySeconds", 0), ("periodSeconds", 10), ("timeoutSeconds", 1), ("successThreshold", 1),
        ("failureThreshold", 3),
    ):  # fmt: skip
        probe.setdefault(field, value)
    if "httpGet" in probe:
        probe["httpGet"].setdefault("path", "/")
        if probe["httpGet"].setdefault("scheme", "HTTP") != "HTTP":
            raise not_emulated(f"{where}.httpGet.scheme HTTPS")


def _service(kind: Kind, name: str, spec: Document) -> None:
    if spec.setdefault("type", "ClusterIP") == "LoadBalancer":
        raise not_emulated("Services of type LoadBalancer (Network Load Balancers): use an Ingress")
    if not spec.get("ports"):
        raise invalid(kind, name, "spec.ports", "Required value")
    for port in spec["ports"]:
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port["port"])
