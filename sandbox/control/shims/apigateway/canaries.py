"""Canary settings of a stage: another deployment that gets a share of its requests.

Source: API Gateway developer guide, "Set up an API Gateway canary release deployment"; words of errors and
defaults as localstack's validated tests recorded them (test_apigateway_canary, 2025-05-30). That a
percentage out of bounds is refused, and in which words, is UNSOURCED.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.apigateway.store import Api, Document, bad_request

MEMBERS = ("deploymentId", "percentTraffic", "stageVariableOverrides", "useStageCache")


def make(api: Api, given: Mapping[str, Any], deployment_id: str) -> Document:
    """Settings of what a request gives."""
    made: Document = {
        "deploymentId": given.get("deploymentId") or deployment_id,
        "percentTraffic": float(given.get("percentTraffic") or 0.0),
        "useStageCache": bool(given.get("useStageCache", False)),
    }
    if given.get("stageVariableOverrides"):
        made["stageVariableOverrides"] = dict(given["stageVariableOverrides"])
    check(api, made)
    return made


def check(api: Api, settings: Mapping[str, Any]) -> None:
    """Judge settings."""
    if settings["deploymentId"] not in api.deployments:
        raise bad_request("Deployment id does not exist")
    if not 0 <= settings["percentTraffic"] <= 100:
        raise bad_request(
            f"Percentage of canary traffic must be from 0.0 to 100.0, not {settings['percentTraffic']}"
        )


def stage_for(api: Api, name: str | None) -> Document:
    """The stage that a deployment with canary settings goes to."""
    prefix = "Invalid deployment content specified."
    if not name:
        shown = "null" if name is None else ""
        raise bad_request(
            f"{prefix}Non null and non empty stageName must be provided for canary deployment. "
            f"Provided value is {shown}"
        )
    if name not in api.stages:
        raise bad_request(
            f"{prefix}Stage {name} must already be created before making a canary release deployment"
        )
    return api.stages[name]


def prepare(stage: Document, operation: Mapping[str, Any]) -> bool:
    """Make a stage ready for a patch of its canary settings. ``True``: the patch is carried out already."""
    op, path = operation.get("op"), str(operation.get("path", ""))
    parts = path.lstrip("/").split("/")
    if parts[0] != "canarySettings":
        return False
    if op == "remove":
        if parts != ["canarySettings"]:
            raise bad_request(
                f"Cannot remove method setting {path.lstrip('/')} because there is no method setting for this method "
            )
        stage.pop("canarySettings", None)
        return True
    if len(parts) < 2 or parts[1] not in MEMBERS:
        raise bad_request(f"Invalid method setting path: {path}.")
    if op != "replace":
        raise bad_request(f"Invalid {op} operation with path: {path}")
    default = {"deploymentId": stage["deploymentId"], "percentTraffic": 0.0, "useStageCache": False}
    stage.setdefault("canarySettings", default)
    return False


def promote(stage: Document, operation: Mapping[str, Any]) -> bool:
    """A patch that copies the canary's deployment or variables to the stage; ``False``: it is another one."""
    if operation.get("op") != "copy":
        return False
    settings = stage.get("canarySettings") or {}
    where = (operation.get("from"), operation.get("path"))
    if where == ("/canarySettings/deploymentId", "/deploymentId") and settings:
        stage["deploymentId"] = settings["deploymentId"]
    elif where == ("/canarySettings/stageVariableOverrides", "/variables") and settings:
        overrides = settings.get("stageVariableOverrides") or {}
        if overrides:
            stage["variables"] = {**(stage.get("variables") or {}), **overrides}
    else:
        raise bad_request(f"Invalid copy operation with path: {where[1]} and from: {where[0]}")
    return True
