"""Integrations and integration responses, with the bounds of timeouts (facts 2.1 and 3.1).

Words of errors as users report them, or as botocore documents the rule; those of missing members are UNSOURCED.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.apigatewayv2.state import State
from sandbox.control.shims.apigatewayv2.store import (
    Api,
    Document,
    WithResponses,
    bad_request,
    change,
    conflict,
    given,
)
from sandbox.control.shims.apigatewayv2.with_responses import PartsWithResponses

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


class Integrations(PartsWithResponses):
    """Operations on integrations and their responses."""

    kind = "Integration"
    response = RESPONSE

    def parts(self, api: Api) -> dict[str, WithResponses]:
        """An API's integrations."""
        return api.integrations

    def make(self, api: Api, params: Mapping[str, Any]) -> str:
        """A new integration."""
        return add(self._state, api, params)

    def changed(self, api: Api, document: Document, params: Mapping[str, Any]) -> Document:
        """The integration after an update: an empty value takes a mapping of parameters away."""
        updated = dict(document)
        change(updated, params, KEPT)
        for member in ("RequestParameters", "ResponseParameters"):
            if params.get(member) is not None:
                merged = {**document.get(member, {}), **params[member]}
                updated[member] = {key: value for key, value in merged.items() if value not in ("", {})}
        _check(self._state, api, updated)
        return updated

    def check_unused(self, api: Api, part_id: str) -> None:
        """Not while a route points to it."""
        for route in api.routes.values():
            if route.document.get("Target") == f"integrations/{part_id}":
                raise conflict(
                    f"Cannot delete Integration '{part_id}' because it is used by the route with key "
                    f"{route.document['RouteKey']}"
                )

    def check_response(self, responses: Mapping[str, Document], document: Document) -> None:
        """It has a key of its own."""
        key = document.get("IntegrationResponseKey")
        if not key:
            raise bad_request("IntegrationResponseKey is required")
        if any(other["IntegrationResponseKey"] == key for other in responses.values()):
            raise conflict(f"Integration response with key {key} already exists for this integration")
