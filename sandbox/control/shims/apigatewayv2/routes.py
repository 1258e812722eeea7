"""Routes and route responses.

Source of the keys' form: API Gateway Developer Guide, "Create routes for HTTP APIs in API Gateway". Words of errors
as users report them; of a key in a wrong form UNSOURCED.
"""

from __future__ import annotations

import re
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
    not_found,
)
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
    """A new route of what a request gives; its id."""
    document: Document = {"ApiKeyRequired": False, "AuthorizationType": "NONE", **given(params, KEPT)}
    _check(api, document)
    document["RouteId"] = state.new_id(7)
    if managed:
        document["ApiGatewayManaged"] = True
    api.routes[document["RouteId"]] = WithResponses(document)
    state.changed(api)
    return str(document["RouteId"])


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


class Routes:
    """Operations on routes and their responses."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateRoute": self.create,
            "GetRoute": self.get,
            "GetRoutes": self.list,
            "UpdateRoute": self.update,
            "DeleteRoute": self.delete,
            "DeleteRouteRequestParameter": self.delete_parameter,
            "CreateRouteResponse": self.create_response,
            "GetRouteResponse": self.get_response,
            "GetRouteResponses": self.list_responses,
            "UpdateRouteResponse": self.update_response,
            "DeleteRouteResponse": self.delete_response,
        }

    def _found(self, call: Call) -> tuple[Api, WithResponses]:
        api = self._state.api(call)
        return api, find(api.routes, call.params["RouteId"], "Route")

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateRoute``."""
        api = self._state.api(call)
        return api.routes[add(self._state, api, call.params)].document

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetRoute``."""
        return self._found(call)[1].document

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``GetRoutes``."""
        return self._state.listed(call, [kept.document for kept in self._state.api(call).routes.values()])

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateRoute``."""
        api, kept = self._found(call)
        document = dict(kept.document)
        change(document, call.params, KEPT)
        _check(api, document)
        kept.document = document
        self._state.changed(api)
        return document

    async def delete(self, call: Call) -> Response:
        """``DeleteRoute``."""
        api, _ = self._found(call)
        del api.routes[call.params["RouteId"]]
        self._state.changed(api)
        return Response(204)

    async def delete_parameter(self, call: Call) -> Response:
        """``DeleteRouteRequestParameter``."""
        api, kept = self._found(call)
        key = call.params["RequestParameterKey"]
        if kept.document.get("RequestParameters", {}).pop(key, None) is None:
            raise not_found(f"Invalid request parameter key specified {key}")
        self._state.changed(api)
        return Response(204)

    async def create_response(self, call: Call) -> Mapping[str, Any]:
        """``CreateRouteResponse``: WebSocket APIs only, and only the key ``$default``."""
        api, kept = self._found(call)
        if api.http:
            raise bad_request("Route responses are not supported for HTTP APIs")
        key = call.params.get("RouteResponseKey")
        if key != "$default":
            raise bad_request(f"Route response key must be $default, not {key}")
        if kept.responses:
            raise conflict(f"Route response with key {key} already exists for this route")
        made = {"RouteResponseId": self._state.new_id(6), **given(call.params, RESPONSE)}
        kept.responses[made["RouteResponseId"]] = made
        self._state.changed(api)
        return made

    def _response(self, call: Call) -> Document:
        return find(self._found(call)[1].responses, call.params["RouteResponseId"], "RouteResponse")

    async def get_response(self, call: Call) -> Mapping[str, Any]:
        """``GetRouteResponse``."""
        return self._response(call)

    async def list_responses(self, call: Call) -> Mapping[str, Any]:
        """``GetRouteResponses``."""
        return self._state.listed(call, list(self._found(call)[1].responses.values()))

    async def update_response(self, call: Call) -> Mapping[str, Any]:
        """``UpdateRouteResponse``."""
        response = self._response(call)
        change(response, call.params, RESPONSE)
        self._state.changed(self._state.api(call))
        return response

    async def delete_response(self, call: Call) -> Response:
        """``DeleteRouteResponse``."""
        self._response(call)
        api, kept = self._found(call)
        del kept.responses[call.params["RouteResponseId"]]
        self._state.changed(api)
        return Response(204)
