"""APIs themselves, with quick create and CORS."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.shims.apigatewayv2 import cors, integrations, routes, stages
from sandbox.control.shims.apigatewayv2.state import State
from sandbox.control.shims.apigatewayv2.store import Api, Document, bad_request, change, given
from sandbox.control.shims.call import Call, Handler

KEPT = (
    *("Name", "Description", "Version", "DisableSchemaValidation", "DisableExecuteApiEndpoint"),
    *("ApiKeySelectionExpression", "RouteSelectionExpression", "CorsConfiguration", "IpAddressType"),
)
HTTP_SELECTION = "$request.method $request.path"
KEY_SELECTION = "$request.header.x-api-key"


def new(state: State, region: str, info: Mapping[str, Any]) -> Api:
    """A new API of its members; ``Name`` and ``ProtocolType`` must be among them."""
    api_id = state.new_id(10)
    scheme = "http" if info["ProtocolType"] == "HTTP" else "ws"
    made = {
        "ApiKeySelectionExpression": KEY_SELECTION,
        "RouteSelectionExpression": HTTP_SELECTION,
        "DisableExecuteApiEndpoint": False,
        "IpAddressType": "ipv4",
        "Tags": {},
        **info,
        "ApiId": api_id,
        "CreatedDate": state.now(),
        # AWS: https://<id>.execute-api.<region>.amazonaws.com. This one can be reached here.
        "ApiEndpoint": f"{scheme}://{api_id}.execute-api.{region}.localhost:{state.sandbox.settings.port}",
    }
    api = Api(made, region)
    state.apis(region)[api_id] = api
    return api


class Apis:
    """Operations on APIs."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateApi": self.create,
            "GetApi": self.get,
            "GetApis": self.list,
            "UpdateApi": self.update,
            "DeleteApi": self.delete,
            "DeleteCorsConfiguration": self.delete_cors,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateApi``; with ``Target`` also an integration, a route and a stage that deploys by itself."""
        params = call.params
        _check(params)
        info = {**given(params, (*KEPT, "Tags")), "ProtocolType": params["ProtocolType"]}
        api = new(self._state, call.target.region, info)
        if params.get("Target"):
            try:
                self._quick(api, params)
            except Exception:
                del self._state.apis(call.target.region)[api.id]
                raise
        return api.info

    def _quick(self, api: Api, params: Mapping[str, Any]) -> None:
        """Quick create. A Lambda function gets format 2.0, any other target is an HTTP proxy."""
        target, is_function = params["Target"], ":lambda:" in params["Target"]
        integration = {
            "IntegrationType": "AWS_PROXY" if is_function else "HTTP_PROXY",
            "IntegrationUri": target,
            "IntegrationMethod": "POST" if is_function else "ANY",
            "PayloadFormatVersion": "2.0" if is_function else "1.0",
            "CredentialsArn": params.get("CredentialsArn"),
        }
        made = integrations.add(self._state, api, integration, managed=True)
        key = params.get("RouteKey") or "$default"
        routes.add(self._state, api, {"RouteKey": key, "Target": f"integrations/{made}"}, managed=True)
        stages.add(self._state, api, {"StageName": "$default", "AutoDeploy": True}, managed=True)

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetApi``."""
        return self._state.api(call).info

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``GetApis``."""
        return self._state.listed(call, [api.info for api in self._state.apis(call.target.region).values()])

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateApi``; ``Target`` and ``RouteKey`` only for an API that quick create made."""
        api, params = self._state.api(call), call.params
        info = copy.deepcopy(api.info)
        change(info, params, KEPT)
        _check({**info, "Target": None})
        if params.get("Target") or params.get("RouteKey"):
            self._requick(api, params)
        api.info = info
        self._state.changed(api)
        return info

    def _requick(self, api: Api, params: Mapping[str, Any]) -> None:
        managed = [kept for kept in api.routes.values() if kept.document.get("ApiGatewayManaged")]
        if not managed:
            raise bad_request("Target and RouteKey may only be updated for an API made by quick create.")
        route = managed[0].document
        if params.get("RouteKey"):
            routes.change_key(api, route, params["RouteKey"])
        if params.get("Target"):
            integration = api.integrations[route["Target"].removeprefix("integrations/")].document
            integration["IntegrationUri"] = params["Target"]

    async def delete(self, call: Call) -> Response:
        """``DeleteApi``."""
        api = self._state.api(call)
        del self._state.apis(call.target.region)[api.id]
        return Response(204)

    async def delete_cors(self, call: Call) -> Response:
        """``DeleteCorsConfiguration``."""
        api = self._state.api(call)
        api.info.pop("CorsConfiguration", None)
        self._state.changed(api)
        return Response(204)


def _check(info: Document) -> None:
    kind = info.get("ProtocolType")
    if kind not in ("HTTP", "WEBSOCKET"):
        raise bad_request("Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]")
    selection = info.get("RouteSelectionExpression")
    if kind == "WEBSOCKET":
        if not selection:
            raise bad_request("RouteSelectionExpression is required for WEBSOCKET protocol")
        for member in ("CorsConfiguration", "Target"):
            if info.get(member):
                raise bad_request(f"{member} is supported only for HTTP APIs")
    elif selection and selection.replace("{", "").replace("}", "") != HTTP_SELECTION:
        raise bad_request(f"The route selection expression of an HTTP API must be {HTTP_SELECTION}")
    if info.get("CorsConfiguration"):
        cors.check(info["CorsConfiguration"])
