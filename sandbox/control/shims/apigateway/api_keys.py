"""API keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import NotEmulatedError
from sandbox.control.message import Response
from sandbox.control.paging import page
from sandbox.control.shims.apigateway import patch
from sandbox.control.shims.apigateway.state import State
from sandbox.control.shims.apigateway.store import Document, bad_request, conflict, find
from sandbox.control.shims.call import Call, Handler

ABSENT = "Invalid API Key identifier specified"


class ApiKeys:
    """Operations on API keys."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateApiKey": self.create,
            "GetApiKey": self.get,
            "GetApiKeys": self.list,
            "UpdateApiKey": self.update,
            "DeleteApiKey": self.delete,
            "ImportApiKeys": self.import_keys,
        }

    def _found(self, call: Call) -> Document:
        return find(self._state.keys(call.target.region).keys, call.params["apiKey"], ABSENT)

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateApiKey``: enabled only when that is said."""
        params, keys = call.params, self._state.keys(call.target.region).keys
        value = params.get("value") or self._state.new_id(40)
        if len(value) < 20:
            raise bad_request("API Key value should be at least 20 characters")
        if any(key["value"] == value for key in keys.values()):
            raise conflict("API Key already exists")
        now = self._state.now()
        made: Document = {
            "id": self._state.new_id(10),
            "value": value,
            "enabled": bool(params.get("enabled", False)),
            "createdDate": now,
            "lastUpdatedDate": now,
            "stageKeys": [f"{s['restApiId']}/{s['stageName']}" for s in params.get("stageKeys") or []],
        }
        members = ("name", "description", "customerId", "tags")
        made.update({m: params[m] for m in members if params.get(m) is not None})
        keys[made["id"]] = made
        return made

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetApiKey``: the value only when it is asked for."""
        return shown(self._found(call), call.params.get("includeValue"))

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``GetApiKeys``."""
        params = call.params
        keys = [
            shown(key, params.get("includeValues"))
            for key in self._state.keys(call.target.region).keys.values()
            if str(key.get("name", "")).startswith(params.get("nameQuery") or "")
            and params.get("customerId") in (None, key.get("customerId"))
        ]
        items, position = page(keys, params.get("limit"), params.get("position"), 25)
        return {"items": items, "position": position}

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateApiKey``."""
        key = self._found(call)
        shape = call.operation.model.output_shape
        for operation in call.params.get("patchOperations", []):
            if operation.get("path") == "/stages":
                raise NotEmulatedError("API Gateway UpdateApiKey /stages (keys without a usage plan)")
            patch.apply(key, shape, [operation])
        key["lastUpdatedDate"] = self._state.now()
        return shown(key, False)

    async def delete(self, call: Call) -> Response:
        """``DeleteApiKey``: its plans forget it."""
        key = self._found(call)
        kept = self._state.keys(call.target.region)
        del kept.keys[key["id"]]
        for members in kept.members.values():
            if key["id"] in members:
                members.remove(key["id"])
        return Response(202)

    async def import_keys(self, call: Call) -> None:
        """``ImportApiKeys`` is not there."""
        raise NotEmulatedError("API Gateway ImportApiKeys")


def shown(key: Document, with_value: Any) -> Document:
    """A key as the API shows it."""
    whole = with_value is True or str(with_value).lower() == "true"
    return key if whole else {name: value for name, value in key.items() if name != "value"}
