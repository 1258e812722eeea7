"""JWT and Lambda (REQUEST) authorizers.

Results of a Lambda authorizer of an HTTP API are kept 300 seconds unless said (the Terraform provider's
documentation; botocore gives no default). Words of errors are UNSOURCED, but for the one of
AuthorizerPayloadFormatVersion.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.shims.apigatewayv2.state import State
from sandbox.control.shims.apigatewayv2.store import Api, Document, bad_request, change, conflict, find, given
from sandbox.control.shims.call import Call, Handler

KEPT = (
    *("AuthorizerCredentialsArn", "AuthorizerPayloadFormatVersion", "AuthorizerResultTtlInSeconds"),
    *("AuthorizerType", "AuthorizerUri", "EnableSimpleResponses", "IdentitySource"),
    *("IdentityValidationExpression", "JwtConfiguration", "Name"),
)


def add(state: State, api: Api, params: Mapping[str, Any]) -> str:
    """A new authorizer of what a request gives; its id."""
    document = given(params, KEPT)
    if document.get("AuthorizerType") == "REQUEST" and api.http:
        document.setdefault("EnableSimpleResponses", False)
        # Without an identity source there is nothing to keep a result by.
        document.setdefault("AuthorizerResultTtlInSeconds", 300 if document.get("IdentitySource") else 0)
    _check(api, document)
    if any(other["Name"] == document["Name"] for other in api.authorizers.values()):
        raise conflict(f"Authorizer name {document['Name']} already exists for this API")
    document["AuthorizerId"] = state.new_id(6)
    api.authorizers[document["AuthorizerId"]] = document
    return str(document["AuthorizerId"])


def _check(api: Api, document: Document) -> None:
    if not document.get("Name"):
        raise bad_request("Authorizer name is required")
    kind = document.get("AuthorizerType")
    if kind == "JWT":
        _check_jwt(api, document)
    elif kind == "REQUEST":
        _check_request(api, document)
    else:
        raise bad_request(f"Invalid authorizer type specified: {kind}. Must be one of [JWT, REQUEST]")


def _check_jwt(api: Api, document: Document) -> None:
    if not api.http:
        raise bad_request("JWT authorizers are supported only for HTTP APIs")
    jwt = document.get("JwtConfiguration") or {}
    if not jwt.get("Issuer") or not jwt.get("Audience"):
        raise bad_request("JwtConfiguration with Issuer and Audience is required for JWT authorizers")
    if not jwt["Issuer"].startswith(("https://", "http://")):
        raise bad_request(f"Invalid issuer: {jwt['Issuer']}. It must be a URL.")
    sources = document.get("IdentitySource") or []
    if len(sources) != 1:
        raise bad_request("A JWT authorizer takes exactly one identity source")
    _check_sources(sources)


def _check_request(api: Api, document: Document) -> None:
    if not document.get("AuthorizerUri"):
        raise bad_request("AuthorizerUri is required for REQUEST authorizers")
    version = document.get("AuthorizerPayloadFormatVersion")
    if not api.http:
        return
    if not version:
        raise bad_request("AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer")
    if version not in ("1.0", "2.0"):
        raise bad_request(f"Invalid AuthorizerPayloadFormatVersion: {version}")
    if document.get("EnableSimpleResponses") and version != "2.0":
        raise bad_request("EnableSimpleResponses requires AuthorizerPayloadFormatVersion 2.0")
    sources = document.get("IdentitySource") or []
    _check_sources(sources)
    ttl = document["AuthorizerResultTtlInSeconds"]
    if not 0 <= ttl <= 3600:
        raise bad_request(f"AuthorizerResultTtlInSeconds must be between 0 and 3600, not {ttl}")
    if ttl and not sources:
        raise bad_request("Authorizer result caching requires at least one identity source")


def _check_sources(sources: list[str]) -> None:
    for source in sources:
        if not source.startswith(("$request.", "$context.", "$stageVariables.", "${")):
            raise bad_request(f"Invalid identity source: {source}")


class Authorizers:
    """Operations on authorizers."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateAuthorizer": self.create,
            "GetAuthorizer": self.get,
            "GetAuthorizers": self.list,
            "UpdateAuthorizer": self.update,
            "DeleteAuthorizer": self.delete,
        }

    def _found(self, call: Call) -> tuple[Api, Document]:
        api = self._state.api(call)
        return api, find(api.authorizers, call.params["AuthorizerId"], "Authorizer")

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateAuthorizer``."""
        api = self._state.api(call)
        made = api.authorizers[add(self._state, api, call.params)]
        self._state.changed(api)
        return made

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetAuthorizer``."""
        return self._found(call)[1]

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``GetAuthorizers``."""
        return self._state.listed(call, list(self._state.api(call).authorizers.values()))

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateAuthorizer``."""
        api, document = self._found(call)
        changed = dict(document)
        change(changed, call.params, KEPT)
        _check(api, changed)
        api.authorizers[changed["AuthorizerId"]] = changed
        self._state.changed(api)
        return changed

    async def delete(self, call: Call) -> Response:
        """``DeleteAuthorizer``: not while a route uses it."""
        api, document = self._found(call)
        for route in api.routes.values():
            if route.document.get("AuthorizerId") == document["AuthorizerId"]:
                raise conflict(
                    f"Cannot delete authorizer '{document['AuthorizerId']}', is referenced by route: "
                    f"{route.document['RouteKey']}"
                )
        del api.authorizers[document["AuthorizerId"]]
        self._state.changed(api)
        return Response(204)
