"""Integrations and integration responses, with the bounds of timeouts (facts 2.1 and 3.1).

Words of errors as users report them, or as botocore documents the rule; those of missing members are UNSOURCED.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.shims.apigatewayv2.state import State
from sandbox.control.shims.apigatewayv2.store import (
    Api,
    Document,
    WithResponses,
    bad_request,
    change,
    conflict,
    find,
    given,
)
from sandbox.control.shims.call import Call, Handler

KEPT = (
    *("ConnectionId", "ConnectionType", "ContentHandlingStrategy", "CredentialsArn", "Description"),
    *("IntegrationMethod", "IntegrationSubtype", "IntegrationType", "IntegrationUri", "PassthroughBehavior"),
    *("PayloadFormatVersion", "RequestParameters", "RequestTemplates", "ResponseParameters"),
    *("TemplateSelectionExpression", "TimeoutInMillis", "TlsConfig"),
)
RESPONSE = (
    *("ContentHandlingStrategy", "IntegrationResponseKey", "ResponseParameters", "ResponseTemplates"),
    "TemplateSelectionExpression",
)
TYPES = ("AWS", "HTTP", "MOCK", "HTTP_PROXY", "AWS_PROXY")


def add(state: State, api: Api, params: Mapping[str, Any], *, managed: bool = False) -> str:
    """A new integration of what a request gives; its id."""
    document = {"ConnectionType": "INTERNET", **given(params, KEPT)}
    _complete(state, api, document)
    _check(state, api, document)
    document["IntegrationId"] = state.new_id(7)
    if managed:
        document["ApiGatewayManaged"] = True
    api.integrations[document["IntegrationId"]] = WithResponses(document)
    return str(document["IntegrationId"])


def _complete(state: State, api: Api, document: Document) -> None:
    """What API Gateway fills in."""
    document.setdefault("TimeoutInMillis", _bounds(state, api)[1])
    if api.http:
        return
    document.setdefault("PayloadFormatVersion", "1.0")
    document.setdefault("PassthroughBehavior", "WHEN_NO_MATCH")
    if document.get("IntegrationType") in ("AWS", "HTTP", "MOCK"):
        document["IntegrationResponseSelectionExpression"] = "${integration.response.statuscode}"


def _bounds(state: State, api: Api) -> tuple[int, int]:
    service = "api_http" if api.http else "api_websocket"
    values = (
        state.sandbox.limits.value(f"{service}.integration_timeout.{bound}") for bound in ("min", "max")
    )
    low, high = (round(value * 1000) for value in values)
    return low, high


def _check(state: State, api: Api, document: Document) -> None:
    kind = document.get("IntegrationType")
    if kind not in TYPES:
        raise bad_request("Enumeration value for IntegrationType is not valid")
    low, high = _bounds(state, api)
    if not low <= document["TimeoutInMillis"] <= high:
        raise bad_request(f"Timeout should be between {low} ms and {high} ms")
    if api.http:
        _check_http(document)
    elif document["PayloadFormatVersion"] != "1.0":
        raise bad_request("PayloadFormatVersion for an integration of a WEBSOCKET API must be 1.0")
    if kind != "MOCK" and not document.get("IntegrationSubtype") and not document.get("IntegrationUri"):
        raise bad_request(f"IntegrationUri is required for an integration of type {kind}")


def _check_http(document: Document) -> None:
    kind = document["IntegrationType"]
    if kind not in ("AWS_PROXY", "HTTP_PROXY"):
        raise bad_request(
            "Currently, an API with a protocol type of HTTP may only be associated with proxy integrations "
            "(AWS_PROXY, HTTP_PROXY)"
        )
    version = document.get("PayloadFormatVersion")
    if not version:
        raise bad_request("PayloadFormatVersion is required for an integration of an HTTP API")
    lambda_ = kind == "AWS_PROXY" and not document.get("IntegrationSubtype")
    if version not in (("1.0", "2.0") if lambda_ else ("1.0",)):
        raise bad_request(f"PayloadFormatVersion {version} is not valid for this integration")
    if kind == "HTTP_PROXY" and not document.get("IntegrationMethod"):
        raise bad_request("IntegrationMethod is required for an HTTP_PROXY integration")
    if lambda_:
        document["IntegrationMethod"] = "POST"


class Integrations:
    """Operations on integrations and their responses."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateIntegration": self.create,
            "GetIntegration": self.get,
            "GetIntegrations": self.list,
            "UpdateIntegration": self.update,
            "DeleteIntegration": self.delete,
            "CreateIntegrationResponse": self.create_response,
            "GetIntegrationResponse": self.get_response,
            "GetIntegrationResponses": self.list_responses,
            "UpdateIntegrationResponse": self.update_response,
            "DeleteIntegrationResponse": self.delete_response,
        }

    def _found(self, call: Call) -> tuple[Api, WithResponses]:
        api = self._state.api(call)
        return api, find(api.integrations, call.params["IntegrationId"], "Integration")

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateIntegration``."""
        api = self._state.api(call)
        made = api.integrations[add(self._state, api, call.params)].document
        self._state.changed(api)
        return made

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetIntegration``."""
        return self._found(call)[1].document

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``GetIntegrations``."""
        kept = self._state.api(call).integrations.values()
        return self._state.listed(call, [integration.document for integration in kept])

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateIntegration``."""
        api, kept = self._found(call)
        document = dict(kept.document)
        change(document, call.params, KEPT)
        for member in ("RequestParameters", "ResponseParameters"):  # an empty value takes a mapping away
            if call.params.get(member) is not None:
                merged = {**kept.document.get(member, {}), **call.params[member]}
                document[member] = {key: value for key, value in merged.items() if value not in ("", {})}
        _check(self._state, api, document)
        kept.document = document
        self._state.changed(api)
        return document

    async def delete(self, call: Call) -> Response:
        """``DeleteIntegration``: not while a route points to it."""
        api, _ = self._found(call)
        integration_id = call.params["IntegrationId"]
        for route in api.routes.values():
            if route.document.get("Target") == f"integrations/{integration_id}":
                raise conflict(
                    f"Cannot delete Integration '{integration_id}' because it is used by the route with key "
                    f"{route.document['RouteKey']}"
                )
        del api.integrations[integration_id]
        self._state.changed(api)
        return Response(204)

    async def create_response(self, call: Call) -> Mapping[str, Any]:
        """``CreateIntegrationResponse``: WebSocket APIs only."""
        api, kept = self._found(call)
        if api.http:
            raise bad_request("Integration responses are not supported for HTTP APIs")
        made = {"IntegrationResponseId": self._state.new_id(6), **given(call.params, RESPONSE)}
        key = made.get("IntegrationResponseKey")
        if not key:
            raise bad_request("IntegrationResponseKey is required")
        if any(other["IntegrationResponseKey"] == key for other in kept.responses.values()):
            raise conflict(f"Integration response with key {key} already exists for this integration")
        kept.responses[made["IntegrationResponseId"]] = made
        self._state.changed(api)
        return made

    def _response(self, call: Call) -> Document:
        responses = self._found(call)[1].responses
        return find(responses, call.params["IntegrationResponseId"], "IntegrationResponse")

    async def get_response(self, call: Call) -> Mapping[str, Any]:
        """``GetIntegrationResponse``."""
        return self._response(call)

    async def list_responses(self, call: Call) -> Mapping[str, Any]:
        """``GetIntegrationResponses``."""
        return self._state.listed(call, list(self._found(call)[1].responses.values()))

    async def update_response(self, call: Call) -> Mapping[str, Any]:
        """``UpdateIntegrationResponse``."""
        response = self._response(call)
        change(response, call.params, RESPONSE)
        self._state.changed(self._state.api(call))
        return response

    async def delete_response(self, call: Call) -> Response:
        """``DeleteIntegrationResponse``."""
        self._response(call)
        api, kept = self._found(call)
        del kept.responses[call.params["IntegrationResponseId"]]
        self._state.changed(api)
        return Response(204)
