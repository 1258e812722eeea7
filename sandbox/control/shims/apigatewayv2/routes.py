"""Routes and route responses.

Source of the keys' form: API Gateway Developer Guide, "Create routes for HTTP APIs in API Gateway". Words of errors
as users report them; of a key in a wrong form UNSOURCED.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.message import Response
from sandbox.control.shims.apigatewayv2.state import State
from sandbox.control.shims.apigatewayv2.store import (
    Api,
    Document,
    WithResponses,
    bad_request,
    change,
    conflict,
    given,
    not_found,
)
from sandbox.control.shims.apigatewayv2.with_responses import PartsWithResponses
from sandbox.control.shims.call import Call, Handler

KEPT = (
    *(
        "ApiKeyRequired",
        "AuthorizationScopes",
        "AuthorizationType",
        "AuthorizerId",
        "ModelSelectionExpression",
    ),
    *("OperationName", "RequestModels", "RequestParameters", "RouteKey", "RouteResponseSelectionExpression"),
    "Target",
)
RESPONSE = ("RouteResponseKey", "ModelSelectionExpression", "ResponseModels", "ResponseParameters")
METHODS = ("ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

_SEGMENT = re.compile(r"\{[^{}/+]+\}|[^{}/]*")
_GREEDY = re.compile(r"\{[^{}/+]+\+\}")


def add(state: State, api: Api, params: Mapping[str, Any], *, managed: bool = False) -> str:
    """A new route of what a request gives; its id. Stages that deploy by themselves have it at once."""
    route_id = _put(state, api, params, managed=managed)
    state.changed(api)
    return route_id


def _put(state: State, api: Api, params: Mapping[str, Any], *, managed: bool = False) -> str:
    _check_room(state, api)
    document: Document = {"ApiKeyRequired": False, "AuthorizationType": "NONE", **given(params, KEPT)}
    _check(api, document)
    document["RouteId"] = state.new_id(7)
    if managed:
        document["ApiGatewayManaged"] = True
    api.routes[document["RouteId"]] = WithResponses(document)
    return str(document["RouteId"])


def _check_room(state: State, api: Api) -> None:
    """A WebSocket API's quota of routes (fact 3.10). Status, code and words as users report them of authorizers."""
    if not api.http and len(api.routes) >= int(state.sandbox.limits.value("api_websocket.routes")):
        raise AwsError(
            429,
            "ConflictException",
            "Maximum number of Routes for this API has been reached. "
            "Please contact AWS if you need additional Routes.",
        )


def change_key(api: Api, document: Document, key: str) -> None:
    """Give a route another key."""
    changed = {**document, "RouteKey": key}
    _check(api, changed)
    document["RouteKey"] = key


def _check(api: Api, document: Document) -> None:
    key = document.get("RouteKey")
    if not key:
        raise bad_request("Route key is required")
    if api.http:
        _check_key(key)
    _check_unique(api, document)
    target = document.get("Target")
    if target:
        kind, _, integration = target.partition("/")
        if kind != "integrations" or integration not in api.integrations:
            raise bad_request(f"Invalid Integration identifier specified {integration or target}")
    _check_authorization(api, document)


def _check_key(key: str) -> None:
    if key == "$default":
        return
    method, space, path = key.partition(" ")
    segments = path.split("/")[1:]
    formed = all(_SEGMENT.fullmatch(segment) for segment in segments[:-1]) and segments
    if (
        method not in METHODS
        or not space
        or not path.startswith("/")
        or not formed
        or not (_SEGMENT.fullmatch(segments[-1]) or _GREEDY.fullmatch(segments[-1]))
    ):
        raise bad_request(
            f"The provided route key is not formatted properly for HTTP protocol: {key!r}. It must be $default or a "
            f"method ({', '.join(METHODS)}), a space and a path like /chat/{{id}} or /{{proxy+}}."
        )


def _check_unique(api: Api, document: Document) -> None:
    key = document["RouteKey"]
    for kept in api.routes.values():
        other = kept.document
        if other.get("RouteId") == document.get("RouteId"):
            continue
        if other["RouteKey"] == key:
            raise conflict(f"Route with key {key} already exists for this API")
        if api.http and _shape(other["RouteKey"]) == _shape(key):
            raise conflict(
                f'The provided route key "{key}" has a conflicting variable on the same hierarchical level as '
                f'"{other["RouteKey"]}"'
            )


def _shape(key: str) -> str:
    """A key without the names of its variables."""
    return re.sub(r"\{[^{}]*?(\+?)\}", r"{\1}", key)


def _check_authorization(api: Api, document: Document) -> None:
    kind = document["AuthorizationType"]
    if kind not in ("NONE", "AWS_IAM", "CUSTOM", "JWT"):
        raise bad_request(f"Invalid authorization type specified: {kind}")
    if kind in ("NONE", "AWS_IAM"):
        return
    wanted = "JWT" if kind == "JWT" else "REQUEST"
    authorizer = api.authorizers.get(document.get("AuthorizerId") or "")
    if authorizer is None or authorizer["AuthorizerType"] != wanted:
        raise bad_request(
            f"Invalid authorizer ID specified. Setting the authorization type to {kind} requires a valid "
            f"{'JWT' if kind == 'JWT' else 'custom'} authorizer."
        )


class Routes(PartsWithResponses):
    """Operations on routes and their responses."""

    kind = "Route"
    response = RESPONSE

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {**super().handlers(), "DeleteRouteRequestParameter": self.delete_parameter}

    def parts(self, api: Api) -> dict[str, WithResponses]:
        """An API's routes."""
        return api.routes

    def make(self, api: Api, params: Mapping[str, Any]) -> str:
        """A new route."""
        return _put(self._state, api, params)

    def check_unused(self, api: Api, part_id: str) -> None:
        """Nothing points to a route."""

    def changed(self, api: Api, document: Document, params: Mapping[str, Any]) -> Document:
        """The route after an update."""
        updated = dict(document)
        change(updated, params, KEPT)
        _check(api, updated)
        return updated

    def check_response(self, responses: Mapping[str, Document], document: Document) -> None:
        """One response a route, of the key ``$default``."""
        key = document.get("RouteResponseKey")
        if key != "$default":
            raise bad_request(f"Route response key must be $default, not {key}")
        if responses:
            raise conflict(f"Route response with key {key} already exists for this route")

    async def delete_parameter(self, call: Call) -> Response:
        """``DeleteRouteRequestParameter``."""
        api, kept = self.found(call)
        key = call.params["RequestParameterKey"]
        if kept.document.get("RequestParameters", {}).pop(key, None) is None:
            raise not_found(f"Invalid request parameter key specified {key}")
        self._state.changed(api)
        return Response(204)
