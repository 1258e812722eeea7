"""How asynchronous invocations are retried and where their results go, for each qualifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.paging import page
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.lambda_.names import LATEST, FunctionName
from sandbox.control.shims.lambda_.state import State, checked
from sandbox.control.shims.lambda_.store import Function, Region, invalid, missing

MEMBERS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")


class EventInvoke:
    """Operations on event invoke configurations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "PutFunctionEventInvokeConfig": self.put,
            "UpdateFunctionEventInvokeConfig": self.update,
            "GetFunctionEventInvokeConfig": self.get,
            "DeleteFunctionEventInvokeConfig": self.delete,
            "ListFunctionEventInvokeConfigs": self.list,
        }

    async def put(self, call: Call) -> Mapping[str, Any]:
        """``PutFunctionEventInvokeConfig``: replaces what there was."""
        return self._store(call, keep=False)

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateFunctionEventInvokeConfig``: members that are not given stay."""
        return self._store(call, keep=True)

    def _store(self, call: Call, *, keep: bool) -> Mapping[str, Any]:
        region, name = checked(self._state, call)
        function = region.function(name)
        region.version(name)
        given = {member: call.params[member] for member in MEMBERS if member in call.params}
        if not given:
            raise invalid("You must specify at least one of error handling or destination setting.")
        old = self._found(region, function, name) if keep else {}
        stored = {"DestinationConfig": {"OnSuccess": {}, "OnFailure": {}}, **old, **given}
        stored["LastModified"] = self._state.now()
        function.event_invoke[name.qualifier or LATEST] = stored
        return self._shown(region, function, name.qualifier or LATEST)

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetFunctionEventInvokeConfig``."""
        region, name = checked(self._state, call)
        function = region.function(name)
        self._found(region, function, name)
        return self._shown(region, function, name.qualifier or LATEST)

    async def delete(self, call: Call) -> Response:
        """``DeleteFunctionEventInvokeConfig``."""
        region, name = checked(self._state, call)
        function = region.function(name)
        self._found(region, function, name)
        del function.event_invoke[name.qualifier or LATEST]
        return Response(204)

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListFunctionEventInvokeConfigs``."""
        region, name = checked(self._state, call)
        function = region.function(name)
        shown = [self._shown(region, function, qualifier) for qualifier in function.event_invoke]
        configs, marker = page(shown, call.params.get("MaxItems"), call.params.get("Marker"), 50)
        return {"FunctionEventInvokeConfigs": configs, "NextMarker": marker}

    def _found(self, region: Region, function: Function, name: FunctionName) -> dict[str, Any]:
        found = function.event_invoke.get(name.qualifier or LATEST)
        if found is None:
            arn = region.arns.function(function.name, name.qualifier or LATEST)
            raise missing(f"The function {arn} doesn't have an EventInvokeConfig")
        return found

    def _shown(self, region: Region, function: Function, qualifier: str) -> dict[str, Any]:
        return {
            "FunctionArn": region.arns.function(function.name, qualifier),
            **function.event_invoke[qualifier],
        }
