"""EC2: security groups and their rules. Records only: nothing is kept out."""

from __future__ import annotations

from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.types.base import Request, ResourceType
from sandbox.control.cloudformation.types.ec2_network import retag, tag


def _permission(rule: dict[str, Any], direction: str) -> dict[str, Any]:
    """A rule of a template as an ``IpPermission``. ``direction``: Source or Destination."""
    made: dict[str, Any] = {"IpProtocol": str(rule["IpProtocol"])}
    made |= {name: int(rule[name]) for name in ("FromPort", "ToPort") if name in rule}
    said = {"Description": rule["Description"]} if "Description" in rule else {}
    if "CidrIp" in rule:
        made["IpRanges"] = [{"CidrIp": rule["CidrIp"], **said}]
    if "CidrIpv6" in rule:
        made["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **said}]
    prefix = rule.get(f"{direction}PrefixListId")
    if prefix:
        made["PrefixListIds"] = [{"PrefixListId": prefix, **said}]
    group = rule.get(f"{direction}SecurityGroupId")
    if group:
        made["UserIdGroupPairs"] = [{"GroupId": group, **said}]
    return made


class SecurityGroup(ResourceType):
    type = "AWS::EC2::SecurityGroup"
    spec = "GroupDescription!* GroupName* SecurityGroupEgress[] SecurityGroupIngress[] Tags[] VpcId*"
    attributes = "GroupId Id VpcId"

    async def create(self, r: Request) -> None:
        name = r.get("GroupName") or r.name(255)
        values = {"GroupName": name, "Description": r["GroupDescription"], **r.pick("VpcId")}
        r.physical_id = (await r.send("ec2", "CreateSecurityGroup", values))["GroupId"]
        r.attributes = {"GroupId": r.physical_id, "Id": r.physical_id, "VpcId": r.get("VpcId", "")}
        await tag(r, r.physical_id)
        await self._rules(r)

    async def _rules(self, r: Request) -> None:
        for name, direction, word in (("Ingress", "Source", "Ingress"), ("Egress", "Destination", "Egress")):
            new = r.get(f"SecurityGroup{name}") or []
            old = r.previous.get(f"SecurityGroup{name}") or []
            if (
                name == "Egress" and new and not old
            ):  # a group's own rule, which lets everything out, gives way
                every = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
                await r.call("ec2", "RevokeSecurityGroupEgress", GroupId=r.physical_id, IpPermissions=[every])
            for operation, rules in (
                (f"RevokeSecurityGroup{word}", [rule for rule in old if rule not in new]),
                (f"AuthorizeSecurityGroup{word}", [rule for rule in new if rule not in old]),
            ):
                if rules:
                    permissions = [_permission(rule, direction) for rule in rules]
                    await r.call("ec2", operation, GroupId=r.physical_id, IpPermissions=permissions)

    async def update(self, r: Request) -> None:
        await self._rules(r)
        await retag(r, r.physical_id)

    async def delete(self, r: Request) -> None:
        await r.call("ec2", "DeleteSecurityGroup", GroupId=r.physical_id)


class _Rule(ResourceType):
    """A rule by itself."""

    direction: str
    operation: str
    attributes = "Id"

    async def create(self, r: Request) -> None:
        permission = _permission(r.properties, self.direction)
        made = await r.call(
            "ec2", f"AuthorizeSecurityGroup{self.operation}", GroupId=r["GroupId"], IpPermissions=[permission]
        )
        rules = made.get("SecurityGroupRules") or []
        r.physical_id = rules[0]["SecurityGroupRuleId"] if rules else r.name(64)
        r.attributes = {"Id": r.physical_id}

    async def delete(self, r: Request) -> None:
        permission = _permission(r.properties, self.direction)
        try:
            await r.call(
                "ec2",
                f"RevokeSecurityGroup{self.operation}",
                GroupId=r["GroupId"],
                IpPermissions=[permission],
            )
        except AwsError as error:
            if "does not exist" not in error.message:
                raise


class Ingress(_Rule):
    type = "AWS::EC2::SecurityGroupIngress"
    spec = (
        "CidrIp* CidrIpv6* Description FromPort* GroupId!* GroupName* IpProtocol!* SourcePrefixListId* "
        "SourceSecurityGroupId* SourceSecurityGroupName* SourceSecurityGroupOwnerId* ToPort*"
    )
    direction, operation = "Source", "Ingress"


class Egress(_Rule):
    type = "AWS::EC2::SecurityGroupEgress"
    spec = (
        "CidrIp* CidrIpv6* Description DestinationPrefixListId* DestinationSecurityGroupId* FromPort* GroupId!* "
        "IpProtocol!* ToPort*"
    )
    direction, operation = "Destination", "Egress"
