"""Aliases, with weights between two versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.paging import page
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.lambda_.names import LATEST, FunctionName
from sandbox.control.shims.lambda_.state import State, checked
from sandbox.control.shims.lambda_.store import (
    Alias,
    Function,
    Region,
    conflict,
    invalid,
    missing,
    require_revision,
    version_of,
)


class Aliases:
    """Operations on aliases."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateAlias": self.create,
            "GetAlias": self.get,
            "UpdateAlias": self.update,
            "DeleteAlias": self.delete,
            "ListAliases": self.list,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateAlias``."""
        region, name = checked(self._state, call)
        function, params = region.function(name), call.params
        if params["Name"] in function.aliases:
            raise conflict(f"Alias already exists: {region.arns.function(function.name, params['Name'])}")
        version = params["FunctionVersion"]
        weights = _weights(region, function, version, params.get("RoutingConfig"))
        alias = Alias(params["Name"], version, params.get("Description", ""), weights, self._state.revision())
        function.aliases[alias.name] = alias
        return _shown(region, function, alias)

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetAlias``."""
        region, function, alias = self._find(call)
        return _shown(region, function, alias)

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateAlias``."""
        region, function, alias = self._find(call)
        params = call.params
        require_revision(params.get("RevisionId"), alias.revision)
        version = params.get("FunctionVersion", alias.version)
        routing = params.get("RoutingConfig")
        given = routing if routing is not None else {"AdditionalVersionWeights": alias.weights}
        alias.weights = _weights(region, function, version, given)
        alias.version = version
        alias.description = params.get("Description", alias.description)
        alias.revision = self._state.revision()
        return _shown(region, function, alias)

    async def delete(self, call: Call) -> Response:
        """``DeleteAlias``: one that does not exist is no error. Its URL and policy go with it."""
        region, name = checked(self._state, call)
        function = region.function(name)
        alias = call.params["Name"]
        function.aliases.pop(alias, None)
        for kept in (function.policies, function.urls, function.event_invoke, function.provisioned):
            kept.pop(alias, None)
        return Response(204)

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListAliases``, all or those of one version."""
        region, name = checked(self._state, call)
        function = region.function(name)
        version = call.params.get("FunctionVersion")
        shown = [
            _shown(region, function, alias)
            for alias in sorted(function.aliases.values(), key=lambda a: a.name)
            if version in (None, alias.version) or version in alias.weights
        ]
        aliases, marker = page(shown, call.params.get("MaxItems"), call.params.get("Marker"), 50)
        return {"Aliases": aliases, "NextMarker": marker}

    def _find(self, call: Call) -> tuple[Region, Function, Alias]:
        region, name = checked(self._state, call)
        function = region.function(name)
        alias = function.aliases.get(call.params["Name"])
        if alias is None:
            arn = region.arns.function(function.name, call.params["Name"])
            raise missing(f"Cannot find alias arn: {arn}")
        return region, function, alias


def _weights(
    region: Region, function: Function, version: str, routing: Mapping[str, Any] | None
) -> dict[str, float]:
    weights = dict((routing or {}).get("AdditionalVersionWeights") or {})
    for number in (version, *weights):
        if version_of(function, number) is None:
            raise region.not_found(FunctionName(function.name, number))
    if not weights:
        return {}
    if len(weights) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    if version == LATEST or LATEST in weights:
        raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
    if version in weights:
        raise invalid(
            f"Invalid function version {version}. Function version {version} is already included in routing "
            "configuration."
        )
    return weights


def _shown(region: Region, function: Function, alias: Alias) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "AliasArn": region.arns.function(function.name, alias.name),
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision,
    }
    if alias.weights:
        shown["RoutingConfig"] = {"AdditionalVersionWeights": alias.weights}
    return shown
