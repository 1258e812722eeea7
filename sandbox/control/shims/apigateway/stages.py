"""Stages."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.control.message import Response
from sandbox.control.shims.apigateway import canaries, patch
from sandbox.control.shims.apigateway.state import State
from sandbox.control.shims.apigateway.store import Document, bad_request, conflict
from sandbox.control.shims.call import Call, Handler

KEPT = ("description", "variables", "documentationVersion", "tags", "cacheClusterSize")

# "/{resource}/{method}/<property>" of a patch -> member of MethodSetting
SETTINGS = {
    "metrics/enabled": "metricsEnabled",
    "logging/loglevel": "loggingLevel",
    "logging/dataTrace": "dataTraceEnabled",
    "throttling/burstLimit": "throttlingBurstLimit",
    "throttling/rateLimit": "throttlingRateLimit",
    "caching/enabled": "cachingEnabled",
    "caching/ttlInSeconds": "cacheTtlInSeconds",
    "caching/dataEncrypted": "cacheDataEncrypted",
    "caching/requireAuthorizationForCacheControl": "requireAuthorizationForCacheControl",
    "caching/unauthorizedCacheControlHeaderStrategy": "unauthorizedCacheControlHeaderStrategy",
}
STRATEGIES = ("FAIL_WITH_403", "SUCCEED_WITH_RESPONSE_HEADER", "SUCCEED_WITHOUT_RESPONSE_HEADER")
CACHE_SIZES = ("0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237")  # GB, botocore's CacheClusterSize
MAX_TTL_S = 3600  # developer guide, "Cache settings for REST APIs"; the words of refusals are UNSOURCED
DEFAULT_SETTING: Document = {
    "metricsEnabled": False,
    "dataTraceEnabled": False,
    "throttlingBurstLimit": 5000,
    "throttlingRateLimit": 10000.0,
    "cachingEnabled": False,
    "cacheTtlInSeconds": 300,
    "cacheDataEncrypted": False,
    "requireAuthorizationForCacheControl": True,
    "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
}


def check_name(name: str) -> None:
    """Judge a stage's name."""
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", name):
        raise bad_request("Stage name only allows a-zA-Z0-9_-")


def settle_cache(stage: Document) -> None:
    """The cache cluster's size and status. AWS takes minutes to make one, the sandbox none."""
    if not stage.get("cacheClusterEnabled"):
        stage["cacheClusterStatus"] = "NOT_AVAILABLE"
        return
    if stage.setdefault("cacheClusterSize", "0.5") not in CACHE_SIZES:
        raise bad_request(
            f"Invalid cacheClusterSize: {stage['cacheClusterSize']}. It must be one of {', '.join(CACHE_SIZES)}"
        )
    stage["cacheClusterStatus"] = "AVAILABLE"


def flush_cache(stage: Document) -> None:
    """Nothing that was kept so far counts any more."""
    stage["_cacheEpoch"] = stage.get("_cacheEpoch", 0) + 1


def make(state: State, given: Mapping[str, Any]) -> Document:
    """A stage of what a request gives."""
    _check_variables(given.get("variables") or {})
    now = state.now()
    stage: Document = {
        "deploymentId": given["deploymentId"],
        "stageName": given["stageName"],
        "cacheClusterEnabled": bool(given.get("cacheClusterEnabled", False)),
        "cacheClusterStatus": "NOT_AVAILABLE",
        "methodSettings": {},
        "tracingEnabled": bool(given.get("tracingEnabled", False)),
        "createdDate": now,
        "lastUpdatedDate": now,
    }
    stage.update({member: given[member] for member in KEPT if given.get(member) is not None})
    settle_cache(stage)
    return stage


def _check_variables(variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        if not re.fullmatch(r"[A-Za-z0-9_]+", name):
            raise bad_request(
                "Stage variable names may only contain alphanumeric characters and underscores (_)"
            )
        if not re.fullmatch(r"[A-Za-z0-9\-._~:/?#&=,]*", value):
            raise bad_request(
                f"Stage variable values may only contain letters, numbers and -._~:/?#&=,: {name} has {value!r}"
            )


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
            "FlushStageCache": self.flush,
            "FlushStageAuthorizersCache": self.flush_authorizers,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateStage``."""
        api, name = self._state.api(call), call.params["stageName"]
        check_name(name)
        if call.params["deploymentId"] not in api.deployments:
            raise bad_request("Deployment id does not exist")
        if name in api.stages:
            raise conflict("Stage already exists")
        made = make(self._state, call.params)
        if call.params.get("canarySettings"):
            made["canarySettings"] = canaries.make(api, call.params["canarySettings"], made["deploymentId"])
        api.stages[name] = made
        return made

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetStage``."""
        return self._state.api(call).stage(call.params["stageName"])

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``GetStages``."""
        wanted = call.params.get("deploymentId")
        stages = self._state.api(call).stages.values()
        return {"item": [stage for stage in stages if wanted in (None, stage["deploymentId"])]}

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateStage``."""
        api = self._state.api(call)
        stage = api.stage(call.params["stageName"])
        changed = copy.deepcopy(stage)
        for operation in call.params.get("patchOperations", []):
            self._patch(changed, call.operation.model.output_shape, operation)
        if changed["deploymentId"] not in api.deployments:
            raise bad_request("Deployment id does not exist")
        _check_variables(changed.get("variables") or {})
        if changed.get("canarySettings"):
            canaries.check(api, changed["canarySettings"])
        settle_cache(changed)
        if any(
            changed.get(member) != stage.get(member) for member in ("cacheClusterEnabled", "cacheClusterSize")
        ):
            flush_cache(changed)
        changed["lastUpdatedDate"] = self._state.now()
        api.stages[call.params["stageName"]] = changed
        return changed

    def _patch(self, stage: Document, shape: Any, operation: Mapping[str, Any]) -> None:
        path = operation.get("path", "")
        if canaries.promote(stage, operation) or canaries.prepare(stage, operation):
            return
        parts = path.lstrip("/").split("/")
        member = SETTINGS.get("/".join(parts[2:4])) if len(parts) == 4 else None
        if member is not None:
            self._patch_setting(stage, shape, parts, member, operation)
        elif len(parts) == 2 and parts[0] not in shape.members and operation.get("op") == "remove":
            stage["methodSettings"].pop("/".join(parts), None)
        else:
            patch.apply(stage, shape, [operation])

    def _patch_setting(
        self, stage: Document, shape: Any, parts: Sequence[str], member: str, operation: Mapping[str, Any]
    ) -> None:
        key = f"{parts[0]}/{parts[1]}"
        settings = stage["methodSettings"]
        if operation.get("op") == "remove":
            settings.get(key, {}).pop(member, None)
            return
        setting = settings.setdefault(key, dict(DEFAULT_SETTING))
        shapes = shape.members["methodSettings"].value.members
        setting[member] = patch.convert(shapes[member], operation.get("value"), member)
        if not 0 <= setting["cacheTtlInSeconds"] <= MAX_TTL_S:
            raise bad_request(f"Invalid cacheTtlInSeconds: it must be from 0 to {MAX_TTL_S}")
        if setting["unauthorizedCacheControlHeaderStrategy"] not in STRATEGIES:
            raise bad_request(
                f"Invalid unauthorizedCacheControlHeaderStrategy: it must be one of {', '.join(STRATEGIES)}"
            )

    async def delete(self, call: Call) -> Response:
        """``DeleteStage``."""
        api = self._state.api(call)
        api.stage(call.params["stageName"])
        del api.stages[call.params["stageName"]]
        return Response(202)

    async def flush(self, call: Call) -> Response:
        """``FlushStageCache``."""
        flush_cache(self._state.api(call).stage(call.params["stageName"]))
        return Response(202)

    async def flush_authorizers(self, call: Call) -> Response:
        """``FlushStageAuthorizersCache``."""
        stage = self._state.api(call).stage(call.params["stageName"])
        stage["_authorizersEpoch"] = stage.get("_authorizersEpoch", 0) + 1
        return Response(202)
