"""AppSync: Event APIs, channel namespaces, caches and custom domain names."""

from __future__ import annotations

from typing import Any

from sandbox.control.cloudformation.types.appsync import SERVICE, api_id, from_s3, retag
from sandbox.control.cloudformation.types.base import Request, ResourceType


class Api(ResourceType):
    type = "AWS::AppSync::Api"
    spec = "EventConfig{} Name! OwnerContact Tags[]"
    attributes = "ApiArn ApiId Dns Dns.Http Dns.Realtime"

    async def create(self, r: Request) -> None:
        made = (await r.send(SERVICE, "CreateApi", r.pick("EventConfig Name OwnerContact Tags")))["api"]
        r.physical_id = made["apiArn"]
        r.attributes = {
            "ApiArn": made["apiArn"],
            "ApiId": made["apiId"],
            "Dns": made["dns"],
            "Dns.Http": made["dns"]["HTTP"],
            "Dns.Realtime": made["dns"]["REALTIME"],
        }

    async def update(self, r: Request) -> None:
        given = {**r.pick("EventConfig Name OwnerContact"), "ApiId": api_id(r.physical_id)}
        await r.send(SERVICE, "UpdateApi", given)
        await retag(r, r.physical_id)

    async def delete(self, r: Request) -> None:
        await r.call(SERVICE, "DeleteApi", apiId=api_id(r.physical_id))


class ChannelNamespace(ResourceType):
    type = "AWS::AppSync::ChannelNamespace"
    spec = (
        "ApiId!* CodeHandlers CodeS3Location HandlerConfigs{} Name!* PublishAuthModes[] SubscribeAuthModes[] "
        "Tags[]"
    )
    attributes = "ChannelNamespaceArn"

    async def create(self, r: Request) -> None:
        given = {**await self._values(r), **r.pick("Tags")}
        made = (await r.send(SERVICE, "CreateChannelNamespace", given))["channelNamespace"]
        r.physical_id = made["channelNamespaceArn"]
        r.attributes = {"ChannelNamespaceArn": r.physical_id}

    async def _values(self, r: Request) -> dict[str, Any]:
        given = r.pick("ApiId CodeHandlers HandlerConfigs Name PublishAuthModes SubscribeAuthModes")
        if location := r.get("CodeS3Location"):
            given["CodeHandlers"] = await from_s3(r, location)
        return given

    async def update(self, r: Request) -> None:
        await r.send(SERVICE, "UpdateChannelNamespace", await self._values(r))
        await retag(r, r.physical_id)

    async def delete(self, r: Request) -> None:
        await r.call(SERVICE, "DeleteChannelNamespace", apiId=r["ApiId"], name=r["Name"])


class ApiCache(ResourceType):
    type = "AWS::AppSync::ApiCache"
    values = "ApiCachingBehavior ApiId HealthMetricsConfig Ttl Type"
    spec = (
        "ApiCachingBehavior! ApiId!* AtRestEncryptionEnabled* HealthMetricsConfig TransitEncryptionEnabled* Ttl! "
        "Type!"
    )

    async def create(self, r: Request) -> None:
        encryption = "AtRestEncryptionEnabled TransitEncryptionEnabled"
        await r.send(SERVICE, "CreateApiCache", r.pick(f"{self.values} {encryption}"))
        r.physical_id = f"{r['ApiId']}ApiCache"

    async def update(self, r: Request) -> None:
        await r.send(SERVICE, "UpdateApiCache", r.pick(self.values))

    async def delete(self, r: Request) -> None:
        await r.call(SERVICE, "DeleteApiCache", apiId=r["ApiId"])


class DomainName(ResourceType):
    type = "AWS::AppSync::DomainName"
    spec = "CertificateArn!* Description DomainName!* Tags[]"
    attributes = "AppSyncDomainName DomainName DomainNameArn HostedZoneId"

    async def create(self, r: Request) -> None:
        given = r.pick("CertificateArn Description DomainName Tags")
        made = (await r.send(SERVICE, "CreateDomainName", given))["domainNameConfig"]
        r.physical_id = made["domainName"]
        r.attributes = {
            "AppSyncDomainName": made["appsyncDomainName"],
            "DomainName": made["domainName"],
            "DomainNameArn": made["domainNameArn"],
            "HostedZoneId": made["hostedZoneId"],
        }

    async def update(self, r: Request) -> None:
        given = {"DomainName": r.physical_id, "Description": r.get("Description") or ""}
        await r.send(SERVICE, "UpdateDomainName", given)
        await retag(r, r.arn(SERVICE, f"domainnames/{r.physical_id}"))

    async def delete(self, r: Request) -> None:
        await r.call(SERVICE, "DeleteDomainName", domainName=r.physical_id)


class DomainNameApiAssociation(ResourceType):
    type = "AWS::AppSync::DomainNameApiAssociation"
    spec = "ApiId! DomainName!*"
    attributes = "ApiAssociationIdentifier"

    async def create(self, r: Request) -> None:
        await self.update(r)
        r.physical_id = r["DomainName"]
        r.attributes = {"ApiAssociationIdentifier": r.physical_id}

    async def update(self, r: Request) -> None:
        await r.send(SERVICE, "AssociateApi", r.pick("ApiId DomainName"))

    async def delete(self, r: Request) -> None:
        await r.call(SERVICE, "DisassociateApi", domainName=r.physical_id)
