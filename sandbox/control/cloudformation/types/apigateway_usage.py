"""API Gateway (REST): API keys and usage plans."""

from __future__ import annotations

from typing import Any

from sandbox.control.cloudformation.template.intrinsics import text
from sandbox.control.cloudformation.types.apigateway_patch import Patch, retag, scalars
from sandbox.control.cloudformation.types.base import Request, ResourceType

_SERVICE = "apigateway"


class ApiKey(ResourceType):
    type = "AWS::ApiGateway::ApiKey"
    spec = "CustomerId Description Enabled GenerateDistinctId* Name* StageKeys[] Tags[] Value*"
    attributes = "APIKeyId"

    async def create(self, r: Request) -> None:
        name = r.get("Name") or r.name(128)
        made = await r.send(_SERVICE, "CreateApiKey", {**r.properties, "Name": name})
        r.physical_id = made["id"]
        r.attributes = {"APIKeyId": r.physical_id}

    async def update(self, r: Request) -> None:
        r.properties.setdefault("Enabled", False)
        if patches := scalars(r, "CustomerId Description Enabled"):
            await r.call(_SERVICE, "UpdateApiKey", apiKey=r.physical_id, patchOperations=patches)
        await retag(r, f"arn:aws:apigateway:{r.region}::/apikeys/{r.physical_id}")

    async def delete(self, r: Request) -> None:
        await r.call(_SERVICE, "DeleteApiKey", apiKey=r.physical_id)


class UsagePlan(ResourceType):
    type = "AWS::ApiGateway::UsagePlan"
    spec = "ApiStages[] Description Quota{} Tags[] Throttle{} UsagePlanName"
    attributes = "Id"

    async def create(self, r: Request) -> None:
        values = r.pick("ApiStages Description Quota Tags Throttle")
        name = r.get("UsagePlanName") or r.name(128)
        made = await r.send(_SERVICE, "CreateUsagePlan", {**values, "Name": name})
        r.physical_id = made["id"]
        r.attributes = {"Id": r.physical_id}

    async def update(self, r: Request) -> None:
        patches = scalars(r, "Description", UsagePlanName="/name")
        patches += _stages(r)
        for name in ("Quota", "Throttle"):
            patches += _limits(name.lower(), r.previous.get(name) or {}, r.get(name) or {})
        if patches:
            await r.call(_SERVICE, "UpdateUsagePlan", usagePlanId=r.physical_id, patchOperations=patches)
        await retag(r, f"arn:aws:apigateway:{r.region}::/usageplans/{r.physical_id}")

    async def delete(self, r: Request) -> None:
        removals = [
            {"op": "remove", "path": "/apiStages", "value": _stage(s)} for s in r.get("ApiStages") or []
        ]
        if removals:  # API Gateway refuses to delete a plan that still has stages
            await r.call(_SERVICE, "UpdateUsagePlan", usagePlanId=r.physical_id, patchOperations=removals)
        await r.call(_SERVICE, "DeleteUsagePlan", usagePlanId=r.physical_id)


def _stage(stage: dict[str, Any]) -> str:
    return f"{stage['ApiId']}:{stage['Stage']}"


def _stages(r: Request) -> list[Patch]:
    old = [_stage(s) for s in r.previous.get("ApiStages") or []]
    new = [_stage(s) for s in r.get("ApiStages") or []]
    patches = [{"op": "add", "path": "/apiStages", "value": s} for s in new if s not in old]
    return patches + [{"op": "remove", "path": "/apiStages", "value": s} for s in old if s not in new]


def _limits(name: str, old: dict[str, Any], new: dict[str, Any]) -> list[Patch]:
    if old and not new:
        return [{"op": "remove", "path": f"/{name}"}]
    return [
        {"op": "replace", "path": f"/{name}/{key[0].lower()}{key[1:]}", "value": text(value)}
        for key, value in new.items()
        if old.get(key) != value
    ]


class UsagePlanKey(ResourceType):
    type = "AWS::ApiGateway::UsagePlanKey"
    spec = "KeyId!* KeyType!* UsagePlanId!*"
    attributes = "Id"

    async def create(self, r: Request) -> None:
        made = await r.send(_SERVICE, "CreateUsagePlanKey", r.properties)
        r.physical_id = f"{made['id']}:{r['UsagePlanId']}"
        r.attributes = {"Id": r.physical_id}

    async def delete(self, r: Request) -> None:
        await r.send(_SERVICE, "DeleteUsagePlanKey", r.pick("KeyId UsagePlanId"))
