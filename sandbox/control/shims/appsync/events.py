"""Event APIs and their channel namespaces. Texts of errors are UNSOURCED."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.appsync.data_sources import source
from sandbox.control.shims.appsync.resolvers import refuse_bad_code
from sandbox.control.shims.appsync.state import State
from sandbox.control.shims.appsync.store import (
    Document,
    EventRecord,
    bad_request,
    conflict,
    find,
    given,
)
from sandbox.control.shims.call import Call, Handler

NAMESPACE = ("subscribeAuthModes", "publishAuthModes", "codeHandlers", "handlerConfigs")
NEEDS = {
    "AMAZON_COGNITO_USER_POOLS": "cognitoConfig",
    "OPENID_CONNECT": "openIDConnectConfig",
    "AWS_LAMBDA": "lambdaAuthorizerConfig",
}
MODES = ("connectionAuthModes", "defaultPublishAuthModes", "defaultSubscribeAuthModes")


class EventApis:
    """Operations on Event APIs."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateApi": self.create,
            "GetApi": self.get,
            "ListApis": self.list,
            "UpdateApi": self.update,
            "DeleteApi": self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateApi``."""
        params, region, state = call.params, call.target.region, self._state
        _check_auth(params["eventConfig"])
        api_id, endpoint = state.new_id(), state.new_id()
        info: Document = {
            **given(params, ("name", "ownerContact", "eventConfig")),
            "tags": params.get("tags") or {},
            "apiId": api_id,
            "apiArn": state.arn(region, f"apis/{api_id}"),
            "created": state.now(),
            "xrayEnabled": False,
            # AWS: at amazonaws.com. These can be reached here.
            "dns": {
                "HTTP": state.host(endpoint, region),
                "REALTIME": state.host(endpoint, region, "appsync-realtime-api"),
            },
        }
        state.events[region, api_id] = EventRecord(info, region, endpoint)
        return {"api": info}

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetApi``."""
        return {"api": self._state.event_api(call).info}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListApis``."""
        events = self._state.events.items()
        found = [api.info for (region, _), api in events if region == call.target.region]
        return self._state.listed(call, found, "apis")

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateApi``."""
        api = self._state.event_api(call)
        _check_auth(call.params["eventConfig"])
        api.info = {**api.info, **given(call.params, ("name", "ownerContact", "eventConfig"))}
        api.epoch += 1
        return {"api": api.info}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteApi``."""
        api = self._state.event_api(call)
        del self._state.events[call.target.region, api.id]
        return {}


class Namespaces:
    """Operations on channel namespaces."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateChannelNamespace": self.create,
            "GetChannelNamespace": self.get,
            "ListChannelNamespaces": self.list,
            "UpdateChannelNamespace": self.update,
            "DeleteChannelNamespace": self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateChannelNamespace``."""
        api, name = self._state.event_api(call), call.params["name"]
        if name in api.namespaces:
            raise conflict(f"Channel namespace {name} already exists.")
        made: Document = {
            "apiId": api.id,
            "name": name,
            "tags": call.params.get("tags") or {},
            "channelNamespaceArn": f"{api.arn}/channelNamespace/{name}",
            "created": self._state.now(),
        }
        return {"channelNamespace": self._put(api, made, call.params)}

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetChannelNamespace``."""
        return {"channelNamespace": self._found(call)}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListChannelNamespaces``."""
        found = list(self._state.event_api(call).namespaces.values())
        return self._state.listed(call, found, "channelNamespaces")

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateChannelNamespace``: what the request leaves out is taken away."""
        found = {name: value for name, value in self._found(call).items() if name not in NAMESPACE}
        return {"channelNamespace": self._put(self._state.event_api(call), found, call.params)}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteChannelNamespace``."""
        api = self._state.event_api(call)
        del api.namespaces[self._found(call)["name"]]
        api.epoch += 1
        return {}

    def _found(self, call: Call) -> Document:
        name = call.params["name"]
        return find(self._state.event_api(call).namespaces, name, f"Channel namespace {name} not found.")

    def _put(self, api: EventRecord, document: Document, params: Mapping[str, Any]) -> Document:
        made = {**document, **given(params, NAMESPACE), "lastModified": self._state.now()}
        allowed = _modes(api.info["eventConfig"]["authProviders"])
        for member in ("subscribeAuthModes", "publishAuthModes"):
            _check_modes(member, made.get(member) or (), allowed)
        _check_handlers(api, made)
        api.namespaces[made["name"]] = made
        api.epoch += 1
        return made


def _check_handlers(api: EventRecord, document: Document) -> None:
    code = document.get("codeHandlers")
    if code:
        refuse_bad_code(code, ())
    for name, config in (document.get("handlerConfigs") or {}).items():
        data_source = source(api, config["integration"]["dataSourceName"])
        if config["behavior"] == "CODE":
            if not code:
                raise bad_request(f"codeHandlers are required when {name} has behavior CODE.")
        elif data_source["type"] != "AWS_LAMBDA":
            raise bad_request(f"Behavior DIRECT of {name} needs a data source of type AWS_LAMBDA.")
        elif not (config["integration"].get("lambdaConfig") or {}).get("invokeType"):
            raise bad_request(f"lambdaConfig with invokeType is required when {name} has behavior DIRECT.")


def _check_auth(config: Mapping[str, Any]) -> None:
    providers = config["authProviders"]
    for provider in providers:
        needed = NEEDS.get(provider["authType"])
        if needed and not provider.get(needed):
            raise bad_request(f"{needed} is required for auth type {provider['authType']}.")
    for member in MODES:
        if not config[member]:
            raise bad_request(f"{member} must have at least one auth mode.")
        _check_modes(member, config[member], _modes(providers))


def _check_modes(member: str, modes: Any, allowed: frozenset[str]) -> None:
    for mode in modes:
        if mode["authType"] not in allowed:
            raise bad_request(f"{member}: {mode['authType']} is not one of the API's authProviders.")


def _modes(providers: Any) -> frozenset[str]:
    return frozenset(provider["authType"] for provider in providers)
