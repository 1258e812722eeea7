"""Methods and method responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.shims.apigateway import patch
from sandbox.control.shims.apigateway.state import State
from sandbox.control.shims.apigateway.store import Api, Document, bad_request, conflict, find
from sandbox.control.shims.call import Call, Handler

HTTP_METHODS = ("ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
KEPT = (
    "authorizationType",
    "authorizerId",
    "operationName",
    "requestParameters",
    "requestModels",
    "requestValidatorId",
    "authorizationScopes",
)
NO_RESPONSE = "Invalid Response status code specified"


def put_method(api: Api, resource: Document, http_method: str, given: Mapping[str, Any]) -> Document:
    """A new method of a resource."""
    if http_method not in HTTP_METHODS:
        raise bad_request(
            "Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY"
        )
    if http_method in resource["resourceMethods"]:
        raise conflict("Method already exists for this resource")
    method = {"httpMethod": http_method, "apiKeyRequired": bool(given.get("apiKeyRequired", False))}
    method.update({member: given[member] for member in KEPT if given.get(member) is not None})
    check_method(api, method)
    resource["resourceMethods"][http_method] = method
    return method


def check_method(api: Api, method: Mapping[str, Any]) -> None:
    """What a method refers to must exist."""
    kind = method.get("authorizationType", "NONE")
    if kind in ("CUSTOM", "COGNITO_USER_POOLS"):
        authorizer = api.authorizers.get(method.get("authorizerId", ""))
        if authorizer is None:
            raise bad_request(
                "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS "
                "requires a valid authorizer."
            )
    elif kind not in ("NONE", "AWS_IAM"):
        raise bad_request(
            "Invalid authorization type specified. Valid values are [AWS_IAM, COGNITO_USER_POOLS, CUSTOM, NONE]"
        )
    validator = method.get("requestValidatorId")
    if validator and validator not in api.validators:
        raise bad_request("Invalid Request Validator identifier specified")
    for model in (method.get("requestModels") or {}).values():
        if model not in api.models and model not in ("Empty", "Error"):
            raise bad_request(f"Invalid model identifier specified: {model}")


class Methods:
    """Operations on methods and their responses."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "PutMethod": self.put,
            "GetMethod": self.get,
            "UpdateMethod": self.update,
            "DeleteMethod": self.delete,
            "PutMethodResponse": self.put_response,
            "GetMethodResponse": self.get_response,
            "UpdateMethodResponse": self.update_response,
            "DeleteMethodResponse": self.delete_response,
        }

    def _method(self, call: Call) -> Document:
        return self._state.api(call).method(call.params["resourceId"], call.params["httpMethod"])

    async def put(self, call: Call) -> Mapping[str, Any]:
        """``PutMethod``."""
        api = self._state.api(call)
        return put_method(
            api, api.resource(call.params["resourceId"]), call.params["httpMethod"], call.params
        )

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetMethod``."""
        return self._method(call)

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateMethod``."""
        api, method = self._state.api(call), self._method(call)
        changed = dict(method)
        patch.apply(changed, call.operation.model.output_shape, call.params.get("patchOperations", []))
        check_method(api, changed)
        method.clear()
        method.update(changed)
        return method

    async def delete(self, call: Call) -> Response:
        """``DeleteMethod``."""
        api, method = self._state.api(call), self._method(call)
        del api.resource(call.params["resourceId"])["resourceMethods"][method["httpMethod"]]
        return Response(204)

    async def put_response(self, call: Call) -> Mapping[str, Any]:
        """``PutMethodResponse``."""
        method, status = self._method(call), call.params["statusCode"]
        responses = method.setdefault("methodResponses", {})
        if status in responses:
            raise conflict("Response already exists for this resource")
        members = ("responseParameters", "responseModels")
        made = {"statusCode": status, **{m: call.params[m] for m in members if call.params.get(m)}}
        responses[status] = made
        return made

    def _response(self, call: Call) -> Document:
        return find(self._method(call).get("methodResponses", {}), call.params["statusCode"], NO_RESPONSE)

    async def get_response(self, call: Call) -> Mapping[str, Any]:
        """``GetMethodResponse``."""
        return self._response(call)

    async def update_response(self, call: Call) -> Mapping[str, Any]:
        """``UpdateMethodResponse``."""
        response = self._response(call)
        patch.apply(response, call.operation.model.output_shape, call.params.get("patchOperations", []))
        return response

    async def delete_response(self, call: Call) -> Response:
        """``DeleteMethodResponse``."""
        self._response(call)
        del self._method(call)["methodResponses"][call.params["statusCode"]]
        return Response(204)
