"""Authorizers, models, request validators and gateway responses: things of an API that are kept by a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.control.message import Response
from sandbox.control.paging import page
from sandbox.control.shims.apigateway import patch
from sandbox.control.shims.apigateway.gateway_responses import TYPES, default_response
from sandbox.control.shims.apigateway.state import State
from sandbox.control.shims.apigateway.store import Api, Document, bad_request, conflict, find
from sandbox.control.shims.call import Call, Handler

AUTHORIZER_TYPES = ("TOKEN", "REQUEST", "COGNITO_USER_POOLS")


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of thing. ``key``: the parameter that names one; ``absent``: the error's text, given the key."""

    name: str
    plural: str
    key: str
    members: tuple[str, ...]
    of: Callable[[Api], dict[str, Document]]
    absent: Callable[[str], str]


AUTHORIZER = _Kind(
    "Authorizer",
    "Authorizers",
    "authorizerId",
    (
        "name",
        "type",
        "providerARNs",
        "authType",
        "authorizerUri",
        "authorizerCredentials",
        "identitySource",
        "identityValidationExpression",
        "authorizerResultTtlInSeconds",
    ),
    lambda api: api.authorizers,
    lambda key: "Invalid Authorizer identifier specified",
)
MODEL = _Kind(
    "Model",
    "Models",
    "modelName",
    ("name", "description", "schema", "contentType"),
    lambda api: api.models,
    lambda key: f"Invalid model name specified: {key}",
)
VALIDATOR = _Kind(
    "RequestValidator",
    "RequestValidators",
    "requestValidatorId",
    ("name", "validateRequestBody", "validateRequestParameters"),
    lambda api: api.validators,
    lambda key: "Invalid Request Validator identifier specified",
)


def add_authorizer(state: State, api: Api, given: Mapping[str, Any]) -> Document:
    """A new authorizer."""
    kind = given.get("type")
    if kind not in AUTHORIZER_TYPES:
        raise bad_request(
            f"1 validation error detected: Value '{kind}' at 'createAuthorizerInput.type' failed to satisfy "
            "constraint: Member must satisfy enum value set: [TOKEN, REQUEST, COGNITO_USER_POOLS]"
        )
    if kind == "COGNITO_USER_POOLS" and not given.get("providerARNs"):
        raise bad_request("Provider ARNs must be specified for COGNITO_USER_POOLS authorizers")
    if kind != "COGNITO_USER_POOLS" and not given.get("authorizerUri"):
        raise bad_request("Authorizer URI must be specified for TOKEN and REQUEST authorizers")
    made: Document = {"id": state.new_id(6)}
    made.update({member: given[member] for member in AUTHORIZER.members if given.get(member) is not None})
    made.setdefault("authorizerResultTtlInSeconds", 300)
    made.setdefault("authType", "cognito_user_pools" if kind == "COGNITO_USER_POOLS" else "custom")
    api.authorizers[made["id"]] = made
    return made


class Parts:
    """Operations on the parts of an API."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        made: dict[str, Handler] = {
            "CreateAuthorizer": self.create_authorizer,
            "CreateModel": self.create_model,
            "CreateRequestValidator": self.create_validator,
            "PutGatewayResponse": self.put_gateway_response,
            "GetGatewayResponse": self.get_gateway_response,
            "GetGatewayResponses": self.list_gateway_responses,
            "UpdateGatewayResponse": self.update_gateway_response,
            "DeleteGatewayResponse": self.delete_gateway_response,
        }
        for kind in (AUTHORIZER, MODEL, VALIDATOR):
            made |= self._common(kind)
        return made

    def _common(self, kind: _Kind) -> Mapping[str, Handler]:
        """Get, list, update and delete are alike for all kinds."""

        def found(call: Call) -> tuple[dict[str, Document], Document]:
            things, key = kind.of(self._state.api(call)), call.params[kind.key]
            return things, find(things, key, kind.absent(key))

        async def get(call: Call) -> Mapping[str, Any]:
            return found(call)[1]

        async def listed(call: Call) -> Mapping[str, Any]:
            things = list(kind.of(self._state.api(call)).values())
            items, position = page(things, call.params.get("limit"), call.params.get("position"), 25)
            return {"items": items, "position": position}

        async def update(call: Call) -> Mapping[str, Any]:
            thing = found(call)[1]
            patch.apply(thing, call.operation.model.output_shape, call.params.get("patchOperations", []))
            return thing

        async def delete(call: Call) -> Response:
            things, _ = found(call)
            del things[call.params[kind.key]]
            return Response(202)

        return {
            f"Get{kind.name}": get,
            f"Get{kind.plural}": listed,
            f"Update{kind.name}": update,
            f"Delete{kind.name}": delete,
        }

    async def create_authorizer(self, call: Call) -> Mapping[str, Any]:
        """``CreateAuthorizer``."""
        return add_authorizer(self._state, self._state.api(call), call.params)

    async def create_model(self, call: Call) -> Mapping[str, Any]:
        """``CreateModel``."""
        api, name = self._state.api(call), call.params["name"]
        if not name.isalnum():
            raise bad_request(f"Model name must be alphanumeric: {name}")
        if name in api.models:
            raise conflict("Model name already exists for this REST API")
        made = {"id": self._state.new_id(6)}
        made.update({member: call.params[member] for member in MODEL.members if member in call.params})
        api.models[name] = made
        return made

    async def create_validator(self, call: Call) -> Mapping[str, Any]:
        """``CreateRequestValidator``."""
        made: Document = {"id": self._state.new_id(6)}
        made |= {"validateRequestBody": False, "validateRequestParameters": False}
        made.update({member: call.params[member] for member in VALIDATOR.members if member in call.params})
        self._state.api(call).validators[made["id"]] = made
        return made

    def _type(self, call: Call) -> str:
        name = str(call.params["responseType"])
        if name not in TYPES:
            raise bad_request(
                f"1 validation error detected: Value '{name}' at 'responseType' failed to satisfy constraint: Member "
                f"must satisfy enum value set: [{', '.join(TYPES)}]"
            )
        return name

    async def put_gateway_response(self, call: Call) -> Mapping[str, Any]:
        """``PutGatewayResponse``."""
        api, kind = self._state.api(call), self._type(call)
        made = {**default_response(kind), "defaultResponse": False}
        for member in ("statusCode", "responseParameters", "responseTemplates"):
            if call.params.get(member) is not None:
                made[member] = call.params[member]
        api.gateway_responses[kind] = made
        return made

    async def get_gateway_response(self, call: Call) -> Mapping[str, Any]:
        """``GetGatewayResponse``: the default one when none was put."""
        api, kind = self._state.api(call), self._type(call)
        return api.gateway_responses.get(kind) or default_response(kind)

    async def list_gateway_responses(self, call: Call) -> Mapping[str, Any]:
        """``GetGatewayResponses``."""
        api = self._state.api(call)
        return {"items": [api.gateway_responses.get(kind) or default_response(kind) for kind in TYPES]}

    async def update_gateway_response(self, call: Call) -> Mapping[str, Any]:
        """``UpdateGatewayResponse``."""
        api, kind = self._state.api(call), self._type(call)
        changed = dict(api.gateway_responses.get(kind) or default_response(kind))
        patch.apply(changed, call.operation.model.output_shape, call.params.get("patchOperations", []))
        api.gateway_responses[kind] = {**changed, "defaultResponse": False}
        return api.gateway_responses[kind]

    async def delete_gateway_response(self, call: Call) -> Response:
        """``DeleteGatewayResponse``: back to the default."""
        api, kind = self._state.api(call), self._type(call)
        find(api.gateway_responses, kind, "Gateway response type not defined on api")
        del api.gateway_responses[kind]
        return Response(202)
