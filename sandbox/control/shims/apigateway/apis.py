"""REST APIs themselves."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.paging import page
from sandbox.control.shims.apigateway import patch, policies
from sandbox.control.shims.apigateway.openapi import Importer
from sandbox.control.shims.apigateway.state import State
from sandbox.control.shims.apigateway.store import Api, bad_request
from sandbox.control.shims.call import Call, Handler

ENDPOINT_TYPES = ("PRIVATE", "EDGE", "REGIONAL")
KEPT = (
    "name",
    "description",
    "version",
    "binaryMediaTypes",
    "minimumCompressionSize",
    "apiKeySource",
    "endpointConfiguration",
    "policy",
    "tags",
    "disableExecuteApiEndpoint",
    "securityPolicy",
    "endpointAccessMode",
)


class Apis:
    """Operations on REST APIs."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateRestApi": self.create,
            "ImportRestApi": self.import_api,
            "PutRestApi": self.put,
            "GetRestApi": self.get,
            "GetRestApis": self.list,
            "UpdateRestApi": self.update,
            "DeleteRestApi": self.delete,
            "GetTags": self.tags,
            "TagResource": self.tag,
            "UntagResource": self.untag,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateRestApi``."""
        if not call.params.get("name"):
            raise bad_request("Invalid API name specified")
        if call.params.get("cloneFrom"):
            source = self._state.apis(call.target.region).get(call.params["cloneFrom"])
            if source is None:
                raise bad_request("Invalid API identifier specified")
            api = self._new(call, {**copy.deepcopy(source.info), **self._given(call)})
            api.resources = copy.deepcopy(source.resources)
            api.info["rootResourceId"] = source.info["rootResourceId"]
            return api.info
        return self._new(call, self._given(call)).info

    def _given(self, call: Call) -> dict[str, Any]:
        return {member: call.params[member] for member in KEPT if member in call.params}

    def _new(self, call: Call, info: dict[str, Any]) -> Api:
        root = self._state.new_id(10)
        info = {
            "apiKeySource": "HEADER",
            "disableExecuteApiEndpoint": False,
            "endpointConfiguration": {},
            "tags": {},
            **info,
            "id": self._state.new_id(10),
            "createdDate": self._state.now(),
            "rootResourceId": root,
        }
        info["endpointConfiguration"] = _endpoint(info["endpointConfiguration"])
        self._settle_policy(call, info)
        api = Api(info)
        api.resources[root] = {"id": root, "path": "/", "resourceMethods": {}}
        self._state.apis(call.target.region)[api.id] = api
        return api

    def _settle_policy(self, call: Call, info: dict[str, Any]) -> None:
        """Judge the policy in an API's settings and write its resources out."""
        text = info.get("policy")
        if text:
            policies.check(text)
            account = self._state.sandbox.settings.account
            info["policy"] = policies.expand(text, call.target.region, account, info["id"])

    async def import_api(self, call: Call) -> Mapping[str, Any]:
        """``ImportRestApi``: a new API of an OpenAPI or Swagger document."""
        importer = Importer(self._state, call.params["body"], call.params.get("parameters") or {})
        api = self._new(call, {"name": importer.title})
        try:
            importer.into(api, overwrite=True)
            self._settle_policy(call, api.info)
        except Exception:
            del self._state.apis(call.target.region)[api.id]
            raise
        return api.info

    async def put(self, call: Call) -> Mapping[str, Any]:
        """``PutRestApi``: ``merge`` (default) or ``overwrite``. Nothing changes when the document is refused."""
        api = self._state.api(call)
        mode = call.params.get("mode", "merge")
        if mode not in ("merge", "overwrite"):
            raise bad_request('Enumeration value of OpenAPI import mode must be "overwrite" or "merge"')
        importer = Importer(self._state, call.params["body"], call.params.get("parameters") or {})
        changed = copy.deepcopy(api)
        importer.into(changed, overwrite=mode == "overwrite")
        self._settle_policy(call, changed.info)
        self._state.apis(call.target.region)[api.id] = changed
        return changed.info

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetRestApi``."""
        return self._state.api(call).info

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``GetRestApis``."""
        infos = [api.info for api in self._state.apis(call.target.region).values()]
        items, position = page(infos, call.params.get("limit"), call.params.get("position"), 25)
        return {"items": items, "position": position}

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateRestApi``."""
        api = self._state.api(call)
        info = copy.deepcopy(api.info)
        for operation in call.params.get("patchOperations", []):
            if operation.get("path", "").startswith("/endpointConfiguration/types"):
                configuration = {**info["endpointConfiguration"], "types": [operation["value"]]}
                info["endpointConfiguration"] = _endpoint(configuration)
            else:
                patch.apply(info, call.operation.model.output_shape, [operation])
        self._settle_policy(call, info)
        api.info = info
        return info

    async def delete(self, call: Call) -> Response:
        """``DeleteRestApi``."""
        api = self._state.api(call)
        del self._state.apis(call.target.region)[api.id]
        return Response(202)

    def _tagged(self, call: Call) -> dict[str, Any]:
        """What an ARN like ``arn:aws:apigateway:us-east-1::/restapis/abc/stages/live`` names."""
        parts = call.params["resourceArn"].partition("::")[2].strip("/").split("/")
        keys = self._state.keys(call.target.region)
        for kind, things in (("apikeys", keys.keys), ("usageplans", keys.plans)):
            if parts[0] == kind and parts[-1] in things:
                return things[parts[-1]]
        apis = self._state.apis(call.target.region)
        api = apis.get(parts[1]) if len(parts) > 1 and parts[0] == "restapis" else None
        if api is None:
            raise bad_request(f"Invalid ARN specified in the request: {call.params['resourceArn']}")
        return api.stage(parts[3]) if len(parts) == 4 and parts[2] == "stages" else api.info

    async def tags(self, call: Call) -> Mapping[str, Any]:
        """``GetTags``."""
        return {"tags": self._tagged(call).get("tags") or {}}

    async def tag(self, call: Call) -> Response:
        """``TagResource``."""
        tagged = self._tagged(call)
        tagged["tags"] = {**(tagged.get("tags") or {}), **call.params["tags"]}
        return Response(204)

    async def untag(self, call: Call) -> Response:
        """``UntagResource``."""
        tagged = self._tagged(call)
        kept = tagged.get("tags") or {}
        tagged["tags"] = {key: value for key, value in kept.items() if key not in call.params["tagKeys"]}
        return Response(204)


def _endpoint(configuration: Mapping[str, Any]) -> dict[str, Any]:
    types = list(configuration.get("types") or ["EDGE"])
    if len(types) != 1:
        raise bad_request("Cannot create an api with multiple Endpoint Types.")
    if types[0] not in ENDPOINT_TYPES:
        raise bad_request(
            f"1 validation error detected: Value '{types[0]}' at 'createRestApiInput.endpointConfiguration.types' "
            "failed to satisfy constraint: Member must satisfy enum value set: [PRIVATE, EDGE, REGIONAL]"
        )
    default = "dualstack" if types[0] == "PRIVATE" else "ipv4"
    return {"ipAddressType": default, **configuration, "types": types}
