"""What routes and integrations have in common: five operations on them, five on their responses."""

from __future__ import annotations

from abc import ABC, abstractmethod
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
    find,
    given,
)
from sandbox.control.shims.call import Call, Handler


class PartsWithResponses(ABC):
    """Operations on one kind of part. ``kind``: "Route"; ``response``: the members that a response may be given."""

    kind: str
    response: tuple[str, ...]

    def __init__(self, state: State) -> None:
        self._state = state

    @abstractmethod
    def parts(self, api: Api) -> dict[str, WithResponses]:
        """Those of an API, by id."""

    @abstractmethod
    def make(self, api: Api, params: Mapping[str, Any]) -> str:
        """Add one of what a request gives; its id. Raises ``AwsError``."""

    @abstractmethod
    def changed(self, api: Api, document: Document, params: Mapping[str, Any]) -> Document:
        """Its document after an update. Raises ``AwsError``."""

    @abstractmethod
    def check_response(self, responses: Mapping[str, Document], document: Document) -> None:
        """Whether a response may join the others. Raises ``AwsError``."""

    @abstractmethod
    def check_unused(self, api: Api, part_id: str) -> None:
        """Whether it may be deleted. Raises ``AwsError``."""

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        kind = self.kind
        return {
            f"Create{kind}": self.create,
            f"Get{kind}": self.get,
            f"Get{kind}s": self.list,
            f"Update{kind}": self.update,
            f"Delete{kind}": self.delete,
            f"Create{kind}Response": self.create_response,
            f"Get{kind}Response": self.get_response,
            f"Get{kind}Responses": self.list_responses,
            f"Update{kind}Response": self.update_response,
            f"Delete{kind}Response": self.delete_response,
        }

    def found(self, call: Call) -> tuple[Api, WithResponses]:
        """The API and the part that a call names. Raises ``NotFoundException``."""
        api = self._state.api(call)
        return api, find(self.parts(api), call.params[f"{self.kind}Id"], self.kind)

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateRoute``, ``CreateIntegration``."""
        api = self._state.api(call)
        made = self.parts(api)[self.make(api, call.params)].document
        self._state.changed(api)
        return made

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetRoute``, ``GetIntegration``."""
        return self.found(call)[1].document

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``GetRoutes``, ``GetIntegrations``."""
        return self._state.listed(
            call, [kept.document for kept in self.parts(self._state.api(call)).values()]
        )

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateRoute``, ``UpdateIntegration``."""
        api, kept = self.found(call)
        kept.document = self.changed(api, kept.document, call.params)
        self._state.changed(api)
        return kept.document

    async def delete(self, call: Call) -> Response:
        """``DeleteRoute``, ``DeleteIntegration``."""
        api, _ = self.found(call)
        part_id = call.params[f"{self.kind}Id"]
        self.check_unused(api, part_id)
        del self.parts(api)[part_id]
        self._state.changed(api)
        return Response(204)

    async def create_response(self, call: Call) -> Mapping[str, Any]:
        """``CreateRouteResponse``, ``CreateIntegrationResponse``: WebSocket APIs only."""
        api, kept = self.found(call)
        if api.http:
            raise bad_request(f"{self.kind} responses are not supported for HTTP APIs")
        document = given(call.params, self.response)
        self.check_response(kept.responses, document)
        made = {f"{self.kind}ResponseId": self._state.new_id(6), **document}
        kept.responses[made[f"{self.kind}ResponseId"]] = made
        self._state.changed(api)
        return made

    def _response(self, call: Call) -> Document:
        name = f"{self.kind}Response"
        return find(self.found(call)[1].responses, call.params[f"{name}Id"], name)

    async def get_response(self, call: Call) -> Mapping[str, Any]:
        """``GetRouteResponse``, ``GetIntegrationResponse``."""
        return self._response(call)

    async def list_responses(self, call: Call) -> Mapping[str, Any]:
        """``GetRouteResponses``, ``GetIntegrationResponses``."""
        return self._state.listed(call, [*self.found(call)[1].responses.values()])

    async def update_response(self, call: Call) -> Mapping[str, Any]:
        """``UpdateRouteResponse``, ``UpdateIntegrationResponse``."""
        response = self._response(call)
        change(response, call.params, self.response)
        self._state.changed(self._state.api(call))
        return response

    async def delete_response(self, call: Call) -> Response:
        """``DeleteRouteResponse``, ``DeleteIntegrationResponse``."""
        self._response(call)
        api, kept = self.found(call)
        del kept.responses[call.params[f"{self.kind}ResponseId"]]
        self._state.changed(api)
        return Response(204)
