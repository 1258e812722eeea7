"""EC2: VPCs, subnets, security groups and routes. They are records only: every address of the sandbox is local."""

from __future__ import annotations

from typing import Any

from sandbox.control.cloudformation.errors import ResourceError
from sandbox.control.cloudformation.types.base import Request, ResourceType, tags_changed


async def retag(r: Request, resource: str) -> None:
    """The tags of a thing after an update."""
    added, removed = tags_changed(r)
    if added:
        await r.call("ec2", "CreateTags", Resources=[resource], Tags=added)
    if removed:
        await r.call("ec2", "DeleteTags", Resources=[resource], Tags=[{"Key": key} for key in removed])


async def tag(r: Request, resource: str) -> None:
    """The tags of a new thing."""
    if r.get("Tags"):
        await r.send("ec2", "CreateTags", {"Resources": [resource], "Tags": r["Tags"]})


class Vpc(ResourceType):
    type = "AWS::EC2::VPC"
    spec = "CidrBlock* EnableDnsHostnames EnableDnsSupport InstanceTenancy Ipv4IpamPoolId* Ipv4NetmaskLength* Tags[]"
    attributes = "CidrBlock CidrBlockAssociations DefaultNetworkAcl DefaultSecurityGroup Ipv6CidrBlocks VpcId"

    async def create(self, r: Request) -> None:
        if "CidrBlock" not in r.properties:
            raise ResourceError("The sandbox does not emulate IPAM pools of AWS::EC2::VPC: give a CidrBlock.")
        vpc = (await r.send("ec2", "CreateVpc", r.pick("CidrBlock InstanceTenancy")))["Vpc"]
        r.physical_id = vpc["VpcId"]
        await tag(r, r.physical_id)
        await self._settings(r)
        mine = [{"Name": "vpc-id", "Values": [r.physical_id]}]
        groups = await r.call("ec2", "DescribeSecurityGroups", Filters=mine)
        acls = await r.call("ec2", "DescribeNetworkAcls", Filters=mine)
        associated = vpc.get("CidrBlockAssociationSet") or []
        r.attributes = {
            "VpcId": r.physical_id,
            "CidrBlock": vpc["CidrBlock"],
            "CidrBlockAssociations": [one["AssociationId"] for one in associated],
            "DefaultSecurityGroup": groups["SecurityGroups"][0]["GroupId"],
            "DefaultNetworkAcl": acls["NetworkAcls"][0]["NetworkAclId"],
            "Ipv6CidrBlocks": [],
        }

    async def _settings(self, r: Request) -> None:
        for name in ("EnableDnsSupport", "EnableDnsHostnames"):
            if name in r.properties and r.changed(name):
                values = {"VpcId": r.physical_id, name: {"Value": r[name]}}
                await r.send("ec2", "ModifyVpcAttribute", values)

    async def update(self, r: Request) -> None:
        await self._settings(r)
        await retag(r, r.physical_id)

    async def delete(self, r: Request) -> None:
        await r.call("ec2", "DeleteVpc", VpcId=r.physical_id)


class Subnet(ResourceType):
    type = "AWS::EC2::Subnet"
    spec = (
        "AssignIpv6AddressOnCreation AvailabilityZone* AvailabilityZoneId* CidrBlock* EnableDns64 Ipv6CidrBlock "
        "Ipv6Native* MapPublicIpOnLaunch PrivateDnsNameOptionsOnLaunch{} Tags[] VpcId!*"
    )
    attributes = (
        "AvailabilityZone AvailabilityZoneId CidrBlock Ipv6CidrBlocks NetworkAclAssociationId SubnetId VpcId"
    )

    async def create(self, r: Request) -> None:
        values = r.pick("AvailabilityZone AvailabilityZoneId CidrBlock VpcId")
        subnet = (await r.send("ec2", "CreateSubnet", values))["Subnet"]
        r.physical_id = subnet["SubnetId"]
        await tag(r, r.physical_id)
        await self._settings(r)
        r.attributes = {
            "SubnetId": r.physical_id,
            "VpcId": subnet["VpcId"],
            "AvailabilityZone": subnet["AvailabilityZone"],
            "AvailabilityZoneId": subnet.get("AvailabilityZoneId", ""),
            "CidrBlock": subnet["CidrBlock"],
            "NetworkAclAssociationId": "",
            "Ipv6CidrBlocks": [],
        }

    async def _settings(self, r: Request) -> None:
        if r.changed("MapPublicIpOnLaunch") and "MapPublicIpOnLaunch" in r.properties:
            values = {"SubnetId": r.physical_id, "MapPublicIpOnLaunch": {"Value": r["MapPublicIpOnLaunch"]}}
            await r.send("ec2", "ModifySubnetAttribute", values)

    async def update(self, r: Request) -> None:
        await self._settings(r)
        await retag(r, r.physical_id)

    async def delete(self, r: Request) -> None:
        await r.call("ec2", "DeleteSubnet", SubnetId=r.physical_id)


class InternetGateway(ResourceType):
    type = "AWS::EC2::InternetGateway"
    spec = "Tags[]"
    attributes = "InternetGatewayId"

    async def create(self, r: Request) -> None:
        made = await r.call("ec2", "CreateInternetGateway")
        r.physical_id = made["InternetGateway"]["InternetGatewayId"]
        r.attributes = {"InternetGatewayId": r.physical_id}
        await tag(r, r.physical_id)

    async def update(self, r: Request) -> None:
        await retag(r, r.physical_id)

    async def delete(self, r: Request) -> None:
        await r.call("ec2", "DeleteInternetGateway", InternetGatewayId=r.physical_id)


class GatewayAttachment(ResourceType):
    type = "AWS::EC2::VPCGatewayAttachment"
    spec = "InternetGatewayId* VpcId!* VpnGatewayId*"
    attributes = "AttachmentType"

    async def create(self, r: Request) -> None:
        if "InternetGatewayId" not in r.properties:
            raise ResourceError("The sandbox does not emulate VPN gateways.")
        await r.send("ec2", "AttachInternetGateway", r.pick("InternetGatewayId VpcId"))
        r.physical_id = f"IGW|{r['VpcId']}"
        r.attributes = {"AttachmentType": "IGW"}

    async def delete(self, r: Request) -> None:
        await r.send("ec2", "DetachInternetGateway", r.pick("InternetGatewayId VpcId"))


class RouteTable(ResourceType):
    type = "AWS::EC2::RouteTable"
    spec = "Tags[] VpcId!*"
    attributes = "RouteTableId"

    async def create(self, r: Request) -> None:
        made = await r.send("ec2", "CreateRouteTable", r.pick("VpcId"))
        r.physical_id = made["RouteTable"]["RouteTableId"]
        r.attributes = {"RouteTableId": r.physical_id}
        await tag(r, r.physical_id)

    async def update(self, r: Request) -> None:
        await retag(r, r.physical_id)

    async def delete(self, r: Request) -> None:
        await r.call("ec2", "DeleteRouteTable", RouteTableId=r.physical_id)


class Route(ResourceType):
    type = "AWS::EC2::Route"
    spec = (
        "CarrierGatewayId CoreNetworkArn DestinationCidrBlock* DestinationIpv6CidrBlock* DestinationPrefixListId* "
        "EgressOnlyInternetGatewayId GatewayId InstanceId LocalGatewayId NatGatewayId NetworkInterfaceId "
        "RouteTableId!* TransitGatewayId VpcEndpointId VpcPeeringConnectionId"
    )
    attributes = "CidrBlock"

    async def create(self, r: Request) -> None:
        await r.send("ec2", "CreateRoute", r.properties)
        destination = r.get("DestinationCidrBlock") or r.get("DestinationIpv6CidrBlock", "")
        r.physical_id = f"{r['RouteTableId']}|{destination}"
        r.attributes = {"CidrBlock": destination}

    async def update(self, r: Request) -> None:
        await r.send("ec2", "ReplaceRoute", r.properties)

    async def delete(self, r: Request) -> None:
        names = "DestinationCidrBlock DestinationIpv6CidrBlock RouteTableId"
        await r.send("ec2", "DeleteRoute", r.pick(names))


class RouteTableAssociation(ResourceType):
    type = "AWS::EC2::SubnetRouteTableAssociation"
    spec = "RouteTableId!* SubnetId!*"
    attributes = "Id"

    async def create(self, r: Request) -> None:
        made = await r.send("ec2", "AssociateRouteTable", r.properties)
        r.physical_id = made["AssociationId"]
        r.attributes = {"Id": r.physical_id}

    async def delete(self, r: Request) -> None:
        await r.call("ec2", "DisassociateRouteTable", AssociationId=r.physical_id)


class ElasticIp(ResourceType):
    type = "AWS::EC2::EIP"
    spec = "Address* Domain InstanceId IpamPoolId* NetworkBorderGroup* PublicIpv4Pool Tags[] TransferAddress*"
    attributes = "AllocationId PublicIp"

    async def create(self, r: Request) -> None:
        made = await r.call("ec2", "AllocateAddress", Domain="vpc")
        r.physical_id = made["PublicIp"]
        r.attributes = {"AllocationId": made["AllocationId"], "PublicIp": made["PublicIp"]}
        await tag(r, made["AllocationId"])

    async def update(self, r: Request) -> None:
        await retag(r, r.attributes["AllocationId"])

    async def delete(self, r: Request) -> None:
        await r.call("ec2", "ReleaseAddress", AllocationId=r.attributes["AllocationId"])


class NatGateway(ResourceType):
    type = "AWS::EC2::NatGateway"
    spec = (
        "AllocationId* AvailabilityMode* ConnectivityType* MaxDrainDurationSeconds PrivateIpAddress* SubnetId* "
        "Tags[] VpcId*"
    )
    attributes = "NatGatewayId"

    async def create(self, r: Request) -> None:
        made = await r.send("ec2", "CreateNatGateway", r.pick("AllocationId ConnectivityType SubnetId"))
        r.physical_id = made["NatGateway"]["NatGatewayId"]
        r.attributes = {"NatGatewayId": r.physical_id}
        await tag(r, r.physical_id)

    async def update(self, r: Request) -> None:
        await retag(r, r.physical_id)

    async def delete(self, r: Request) -> None:
        await r.call("ec2", "DeleteNatGateway", NatGatewayId=r.physical_id)


class VpcEndpoint(ResourceType):
    type = "AWS::EC2::VPCEndpoint"
    spec = (
        "DnsOptions{} IpAddressType PolicyDocument PrivateDnsEnabled RouteTableIds[] SecurityGroupIds[] "
        "ServiceName!* SubnetIds[] Tags[] VpcEndpointType* VpcId!*"
    )
    attributes = "CreationTimestamp DnsEntries Id NetworkInterfaceIds"

    async def create(self, r: Request) -> None:
        names = (
            "PolicyDocument PrivateDnsEnabled RouteTableIds SecurityGroupIds ServiceName SubnetIds "
            "VpcEndpointType VpcId"
        )
        made = (await r.send("ec2", "CreateVpcEndpoint", r.pick(names)))["VpcEndpoint"]
        r.physical_id = made["VpcEndpointId"]
        entries: list[Any] = [one.get("DnsName", "") for one in made.get("DnsEntries") or []]
        r.attributes = {"Id": r.physical_id, "DnsEntries": entries, "NetworkInterfaceIds": []}

    async def delete(self, r: Request) -> None:
        await r.call("ec2", "DeleteVpcEndpoints", VpcEndpointIds=[r.physical_id])
