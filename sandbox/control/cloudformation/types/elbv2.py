"""Elastic Load Balancing: load balancers, target groups, listeners and rules."""

from __future__ import annotations

from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.types.base import Request, ResourceType, tags_changed

_PREFIX = "AWS::ElasticLoadBalancingV2::"


def _attributes(r: Request, name: str) -> list[dict[str, str]]:
    """Attributes of a template as the API takes them."""
    return [
        {"Key": str(one["Key"]), "Value": _text(one["Value"])} for one in r.get(name) or [] if "Value" in one
    ]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


async def _retag(r: Request) -> None:
    added, removed = tags_changed(r)
    if added:
        await r.call("elbv2", "AddTags", ResourceArns=[r.physical_id], Tags=added)
    if removed:
        await r.call("elbv2", "RemoveTags", ResourceArns=[r.physical_id], TagKeys=removed)


class LoadBalancer(ResourceType):
    type = _PREFIX + "LoadBalancer"
    spec = (
        "EnableCapacityReservationProvisionStabilize EnablePrefixForIpv6SourceNat "
        "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic IpAddressType Ipv4IpamPoolId LoadBalancerAttributes[] "
        "MinimumLoadBalancerCapacity{} Name* Scheme* SecurityGroups[] SubnetMappings[] Subnets[] Tags[] Type*"
    )
    attributes = (
        "CanonicalHostedZoneID DNSName LoadBalancerArn LoadBalancerFullName LoadBalancerName SecurityGroups"
    )

    async def create(self, r: Request) -> None:
        names = "IpAddressType Scheme SecurityGroups SubnetMappings Subnets Tags Type"
        values = {**r.pick(names), "Name": r.get("Name") or r.name(32)}
        balancer = (await r.send("elbv2", "CreateLoadBalancer", values))["LoadBalancers"][0]
        r.physical_id = balancer["LoadBalancerArn"]
        r.attributes = {
            "CanonicalHostedZoneID": balancer["CanonicalHostedZoneId"],
            "DNSName": balancer["DNSName"],
            "LoadBalancerArn": r.physical_id,
            "LoadBalancerFullName": r.physical_id.partition("loadbalancer/")[2],
            "LoadBalancerName": balancer["LoadBalancerName"],
            "SecurityGroups": balancer.get("SecurityGroups", []),
        }
        await self._settings(r)

    async def _settings(self, r: Request) -> None:
        wanted = _attributes(r, "LoadBalancerAttributes")
        if wanted and r.changed("LoadBalancerAttributes"):
            await r.call(
                "elbv2", "ModifyLoadBalancerAttributes", LoadBalancerArn=r.physical_id, Attributes=wanted
            )

    async def update(self, r: Request) -> None:
        arn = {"LoadBalancerArn": r.physical_id}
        if r.changed("Subnets", "SubnetMappings"):
            await r.send("elbv2", "SetSubnets", {**r.pick("Subnets SubnetMappings"), **arn})
        if r.changed("SecurityGroups") and "SecurityGroups" in r.properties:
            await r.send("elbv2", "SetSecurityGroups", {**r.pick("SecurityGroups"), **arn})
        if r.changed("IpAddressType") and "IpAddressType" in r.properties:
            await r.send("elbv2", "SetIpAddressType", {**r.pick("IpAddressType"), **arn})
        await self._settings(r)
        await _retag(r)

    async def delete(self, r: Request) -> None:
        await r.call("elbv2", "DeleteLoadBalancer", LoadBalancerArn=r.physical_id)


class TargetGroup(ResourceType):
    type = _PREFIX + "TargetGroup"
    spec = (
        "HealthCheckEnabled HealthCheckIntervalSeconds HealthCheckPath HealthCheckPort HealthCheckProtocol "
        "HealthCheckTimeoutSeconds HealthyThresholdCount IpAddressType* Matcher{} Name* Port* Protocol* "
        "ProtocolVersion* Tags[] TargetControlPort* TargetGroupAttributes[] TargetType* Targets[] "
        "UnhealthyThresholdCount VpcId*"
    )
    attributes = "LoadBalancerArns TargetGroupArn TargetGroupFullName TargetGroupName"

    async def create(self, r: Request) -> None:
        left_out = ("Name", "TargetGroupAttributes", "Targets")
        values = {name: value for name, value in r.properties.items() if name not in left_out}
        values["Name"] = r.get("Name") or r.name(32)
        group = (await r.send("elbv2", "CreateTargetGroup", values))["TargetGroups"][0]
        r.physical_id = group["TargetGroupArn"]
        r.attributes = {
            "LoadBalancerArns": group["LoadBalancerArns"],
            "TargetGroupArn": r.physical_id,
            "TargetGroupFullName": r.physical_id.rpartition(":")[2],
            "TargetGroupName": group["TargetGroupName"],
        }
        await self._settings(r)

    async def _settings(self, r: Request) -> None:
        wanted = _attributes(r, "TargetGroupAttributes")
        if wanted and r.changed("TargetGroupAttributes"):
            await r.call(
                "elbv2", "ModifyTargetGroupAttributes", TargetGroupArn=r.physical_id, Attributes=wanted
            )
        if r.changed("Targets"):
            await self._targets(r)

    async def _targets(self, r: Request) -> None:
        new, old = r.get("Targets") or [], r.previous.get("Targets") or []
        for operation, targets in (
            ("DeregisterTargets", [target for target in old if target not in new]),
            ("RegisterTargets", [target for target in new if target not in old]),
        ):
            if targets:
                await r.send("elbv2", operation, {"TargetGroupArn": r.physical_id, "Targets": targets})

    async def update(self, r: Request) -> None:
        names = (
            "HealthCheckEnabled HealthCheckIntervalSeconds HealthCheckPath HealthCheckPort HealthCheckProtocol "
            "HealthCheckTimeoutSeconds HealthyThresholdCount Matcher UnhealthyThresholdCount"
        )
        values = r.pick(names)
        if values and r.changed(*names.split()):
            await r.send("elbv2", "ModifyTargetGroup", {**values, "TargetGroupArn": r.physical_id})
        await self._settings(r)
        await _retag(r)

    async def delete(self, r: Request) -> None:
        await r.call("elbv2", "DeleteTargetGroup", TargetGroupArn=r.physical_id)


class Listener(ResourceType):
    type = _PREFIX + "Listener"
    spec = (
        "AlpnPolicy[] Certificates[] DefaultActions![] ListenerAttributes[] LoadBalancerArn!* MutualAuthentication{} "
        "Port Protocol SslPolicy"
    )
    attributes = "ListenerArn"

    async def create(self, r: Request) -> None:
        values = {name: value for name, value in r.properties.items() if name != "ListenerAttributes"}
        made = await r.send("elbv2", "CreateListener", values)
        r.physical_id = made["Listeners"][0]["ListenerArn"]
        r.attributes = {"ListenerArn": r.physical_id}
        await self._settings(r)

    async def _settings(self, r: Request) -> None:
        wanted = _attributes(r, "ListenerAttributes")
        if wanted and r.changed("ListenerAttributes"):
            await r.call("elbv2", "ModifyListenerAttributes", ListenerArn=r.physical_id, Attributes=wanted)

    async def update(self, r: Request) -> None:
        values = r.pick("AlpnPolicy Certificates DefaultActions MutualAuthentication Port Protocol SslPolicy")
        await r.send("elbv2", "ModifyListener", {**values, "ListenerArn": r.physical_id})
        await self._settings(r)

    async def delete(self, r: Request) -> None:
        await r.call("elbv2", "DeleteListener", ListenerArn=r.physical_id)


class ListenerRule(ResourceType):
    type = _PREFIX + "ListenerRule"
    spec = "Actions![] Conditions![] ListenerArn!* Priority! Transforms[]"
    attributes = "IsDefault RuleArn"

    async def create(self, r: Request) -> None:
        made = await r.send("elbv2", "CreateRule", r.properties)
        r.physical_id = made["Rules"][0]["RuleArn"]
        r.attributes = {"RuleArn": r.physical_id, "IsDefault": False}

    async def update(self, r: Request) -> None:
        if r.changed("Priority"):
            priorities = [{"RuleArn": r.physical_id, "Priority": r["Priority"]}]
            await r.send("elbv2", "SetRulePriorities", {"RulePriorities": priorities})
        values = r.pick("Actions Conditions Transforms")
        await r.send("elbv2", "ModifyRule", {**values, "RuleArn": r.physical_id})

    async def delete(self, r: Request) -> None:
        await r.call("elbv2", "DeleteRule", RuleArn=r.physical_id)


class ListenerCertificate(ResourceType):
    type = _PREFIX + "ListenerCertificate"
    spec = "Certificates![] ListenerArn!*"
    attributes = "Id"

    async def create(self, r: Request) -> None:
        await r.send("elbv2", "AddListenerCertificates", r.properties)
        r.physical_id = r.name(64)
        r.attributes = {"Id": r.physical_id}

    async def update(self, r: Request) -> None:
        gone = [one for one in r.previous["Certificates"] if one not in r["Certificates"]]
        await r.send("elbv2", "AddListenerCertificates", r.properties)
        if gone:
            await r.send(
                "elbv2", "RemoveListenerCertificates", {"ListenerArn": r["ListenerArn"], "Certificates": gone}
            )

    async def delete(self, r: Request) -> None:
        try:
            await r.send("elbv2", "RemoveListenerCertificates", r.properties)
        except AwsError as error:
            if error.code != "ListenerNotFound":
                raise
