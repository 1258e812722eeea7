"""OpenAPI 3 and Swagger 2 documents with API Gateway's extensions, made into a REST API.

Source: API Gateway Developer Guide, "Working with API Gateway extensions to OpenAPI". SAM writes every API so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from sandbox.control.shims.apigateway import integrations, methods
from sandbox.control.shims.apigateway.gateway_responses import default_response
from sandbox.control.shims.apigateway.parts import add_authorizer
from sandbox.control.shims.apigateway.state import State
from sandbox.control.shims.apigateway.store import Api, Document, bad_request
from sandbox.control.shims.apigateway.tree import resource_at
from sandbox.control.shims.open_api import load

VERBS = ("get", "put", "post", "delete", "options", "head", "patch")
ANY = "x-amazon-apigateway-any-method"


class Importer:
    """A document, read. Raises ``BadRequestException`` for one that is none."""

    def __init__(self, state: State, body: bytes, parameters: Mapping[str, str]) -> None:
        self._state = state
        self._parameters = parameters
        self._document = _load(body)
        info = self._document.get("info")
        if not isinstance(info, dict) or not ("openapi" in self._document or "swagger" in self._document):
            raise bad_request("Invalid OpenAPI input: the document needs openapi or swagger, and info.")
        self.title = str(info.get("title", "Untitled"))
        self._authorizers: dict[str, tuple[str, str]] = {}  # scheme -> (authorization type, authorizer id)

    def into(self, api: Api, *, overwrite: bool) -> None:
        """Put the document's content into an API."""
        document = self._document
        if overwrite:
            root = api.info["rootResourceId"]
            api.resources = {root: {"id": root, "path": "/", "resourceMethods": {}}}
            for kept in (api.authorizers, api.models, api.validators, api.gateway_responses):
                kept.clear()
        self._settings(api)
        self._models(api)
        self._validators(api)
        self._schemes(api)
        for path, item in (document.get("paths") or {}).items():
            resource = resource_at(self._state, api, self._base_path() + path)
            for verb, operation in _operations(item):
                self._method(api, resource, path, verb, operation)
        self._gateway_responses(api)

    def _settings(self, api: Api) -> None:
        document, info = self._document, self._document["info"]
        api.info["name"] = self.title
        for member in ("description", "version"):
            if info.get(member) is not None:
                api.info[member] = str(info[member])
        if "x-amazon-apigateway-binary-media-types" in document:
            api.info["binaryMediaTypes"] = list(document["x-amazon-apigateway-binary-media-types"])
        if "x-amazon-apigateway-minimum-compression-size" in document:
            api.info["minimumCompressionSize"] = document["x-amazon-apigateway-minimum-compression-size"]
        if "x-amazon-apigateway-api-key-source" in document:
            api.info["apiKeySource"] = document["x-amazon-apigateway-api-key-source"]
        if "x-amazon-apigateway-policy" in document:
            api.info["policy"] = json.dumps(document["x-amazon-apigateway-policy"])
        kind = self._parameters.get("endpointConfigurationTypes")
        if kind:
            api.info["endpointConfiguration"] = {**api.info["endpointConfiguration"], "types": [kind]}

    def _base_path(self) -> str:
        """``basepath=prepend`` puts the document's base path before every path; by default it is left out."""
        if self._parameters.get("basepath") != "prepend":
            return ""
        servers = self._document.get("servers") or [{}]
        variables = servers[0].get("variables") or {}
        given = self._document.get("basePath") or (variables.get("basePath") or {}).get("default") or ""
        return "/" + str(given).strip("/") if given else ""

    def _models(self, api: Api) -> None:
        components = self._document.get("components") or {}
        for name, schema in (self._document.get("definitions") or components.get("schemas") or {}).items():
            if name not in api.models:
                api.models[name] = {
                    "id": self._state.new_id(6),
                    "name": name,
                    "contentType": "application/json",
                }
            api.models[name]["schema"] = json.dumps(schema)

    def _validators(self, api: Api) -> None:
        for name, given in (self._document.get("x-amazon-apigateway-request-validators") or {}).items():
            made = {
                "id": self._state.new_id(6),
                "name": name,
                "validateRequestBody": bool(given.get("validateRequestBody")),
                "validateRequestParameters": bool(given.get("validateRequestParameters")),
            }
            api.validators[made["id"]] = made

    def _schemes(self, api: Api) -> None:
        components = self._document.get("components") or {}
        schemes = self._document.get("securityDefinitions") or components.get("securitySchemes") or {}
        for name, scheme in schemes.items():
            kind = scheme.get("x-amazon-apigateway-authtype", "")
            given = scheme.get("x-amazon-apigateway-authorizer")
            if given:
                self._authorizers[name] = self._authorizer(api, name, scheme, given)
            elif kind.lower() == "awssigv4":
                self._authorizers[name] = ("AWS_IAM", "")

    def _authorizer(self, api: Api, name: str, scheme: Document, given: Document) -> tuple[str, str]:
        kind = str(given.get("type", "token")).upper()
        source = given.get("identitySource")
        if source is None and scheme.get("in") == "header" and kind != "REQUEST":
            source = f"method.request.header.{scheme['name']}"
        made = add_authorizer(
            self._state,
            api,
            {
                **given,
                "name": name,
                "type": kind,
                "identitySource": source,
                "authType": scheme.get("x-amazon-apigateway-authtype"),
            },
        )
        return ("COGNITO_USER_POOLS" if kind == "COGNITO_USER_POOLS" else "CUSTOM", made["id"])

    def _method(self, api: Api, resource: Document, path: str, verb: str, operation: Document) -> None:
        resource["resourceMethods"].pop(verb, None)
        given = {
            "authorizationType": "NONE",
            "operationName": operation.get("operationId"),
            "requestParameters": _request_parameters(operation.get("parameters") or []) or None,
            "requestModels": _request_models(api, operation) or None,
            **self._security(operation),
            "requestValidatorId": self._validator_id(api, operation),
        }
        method = methods.put_method(api, resource, verb, given)
        responses = operation.get("responses") or {}
        if responses:
            method["methodResponses"] = {
                str(status): _response(str(status), r) for status, r in responses.items()
            }
        integration = operation.get("x-amazon-apigateway-integration")
        if integration:
            try:
                method["methodIntegration"] = self._integration(api, resource, verb, integration)
            except Exception as error:
                if getattr(error, "code", "") != "BadRequestException":
                    raise
                message = getattr(error, "message", "")
                raise bad_request(
                    "Errors found during import:\n\tUnable to put integration on "
                    f"'{verb}' for resource at path '{path}': {message}"
                ) from error

    def _security(self, operation: Document) -> Document:
        security = operation.get("security", self._document.get("security")) or []
        found: Document = {}
        for requirement in security:
            for name, scopes in requirement.items():
                if name in self._authorizers:
                    kind, authorizer = self._authorizers[name]
                    found |= {"authorizationType": kind, "authorizerId": authorizer or None}
                    found["authorizationScopes"] = list(scopes) or None
                else:
                    found["apiKeyRequired"] = True
        auth = operation.get("x-amazon-apigateway-auth") or {}
        if auth.get("type"):
            found["authorizationType"] = str(auth["type"]).upper()
        return found

    def _validator_id(self, api: Api, operation: Document) -> str | None:
        key = "x-amazon-apigateway-request-validator"
        wanted = operation.get(key, self._document.get(key))
        return (
            next((v["id"] for v in api.validators.values() if v["name"] == wanted), None) if wanted else None
        )

    def _integration(self, api: Api, resource: Document, verb: str, given: Document) -> Document:
        made = integrations.make(
            self._state,
            api,
            verb,
            {
                **given,
                "type": str(given.get("type", "")).upper(),
                "integrationHttpMethod": given.get("httpMethod"),
                "passthroughBehavior": str(given.get("passthroughBehavior") or "WHEN_NO_MATCH").upper(),
                "cacheNamespace": given.get("cacheNamespace") or resource["id"],
            },
        )
        for pattern, response in (given.get("responses") or {}).items():
            status = str(response.get("statusCode", "200"))
            members = ("responseParameters", "responseTemplates", "contentHandling")
            kept = {member: response[member] for member in members if member in response}
            chosen = {} if pattern == "default" else {"selectionPattern": str(pattern)}
            made.setdefault("integrationResponses", {})[status] = {"statusCode": status, **chosen, **kept}
        return made

    def _gateway_responses(self, api: Api) -> None:
        for kind, given in (self._document.get("x-amazon-apigateway-gateway-responses") or {}).items():
            made = {**default_response(kind), "defaultResponse": False}
            for member in ("statusCode", "responseParameters", "responseTemplates"):
                if given.get(member) is not None:
                    made[member] = str(given[member]) if member == "statusCode" else given[member]
            api.gateway_responses[kind] = made


def _load(body: bytes) -> Document:
    try:
        document = load(body)
    except ValueError as error:
        raise bad_request(f"Invalid OpenAPI input: {error}") from error
    if not isinstance(document, dict):
        raise bad_request("Invalid OpenAPI input.")
    return document


def _operations(item: Document) -> Iterator[tuple[str, Document]]:
    for key, operation in item.items():
        if key == ANY:
            yield "ANY", operation
        elif key.lower() in VERBS:
            yield key.upper(), operation


def _request_parameters(parameters: list[Document]) -> dict[str, bool]:
    places = {"query": "querystring", "header": "header", "path": "path"}
    return {
        f"method.request.{places[given['in']]}.{given['name']}": bool(given.get("required", False))
        for given in parameters
        if given.get("in") in places
    }


def _request_models(api: Api, operation: Document) -> dict[str, str]:
    """The models that an operation's body refers to, by content type."""
    bodies = dict((operation.get("requestBody") or {}).get("content") or {})
    for given in operation.get("parameters") or []:
        if given.get("in") == "body":
            bodies |= dict.fromkeys(operation.get("consumes") or ["application/json"], given)
    found = {
        kind: (body.get("schema") or {}).get("$ref", "").rpartition("/")[2] for kind, body in bodies.items()
    }
    return {kind: name for kind, name in found.items() if name in api.models}


def _response(status: str, given: Document) -> Document:
    made: Document = {"statusCode": status}
    headers = given.get("headers") or {}
    if headers:
        made["responseParameters"] = {f"method.response.header.{name}": False for name in headers}
    models = {}
    for content_type, content in (given.get("content") or {"application/json": given}).items():
        reference = (content.get("schema") or {}).get("$ref", "")
        if reference:
            models[content_type] = reference.rpartition("/")[2]
    if models:
        made["responseModels"] = models
    return made
