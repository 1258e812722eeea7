"""API Gateway (REST): resources and methods."""

from __future__ import annotations

from typing import Any

from sandbox.control.cloudformation.types.base import Request, ResourceType, invalid_properties

_SERVICE = "apigateway"


class Resource(ResourceType):
    type = "AWS::ApiGateway::Resource"
    spec = "ParentId!* PathPart!* RestApiId!*"
    attributes = "ResourceId"

    async def create(self, r: Request) -> None:
        made = await r.send(_SERVICE, "CreateResource", r.properties)
        r.physical_id = made["id"]
        r.attributes = {"ResourceId": r.physical_id}

    async def delete(self, r: Request) -> None:
        await r.call(_SERVICE, "DeleteResource", restApiId=r["RestApiId"], resourceId=r.physical_id)


class Method(ResourceType):
    type = "AWS::ApiGateway::Method"
    spec = (
        "ApiKeyRequired AuthorizationScopes[] AuthorizationType AuthorizerId HttpMethod!* Integration{} "
        "MethodResponses[] OperationName RequestModels{} RequestParameters{} RequestValidatorId ResourceId!* "
        "RestApiId!*"
    )

    async def create(self, r: Request) -> None:
        _check_date(r)
        values = {
            name: value
            for name, value in r.properties.items()
            if name not in ("Integration", "MethodResponses")
        }
        await r.send(_SERVICE, "PutMethod", {"AuthorizationType": "NONE", **values})
        r.physical_id = f"{r['RestApiId']}|{r['ResourceId']}|{r['HttpMethod']}"
        where = r.pick("RestApiId ResourceId HttpMethod")
        for response in r.get("MethodResponses") or []:
            await r.send(_SERVICE, "PutMethodResponse", {**where, **response})
        if "Integration" in r.properties:
            await _integrate(r, where, dict(r["Integration"]))

    async def update(self, r: Request) -> None:
        """Put the method anew: what a client sees is the same as with patches."""
        _check_date(r)
        await self.delete(r)
        await self.create(r)

    async def delete(self, r: Request) -> None:
        await r.send(_SERVICE, "DeleteMethod", r.pick("RestApiId ResourceId HttpMethod"))


def _check_date(r: Request) -> None:
    """Refuse a property of the integration that did not exist on the sandbox's day (fact 1.20)."""
    if r.sandbox.limits.available("api_rest.streaming.available"):
        return
    if "ResponseTransferMode" in (r.get("Integration") or {}):
        unknown = "#/Integration: extraneous key [ResponseTransferMode] is not permitted"
        raise invalid_properties(r.logical_id, [unknown])


async def _integrate(r: Request, where: dict[str, Any], integration: dict[str, Any]) -> None:
    responses = integration.pop("IntegrationResponses", None) or []
    if "IntegrationHttpMethod" not in integration and integration.get("Type") in ("HTTP", "HTTP_PROXY"):
        integration["IntegrationHttpMethod"] = where["HttpMethod"]
    await r.send(_SERVICE, "PutIntegration", {**where, **integration})
    for response in responses:
        await r.send(_SERVICE, "PutIntegrationResponse", {**where, **response})
