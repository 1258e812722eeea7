"""Deployments: what an API was at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.message import Response
from sandbox.control.shims.apigatewayv2.state import State
from sandbox.control.shims.apigatewayv2.store import Api, Deployment, bad_request, change, find, not_found
from sandbox.control.shims.call import Call, Handler


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

    def _found(self, call: Call) -> tuple[Api, Deployment]:
        api = self._state.api(call)
        return api, find(api.deployments, call.params["DeploymentId"], "Deployment")

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateDeployment``; with ``StageName`` that stage, which must exist, moves to it."""
        api, name = self._state.api(call), call.params.get("StageName")
        stage = api.stages.get(name) if name else None
        if name and stage is None:
            raise not_found("Invalid stage identifier specified")
        made = self._state.deploy(api, call.params.get("Description"))
        if stage is not None:
            if stage["AutoDeploy"]:
                del api.deployments[made.document["DeploymentId"]]
                raise bad_request(
                    "Deployment ID cannot be set on stage because AutoDeploy is enabled on this stage"
                )
            self._state.point(stage, made.document["DeploymentId"])
        return made.document

    async def get(self, call: Call) -> Mapping[str, Any]:
        """``GetDeployment``."""
        return self._found(call)[1].document

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``GetDeployments``, the newest first."""
        documents = [deployment.document for deployment in self._state.api(call).deployments.values()]
        return self._state.listed(call, documents[::-1])

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateDeployment``: the description."""
        document = self._found(call)[1].document
        change(document, call.params, ("Description",))
        return document

    async def delete(self, call: Call) -> Response:
        """``DeleteDeployment``: not while a stage points to it."""
        api, deployment = self._found(call)
        deployment_id = deployment.document["DeploymentId"]
        if any(stage.get("DeploymentId") == deployment_id for stage in api.stages.values()):
            raise bad_request("Active stages pointing to this deployment must be moved or deleted")
        del api.deployments[deployment_id]
        return Response(204)
