"""Resources and their paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.paging import page
from sandbox.control.shims.apigateway.state import State
from sandbox.control.shims.apigateway.store import Api, Document, bad_request, conflict, not_found
from sandbox.control.shims.call import Call, Handler

_PART = re.compile(r"^[a-zA-Z0-9._:-]+$|^\{[a-zA-Z0-9._:-]+\+?\}$")


def add_child(state: State, api: Api, parent_id: str, part: str) -> Document:
    """A new resource below another. Raises what AWS raises for a part that cannot be there."""
    parent = api.resources.get(parent_id)
    if parent is None:
        raise not_found("Invalid Resource identifier specified")
    check_part(api, parent, part)
    made: Document = {
        "id": state.new_id(6),
        "parentId": parent_id,
        "pathPart": part,
        "path": _join(parent["path"], part),
        "resourceMethods": {},
    }
    api.resources[str(made["id"])] = made
    return made


def check_part(api: Api, parent: Document, part: str) -> None:
    """Judge a path part below a resource."""
    if not _PART.match(part):
        raise bad_request(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the "
            "beginning and the end."
        )
    if parent.get("pathPart", "").endswith("+}"):
        raise bad_request(
            f"Cannot create a child of a resource with a greedy path variable: {parent['pathPart']}"
        )
    for sibling in api.resources.values():
        if sibling.get("parentId") != parent["id"]:
            continue
        if sibling["pathPart"] == part:
            raise conflict(f"Another resource with the same parent already has this name: {part}")
        if part.startswith("{") and sibling["pathPart"].startswith("{"):
            raise bad_request(
                f"A sibling ({sibling['pathPart']}) of this resource already has a variable path part -- only one is "
                "allowed"
            )


def resource_at(state: State, api: Api, path: str) -> Document:
    """The resource of a path, made with its parents where it is missing."""
    current = api.resources[api.info["rootResourceId"]]
    for part in [part for part in path.split("/") if part]:
        current = _child(api, current["id"], part) or add_child(state, api, current["id"], part)
    return current


def _child(api: Api, parent_id: str, part: str) -> Document | None:
    for resource in api.resources.values():
        if resource.get("parentId") == parent_id and resource["pathPart"] == part:
            return resource
    return None


def _join(parent: str, part: str) -> str:
    return f"{parent.rstrip('/')}/{part}"


def _below(api: Api, resource_id: str) -> list[str]:
    """Ids of a resource and everything under it."""
    found = [resource_id]
    for child in [r["id"] for r in api.resources.values() if r.get("parentId") == resource_id]:
        found += _below(api, child)
    return found


class Tree:
    """Operations on resources."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateResource": self.create,
            "GetResource": self.get,
            "GetResources": self.list,
            "UpdateResource": self.update,
            "DeleteResource": self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateResource``."""
        return add_child(self._state, self._state.api(call), call.params["parentId"], call.params["pathPart"])

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetResource``."""
        return _shown(self._state.api(call).resource(call.params["resourceId"]), call.params.get("embed"))

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``GetResources``."""
        resources = self._state.api(call).resources.values()
        shown = [_shown(resource, call.params.get("embed")) for resource in resources]
        items, position = page(shown, call.params.get("limit"), call.params.get("position"), 25)
        return {"items": items, "position": position}

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateResource``: renames or moves it with all that is below."""
        api = self._state.api(call)
        resource = api.resource(call.params["resourceId"])
        for operation in call.params.get("patchOperations", []):
            path, op = operation.get("path"), operation.get("op")
            if path not in ("/pathPart", "/parentId"):
                raise bad_request(_patch_message(path, op, "Must be one of: [/parentId, /pathPart]"))
            if op != "replace":
                raise bad_request(_patch_message(path, op, "Please choose supported operations"))
            if "parentId" not in resource:
                raise bad_request(f"Root resource cannot update its {path.strip('/')}.")
            self._move(api, resource, path.strip("/"), operation["value"])
        return _shown(resource, None)

    def _move(self, api: Api, resource: Document, member: str, value: str) -> None:
        wanted = {**resource, member: value}
        if wanted["parentId"] in _below(api, resource["id"]):
            raise bad_request("Resources cannot be cyclical.")
        check_part(api, api.resource(wanted["parentId"]), wanted["pathPart"])
        resource[member] = value
        for each in _below(api, resource["id"]):
            moved = api.resources[each]
            moved["path"] = _join(api.resources[moved["parentId"]]["path"], moved["pathPart"])

    async def delete(self, call: Call) -> Response:
        """``DeleteResource``: with everything below it."""
        api = self._state.api(call)
        resource = api.resource(call.params["resourceId"])
        if "parentId" not in resource:
            raise bad_request("Cannot remove the root resource.")
        for each in _below(api, resource["id"]):
            del api.resources[each]
        return Response(202)


def _patch_message(path: Any, op: Any, advice: str) -> str:
    return f"Invalid patch path  '{path}' specified for op '{op}'. {advice}"


def _shown(resource: Document, embed: list[str] | None) -> Document:
    shown = dict(resource)
    methods = shown.pop("resourceMethods")
    if methods:
        whole = "methods" in (embed or [])
        shown["resourceMethods"] = {name: method if whole else {} for name, method in methods.items()}
    return shown
