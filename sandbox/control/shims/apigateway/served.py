"""What a stage serves: the snapshot of its deployment with the stage's own settings, and its canary."""

from __future__ import annotations

from typing import Literal, cast

from sandbox.control.resources import RestApi, StageCache
from sandbox.control.shims.apigateway.store import Api, Document

_GIB = 2**30


def served_stage(api: Api, name: str, stage: Document) -> RestApi:
    """A stage's API as of now."""
    settings = stage.get("canarySettings") or {}
    cache = _cache(stage)
    canary = None
    if settings:
        variables = {**(stage.get("variables") or {}), **(settings.get("stageVariableOverrides") or {})}
        kept = cache if settings.get("useStageCache") else None
        canary = _release(api, name, stage, settings["deploymentId"], variables, kept, is_canary=True)
    percent = float(settings.get("percentTraffic") or 0)
    own = dict(stage.get("variables") or {})
    return _release(
        api, name, stage, stage["deploymentId"], own, cache, canary=canary, canary_percent=percent
    )


def _cache(stage: Document) -> StageCache | None:
    if not stage.get("cacheClusterEnabled"):
        return None
    return StageCache(stage.get("_cacheEpoch", 0), round(float(stage["cacheClusterSize"]) * _GIB))


def _release(
    api: Api,
    name: str,
    stage: Document,
    deployment_id: str,
    variables: dict[str, str],
    cache: StageCache | None,
    *,
    canary: RestApi | None = None,
    canary_percent: float = 0.0,
    is_canary: bool = False,
) -> RestApi:
    snapshot = api.deployments[deployment_id].snapshot
    return RestApi(
        id=api.id,
        stage=name,
        endpoint_type=cast(Literal["REGIONAL", "EDGE", "PRIVATE"], api.endpoint_type),
        resources=snapshot.resources,
        stage_variables=variables,
        binary_media_types=snapshot.binary_media_types,
        gateway_responses=snapshot.gateway_responses,
        deployment_id=deployment_id,
        authorizers=snapshot.authorizers,
        models=snapshot.models,
        validators=snapshot.validators,
        policy=snapshot.policy,
        api_key_source=cast(Literal["HEADER", "AUTHORIZER"], snapshot.api_key_source),
        disable_execute_api_endpoint=bool(api.info.get("disableExecuteApiEndpoint")),
        method_settings=stage["methodSettings"],
        access_log=stage.get("accessLogSettings"),
        authorizers_epoch=stage.get("_authorizersEpoch", 0),
        cache=cache,
        canary=canary,
        canary_percent=canary_percent,
        is_canary=is_canary,
    )
