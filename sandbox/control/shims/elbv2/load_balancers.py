"""Operations on load balancers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.control.elbv2 import LoadBalancer
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.elbv2 import attributes
from sandbox.control.shims.elbv2.state import State, invalid, not_found, page, pairs, tags_of

# The hosted zone of load balancers in us-east-1 (Elastic Load Balancing endpoints and quotas, AWS General Reference).
_ZONE = "Z35SXDOTRQ7X7K"
_LONGEST_NAME = 32


class LoadBalancers:
    """Create, describe, change and delete."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateLoadBalancer": self.create,
            "DescribeLoadBalancers": self.describe,
            "DeleteLoadBalancer": self.delete,
            "DescribeLoadBalancerAttributes": self.describe_attributes,
            "ModifyLoadBalancerAttributes": self.modify_attributes,
            "SetSecurityGroups": self.set_security_groups,
            "SetSubnets": self.set_subnets,
            "SetIpAddressType": self.set_ip_address_type,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateLoadBalancer``. It is active at once."""
        given = call.params
        name, kind = given["Name"], given.get("Type", "application")
        if kind != "application":
            raise NotEmulatedError(f"load balancers of type {kind}")
        check_name(name, "Load balancer")
        if any(known.name == name for known in self._state.records.load_balancers.values()):
            raise AwsError(
                400,
                "DuplicateLoadBalancerName",
                f"A load balancer with the same name '{name}' exists, but with different settings",
            )
        vpc, zones = await self._zones(_subnets(given))
        scheme = given.get("Scheme", "internet-facing")
        number = self._state.id()
        arn = self._state.arn(call, f"loadbalancer/app/{name}/{number}")
        digits = int(number, 16) % 10**10
        prefix = "internal-" if scheme == "internal" else ""
        balancer = LoadBalancer(
            arn,
            {
                "LoadBalancerArn": arn,
                "DNSName": f"{prefix}{name}-{digits}.{call.target.region}.elb.amazonaws.com",
                "CanonicalHostedZoneId": _ZONE,
                "LoadBalancerName": name,
                "Scheme": scheme,
                "VpcId": vpc,
                "Type": "application",
                "AvailabilityZones": zones,
                "SecurityGroups": list(given.get("SecurityGroups") or []),
                "IpAddressType": given.get("IpAddressType", "ipv4"),
            },
            attributes.defaults(self._rules(scheme)),
            self._state.sandbox.clock.utcnow(),
            tags=tags_of(given),
        )
        self._state.records.load_balancers[arn] = balancer
        self._state.changed()
        return {"LoadBalancers": [_shown(balancer, "provisioning")]}

    def _rules(self, scheme: str) -> attributes.Rules:
        return attributes.of_load_balancer(self._state.sandbox.limits, internal=scheme == "internal")

    async def _zones(self, subnets: list[str]) -> tuple[str, list[dict[str, Any]]]:
        """The VPC and the Availability Zones of subnets. Raises ``AwsError``."""
        if not subnets:
            raise invalid("You must specify subnets")
        try:
            answer = await self._state.sandbox.control.call("ec2", "DescribeSubnets", SubnetIds=subnets)
        except AwsError as error:
            raise AwsError(400, "SubnetNotFound", error.message) from error
        found = {subnet["SubnetId"]: subnet for subnet in answer["Subnets"]}
        zones = [found[subnet]["AvailabilityZone"] for subnet in subnets]
        if len(set(zones)) < 2:
            raise invalid("At least two subnets in two different Availability Zones must be specified")
        if len(set(zones)) < len(zones):
            raise AwsError(
                400,
                "InvalidConfigurationRequest",
                "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
            )
        shown = [
            {"ZoneName": zone, "SubnetId": subnet, "LoadBalancerAddresses": []}
            for zone, subnet in zip(zones, subnets, strict=True)
        ]
        return found[subnets[0]]["VpcId"], shown

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeLoadBalancers``."""
        arns, names = call.params.get("LoadBalancerArns"), call.params.get("Names")
        balancers = list(self._state.records.load_balancers.values())
        if arns:
            balancers = [self._state.balancer(arn) for arn in arns]
        if names:
            by_name = {balancer.name: balancer for balancer in balancers}
            missing = [name for name in names if name not in by_name]
            if missing:
                raise not_found("LoadBalancer", str(missing))
            balancers = [by_name[name] for name in names]
        shown, more = page(call.params, balancers)
        return {"LoadBalancers": [_shown(balancer) for balancer in shown], **more}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteLoadBalancer``: no error when there is none, as on AWS."""
        arn = call.params["LoadBalancerArn"]
        found = self._state.records.load_balancers.get(arn)
        if found is not None and found.attributes["deletion_protection.enabled"] == "true":
            raise AwsError(
                400,
                "OperationNotPermitted",
                f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
            )
        self._state.records.load_balancers.pop(arn, None)
        self._state.changed()
        return {}

    async def describe_attributes(self, call: Call) -> Mapping[str, Any]:
        """``DescribeLoadBalancerAttributes``."""
        return {"Attributes": pairs(self._state.balancer(call.params["LoadBalancerArn"]).attributes)}

    async def modify_attributes(self, call: Call) -> Mapping[str, Any]:
        """``ModifyLoadBalancerAttributes``."""
        balancer = self._state.balancer(call.params["LoadBalancerArn"])
        balancer.attributes = attributes.change(
            self._rules(balancer.info["Scheme"]),
            balancer.attributes,
            call.params["Attributes"],
            "Load balancer",
        )
        self._state.changed()
        return {"Attributes": pairs(balancer.attributes)}

    async def set_security_groups(self, call: Call) -> Mapping[str, Any]:
        """``SetSecurityGroups``."""
        balancer = self._state.balancer(call.params["LoadBalancerArn"])
        balancer.info["SecurityGroups"] = list(call.params["SecurityGroups"])
        return {"SecurityGroupIds": balancer.info["SecurityGroups"]}

    async def set_subnets(self, call: Call) -> Mapping[str, Any]:
        """``SetSubnets``."""
        balancer = self._state.balancer(call.params["LoadBalancerArn"])
        _, balancer.info["AvailabilityZones"] = await self._zones(_subnets(call.params))
        return {"AvailabilityZones": balancer.info["AvailabilityZones"]}

    async def set_ip_address_type(self, call: Call) -> Mapping[str, Any]:
        """``SetIpAddressType``."""
        balancer = self._state.balancer(call.params["LoadBalancerArn"])
        balancer.info["IpAddressType"] = call.params["IpAddressType"]
        return {"IpAddressType": balancer.info["IpAddressType"]}


def _subnets(given: Mapping[str, Any]) -> list[str]:
    return list(given.get("Subnets") or []) or [
        mapping["SubnetId"] for mapping in given.get("SubnetMappings") or []
    ]


def check_name(name: str, what: str) -> None:
    if len(name) > _LONGEST_NAME:
        raise invalid(f"{what} name '{name}' cannot be longer than '{_LONGEST_NAME}' characters")
    if not re.fullmatch(r"[A-Za-z0-9-]+", name):
        raise invalid(
            f"{what} name '{name}' can only contain characters that are alphanumeric characters or hyphens(-)"
        )
    if name.startswith("-") or name.endswith("-"):
        raise invalid(f"{what} name '{name}' cannot begin or end with '-'")
    if what == "Load balancer" and name.startswith("internal-"):
        raise invalid(f"{what} name '{name}' cannot begin with 'internal-'")


def _shown(balancer: LoadBalancer, state: str = "active") -> dict[str, Any]:
    return {**balancer.info, "CreatedTime": balancer.created, "State": {"Code": state}}
