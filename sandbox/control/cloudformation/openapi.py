"""Importing an API definition (Swagger 2.0 or OpenAPI 3.0) into a REST API, by API calls.

Everything that makes a REST API behave is read: paths, methods, authorizers, models, validators, gateway responses,
and the ``x-amazon-apigateway-*`` extensions with every member of an integration, ``responseTransferMode`` and
``timeoutInMillis`` included. Source: API Gateway Developer Guide, "OpenAPI extensions for API Gateway" and
"REST API import".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sandbox.control.cloudformation.openapi_parts import Definition, Operation
from sandbox.control.cloudformation.types.shapes import to_params

Call = Callable[..., Awaitable[dict[str, Any]]]
_SERVICE = "apigateway"


async def import_api(call: Call, api_id: str, body: Mapping[str, Any], *, overwrite: bool) -> None:
    """Bring a REST API to what a definition says. ``overwrite``: what the definition lacks is removed.

    Raises ``AwsError``, and ``ResourceError`` for a definition that is not one.
    """
    await _Import(call, api_id, Definition(body)).run(overwrite)


class _Import:
    def __init__(self, call: Call, api_id: str, definition: Definition) -> None:
        self._call = call
        self._api = api_id
        self._definition = definition

    async def call(self, operation: str, **params: Any) -> dict[str, Any]:
        return await self._call(_SERVICE, operation, restApiId=self._api, **params)

    async def send(self, operation: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return await self._call(
            _SERVICE, operation, **to_params(_SERVICE, operation, {"restApiId": self._api, **values})
        )

    async def run(self, overwrite: bool) -> None:
        definition = self._definition
        await self._settings()
        if overwrite:
            await self._clear()
        for name, schema in definition.models().items():
            await self.send(
                "CreateModel", {"name": name, "contentType": "application/json", "schema": schema}
            )
        for kind, response in definition.gateway_responses().items():
            await self.send("PutGatewayResponse", {"responseType": kind, **response})
        validators = {
            name: (await self.send("CreateRequestValidator", {"name": name, **values}))["id"]
            for name, values in definition.validators().items()
        }
        authorizers = {
            name: (await self.send("CreateAuthorizer", {"name": name, **values}))["id"]
            for name, values in definition.authorizers().items()
        }
        ids = await self._resources(overwrite)
        for operation in definition.operations():
            await self._method(ids[operation.path], operation, validators, authorizers)

    async def _settings(self) -> None:
        patches = self._definition.api_patches()
        if patches:
            api = await self.call("GetRestApi")
            held = set(api.get("binaryMediaTypes") or [])
            patches = [p for p in patches if p["path"].split("/")[-1].replace("~1", "/") not in held]
        if patches:
            await self.call("UpdateRestApi", patchOperations=patches)

    async def _clear(self) -> None:
        """Remove what an earlier import made besides resources."""
        for item in await self._all("GetAuthorizers"):
            await self.call("DeleteAuthorizer", authorizerId=item["id"])
        for item in await self._all("GetRequestValidators"):
            await self.call("DeleteRequestValidator", requestValidatorId=item["id"])
        for item in await self._all("GetModels"):
            await self.call("DeleteModel", modelName=item["name"])
        for item in await self._all("GetGatewayResponses"):
            if not item.get("defaultResponse"):
                await self.call("DeleteGatewayResponse", responseType=item["responseType"])

    async def _all(self, operation: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.call(operation, limit=500)).get("items") or []
        return found

    async def _resources(self, overwrite: bool) -> dict[str, str]:
        """Path -> resource id, after making what is missing and removing what is not wanted."""
        items = await self._all("GetResources")
        held = {item["path"]: item["id"] for item in items}
        wanted = self._definition.paths()
        if overwrite:
            for item in items:
                for method in item.get("resourceMethods") or {}:
                    await self.call("DeleteMethod", resourceId=item["id"], httpMethod=method)
            for path in sorted(held, key=len, reverse=True):
                if path not in wanted:
                    await self.call("DeleteResource", resourceId=held.pop(path))
        else:
            await self._drop_replaced_methods(items)
        for path in wanted:
            if path not in held:
                parent, _, part = path.rpartition("/")
                made = await self.call("CreateResource", parentId=held[parent or "/"], pathPart=part)
                held[path] = made["id"]
        return held

    async def _drop_replaced_methods(self, items: list[dict[str, Any]]) -> None:
        new = {(operation.path, operation.method) for operation in self._definition.operations()}
        for item in items:
            for method in item.get("resourceMethods") or {}:
                if (item["path"], method) in new:
                    await self.call("DeleteMethod", resourceId=item["id"], httpMethod=method)

    async def _method(
        self,
        resource: str,
        operation: Operation,
        validators: Mapping[str, str],
        authorizers: Mapping[str, str],
    ) -> None:
        where = {"resourceId": resource, "httpMethod": operation.method}
        values = operation.method_values(authorizers)
        if operation.validator in validators:
            values["requestValidatorId"] = validators[operation.validator]
        await self.send("PutMethod", {**where, **values})
        for status, response in operation.method_responses().items():
            await self.send("PutMethodResponse", {**where, "statusCode": status, **response})
        integration = operation.integration()
        if integration is None:
            return
        await self.send("PutIntegration", {**where, **integration})
        for values in operation.integration_responses():
            await self.send("PutIntegrationResponse", {**where, **values})
