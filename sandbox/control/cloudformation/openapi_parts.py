"""Reading an API definition: Swagger 2.0 and OpenAPI 3.0 give the same parts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.control.cloudformation.errors import ResourceError

_X = "x-amazon-apigateway-"
_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", f"{_X}any-method"}
_PLACES = {"path": "path", "query": "querystring", "header": "header"}
_TAKEN = {  # members of an integration -> PutIntegration's; the rest has the same name
    "httpMethod": "integrationHttpMethod",
}
_INTEGRATION = [
    "type",
    "httpMethod",
    "uri",
    "credentials",
    "connectionType",
    "connectionId",
    "requestParameters",
    "requestTemplates",
    "passthroughBehavior",
    "contentHandling",
    "timeoutInMillis",
    "cacheNamespace",
    "cacheKeyParameters",
    "tlsConfig",
    "responseTransferMode",
    "integrationTarget",
]


class Definition:
    """An API definition."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        if not isinstance(body.get("paths", {}), dict) or not ("swagger" in body or "openapi" in body):
            raise ResourceError(
                "Unable to parse API definition because of a malformed or unsupported definition: it has neither "
                "'swagger' nor 'openapi', or 'paths' is not an object"
            )
        self.body = body
        self.components: Mapping[str, Any] = body.get("components") or {}

    def paths(self) -> list[str]:
        """All resource paths from the root down, parents first."""
        found: dict[str, None] = {"/": None}
        for path in self.body.get("paths") or {}:
            parts = [part for part in path.split("/") if part]
            for end in range(1, len(parts) + 1):
                found["/" + "/".join(parts[:end])] = None
        return list(found)

    def operations(self) -> Iterator[Operation]:
        """Every method of every path."""
        for path, item in (self.body.get("paths") or {}).items():
            for method, operation in (item or {}).items():
                if method.lower() in _METHODS:
                    yield Operation(self, path, method.lower(), operation or {}, item.get("parameters") or [])

    def models(self) -> dict[str, str]:
        """Model name -> JSON schema."""
        schemas = self.body.get("definitions") or self.components.get("schemas") or {}
        return {name: json.dumps(schema) for name, schema in schemas.items()}

    def gateway_responses(self) -> dict[str, dict[str, Any]]:
        """Response type -> values for PutGatewayResponse."""
        found = self.body.get(f"{_X}gateway-responses") or {}
        names = ("statusCode", "responseParameters", "responseTemplates")
        return {kind: {n: response[n] for n in names if n in response} for kind, response in found.items()}

    def validators(self) -> dict[str, dict[str, Any]]:
        """Validator name -> values for CreateRequestValidator."""
        found = self.body.get(f"{_X}request-validators") or {}
        return {
            name: {
                "validateRequestBody": values.get("validateRequestBody", False),
                "validateRequestParameters": values.get("validateRequestParameters", False),
            }
            for name, values in found.items()
        }

    def schemes(self) -> Mapping[str, Any]:
        """Security schemes by name."""
        found: Mapping[str, Any] = (
            self.body.get("securityDefinitions") or self.components.get("securitySchemes") or {}
        )
        return found

    def authorizers(self) -> dict[str, dict[str, Any]]:
        """Authorizer name -> values for CreateAuthorizer."""
        result: dict[str, dict[str, Any]] = {}
        for name, scheme in self.schemes().items():
            authorizer = scheme.get(f"{_X}authorizer")
            if not authorizer:
                continue
            values = {key: value for key, value in authorizer.items() if key != "type"}
            kind = str(authorizer["type"]).upper()
            if kind in ("TOKEN", "COGNITO_USER_POOLS") and "identitySource" not in values:
                values["identitySource"] = f"method.request.header.{scheme.get('name', 'Authorization')}"
            values["authType"] = scheme.get(f"{_X}authtype", "custom")
            result[name] = {"type": kind, **values}
        return result

    def api_patches(self) -> list[dict[str, str]]:
        """What the definition says of the API itself, as patches."""
        patches = [
            {"op": "add", "path": "/binaryMediaTypes/" + kind.replace("/", "~1")}
            for kind in self.body.get(f"{_X}binary-media-types") or []
        ]
        if policy := self.body.get(f"{_X}policy"):
            patches.append({"op": "replace", "path": "/policy", "value": json.dumps(policy)})
        if source := self.body.get(f"{_X}api-key-source"):
            patches.append({"op": "replace", "path": "/apiKeySource", "value": str(source)})
        size = self.body.get(f"{_X}minimum-compression-size")
        if size is not None:
            patches.append({"op": "replace", "path": "/minimumCompressionSize", "value": str(size)})
        return patches

    def resolve(self, value: Any) -> Any:
        """Follow a ``$ref`` inside the definition."""
        while isinstance(value, dict) and str(value.get("$ref", "")).startswith("#/"):
            found: Any = self.body
            for part in value["$ref"][2:].split("/"):
                found = found.get(part, {})
            value = found
        return value


class Operation:
    """A method of a path."""

    def __init__(
        self, definition: Definition, path: str, method: str, body: Mapping[str, Any], shared: list[Any]
    ) -> None:
        self.definition = definition
        self.path = "/" + path.strip("/")
        self.method = "ANY" if method.endswith("any-method") else method.upper()
        self.body = body
        self._parameters = [definition.resolve(p) for p in [*shared, *(body.get("parameters") or [])]]

    @property
    def validator(self) -> str:
        """The name of the request validator, "" for none."""
        whole = self.definition.body.get(f"{_X}request-validator", "")
        return str(self.body.get(f"{_X}request-validator", whole))

    def method_values(self, authorizers: Mapping[str, str]) -> dict[str, Any]:
        """Values for PutMethod."""
        values: dict[str, Any] = {
            "authorizationType": "NONE",
            "apiKeyRequired": False,
            "requestParameters": {
                f"method.request.{_PLACES[p['in']]}.{p['name']}": bool(p.get("required"))
                for p in self._parameters
                if p.get("in") in _PLACES
            },
            "requestModels": self._request_models(),
        }
        if name := self.body.get("operationId"):
            values["operationName"] = name
        self._secure(values, authorizers)
        return values

    def _secure(self, values: dict[str, Any], authorizers: Mapping[str, str]) -> None:
        schemes = self.definition.schemes()
        whole = self.definition.body.get("security") or []
        for name, scopes in ((n, s) for entry in self.body.get("security", whole) for n, s in entry.items()):
            scheme = schemes.get(name) or {}
            if name in authorizers:
                values["authorizerId"] = authorizers[name]
                kind = str(scheme[f"{_X}authorizer"]["type"]).lower()
                values["authorizationType"] = (
                    "COGNITO_USER_POOLS" if kind == "cognito_user_pools" else "CUSTOM"
                )
                if scopes:
                    values["authorizationScopes"] = scopes
            elif scheme.get(f"{_X}authtype") == "awsSigv4":
                values["authorizationType"] = "AWS_IAM"
            elif scheme.get("type") == "apiKey":
                values["apiKeyRequired"] = True
        if (self.body.get(f"{_X}auth") or {}).get("type") == "AWS_IAM":
            values["authorizationType"] = "AWS_IAM"

    def _request_models(self) -> dict[str, str]:
        for parameter in self._parameters:
            if parameter.get("in") == "body":
                kinds = (
                    self.body.get("consumes") or self.definition.body.get("consumes") or ["application/json"]
                )
                return {kind: model for kind in kinds if (model := _model(parameter.get("schema")))}
        content = (self.definition.resolve(self.body.get("requestBody")) or {}).get("content") or {}
        return {kind: model for kind, media in content.items() if (model := _model(media.get("schema")))}

    def method_responses(self) -> dict[str, dict[str, Any]]:
        """Status -> values for PutMethodResponse."""
        result: dict[str, dict[str, Any]] = {}
        for status, response in (self.body.get("responses") or {}).items():
            if not str(status).isdigit():
                continue
            response = self.definition.resolve(response) or {}
            values: dict[str, Any] = {
                "responseParameters": {
                    f"method.response.header.{name}": False for name in response.get("headers") or {}
                }
            }
            content = response.get("content") or {}
            models = {kind: m for kind, media in content.items() if (m := _model(media.get("schema")))}
            if model := _model(response.get("schema")):
                kinds = (
                    self.body.get("produces") or self.definition.body.get("produces") or ["application/json"]
                )
                models = dict.fromkeys(kinds, model)
            values["responseModels"] = models
            result[str(status)] = values
        return result

    def integration(self) -> dict[str, Any] | None:
        """Values for PutIntegration, ``None`` when the definition says nothing."""
        found = self.body.get(f"{_X}integration")
        if not found:
            return None
        values = {_TAKEN.get(name, name): found[name] for name in _INTEGRATION if name in found}
        values["type"] = str(found.get("type", "")).upper()
        if values["type"] in ("HTTP", "HTTP_PROXY") and "integrationHttpMethod" not in values:
            values["integrationHttpMethod"] = self.method
        return values

    def integration_responses(self) -> list[dict[str, Any]]:
        """Values for PutIntegrationResponse; the key is the pattern, ``default`` for none."""
        result = []
        responses = (self.body.get(f"{_X}integration") or {}).get("responses") or {}
        for pattern, response in responses.items():
            values = {"statusCode": str(response.get("statusCode", "200"))}
            if pattern != "default":
                values["selectionPattern"] = pattern
            names = ("responseParameters", "responseTemplates", "contentHandling")
            result.append(values | {name: response[name] for name in names if name in response})
        return result


def _model(schema: Any) -> str | None:
    """The name of the model that a schema refers to."""
    reference = (schema or {}).get("$ref") if isinstance(schema, dict) else None
    return str(reference).rsplit("/", 1)[-1] if reference else None
