"""Ingresses as Application Load Balancers: what the AWS Load Balancer Controller does in a cluster.

Source: kubernetes-sigs/aws-load-balancer-controller, docs/guide/ingress (annotations and their defaults).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.services.eks.ingress_model import Backend, IngressError, Model, model
from sandbox.services.eks.kinds import EVENT, INGRESS, POD, SERVICE
from sandbox.services.eks.objects import Document, Objects
from sandbox.services.eks.probes import port_of
from sandbox.services.eks.selectors import matches

_NOT_FOUND = {"ContentType": "text/plain", "StatusCode": "404"}


@dataclass(slots=True)
class _Made:
    """What one Ingress has. ``groups``: ARNs by backend; ``targets``: what is registered in them."""

    balancer: str = ""
    host: str = ""
    listeners: list[str] = field(default_factory=list)
    groups: dict[Backend, str] = field(default_factory=dict)
    targets: dict[Backend, set[tuple[str, int]]] = field(default_factory=dict)
    model: Model | None = None
    told: str = ""


class Ingresses:
    """The controller of one cluster. ``subnets``: the cluster's."""

    def __init__(self, sandbox: Sandbox, objects: Objects, cluster: str, subnets: list[str]) -> None:
        self._sandbox = sandbox
        self._objects = objects
        self._cluster = cluster
        self._subnets = subnets
        self._made: dict[str, _Made] = {}  # by the Ingress's uid

    async def look(self) -> None:
        """Bring the load balancers to what is wanted."""
        ingresses = {one["metadata"]["uid"]: one for one in self._objects.all(INGRESS) if _is_ours(one)}
        for uid in self._made.keys() - ingresses.keys():
            await self._remove(self._made.pop(uid))
        for uid, ingress in ingresses.items():
            made = self._made.setdefault(uid, _Made())
            try:
                await self._bring_about(ingress, made)
            except IngressError as error:
                self._warn(ingress, made, "FailedBuildModel", f"Failed build model due to {error}")
            except AwsError as error:
                self._warn(ingress, made, "FailedDeployModel", f"Failed deploy model due to {error}")

    async def close(self) -> None:
        """Remove every load balancer."""
        for made in self._made.values():
            await self._remove(made)
        self._made.clear()

    async def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return await self._sandbox.control.call("elbv2", operation, **parameters)

    async def _bring_about(self, ingress: Document, made: _Made) -> None:
        wanted = model(ingress, self._service_of)
        if wanted != made.model:
            await self._balancer(ingress, made, wanted)
            for backend in wanted.backends - made.groups.keys():
                made.groups[backend] = await self._group(ingress, backend, wanted)
            await self._listeners(made, wanted)
            for backend in made.groups.keys() - wanted.backends:
                made.targets.pop(backend, None)
                await self._call("DeleteTargetGroup", TargetGroupArn=made.groups.pop(backend))
            made.model, made.told = wanted, ""
        for backend, group in made.groups.items():
            await self._register(ingress, made, backend, group)
        status = {"loadBalancer": {"ingress": [{"hostname": made.host}]}}
        if ingress.get("status") != status:
            ingress["status"] = status
            self._objects.changed(INGRESS, ingress)
            self._event(ingress, "Normal", "SuccessfullyReconciled", "Successfully reconciled")

    def _service_of(self, namespace: str, name: str) -> Document | None:
        return self._objects.get(SERVICE, namespace, name)

    # -- load balancer, listeners, groups

    async def _balancer(self, ingress: Document, made: _Made, wanted: Model) -> None:
        if not made.balancer:
            metadata = ingress["metadata"]
            name = wanted.name or _name(metadata["namespace"], metadata["name"], self._cluster)
            subnets = [zone["SubnetId"] for zone in await self._zones(wanted.subnets)]
            answer = await self._call("CreateLoadBalancer", Name=name, Subnets=subnets, Scheme=wanted.scheme)
            (balancer,) = answer["LoadBalancers"]
            made.balancer, made.host = balancer["LoadBalancerArn"], balancer["DNSName"]
        if wanted.balancer_attributes:
            attributes = [{"Key": key, "Value": value} for key, value in wanted.balancer_attributes]
            await self._call(
                "ModifyLoadBalancerAttributes", LoadBalancerArn=made.balancer, Attributes=attributes
            )

    async def _zones(self, named: tuple[str, ...]) -> list[dict[str, Any]]:
        """One subnet in each of two zones or more: those that are named, the cluster's, or the default ones."""
        answer = await self._sandbox.control.call("ec2", "DescribeSubnets")
        known = {one["SubnetId"]: one for one in answer["Subnets"]}
        wanted = [known[one] for one in (named or self._subnets) if one in known]
        wanted = wanted or [one for one in answer["Subnets"] if one["DefaultForAz"]]
        by_zone = {one["AvailabilityZone"]: one for one in reversed(wanted)}
        return [by_zone[zone] for zone in sorted(by_zone)]

    async def _group(self, ingress: Document, backend: Backend, wanted: Model) -> str:
        namespace = ingress["metadata"]["namespace"]
        vpc = (await self._zones(wanted.subnets))[0]["VpcId"]
        name = _name(
            namespace, backend.service, f"{self._cluster}/{ingress['metadata']['name']}/{backend.port}"
        )
        settings = wanted.settings[backend]
        port = (
            backend.target if isinstance(backend.target, int) else 1
        )  # a name may mean another one in every pod
        answer = await self._call(
            "CreateTargetGroup",
            Name=name,
            Protocol="HTTP",
            Port=port,
            VpcId=vpc,
            TargetType="ip",
            **dict(settings.health),
        )
        arn = str(answer["TargetGroups"][0]["TargetGroupArn"])
        if settings.attributes:
            attributes = [{"Key": key, "Value": value} for key, value in settings.attributes]
            await self._call("ModifyTargetGroupAttributes", TargetGroupArn=arn, Attributes=attributes)
        return arn

    async def _listeners(self, made: _Made, wanted: Model) -> None:
        """Made anew: rules have no names by which they could be compared."""
        for arn in made.listeners:
            await self._call("DeleteListener", ListenerArn=arn)
        made.listeners.clear()
        default = {"Type": "fixed-response", "FixedResponseConfig": _NOT_FOUND}
        if wanted.default is not None:
            default = {"Type": "forward", "TargetGroupArn": made.groups[wanted.default]}
        for port in wanted.ports:
            answer = await self._call(
                "CreateListener",
                LoadBalancerArn=made.balancer,
                Port=port,
                Protocol="HTTP",
                DefaultActions=[default],
            )
            arn = answer["Listeners"][0]["ListenerArn"]
            made.listeners.append(arn)
            for priority, rule in enumerate(wanted.rules, 1):
                await self._call(
                    "CreateRule",
                    ListenerArn=arn,
                    Priority=priority,
                    Conditions=list(rule.conditions()),
                    Actions=[{"Type": "forward", "TargetGroupArn": made.groups[rule.backend]}],
                )

    # -- targets

    async def _register(self, ingress: Document, made: _Made, backend: Backend, group: str) -> None:
        wanted = set(self._targets(ingress["metadata"]["namespace"], backend))
        known = made.targets.setdefault(backend, set())
        for operation, changed in (
            ("RegisterTargets", wanted - known),
            ("DeregisterTargets", known - wanted),
        ):
            if changed:
                targets = [{"Id": address, "Port": port} for address, port in sorted(changed)]
                await self._call(operation, TargetGroupArn=group, Targets=targets)
        made.targets[backend] = wanted

    def _targets(self, namespace: str, backend: Backend) -> Iterator[tuple[str, int]]:
        """Addresses of the pods of a service that are ready."""
        service = self._objects.get(SERVICE, namespace, backend.service)
        selector = (service or {}).get("spec", {}).get("selector")
        for pod in self._objects.all(POD, namespace) if selector else ():
            status = pod.get("status") or {}
            ready = any(
                c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or []
            )
            labels = pod["metadata"].get("labels") or {}
            if (
                not ready
                or "deletionTimestamp" in pod["metadata"]
                or not matches({"matchLabels": selector}, labels)
            ):
                continue
            ports = [port_of(container, backend.target) for container in pod["spec"]["containers"]]
            port = next((one for one in ports if one), 0)
            if port and status.get("podIP"):
                yield status["podIP"], port

    # -- the end, and what is said

    async def _remove(self, made: _Made) -> None:
        if made.balancer:
            await self._call("DeleteLoadBalancer", LoadBalancerArn=made.balancer)
        for group in made.groups.values():
            await self._call("DeleteTargetGroup", TargetGroupArn=group)

    def _warn(self, ingress: Document, made: _Made, reason: str, message: str) -> None:
        if made.told != message:
            made.told = message
            self._event(ingress, "Warning", reason, message)

    def _event(self, ingress: Document, kind: str, reason: str, message: str) -> None:
        metadata = ingress["metadata"]
        about = {name: metadata[name] for name in ("name", "namespace", "uid")}
        self._objects.add(
            EVENT,
            {
                "metadata": {"generateName": f"{metadata['name']}.", "namespace": metadata["namespace"]},
                "involvedObject": {"kind": "Ingress", "apiVersion": ingress["apiVersion"], **about},
                "type": kind,
                "reason": reason,
                "message": message,
                "source": {"component": "ingress"},
                "firstTimestamp": self._objects.stamp(),
                "lastTimestamp": self._objects.stamp(),
                "count": 1,
            },
        )


def _is_ours(ingress: Document) -> bool:
    annotations = ingress["metadata"].get("annotations") or {}
    name = ingress["spec"].get("ingressClassName") or annotations.get("kubernetes.io/ingress.class")
    return bool(name == "alb")


def _name(namespace: str, name: str, more: str) -> str:
    """As the controller names what it makes: two beginnings and a hash."""
    number = hashlib.sha256(json.dumps([namespace, name, more]).encode()).hexdigest()[:10]
    parts = ("".join(c for c in text if c.isalnum())[:8] for text in (namespace, name))
    return "-".join(("k8s", *parts, number))
