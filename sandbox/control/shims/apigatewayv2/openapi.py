"""OpenAPI 3 documents with API Gateway's extensions, made into an HTTP API.

Source: API Gateway Developer Guide, "Working with OpenAPI definitions for HTTP APIs" and the pages of the
``x-amazon-apigateway-*`` extensions. SAM writes every ``AWS::Serverless::HttpApi`` so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.shims.apigatewayv2 import authorizers, cors, integrations, routes
from sandbox.control.shims.apigatewayv2.state import State
from sandbox.control.shims.apigatewayv2.store import Api, Document, bad_request
from sandbox.control.shims.open_api import load

VERBS = ("get", "put", "post", "delete", "options", "head", "patch")
ANY = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"
CORS = "x-amazon-apigateway-cors"

# Members of the extension -> members of the API where only the first letter does not make the difference.
RENAMED = {
    "type": "IntegrationType",
    "uri": "IntegrationUri",
    "httpMethod": "IntegrationMethod",
    "credentials": "CredentialsArn",
    "subtype": "IntegrationSubtype",
}
CORS_MEMBERS = (
    *("allowCredentials", "allowHeaders", "allowMethods", "allowOrigins", "exposeHeaders", "maxAge"),
)


class Importer:
    """A document, read. Raises ``BadRequestException`` for one that is none. ``basepath``: ignore, prepend, split."""

    def __init__(self, state: State, body: str, basepath: str) -> None:
        self._state = state
        self._document = _load(body)
        self._schemes: dict[str, tuple[str, str | None]] = {}  # scheme -> (authorization type, authorizer id)
        self.warnings: list[str] = []
        if basepath not in ("ignore", "prepend", "split"):
            raise bad_request(f"Invalid basepath: {basepath}. Must be one of [ignore, prepend, split]")
        if basepath == "split":
            raise bad_request("basepath=split is not supported here: the sandbox knows ignore and prepend")
        self._basepath = basepath
        self.info = self._info()

    def _info(self) -> Document:
        document, given = self._document, self._document["info"]
        info: Document = {"Name": str(given.get("title", "Untitled"))}
        for member in ("description", "version"):
            if given.get(member) is not None:
                info[member.capitalize()] = str(given[member])
        if document.get(CORS):
            configuration = _cors(document[CORS])
            cors.check(configuration)
            info["CorsConfiguration"] = configuration
        tags = {
            tag["name"]: str(tag["x-amazon-apigateway-tag-value"])
            for tag in document.get("tags") or []
            if "x-amazon-apigateway-tag-value" in tag
        }
        if tags:
            info["Tags"] = tags
        configuration = document.get("x-amazon-apigateway-endpoint-configuration") or {}
        if "disableExecuteApiEndpoint" in configuration:
            info["DisableExecuteApiEndpoint"] = bool(configuration["disableExecuteApiEndpoint"])
        return info

    def into(self, api: Api) -> None:
        """Replace an API's routes, integrations and authorizers by the document's."""
        stages, api.stages = api.stages, {}  # no automatic deployment of a half
        for kept in (api.routes, api.integrations, api.authorizers):
            kept.clear()
        self._authorizers(api)
        for path, item in (self._document.get("paths") or {}).items():
            for method, operation in _operations(item or {}):
                self._route(api, self._prefix() + path, method, operation or {})
        api.stages = stages

    def _prefix(self) -> str:
        if self._basepath == "ignore":
            return ""
        server = (self._document.get("servers") or [{}])[0]
        variables = server.get("variables") or {}
        given = str((variables.get("basePath") or {}).get("default") or "").strip("/")
        return f"/{given}" if given else ""

    def _authorizers(self, api: Api) -> None:
        components = self._document.get("components") or {}
        for name, scheme in (components.get("securitySchemes") or {}).items():
            given = scheme.get("x-amazon-apigateway-authorizer")
            if given:
                self._schemes[name] = self._authorizer(api, name, given)
            elif str(scheme.get("x-amazon-apigateway-authtype", "")).lower() == "awssigv4":
                self._schemes[name] = ("AWS_IAM", None)
            else:
                self.warnings.append(f"Ignored security scheme {name}: no x-amazon-apigateway-authorizer")

    def _authorizer(self, api: Api, name: str, given: Document) -> tuple[str, str]:
        kind = str(given.get("type", "")).upper()
        jwt = given.get("jwtConfiguration") or {}
        params = {
            "Name": name,
            "AuthorizerType": kind,
            "IdentitySource": _sources(given.get("identitySource")),
            "AuthorizerUri": given.get("authorizerUri"),
            "AuthorizerCredentialsArn": given.get("authorizerCredentials"),
            "AuthorizerPayloadFormatVersion": _text(given.get("authorizerPayloadFormatVersion")),
            "AuthorizerResultTtlInSeconds": given.get("authorizerResultTtlInSeconds"),
            "EnableSimpleResponses": given.get("enableSimpleResponses"),
        }
        if kind == "JWT":
            audience = jwt.get("audience")
            listed = [audience] if isinstance(audience, str) else list(audience or [])
            params["JwtConfiguration"] = {"Issuer": jwt.get("issuer"), "Audience": listed}
        return ("JWT" if kind == "JWT" else "CUSTOM"), authorizers.add(self._state, api, params)

    def _route(self, api: Api, path: str, method: str, operation: Document) -> None:
        key = "$default" if path.lstrip("/") == "$default" else f"{method} {path}"
        params: Document = {"RouteKey": key, **self._security(operation)}
        if operation.get("operationId"):
            params["OperationName"] = operation["operationId"]
        given = self._resolved(operation.get(INTEGRATION))
        try:
            if given:
                params["Target"] = f"integrations/{integrations.add(self._state, api, _integration(given))}"
            routes.add(self._state, api, params)
        except AwsError as error:
            raise AwsError(
                error.status, error.code, f"Errors found during import:\n\t{key}: {error.message}"
            ) from error

    def _resolved(self, given: Document | None) -> Document | None:
        """An integration, or the one under ``components/x-amazon-apigateway-integrations`` that it refers to."""
        if not given or "$ref" not in given:
            return given
        components = self._document.get("components") or {}
        name = str(given["$ref"]).rpartition("/")[2]
        found = (components.get("x-amazon-apigateway-integrations") or {}).get(name)
        if found is None:
            raise bad_request(f"Errors found during import:\n\tUnresolved reference {given['$ref']}")
        return dict(found)

    def _security(self, operation: Document) -> Document:
        auth = str((operation.get("x-amazon-apigateway-auth") or {}).get("type", "")).upper()
        if auth in ("NONE", "AWS_IAM"):
            return {"AuthorizationType": auth}
        for requirement in operation.get("security", self._document.get("security")) or []:
            for name, scopes in requirement.items():
                if name not in self._schemes:
                    continue
                kind, authorizer = self._schemes[name]
                made: Document = {"AuthorizationType": kind, "AuthorizerId": authorizer}
                return {**made, "AuthorizationScopes": list(scopes)} if scopes else made
        return {}


def _load(body: str) -> Document:
    try:
        document = load(body)
    except ValueError as error:
        raise bad_request(f"Invalid OpenAPI input: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("info"), dict):
        raise bad_request("Invalid OpenAPI input: an OpenAPI 3 document with openapi and info is needed.")
    if not str(document.get("openapi", "")).startswith("3."):
        raise bad_request("Invalid OpenAPI input: HTTP APIs take OpenAPI 3 only.")
    return document


def _operations(item: Document) -> Iterator[tuple[str, Document]]:
    for key, operation in item.items():
        if key == ANY:
            yield "ANY", operation
        elif key.lower() in VERBS:
            yield key.upper(), operation


def _integration(given: Mapping[str, Any]) -> Document:
    """An integration's members by the API's names: ``timeoutInMillis`` -> ``TimeoutInMillis``."""
    made: Document = {}
    for key, value in given.items():
        name = RENAMED.get(key) or key[:1].upper() + key[1:]
        made[name] = value
    made["IntegrationType"] = str(made.get("IntegrationType", "")).upper()
    made["PayloadFormatVersion"] = _text(made.get("PayloadFormatVersion")) or "1.0"
    if made.get("IntegrationMethod"):
        method = str(made["IntegrationMethod"]).upper()
        made["IntegrationMethod"] = "ANY" if method == ANY.upper() else method
    return made


def _cors(given: Mapping[str, Any]) -> Document:
    made = {name[:1].upper() + name[1:]: given[name] for name in CORS_MEMBERS if given.get(name) is not None}
    for name in ("AllowHeaders", "AllowMethods", "AllowOrigins", "ExposeHeaders"):
        if isinstance(made.get(name), str):
            made[name] = [part.strip() for part in made[name].split(",")]
    return made


def _sources(given: Any) -> list[str]:
    if isinstance(given, str):
        return [part.strip() for part in given.split(",") if part.strip()]
    return list(given or [])


def _text(value: Any) -> str | None:
    """A version that YAML or JSON may have read as a number."""
    return None if value is None else str(value)
