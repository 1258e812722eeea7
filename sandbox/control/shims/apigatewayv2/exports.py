"""``ExportApi``: an HTTP API as an OpenAPI 3 document, which ``ImportApi`` takes again.

Source: API Gateway developer guide, "Export HTTP APIs from API Gateway", and botocore (``ExportApi``): a stage's
deployment, or the latest configuration without ``StageName``; extensions unless told otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.resources import V2Authorizer, V2Integration, V2Route
from sandbox.control.shims.apigatewayv2.openapi import ANY, CORS, INTEGRATION
from sandbox.control.shims.apigatewayv2.snapshot import take
from sandbox.control.shims.apigatewayv2.state import State
from sandbox.control.shims.apigatewayv2.store import Api, Document, Snapshot, bad_request, find, not_found
from sandbox.control.shims.call import Call, Handler

OUTPUTS = {"JSON": "application/json", "YAML": "application/yaml"}
_SIGV4 = "sigv4"


class Exports:
    """The operation."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"ExportApi": self.export}

    async def export(self, call: Call) -> Response:
        """``ExportApi``."""
        api, params = self._state.api(call), call.params
        if not api.http:
            raise bad_request("Only HTTP APIs can be exported")
        if params["Specification"] != "OAS30":
            raise bad_request(f"Invalid specification: {params['Specification']}. Must be OAS30")
        kind = params["OutputType"]
        if kind not in OUTPUTS:
            raise bad_request(f"Invalid outputType: {kind}. Must be one of [JSON, YAML]")
        stage = params.get("StageName")
        document = _document(api, _snapshot(api, stage), params.get("IncludeExtensions", True), stage)
        text = json.dumps(document, indent=2, ensure_ascii=False)
        if kind == "YAML":
            import yaml

            text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        return Response(200, (("Content-Type", OUTPUTS[kind]),), text.encode())


def _snapshot(api: Api, stage: str | None) -> Snapshot:
    if stage is None:
        return take(api)
    deployment = find(api.stages, stage, "Stage").get("DeploymentId")
    if not deployment:
        raise not_found(f"The stage {stage} has no deployment")
    return api.deployments[deployment].snapshot


def _document(api: Api, snapshot: Snapshot, extensions: bool, stage: str | None) -> Document:
    info = snapshot.info
    made: Document = {"openapi": "3.0.1", "info": {"title": info["Name"], "version": info.get("Version", "")}}
    if not made["info"]["version"]:
        made["info"]["version"] = f"{info['CreatedDate']:%Y-%m-%d %H:%M:%SUTC}"
    if info.get("Description"):
        made["info"]["description"] = info["Description"]
    host = f"https://{api.id}.execute-api.{api.region}.amazonaws.com"
    path = "" if stage in (None, "$default") else str(stage)
    made["servers"] = [{"url": f"{host}/{{basePath}}", "variables": {"basePath": {"default": path}}}]
    tags = info.get("Tags") or {}
    if tags:
        made["tags"] = [
            {"name": name, "x-amazon-apigateway-tag-value": value} for name, value in tags.items()
        ]
    schemes: Document = {}
    made["paths"] = _paths(snapshot, schemes, extensions)
    if schemes:
        made["components"] = {"securitySchemes": schemes}
    if extensions:
        if info.get("CorsConfiguration"):
            cors = info["CorsConfiguration"]
            made[CORS] = {name[:1].lower() + name[1:]: value for name, value in cors.items()}
        made["x-amazon-apigateway-importexport-version"] = "1.0"
    return made


def _paths(snapshot: Snapshot, schemes: Document, extensions: bool) -> Document:
    paths: Document = {}
    for route in sorted(snapshot.routes.values(), key=lambda one: one.key):
        method, _, path = route.key.partition(" ") if route.key != "$default" else ("ANY", "", "/$default")
        operation = _operation(route, snapshot, schemes, extensions)
        if route.key == "$default":
            operation["isDefaultRoute"] = True
        paths.setdefault(path, {})[ANY if method == "ANY" else method.lower()] = operation
    return paths


def _operation(route: V2Route, snapshot: Snapshot, schemes: Document, extensions: bool) -> Document:
    made: Document = {"operationId": route.operation} if route.operation else {}
    made["responses"] = {"default": {"description": f"Default response for {route.key}"}}
    if route.authorization == "AWS_IAM":
        made["security"] = [{_SIGV4: []}]
        scheme = {"type": "apiKey", "name": "Authorization", "in": "header"}
        schemes[_SIGV4] = {**scheme, "x-amazon-apigateway-authtype": "awsSigv4"}
    elif route.authorizer_id in snapshot.authorizers:
        authorizer = snapshot.authorizers[route.authorizer_id or ""]
        made["security"] = [{authorizer.name: list(route.scopes)}]
        schemes[authorizer.name] = _scheme(authorizer, extensions)
    if extensions and route.integration is not None:
        made[INTEGRATION] = _integration(route.integration)
    return made


def _scheme(given: V2Authorizer, extensions: bool) -> Document:
    sources = list(given.identity_source)
    if given.type == "JWT":
        made: Document = {"type": "oauth2"}
        jwt = {"issuer": given.issuer, "audience": list(given.audience)}
        own: Document = {
            "type": "jwt",
            "identitySource": sources[0] if sources else "",
            "jwtConfiguration": jwt,
        }
    else:
        header = next((s.rpartition(".")[2] for s in sources if s.startswith("$request.header.")), "Unused")
        made = {"type": "apiKey", "name": header, "in": "header"}
        own = {
            "type": "request",
            "identitySource": ", ".join(sources),
            "authorizerUri": given.uri,
            "authorizerCredentials": given.credentials,
            "authorizerPayloadFormatVersion": given.payload_format,
            "authorizerResultTtlInSeconds": given.ttl_s,
            "enableSimpleResponses": given.simple_responses,
        }
    if extensions:
        made["x-amazon-apigateway-authorizer"] = {k: v for k, v in own.items() if v not in (None, "")}
    return made


def _integration(given: V2Integration) -> Document:
    made: dict[str, Any] = {
        "payloadFormatVersion": given.payload_format,
        "type": given.type.lower(),
        "subtype": given.subtype,
        "httpMethod": given.method,
        "uri": given.uri,
        "credentials": given.credentials,
        "connectionType": given.connection_type,
        "connectionId": given.connection_id,
        "requestParameters": dict(given.request_parameters),
        "responseParameters": {status: dict(values) for status, values in given.response_parameters.items()},
        "timeoutInMillis": given.timeout_ms,
    }
    return {name: value for name, value in made.items() if value not in (None, "", {})}
