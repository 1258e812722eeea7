"""Deployments: a deployment freezes the API; its stages serve that, not what is changed later."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, cast

from sandbox.control.message import Response
from sandbox.control.paging import page
from sandbox.control.resources import Integration, Method, RestResource
from sandbox.control.shims.apigateway import canaries, patch, stages
from sandbox.control.shims.apigateway.policies import resource_policy
from sandbox.control.shims.apigateway.state import State
from sandbox.control.shims.apigateway.store import Api, Deployment, Document, Snapshot, bad_request
from sandbox.control.shims.call import Call, Handler


def snapshot(api: Api) -> Snapshot:
    """The API as it is now, in typed values that nothing changes any more."""
    return Snapshot(
        resources=tuple(_resource(resource) for resource in api.resources.values()),
        binary_media_types=tuple(api.info.get("binaryMediaTypes") or ()),
        gateway_responses=copy.deepcopy(api.gateway_responses),
        authorizers=copy.deepcopy(api.authorizers),
        models=copy.deepcopy(api.models),
        validators=copy.deepcopy(api.validators),
        policy=resource_policy(api),
        api_key_source=api.info.get("apiKeySource", "HEADER"),
    )


def _resource(resource: Document) -> RestResource:
    methods = {name: _method(method) for name, method in resource["resourceMethods"].items()}
    return RestResource(resource["id"], resource["path"], methods)


def _method(method: Document) -> Method:
    integration = method.get("methodIntegration")
    return Method(
        http_method=method["httpMethod"],
        authorization=method.get("authorizationType", "NONE"),
        authorizer_id=method.get("authorizerId"),
        api_key_required=method["apiKeyRequired"],
        scopes=tuple(method.get("authorizationScopes") or ()),
        integration=_integration(integration) if integration else None,
        responses=copy.deepcopy(method.get("methodResponses", {})),
        request_parameters=dict(method.get("requestParameters") or {}),
        request_models=dict(method.get("requestModels") or {}),
        validator_id=method.get("requestValidatorId"),
        operation_name=method.get("operationName"),
    )


def _integration(given: Document) -> Integration:
    return Integration(
        type=given["type"],
        uri=given.get("uri", ""),
        http_method=given.get("httpMethod", ""),
        timeout_ms=given["timeoutInMillis"],
        transfer_mode=cast(Any, given.get("responseTransferMode", "BUFFERED")),
        credentials=given.get("credentials"),
        passthrough=given["passthroughBehavior"],
        content_handling=given.get("contentHandling"),
        request_parameters=dict(given.get("requestParameters") or {}),
        request_templates=dict(given.get("requestTemplates") or {}),
        responses=copy.deepcopy(given.get("integrationResponses", {})),
        cache_namespace=given.get("cacheNamespace", ""),
        cache_key_parameters=tuple(given.get("cacheKeyParameters") or ()),
        connection_id=given.get("connectionId") if given.get("connectionType") == "VPC_LINK" else None,
        target=given.get("integrationTarget"),
    )


def _require_deployable(api: Api) -> None:
    methods = [m for resource in api.resources.values() for m in resource["resourceMethods"].values()]
    if not methods:
        raise bad_request("The REST API doesn't contain any methods")
    if any("methodIntegration" not in method for method in methods):
        raise bad_request("No integration defined for method")


def deploy(state: State, api: Api, description: str | None) -> Deployment:
    """A new deployment of the API as it is now."""
    _require_deployable(api)
    document: Document = {"id": state.new_id(6), "createdDate": state.now()}
    if description is not None:
        document["description"] = description
    made = Deployment(document, snapshot(api))
    api.deployments[document["id"]] = made
    return made


class Deployments:
    """Operations on deployments."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateDeployment": self.create,
            "GetDeployment": self.get,
            "GetDeployments": self.list,
            "UpdateDeployment": self.update,
            "DeleteDeployment": self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateDeployment``: with ``stageName`` the stage is made, or moved to the new deployment."""
        api, params = self._state.api(call), call.params
        name = params.get("stageName")
        if name:
            stages.check_name(name)
        canary = params.get("canarySettings")
        stage = canaries.stage_for(api, name) if canary is not None else None
        if name in api.stages and canary is None and api.stages[name].get("canarySettings"):
            # The guide says that it cannot be; the words are UNSOURCED.
            raise bad_request(
                f"Stage {name} has a canary: disable it before another deployment is made to the stage"
            )
        made = deploy(self._state, api, params.get("description"))
        if stage is not None:
            stage["canarySettings"] = canaries.make(api, canary or {}, made.document["id"])
        elif name and name in api.stages:
            stage = api.stages[name]
            stage["deploymentId"] = made.document["id"]
            stage["lastUpdatedDate"] = self._state.now()
            if params.get("variables"):
                stage["variables"] = {**stage.get("variables", {}), **params["variables"]}
        elif name:
            given = {
                **params,
                "deploymentId": made.document["id"],
                "description": params.get("stageDescription"),
            }
            api.stages[name] = stages.make(self._state, given)
        return made.document

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetDeployment``; ``embed=apisummary`` adds the methods."""
        deployment = self._state.api(call).deployment(call.params["deploymentId"])
        if "apisummary" not in (call.params.get("embed") or []):
            return deployment.document
        summary = {
            resource.path: {
                name: {"authorizationType": method.authorization, "apiKeyRequired": method.api_key_required}
                for name, method in resource.methods.items()
            }
            for resource in deployment.snapshot.resources
            if resource.methods
        }
        return {**deployment.document, "apiSummary": summary}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``GetDeployments``."""
        documents = [deployment.document for deployment in self._state.api(call).deployments.values()]
        items, position = page(documents, call.params.get("limit"), call.params.get("position"), 25)
        return {"items": items, "position": position}

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateDeployment``: the description."""
        deployment = self._state.api(call).deployment(call.params["deploymentId"])
        shape = call.operation.model.output_shape
        patch.apply(deployment.document, shape, call.params.get("patchOperations", []))
        return deployment.document

    async def delete(self, call: Call) -> Response:
        """``DeleteDeployment``: not while a stage points to it."""
        api = self._state.api(call)
        deployment_id = api.deployment(call.params["deploymentId"]).document["id"]
        used = {stage["deploymentId"] for stage in api.stages.values()}
        used |= {(stage.get("canarySettings") or {}).get("deploymentId") for stage in api.stages.values()}
        if deployment_id in used:
            raise bad_request("Active stages pointing to this deployment must be moved or deleted")
        del api.deployments[deployment_id]
        return Response(202)
