"""API Gateway (REST): APIs, deployments, stages."""

from __future__ import annotations

import json
from typing import Any

import yaml

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.errors import ResourceError
from sandbox.control.cloudformation.types.apigateway_patch import (
    Patch,
    escape,
    mapping,
    members,
    retag,
    scalars,
)
from sandbox.control.cloudformation.types.base import Request, ResourceType, is_gone

_SERVICE = "apigateway"


class RestApi(ResourceType):
    type = "AWS::ApiGateway::RestApi"
    spec = (
        "ApiKeySourceType BinaryMediaTypes[] Body BodyS3Location{} CloneFrom Description "
        "DisableExecuteApiEndpoint EndpointAccessMode EndpointConfiguration{} FailOnWarnings "
        "MinimumCompressionSize Mode Name Parameters Policy SecurityPolicy Tags[]"
    )
    attributes = "RestApiId RootResourceId"

    async def create(self, r: Request) -> None:
        body = await _body(r)
        name = r.get("Name") or ((body or {}).get("info") or {}).get("title")
        if not name:
            raise ResourceError("Name is required when no Body is given")  # the text is UNSOURCED
        values = r.pick(
            "BinaryMediaTypes CloneFrom Description DisableExecuteApiEndpoint EndpointAccessMode "
            "EndpointConfiguration "
            "MinimumCompressionSize Policy SecurityPolicy Tags",
            ApiKeySource="ApiKeySourceType",
        )
        api = await r.send(_SERVICE, "CreateRestApi", {**values, "Name": name})
        r.physical_id = api["id"]
        resources = await r.call(_SERVICE, "GetResources", restApiId=r.physical_id)
        root = next(item["id"] for item in resources["items"] if item["path"] == "/")
        r.attributes = {"RestApiId": r.physical_id, "RootResourceId": root}
        if body is not None:
            await _put_body(r, body)

    async def update(self, r: Request) -> None:
        patches = scalars(
            r, "Description DisableExecuteApiEndpoint EndpointAccessMode MinimumCompressionSize Name Policy "
            "SecurityPolicy", ApiKeySourceType="/apiKeySource",
        )  # fmt: skip
        patches += members("/binaryMediaTypes", r.previous.get("BinaryMediaTypes"), r.get("BinaryMediaTypes"))
        patches += _endpoint_patches(r)
        if patches:
            await r.call(_SERVICE, "UpdateRestApi", restApiId=r.physical_id, patchOperations=patches)
        if r.changed("Body", "BodyS3Location") and (body := await _body(r)) is not None:
            await _put_body(r, body)
        await retag(r, f"arn:aws:apigateway:{r.region}::/restapis/{r.physical_id}")

    async def delete(self, r: Request) -> None:
        await r.call(_SERVICE, "DeleteRestApi", restApiId=r.physical_id)


def _endpoint_patches(r: Request) -> list[Patch]:
    if not r.changed("EndpointConfiguration"):
        return []
    old, new = r.previous.get("EndpointConfiguration") or {}, r.get("EndpointConfiguration") or {}
    was, now = (config.get("Types") or ["EDGE"] for config in (old, new))
    patches: list[Patch] = []
    if was != now:
        patches.append({"op": "replace", "path": f"/endpointConfiguration/types/{was[0]}", "value": now[0]})
    for operation, those, others in (("add", new, old), ("remove", old, new)):
        for endpoint in those.get("VpcEndpointIds") or []:
            if endpoint not in (others.get("VpcEndpointIds") or []):
                patches.append(
                    {"op": operation, "path": "/endpointConfiguration/vpcEndpointIds", "value": endpoint}
                )
    if old.get("IpAddressType") != new.get("IpAddressType") and "IpAddressType" in new:
        patches.append(
            {"op": "replace", "path": "/endpointConfiguration/ipAddressType", "value": new["IpAddressType"]}
        )
    return patches


async def _put_body(r: Request, body: dict[str, Any]) -> None:
    """Import a definition. The resource's own properties win over it, as on AWS (``Name`` over ``info.title``)."""
    definition = {**body, "info": {"version": "1.0", **(body.get("info") or {})}}
    if name := r.get("Name"):
        definition["info"]["title"] = name
    values: dict[str, Any] = {"Mode": r.get("Mode", "overwrite")} | r.pick("FailOnWarnings Parameters")
    await r.send(
        _SERVICE, "PutRestApi", {"RestApiId": r.physical_id, **values}, body=json.dumps(definition).encode()
    )


async def _body(r: Request) -> dict[str, Any] | None:
    body = r.get("Body")
    if location := r.get("BodyS3Location"):
        params = {"Bucket": location["Bucket"], "Key": location["Key"]}
        if "Version" in location:
            params["VersionId"] = location["Version"]
        content = (await r.call("s3", "GetObject", **params))["Body"]
        body = yaml.safe_load(content if isinstance(content, bytes) else content.read())
    if isinstance(body, str):
        body = json.loads(body)
    if body is not None and not isinstance(body, dict):
        raise ResourceError("Unable to parse API definition: it is not an object")  # the text is UNSOURCED
    return body


class Deployment(ResourceType):
    type = "AWS::ApiGateway::Deployment"
    spec = "DeploymentCanarySettings*{} Description RestApiId!* StageDescription{} StageName"
    attributes = "DeploymentId"

    async def create(self, r: Request) -> None:
        stage = r.get("StageDescription") or {}
        values: dict[str, Any] = r.pick(
            "Description RestApiId StageName", CanarySettings="DeploymentCanarySettings"
        )
        if stage:
            values["StageDescription"] = stage.get("Description", "")
            names = ("CacheClusterEnabled", "CacheClusterSize", "Variables", "TracingEnabled")
            values.update({name: stage[name] for name in names if name in stage})
        deployment = await r.send(_SERVICE, "CreateDeployment", values)
        r.physical_id = deployment["id"]
        r.attributes = {"DeploymentId": r.physical_id}
        if "StageName" in r.properties and stage:
            await _update_stage(r, r["StageName"], stage_patches({}, stage))

    async def update(self, r: Request) -> None:
        if patches := scalars(r, "Description"):
            await r.call(
                _SERVICE, "UpdateDeployment", restApiId=r["RestApiId"], deploymentId=r.physical_id,
                patchOperations=patches,
            )  # fmt: skip
        if r.changed("StageDescription") and "StageName" in r.properties:
            old, new = r.previous.get("StageDescription") or {}, r.get("StageDescription") or {}
            await _update_stage(r, r["StageName"], stage_patches(old, new))

    async def delete(self, r: Request) -> None:
        api = r["RestApiId"]
        if stage := r.get("StageName"):
            try:
                found = await r.call(_SERVICE, "GetStage", restApiId=api, stageName=stage)
                if found.get("deploymentId") == r.physical_id:
                    await r.call(_SERVICE, "DeleteStage", restApiId=api, stageName=stage)
            except AwsError as e:
                if not is_gone(e):
                    raise
        await r.call(_SERVICE, "DeleteDeployment", restApiId=api, deploymentId=r.physical_id)


async def _update_stage(r: Request, name: str, patches: list[Patch]) -> None:
    if patches:
        await r.call(
            _SERVICE, "UpdateStage", restApiId=r["RestApiId"], stageName=name, patchOperations=patches
        )


_METHOD_SETTINGS = {  # source: API Gateway REST API Reference, "PATCH operations" for Stage
    "MetricsEnabled": "metrics/enabled", "LoggingLevel": "logging/loglevel",
    "DataTraceEnabled": "logging/dataTrace", "ThrottlingBurstLimit": "throttling/burstLimit",
    "ThrottlingRateLimit": "throttling/rateLimit", "CachingEnabled": "caching/enabled",
    "CacheTtlInSeconds": "caching/ttlInSeconds", "CacheDataEncrypted": "caching/dataEncrypted",
}  # fmt: skip


def stage_patches(old: dict[str, Any], new: dict[str, Any]) -> list[Patch]:
    """Patches for what CreateStage and CreateDeployment do not take: access logs and method settings."""
    patches = _access_log_patches(old.get("AccessLogSetting") or {}, new.get("AccessLogSetting") or {})
    settings = new.get("MethodSettings") or []
    own = {
        name: new[name] for name in _METHOD_SETTINGS if name in new
    }  # of a StageDescription: for all methods
    for setting in [{"HttpMethod": "*", "ResourcePath": "/*", **own}, *settings] if own else settings:
        path = str(setting.get("ResourcePath", "/*"))
        where = "*" if path == "/*" else escape(path)
        for name, tail in _METHOD_SETTINGS.items():
            if name in setting:
                value = setting[name]
                shown = str(value).lower() if isinstance(value, bool) else str(value)
                patches.append(
                    {
                        "op": "replace",
                        "path": f"/{where}/{setting.get('HttpMethod', '*')}/{tail}",
                        "value": shown,
                    }
                )
    return patches


def _access_log_patches(old: dict[str, Any], new: dict[str, Any]) -> list[Patch]:
    if old and not new:
        return [{"op": "remove", "path": "/accessLogSettings"}]
    return [
        {"op": "replace", "path": f"/accessLogSettings/{to}", "value": str(new[name])}
        for name, to in (("DestinationArn", "destinationArn"), ("Format", "format"))
        if name in new and new[name] != old.get(name)
    ]


def _canary_patches(old: dict[str, Any] | None, new: dict[str, Any]) -> list[Patch]:
    """The settings anew: UpdateStage takes none of their members away."""
    named = {
        "DeploymentId": "deploymentId",
        "PercentTraffic": "percentTraffic",
        "UseStageCache": "useStageCache",
    }
    given = {name: new[key] for key, name in named.items() if key in new}
    return [
        *([{"op": "remove", "path": "/canarySettings"}] if old else []),
        *mapping("/canarySettings", None, given),
        *mapping("/canarySettings/stageVariableOverrides", None, new.get("StageVariableOverrides")),
    ]


class Stage(ResourceType):
    type = "AWS::ApiGateway::Stage"
    spec = (
        "AccessLogSetting{} CacheClusterEnabled CacheClusterSize CanarySetting{} ClientCertificateId "
        "DeploymentId Description DocumentationVersion MethodSettings[] RestApiId!* StageName* Tags[] "
        "TracingEnabled Variables{}"
    )

    async def create(self, r: Request) -> None:
        values = r.pick(
            "CacheClusterEnabled CacheClusterSize DeploymentId Description DocumentationVersion RestApiId "
            "StageName "
            "Tags TracingEnabled Variables",
            CanarySettings="CanarySetting",
        )
        stage = await r.send(_SERVICE, "CreateStage", values)
        r.physical_id = stage["stageName"]
        patches = stage_patches({}, r.properties)
        patches += scalars(r, "ClientCertificateId") if "ClientCertificateId" in r.properties else []
        await _update_stage(r, r.physical_id, patches)

    async def update(self, r: Request) -> None:
        patches = scalars(
            r, "CacheClusterEnabled CacheClusterSize ClientCertificateId DeploymentId Description "
            "DocumentationVersion TracingEnabled",
        )  # fmt: skip
        patches += mapping("/variables", r.previous.get("Variables"), r.get("Variables"))
        if r.changed("AccessLogSetting", "MethodSettings"):
            patches += stage_patches(r.previous, r.properties)
        if r.changed("CanarySetting"):
            patches += _canary_patches(r.previous.get("CanarySetting"), r.get("CanarySetting") or {})
        await _update_stage(r, r.physical_id, patches)
        await retag(r, f"arn:aws:apigateway:{r.region}::/restapis/{r['RestApiId']}/stages/{r.physical_id}")

    async def delete(self, r: Request) -> None:
        await r.call(_SERVICE, "DeleteStage", restApiId=r["RestApiId"], stageName=r.physical_id)
