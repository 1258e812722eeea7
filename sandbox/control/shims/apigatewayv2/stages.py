"""Stages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.shims.apigatewayv2.state import State
from sandbox.control.shims.apigatewayv2.store import (
    Api,
    Document,
    bad_request,
    change,
    conflict,
    find,
    given,
    not_found,
)
from sandbox.control.shims.call import Call, Handler

KEPT = (
    *("AccessLogSettings", "AutoDeploy", "ClientCertificateId", "DefaultRouteSettings", "Description"),
    *("RouteSettings", "StageVariables"),
)


def add(state: State, api: Api, params: Mapping[str, Any], *, managed: bool = False) -> Document:
    """A new stage of what a request gives."""
    name = params["StageName"]
    if not re.fullmatch(r"\$default|[A-Za-z0-9_-]{1,128}", name) or (name == "$default" and not api.http):
        raise bad_request("Stage name only allows a-zA-Z0-9_-")
    if name in api.stages:
        raise conflict("Stage already exists")
    stage: Document = {
        "DefaultRouteSettings": {"DetailedMetricsEnabled": False},
        "RouteSettings": {},
        "StageVariables": {},
        "Tags": {},
        "AutoDeploy": False,
        **given(params, (*KEPT, "StageName", "Tags")),
        "CreatedDate": state.now(),
        "LastUpdatedDate": state.now(),
    }
    if managed:
        stage["ApiGatewayManaged"] = True
    _check(api, stage)
    _point(state, api, stage, params.get("DeploymentId"))
    api.stages[name] = stage
    if stage["AutoDeploy"]:
        state.changed(api)
    return stage


def _point(state: State, api: Api, stage: Document, deployment_id: str | None) -> None:
    if not deployment_id:
        return
    if stage["AutoDeploy"]:
        raise bad_request("Deployment ID cannot be set on stage because AutoDeploy is enabled on this stage")
    find(api.deployments, deployment_id, "Deployment")
    state.point(stage, deployment_id)


def _check(api: Api, stage: Document) -> None:
    for name, value in stage["StageVariables"].items():
        if not re.fullmatch(r"[A-Za-z0-9_]+", name):
            raise bad_request(
                "Stage variable names may only contain alphanumeric characters and underscores (_)"
            )
        if not re.fullmatch(r"[A-Za-z0-9\-._~:/?#&=,]*", value):
            raise bad_request(
                f"Stage variable values may only contain letters, numbers and -._~:/?#&=,: {name} has {value!r}"
            )
    keys = {kept.document["RouteKey"] for kept in api.routes.values()}
    for key in stage["RouteSettings"]:
        if key not in keys:
            raise not_found(f"Unable to find Route by key {key} within the provided RouteSettings")
    for settings in (stage["DefaultRouteSettings"], *stage["RouteSettings"].values()):
        for member in ("ThrottlingBurstLimit", "ThrottlingRateLimit"):
            if settings.get(member) is not None and settings[member] < 0:
                raise bad_request(f"{member} must not be negative: {settings[member]}")


class Stages:
    """Operations on stages."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateStage": self.create,
            "GetStage": self.get,
            "GetStages": self.list,
            "UpdateStage": self.update,
            "DeleteStage": self.delete,
            "DeleteRouteSettings": self.delete_route_settings,
            "DeleteAccessLogSettings": self.delete_log_settings,
            "ResetAuthorizersCache": self.reset_cache,
        }

    def _found(self, call: Call) -> tuple[Api, Document]:
        api = self._state.api(call)
        stage = api.stages.get(call.params["StageName"])
        if stage is None:
            raise not_found("Invalid stage identifier specified")
        return api, stage

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateStage``."""
        return add(self._state, self._state.api(call), call.params)

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetStage``."""
        return self._found(call)[1]

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``GetStages``."""
        return self._state.listed(call, list(self._state.api(call).stages.values()))

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateStage``. Settings of routes and variables are laid over those there are."""
        api, stage = self._found(call)
        changed = dict(stage)
        change(changed, call.params, KEPT)
        for member in ("RouteSettings", "StageVariables"):
            merged = {**stage[member], **(call.params.get(member) or {})}
            changed[member] = {key: value for key, value in merged.items() if value != ""}
        _check(api, changed)
        _point(self._state, api, changed, call.params.get("DeploymentId"))
        changed["LastUpdatedDate"] = self._state.now()
        api.stages[changed["StageName"]] = changed
        if changed["AutoDeploy"] and not stage["AutoDeploy"]:
            self._state.changed(api)
        return changed

    async def delete(self, call: Call) -> Response:
        """``DeleteStage``."""
        api, stage = self._found(call)
        del api.stages[stage["StageName"]]
        return Response(204)

    async def delete_route_settings(self, call: Call) -> Response:
        """``DeleteRouteSettings``."""
        stage, key = self._found(call)[1], call.params["RouteKey"]
        if key not in stage["RouteSettings"]:
            raise not_found(f"Unable to find Route by key {key} within the provided RouteSettings")
        stage["RouteSettings"] = {k: value for k, value in stage["RouteSettings"].items() if k != key}
        return Response(204)

    async def delete_log_settings(self, call: Call) -> Response:
        """``DeleteAccessLogSettings``."""
        self._found(call)[1].pop("AccessLogSettings", None)
        return Response(204)

    async def reset_cache(self, call: Call) -> Response:
        """``ResetAuthorizersCache``: results of Lambda authorizers that were kept count no more."""
        api, stage = self._found(call)
        self._state.forget_results(api.id, stage["StageName"])
        return Response(204)
