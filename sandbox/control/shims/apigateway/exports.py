"""``GetExport``: what a stage serves as an OpenAPI 3 or Swagger 2 document, which ``ImportRestApi`` takes again.

Source: API Gateway developer guide, "Export a REST API from API Gateway" and the pages of the extensions
``x-amazon-apigateway-*``. ``extensions``: ``integrations`` (integrations, validators and what else an API is made of;
``apigateway`` is the same), ``authorizers``. The name of the file in ``Content-Disposition`` is UNSOURCED.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.message import Response
from sandbox.control.resources import Integration, Method
from sandbox.control.shims.apigateway.state import State
from sandbox.control.shims.apigateway.store import Api, Document, Snapshot, bad_request
from sandbox.control.shims.call import Call, Handler

TYPES = ("oas30", "swagger")
FORMATS = ("application/json", "application/yaml")
EXTENSIONS = frozenset(("integrations", "apigateway", "authorizers"))
ANY = "x-amazon-apigateway-any-method"
_KEY = "api_key"
_SIGV4 = "sigv4"
_PLACES = {"querystring": "query", "header": "header", "path": "path"}


class Exports:
    """The operation."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"GetExport": self.get}

    async def get(self, call: Call) -> Response:
        """``GetExport``."""
        api, params = self._state.api(call), call.params
        stage = api.stage(params["stageName"])
        kind, accepts = params["exportType"], params.get("accepts") or "application/json"
        if kind not in TYPES:
            raise bad_request(f"No API exporter for type '{kind}'")
        if accepts not in FORMATS:
            raise bad_request(f"Invalid Accept: {accepts}. It must be one of {', '.join(FORMATS)}")
        wanted = {
            part.strip() for part in (params.get("parameters") or {}).get("extensions", "").split(",")
        } - {""}
        if not wanted <= EXTENSIONS:
            unknown = ", ".join(sorted(wanted - EXTENSIONS))
            raise NotEmulatedError(f"API Gateway exports with the extensions {unknown}")
        snapshot = api.deployments[stage["deploymentId"]].snapshot
        document = _Writer(api, snapshot, kind, wanted).document(params["stageName"], call.target.region)
        text, ending = json.dumps(document, indent=2, ensure_ascii=False), "json"
        if accepts == "application/yaml":
            import yaml

            text, ending = yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "yaml"
        name = f"{kind}_{self._state.now():%Y-%m-%dT%H:%M:%SZ}.{ending}"
        headers = (("Content-Type", accepts), ("Content-Disposition", f'attachment; filename="{name}"'))
        return Response(200, headers, text.encode())


class _Writer:
    """One export."""

    def __init__(self, api: Api, snapshot: Snapshot, kind: str, extensions: set[str]) -> None:
        self._api = api
        self._snapshot = snapshot
        self._oas3 = kind == "oas30"
        self._whole = bool(extensions & {"integrations", "apigateway"})
        self._with_authorizers = "authorizers" in extensions
        self._schemes: Document = {}

    def document(self, stage: str, region: str) -> Document:
        """The whole document."""
        info = {
            "title": self._api.info["name"],
            "version": self._api.info.get("version") or _version(self._api),
        }
        if self._api.info.get("description"):
            info["description"] = self._api.info["description"]
        host = f"{self._api.id}.execute-api.{region}.amazonaws.com"
        made: Document = {"openapi": "3.0.1"} if self._oas3 else {"swagger": "2.0"}
        made["info"] = info
        if self._oas3:
            variables = {"basePath": {"default": stage}}
            made["servers"] = [{"url": f"https://{host}/{{basePath}}", "variables": variables}]
        else:
            made |= {"host": host, "basePath": f"/{stage}", "schemes": ["https"]}
        made["paths"] = self._paths()
        models = {
            name: self._schema(model) for name, model in self._snapshot.models.items() if model.get("schema")
        }
        if self._oas3:
            components = {"schemas": models, "securitySchemes": self._schemes}
            made["components"] = {name: value for name, value in components.items() if value}
        else:
            parts = {"securityDefinitions": self._schemes, "definitions": models}
            made |= {name: value for name, value in parts.items() if value}
        return made | (self._extensions() if self._whole else {})

    def _extensions(self) -> Document:
        snapshot, validators = self._snapshot, self._snapshot.validators.values()
        members = ("validateRequestBody", "validateRequestParameters")
        made: Document = {
            "x-amazon-apigateway-request-validators": {
                one["name"]: {member: one[member] for member in members} for one in validators
            },
            "x-amazon-apigateway-gateway-responses": {
                kind: {k: v for k, v in given.items() if k not in ("responseType", "defaultResponse")}
                for kind, given in snapshot.gateway_responses.items()
            },
            "x-amazon-apigateway-binary-media-types": list(snapshot.binary_media_types),
            "x-amazon-apigateway-policy": snapshot.policy,
            "x-amazon-apigateway-api-key-source": (
                snapshot.api_key_source if snapshot.api_key_source != "HEADER" else None
            ),
            "x-amazon-apigateway-minimum-compression-size": self._api.info.get("minimumCompressionSize"),
        }
        return {name: value for name, value in made.items() if value not in (None, {}, [])}

    def _schema(self, model: Mapping[str, Any]) -> Any:
        text = str(model["schema"])
        old, new = ("#/definitions/", "#/components/schemas/")
        return json.loads(text.replace(old, new) if self._oas3 else text.replace(new, old))

    def _reference(self, model: str) -> Document:
        return {"$ref": f"#/components/schemas/{model}" if self._oas3 else f"#/definitions/{model}"}

    def _paths(self) -> Document:
        paths: Document = {}
        for resource in sorted(self._snapshot.resources, key=lambda one: one.path):
            operations = {}
            for verb, method in resource.methods.items():
                operations[ANY if verb == "ANY" else verb.lower()] = self._operation(method)
            if operations:
                paths[resource.path] = operations
        return paths

    def _operation(self, method: Method) -> Document:
        made: Document = {"operationId": method.operation_name} if method.operation_name else {}
        parameters = self._parameters(method)
        kinds = sorted(
            {kind for one in method.responses.values() for kind in one.get("responseModels") or {}}
        )
        if self._oas3 and method.request_models:
            content = {
                kind: {"schema": self._reference(name)} for kind, name in method.request_models.items()
            }
            made["requestBody"] = {"content": content, "required": True}
        elif not self._oas3:
            if method.request_models:
                made["consumes"] = list(method.request_models)
                for name in dict.fromkeys(method.request_models.values()):
                    body = {"in": "body", "name": name, "required": True, "schema": self._reference(name)}
                    parameters.append(body)
            made["produces"] = kinds or ["application/json"]
        if parameters:
            made["parameters"] = parameters
        made["responses"] = {
            status: self._response(status, given) for status, given in method.responses.items()
        }
        security = self._security(method)
        if security:
            made["security"] = security
        if self._whole:
            validator = self._snapshot.validators.get(method.validator_id or "")
            if validator:
                made["x-amazon-apigateway-request-validator"] = validator["name"]
            if method.integration is not None:
                made["x-amazon-apigateway-integration"] = _integration(method.integration)
        return made

    def _parameters(self, method: Method) -> list[Document]:
        found = []
        for target, required in method.request_parameters.items():
            _, _, place, name = target.split(".", 3)
            made: Document = {"name": name, "in": _PLACES[place], "required": required or place == "path"}
            found.append(made | ({"schema": {"type": "string"}} if self._oas3 else {"type": "string"}))
        return found

    def _response(self, status: str, given: Mapping[str, Any]) -> Document:
        made: Document = {"description": f"{status} response"}
        prefix, kind = "method.response.header.", {"type": "string"}
        names = [name.removeprefix(prefix) for name in given.get("responseParameters") or {}]
        if names:
            made["headers"] = {name: {"schema": kind} if self._oas3 else kind for name in names}
        models = given.get("responseModels") or {}
        if self._oas3:
            made["content"] = {kind: {"schema": self._reference(name)} for kind, name in models.items()}
        elif models:
            made["schema"] = self._reference(next(iter(models.values())))
        return made

    def _security(self, method: Method) -> list[Document]:
        found: list[Document] = []
        if method.authorization == "AWS_IAM":
            found.append({_SIGV4: []})
            self._schemes[_SIGV4] = {
                **_header("Authorization"),
                "x-amazon-apigateway-authtype": "awsSigv4",
            }
        elif method.authorizer_id in self._snapshot.authorizers:
            authorizer = self._snapshot.authorizers[method.authorizer_id or ""]
            found.append({authorizer["name"]: list(method.scopes)})
            self._schemes[authorizer["name"]] = self._authorizer(authorizer)
        if method.api_key_required:
            found.append({_KEY: []})
            self._schemes[_KEY] = _header("x-api-key")
        return found

    def _authorizer(self, given: Mapping[str, Any]) -> Document:
        source = str(given.get("identitySource") or "")
        single = source.startswith("method.request.header.") and "," not in source
        name = source.removeprefix("method.request.header.") if single else "Unused"
        made = {**_header(name), "x-amazon-apigateway-authtype": given["authType"]}
        if self._with_authorizers:
            kept = {k: v for k, v in given.items() if k not in ("id", "name", "authType")}
            kind = str(given["type"])
            kept["type"] = kind.lower()
            if single and kind != "REQUEST":
                del kept["identitySource"]
            made["x-amazon-apigateway-authorizer"] = kept
        return made


def _header(name: str) -> Document:
    return {"type": "apiKey", "name": name, "in": "header"}


def _version(api: Api) -> str:
    """Without a version of its own the export has the API's creation date."""
    return f"{api.info['createdDate']:%Y-%m-%dT%H:%M:%SZ}"


def _integration(given: Integration) -> Document:
    made: Document = {
        "type": given.type.lower(),
        "httpMethod": given.http_method,
        "uri": given.uri,
        "credentials": given.credentials,
        "responses": {_pattern(one): _answer(one) for one in given.responses.values()},
        "requestParameters": dict(given.request_parameters),
        "requestTemplates": dict(given.request_templates),
        "passthroughBehavior": given.passthrough.lower(),
        "contentHandling": given.content_handling,
        "timeoutInMillis": given.timeout_ms,
        "cacheNamespace": given.cache_namespace,
        "cacheKeyParameters": list(given.cache_key_parameters),
        "responseTransferMode": given.transfer_mode if given.transfer_mode == "STREAM" else None,
        **(
            {"connectionType": "VPC_LINK", "connectionId": given.connection_id} if given.connection_id else {}
        ),
        "integrationTarget": given.target,
    }
    return {name: value for name, value in made.items() if value not in (None, "", {}, [])}


def _pattern(response: Mapping[str, Any]) -> str:
    return response.get("selectionPattern") or "default"


def _answer(response: Mapping[str, Any]) -> Document:
    return {name: value for name, value in response.items() if name != "selectionPattern"}
