"""Integrations and integration responses, with the bounds of timeouts and of response streaming."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.shims.apigateway import patch
from sandbox.control.shims.apigateway.state import State
from sandbox.control.shims.apigateway.store import Api, Document, bad_request, find
from sandbox.control.shims.call import Call, Handler
from sandbox.limits import Limits

TYPES = ("HTTP", "AWS", "MOCK", "HTTP_PROXY", "AWS_PROXY")
KEPT = (
    "uri",
    "connectionId",
    "credentials",
    "requestParameters",
    "requestTemplates",
    "contentHandling",
    "tlsConfig",
    "integrationTarget",
)
NO_RESPONSE = "Invalid Response status code specified"

# UNSOURCED: what the API answered to the member before it knew it. A member that is passed over in silence would
# hide that nothing streams, so it is refused.
TOO_EARLY = "Invalid integration member specified: responseTransferMode"

_ARN = re.compile(r"^arn:[^:]+:apigateway:[^:]*:[^:]+:(path|action)/.+")


class TimeoutBounds:
    """How long an integration may take: the facts' 1.1, 1.2 and 1.22."""

    def __init__(self, state: State) -> None:
        self._state = state

    def check(self, api: Api, integration: Mapping[str, Any]) -> None:
        """Raise ``BadRequestException`` for a timeout out of bounds."""
        limits = self._state.sandbox.limits
        low = _ms(limits.value("api_rest.integration_timeout.min"))
        high = self._highest(api, integration, limits)
        if not low <= integration["timeoutInMillis"] <= high:
            message = limits.value("api_rest.error.timeout_range.message")
            raise bad_request(message.format(min=low, max=high))

    def _highest(self, api: Api, integration: Mapping[str, Any], limits: Limits) -> int:
        if integration.get("responseTransferMode") == "STREAM":
            return _ms(limits.value("api_rest.stream.duration"))
        if api.endpoint_type == "EDGE":  # no quota raises it there (1.2)
            return _ms(limits.value("api_rest.integration_timeout.default"))
        return self._state.quotas.integration_timeout_ms()


def make(state: State, api: Api, http_method: str, given: Mapping[str, Any]) -> Document:
    """An integration of what a request gives. ``http_method``: the method's own."""
    kind = given.get("type")
    if kind not in TYPES:
        raise bad_request("Enumeration value for IntegrationType is not valid")
    made: Document = {
        "type": kind,
        "passthroughBehavior": given.get("passthroughBehavior") or "WHEN_NO_MATCH",
        "timeoutInMillis": int(given.get("timeoutInMillis") or _default_timeout(state.sandbox.limits)),
        "cacheNamespace": given.get("cacheNamespace") or "",
        "cacheKeyParameters": list(given.get("cacheKeyParameters") or []),
    }
    made.update({member: given[member] for member in KEPT if given.get(member) is not None})
    if kind != "MOCK" and given.get("integrationHttpMethod"):
        made["httpMethod"] = given["integrationHttpMethod"]
    if kind.startswith("HTTP") or given.get("connectionType"):
        made["connectionType"] = given.get("connectionType") or "INTERNET"
    if streams_exist(state.sandbox.limits):
        made["responseTransferMode"] = given.get("responseTransferMode") or "BUFFERED"
    elif given.get("responseTransferMode") is not None:
        raise bad_request(TOO_EARLY)
    check(state, api, made)
    return made


def streams_exist(limits: Limits) -> bool:
    """Whether REST APIs know ``responseTransferMode`` on the chosen day (fact 1.20)."""
    return limits.available("api_rest.streaming.available")


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _default_timeout(limits: Limits) -> int:
    return _ms(limits.value("api_rest.integration_timeout.default"))


def check(state: State, api: Api, made: Document) -> None:
    """Judge an integration."""
    kind = made["type"]
    if kind != "MOCK":
        if not made.get("httpMethod"):
            raise bad_request("Enumeration value for HttpMethod must be non-empty")
        _check_uri(kind, made.get("uri", ""), made)
    mode = made.get("responseTransferMode", "BUFFERED")
    if mode not in ("BUFFERED", "STREAM"):
        raise bad_request("Enumeration value for ResponseTransferMode is not valid")
    if mode == "STREAM" and kind not in state.sandbox.limits.value("api_rest.stream.integrations"):
        raise bad_request(f"Response transfer mode STREAM is not supported for integrations of type '{kind}'")
    TimeoutBounds(state).check(api, made)


def _check_uri(kind: str, uri: str, made: Mapping[str, Any]) -> None:
    if kind.startswith("AWS"):
        if not uri.startswith("arn:"):
            raise bad_request("Invalid ARN specified in the request")
        if not _ARN.match(uri):
            raise bad_request("AWS ARN for integration must contain path or action")
        if kind == "AWS_PROXY" and ":lambda:path" not in uri and ":firehose:" not in uri:
            raise bad_request(
                "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream "
                "invocations."
            )
        return
    private = made.get("connectionType") == "VPC_LINK"
    if not private and not uri.startswith(("http://", "https://", "${stageVariables.")):
        raise bad_request("Invalid HTTP endpoint specified for URI")


class Integrations:
    """Operations on integrations and their responses."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "PutIntegration": self.put,
            "GetIntegration": self.get,
            "UpdateIntegration": self.update,
            "DeleteIntegration": self.delete,
            "PutIntegrationResponse": self.put_response,
            "GetIntegrationResponse": self.get_response,
            "UpdateIntegrationResponse": self.update_response,
            "DeleteIntegrationResponse": self.delete_response,
        }

    def _found(self, call: Call) -> Document:
        return self._state.api(call).integration(call.params["resourceId"], call.params["httpMethod"])

    async def put(self, call: Call) -> Mapping[str, Any]:
        """``PutIntegration``: replaces the one there was, and its responses with it."""
        api = self._state.api(call)
        method = api.method(call.params["resourceId"], call.params["httpMethod"])
        if not call.params.get("cacheNamespace"):
            call.params["cacheNamespace"] = call.params["resourceId"]
        method["methodIntegration"] = make(self._state, api, method["httpMethod"], call.params)
        return method["methodIntegration"]  # type: ignore[no-any-return]

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetIntegration``."""
        return self._found(call)

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateIntegration``."""
        integration = self._found(call)
        changed = dict(integration)
        unknown = () if streams_exist(self._state.sandbox.limits) else ("responseTransferMode",)
        operations = call.params.get("patchOperations", [])
        patch.apply(changed, call.operation.model.output_shape, operations, unknown)
        check(self._state, self._state.api(call), changed)
        integration.clear()
        integration.update(changed)
        return integration

    async def delete(self, call: Call) -> Response:
        """``DeleteIntegration``."""
        self._found(call)
        del self._state.api(call).method(call.params["resourceId"], call.params["httpMethod"])[
            "methodIntegration"
        ]
        return Response(204)

    async def put_response(self, call: Call) -> Mapping[str, Any]:
        """``PutIntegrationResponse``."""
        integration, status = self._found(call), call.params["statusCode"]
        members = ("selectionPattern", "responseParameters", "responseTemplates", "contentHandling")
        made = {
            "statusCode": status,
            **{m: call.params[m] for m in members if call.params.get(m) is not None},
        }
        integration.setdefault("integrationResponses", {})[status] = made
        return made

    def _response(self, call: Call) -> Document:
        return find(self._found(call).get("integrationResponses", {}), call.params["statusCode"], NO_RESPONSE)

    async def get_response(self, call: Call) -> Mapping[str, Any]:
        """``GetIntegrationResponse``."""
        return self._response(call)

    async def update_response(self, call: Call) -> Mapping[str, Any]:
        """``UpdateIntegrationResponse``."""
        response = self._response(call)
        patch.apply(response, call.operation.model.output_shape, call.params.get("patchOperations", []))
        return response

    async def delete_response(self, call: Call) -> Response:
        """``DeleteIntegrationResponse``."""
        self._response(call)
        del self._found(call)["integrationResponses"][call.params["statusCode"]]
        return Response(204)
