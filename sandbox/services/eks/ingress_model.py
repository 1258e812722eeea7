"""What an Ingress and its annotations ask of Elastic Load Balancing. Nothing is called here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.services.eks.objects import Document

_PREFIX = "alb.ingress.kubernetes.io/"
_KNOWN = frozenset(
    [
        "load-balancer-name", "scheme", "subnets", "load-balancer-attributes", "listen-ports", "target-type",
        "backend-protocol", "backend-protocol-version", "target-group-attributes", "healthcheck-port",
        "healthcheck-protocol", "healthcheck-path", "healthcheck-interval-seconds", "healthcheck-timeout-seconds",
        "healthy-threshold-count", "unhealthy-threshold-count", "success-codes", "tags", "security-groups",
        "inbound-cidrs", "ip-address-type", "manage-backend-security-group-rules",
    ]
)  # fmt: skip
_ONLY = {
    "target-type": ("ip", "instances as targets: there are no nodes"),
    "backend-protocol": ("HTTP", "HTTPS to targets"),
    "backend-protocol-version": ("HTTP1", "HTTP/2 and gRPC to targets"),
    "healthcheck-protocol": ("HTTP", "HTTPS to targets"),
}


class IngressError(Exception):
    """An Ingress that cannot be followed; the text says why."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A port of a service. ``target``: the pods' port, or its name."""

    service: str
    port: int
    target: int | str


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """Of a target group: parameters of ``CreateTargetGroup``, and attributes."""

    health: tuple[tuple[str, Any], ...]
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a host and a path lead."""

    host: str
    path: str
    exact: bool
    backend: Backend

    def conditions(self) -> Iterator[dict[str, Any]]:
        """As a listener's rule has them."""
        if self.host:
            yield {"Field": "host-header", "HostHeaderConfig": {"Values": [self.host]}}
        whole = self.path.rstrip("/")
        values = [self.path] if self.exact else [whole, f"{whole}/*"] if whole else ["/*"]
        yield {"Field": "path-pattern", "PathPatternConfig": {"Values": values}}


@dataclass(frozen=True, slots=True)
class Model:
    """A load balancer with all that belongs to it. Two that are equal ask for the same."""

    name: str
    scheme: str
    subnets: tuple[str, ...]
    balancer_attributes: tuple[tuple[str, str], ...]
    ports: tuple[int, ...]
    default: Backend | None
    rules: tuple[Rule, ...]
    settings: Mapping[Backend, GroupSettings]

    @property
    def backends(self) -> set[Backend]:
        """Those that need a target group."""
        return set(self.settings)


def model(ingress: Document, service_of: Callable[[str, str], Document | None]) -> Model:
    """What is asked for. ``service_of``: by namespace and name. Raises :class:`IngressError`."""
    given, namespace = _annotations(ingress), ingress["metadata"]["namespace"]
    settings: dict[Backend, GroupSettings] = {}

    def backend(where: Document) -> Backend:
        named = where.get("service")
        if not named:
            raise IngressError("backends that are no service: the sandbox does not emulate them")
        service = service_of(namespace, named["name"])
        if service is None:
            raise IngressError(f"services {named['name']!r} not found")
        found = _backend(service, named.get("port") or {})
        settings[found] = _settings({**given, **_annotations(service)})
        return found

    default = ingress["spec"].get("defaultBackend")
    made_default = backend(default) if default else None
    rules = [
        Rule(
            rule.get("host") or "",
            path.get("path") or "/",
            path.get("pathType") == "Exact",
            backend(path["backend"]),
        )
        for rule in ingress["spec"].get("rules") or []
        for path in (rule.get("http") or {}).get("paths") or []
    ]
    rules.sort(key=lambda rule: (not rule.exact, -len(rule.path)))  # the most exact path counts
    return Model(
        given.get("load-balancer-name", ""),
        given.get("scheme", "internal"),
        tuple(one.strip() for one in given.get("subnets", "").split(",") if one.strip()),
        _pairs(given.get("load-balancer-attributes", "")),
        _ports(given.get("listen-ports")),
        made_default,
        tuple(rules),
        settings,
    )


def _annotations(one: Document) -> dict[str, str]:
    """Those of the controller, by what stands behind the slash. Raises :class:`IngressError` for unknown ones."""
    every = one["metadata"].get("annotations") or {}
    found = {name.removeprefix(_PREFIX): value for name, value in every.items() if name.startswith(_PREFIX)}
    for name in found.keys() - _KNOWN:
        raise IngressError(f"the sandbox does not emulate the annotation {_PREFIX}{name}")
    if one["kind"] == "Ingress":
        found.setdefault("target-type", "instance")  # the controller's default
    for name, (value, what) in _ONLY.items():
        if found.get(name, value) != value:
            raise IngressError(f"the sandbox does not emulate {what}: set {_PREFIX}{name} to {value}")
    return found


def _backend(service: Document, port: Document) -> Backend:
    for one in service["spec"]["ports"]:
        if port.get("number") == one["port"] or ("name" in port and port["name"] == one.get("name")):
            return Backend(service["metadata"]["name"], int(one["port"]), one["targetPort"])
    raise IngressError(f"unable to find port {port} on service {service['metadata']['name']}")


def _settings(given: Mapping[str, str]) -> GroupSettings:
    health = {
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": given.get("healthcheck-port", "traffic-port"),
        "HealthCheckPath": given.get("healthcheck-path", "/"),
        "HealthCheckIntervalSeconds": int(given.get("healthcheck-interval-seconds", "15")),
        "HealthCheckTimeoutSeconds": int(given.get("healthcheck-timeout-seconds", "5")),
        "HealthyThresholdCount": int(given.get("healthy-threshold-count", "2")),
        "UnhealthyThresholdCount": int(given.get("unhealthy-threshold-count", "2")),
    }
    pairs = [*health.items(), ("Matcher", Frozen(HttpCode=given.get("success-codes", "200")))]
    return GroupSettings(tuple(pairs), _pairs(given.get("target-group-attributes", "")))


class Frozen(dict[str, str]):
    """A dictionary that nobody changes, and that can so be compared by its hash."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted(self.items())))


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """``a=1,b=2``. Raises :class:`IngressError`."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        if "=" not in part:
            raise IngressError(f"{part!r} is not of the form key=value")
    return tuple((key.strip(), value.strip()) for key, _, value in (part.partition("=") for part in parts))


def _ports(text: str | None) -> tuple[int, ...]:
    """``[{"HTTP": 80}]``. Raises :class:`IngressError`."""
    if text is None:
        return (80,)
    try:
        pairs = [pair for one in json.loads(text) for pair in one.items()]
        ports = tuple(int(port) for _, port in pairs)
    except (ValueError, AttributeError, TypeError) as error:
        raise IngressError(f"listen-ports {text!r} cannot be read: {error}") from error
    if any(protocol != "HTTP" for protocol, _ in pairs):
        raise IngressError("the sandbox does not emulate HTTPS listeners of an Ingress")
    return ports
