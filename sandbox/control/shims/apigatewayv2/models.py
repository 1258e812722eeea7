"""Models: JSON schemas by name (used by WebSocket APIs)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.shims.apigatewayv2.state import State
from sandbox.control.shims.apigatewayv2.store import Api, Document, bad_request, change, conflict, find, given
from sandbox.control.shims.call import Call, Handler

KEPT = ("ContentType", "Description", "Name", "Schema")


def _check(document: Document) -> None:
    if not document["Name"].isalnum():
        raise bad_request(f"Model name must be alphanumeric: {document['Name']}")
    try:
        json.loads(document["Schema"])
    except ValueError as error:
        raise bad_request(f"Invalid model specified: the schema is no JSON: {error}") from error


class Models:
    """Operations on models."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateModel": self.create,
            "GetModel": self.get,
            "GetModels": self.list,
            "UpdateModel": self.update,
            "DeleteModel": self.delete,
        }

    def _found(self, call: Call) -> tuple[Api, Document]:
        api = self._state.api(call)
        return api, find(api.models, call.params["ModelId"], "Model")

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateModel``."""
        api = self._state.api(call)
        made = {"ContentType": "application/json", **given(call.params, KEPT)}
        _check(made)
        if any(other["Name"] == made["Name"] for other in api.models.values()):
            raise conflict(f"Model name {made['Name']} already exists for this API")
        made["ModelId"] = self._state.new_id(6)
        api.models[made["ModelId"]] = made
        self._state.changed(api)
        return made

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetModel``."""
        return self._found(call)[1]

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``GetModels``."""
        return self._state.listed(call, list(self._state.api(call).models.values()))

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateModel``."""
        api, document = self._found(call)
        changed = dict(document)
        change(changed, call.params, KEPT)
        _check(changed)
        api.models[changed["ModelId"]] = changed
        self._state.changed(api)
        return changed

    async def delete(self, call: Call) -> Response:
        """``DeleteModel``."""
        api, document = self._found(call)
        del api.models[document["ModelId"]]
        self._state.changed(api)
        return Response(204)
