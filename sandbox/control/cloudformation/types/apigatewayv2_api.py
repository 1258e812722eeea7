"""API Gateway HTTP and WebSocket APIs: the API itself, its stages and domain names."""

from __future__ import annotations

import json
from typing import Any

import yaml

from sandbox.control.cloudformation.errors import ResourceError
from sandbox.control.cloudformation.types.apigatewayv2 import SERVICE, Part
from sandbox.control.cloudformation.types.base import Request, ResourceType

API = (
    "ApiKeySelectionExpression CorsConfiguration CredentialsArn Description DisableExecuteApiEndpoint "
    "DisableSchemaValidation IpAddressType Name RouteKey RouteSelectionExpression Target Version"
)


class Api(ResourceType):
    type = "AWS::ApiGatewayV2::Api"
    spec = (
        "ApiKeySelectionExpression BasePath Body BodyS3Location{} CorsConfiguration{} CredentialsArn Description "
        "DisableExecuteApiEndpoint DisableSchemaValidation FailOnWarnings IpAddressType Name ProtocolType* RouteKey "
        "RouteSelectionExpression Tags{} Target Version"
    )
    attributes = "ApiEndpoint ApiId"

    async def create(self, r: Request) -> None:
        body = await _body(r)
        if body is not None:
            made = await r.send(
                SERVICE, "ImportApi", {**r.pick("BasePath FailOnWarnings"), "Body": _text(r, body)}
            )
        elif "Name" not in r.properties or "ProtocolType" not in r.properties:
            raise ResourceError(
                "Name and ProtocolType are required when no Body is given"
            )  # the text is UNSOURCED
        else:
            made = await r.send(SERVICE, "CreateApi", r.pick(f"{API} ProtocolType Tags"))
        r.physical_id = made["ApiId"]
        r.attributes = {"ApiId": made["ApiId"], "ApiEndpoint": made["ApiEndpoint"]}
        if body is not None:
            await _own_properties(r)

    async def update(self, r: Request) -> None:
        body = await _body(r)
        if body is not None and r.changed("Body", "BodyS3Location", "BasePath"):
            values = {**r.pick("BasePath FailOnWarnings"), "ApiId": r.physical_id, "Body": _text(r, body)}
            await r.send(SERVICE, "ReimportApi", values)
        if r.changed("CorsConfiguration") and "CorsConfiguration" not in r.properties and body is None:
            await r.call(SERVICE, "DeleteCorsConfiguration", ApiId=r.physical_id)
        await _own_properties(r)
        await _retag(r, f"/apis/{r.physical_id}")

    async def delete(self, r: Request) -> None:
        await r.call(SERVICE, "DeleteApi", ApiId=r.physical_id)


async def _own_properties(r: Request) -> None:
    """The resource's properties win over those of its definition."""
    values = r.pick(API.replace("RouteKey ", "").replace("Target ", "").replace("CredentialsArn ", ""))
    if values:
        await r.send(SERVICE, "UpdateApi", {"ApiId": r.physical_id, **values})
    if tags := r.get("Tags"):
        arn = f"arn:aws:apigateway:{r.region}::/apis/{r.physical_id}"
        await r.send(SERVICE, "TagResource", {"ResourceArn": arn, "Tags": tags})


async def _retag(r: Request, path: str) -> None:
    gone = [key for key in r.previous.get("Tags") or {} if key not in (r.get("Tags") or {})]
    arn = f"arn:aws:apigateway:{r.region}::{path}"
    if gone:
        await r.call(SERVICE, "UntagResource", ResourceArn=arn, TagKeys=gone)
    if r.changed("Tags") and r.get("Tags"):
        await r.send(SERVICE, "TagResource", {"ResourceArn": arn, "Tags": r["Tags"]})


async def _body(r: Request) -> dict[str, Any] | None:
    body = r.get("Body")
    if location := r.get("BodyS3Location"):
        params = {name: location[name] for name in ("Bucket", "Key") if name in location}
        if "Version" in location:
            params["VersionId"] = location["Version"]
        content = (await r.call("s3", "GetObject", **params))["Body"]
        body = yaml.safe_load(content if isinstance(content, bytes) else content.read())
    if isinstance(body, str):
        body = yaml.safe_load(body)
    if body is not None and not isinstance(body, dict):
        raise ResourceError("Unable to parse API definition: it is not an object")  # the text is UNSOURCED
    return body


def _text(r: Request, body: dict[str, Any]) -> str:
    info = {"version": "1.0", **(body.get("info") or {})}
    return json.dumps({**body, "info": {**info, "title": r.get("Name") or info.get("title") or r.logical_id}})


class Stage(ResourceType):
    type = "AWS::ApiGatewayV2::Stage"
    spec = (
        "AccessLogSettings{} AccessPolicyId ApiId!* AutoDeploy ClientCertificateId DefaultRouteSettings{} "
        "DeploymentId Description RouteSettings{} StageName!* StageVariables{} Tags{}"
    )
    values = (
        "AccessLogSettings ApiId AutoDeploy ClientCertificateId DefaultRouteSettings DeploymentId Description "
        "RouteSettings StageName StageVariables"
    )

    async def create(self, r: Request) -> None:
        await r.send(SERVICE, "CreateStage", r.pick(f"{self.values} Tags"))
        r.physical_id = r["StageName"]

    async def update(self, r: Request) -> None:
        values = r.pick(self.values)
        before, now = r.previous.get("StageVariables") or {}, r.get("StageVariables") or {}
        gone = {name: "" for name in before if name not in now}
        if gone:
            values["StageVariables"] = {**now, **gone}
        await r.send(SERVICE, "UpdateStage", values)
        for key in r.previous.get("RouteSettings") or {}:
            if key not in (r.get("RouteSettings") or {}):
                ids = {"ApiId": r["ApiId"], "StageName": r.physical_id}
                await r.call(SERVICE, "DeleteRouteSettings", **ids, RouteKey=key)
        await _retag(r, f"/apis/{r['ApiId']}/stages/{r.physical_id}")

    async def delete(self, r: Request) -> None:
        await r.call(SERVICE, "DeleteStage", ApiId=r["ApiId"], StageName=r.physical_id)


class DomainName(Part):
    type = "AWS::ApiGatewayV2::DomainName"
    thing = "DomainName"
    key = "DomainName"
    parents = ()
    values = "DomainName DomainNameConfigurations MutualTlsAuthentication RoutingMode Tags"
    fixed = ("Tags",)
    spec = "DomainName!* DomainNameConfigurations[] MutualTlsAuthentication{} RoutingMode Tags{}"
    attributes = "DomainNameArn RegionalDomainName RegionalHostedZoneId"

    async def create(self, r: Request) -> None:
        await super().create(r)
        found = await r.call(SERVICE, "GetDomainName", DomainName=r.physical_id)
        configuration = (found.get("DomainNameConfigurations") or [{}])[0]
        r.attributes = {
            "DomainNameArn": found["DomainNameArn"],
            "RegionalDomainName": configuration.get("ApiGatewayDomainName", ""),
            "RegionalHostedZoneId": configuration.get("HostedZoneId", ""),
        }


class ApiGatewayManagedOverrides(ResourceType):
    """Overrides of what quick create made: not emulated, and said so."""

    type = "AWS::ApiGatewayV2::ApiGatewayManagedOverrides"
    spec = "ApiId!* Integration{} Route{} Stage{}"

    async def create(self, r: Request) -> None:
        raise ResourceError(
            f"The sandbox does not emulate {self.type}; write the integration, the route and the stage as resources "
            "of their own instead of using Target."
        )

    async def delete(self, r: Request) -> None:
        """Nothing was made."""
