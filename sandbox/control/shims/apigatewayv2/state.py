"""All HTTP and WebSocket APIs, by Region."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sandbox.context import Sandbox
from sandbox.control.paging import page
from sandbox.control.shims.apigatewayv2.snapshot import take
from sandbox.control.shims.apigatewayv2.store import Api, Deployment, Document, bad_request, find
from sandbox.control.shims.call import Call

AUTO_DEPLOYED = "Automatic deployment triggered by changes to the Api configuration"
PAGE = 100  # UNSOURCED: how many items come without MaxResults


class State:
    """Every Region's APIs, domain names and VPC links. Only touched on the loop."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._regions: dict[str, dict[str, Api]] = {}
        self.domains: dict[tuple[str, str], Document] = {}  # (Region, name)
        self.mappings: dict[tuple[str, str], dict[str, Document]] = {}
        self.links: dict[str, dict[str, Document]] = {}
        self._forgotten: dict[tuple[str, str], int] = {}

    def reset(self) -> None:
        """Forget everything."""
        for kept in (self._regions, self.domains, self.mappings, self.links, self._forgotten):
            kept.clear()

    def apis(self, region: str) -> dict[str, Api]:
        """A Region's APIs by id."""
        return self._regions.setdefault(region, {})

    def api(self, call: Call) -> Api:
        """The API that a call's ``ApiId`` names."""
        return find(self.apis(call.target.region), call.params["ApiId"], "API")

    def websocket_stage(self, region: str, api_id: str, stage: str) -> bool:
        """Whether there is such a stage of a WebSocket API."""
        api = self.apis(region).get(api_id)
        return api is not None and api.protocol == "WEBSOCKET" and stage in api.stages

    def anywhere(self, api_id: str) -> Api | None:
        """An API by its id, in whichever Region."""
        return next((apis[api_id] for apis in self._regions.values() if api_id in apis), None)

    def forget_results(self, api_id: str, stage: str) -> None:
        """What Lambda authorizers of a stage answered so far counts no more."""
        self._forgotten[api_id, stage] = self.results_epoch(api_id, stage) + 1

    def results_epoch(self, api_id: str, stage: str) -> int:
        """How often results were forgotten."""
        return self._forgotten.get((api_id, stage), 0)

    def now(self) -> datetime:
        """The sandbox's date, whole seconds as API Gateway shows them."""
        return self.sandbox.clock.utcnow().replace(microsecond=0)

    def new_id(self, length: int = 7) -> str:
        """An identifier."""
        return self.sandbox.ids.text(length)

    def deploy(self, api: Api, description: str | None, *, auto: bool = False) -> Deployment:
        """Freeze an API as it is now. Raises ``BadRequestException`` when it has no route."""
        if not api.routes:
            raise bad_request("At least one route is required before deploying the Api.")
        document: Document = {
            "DeploymentId": self.new_id(6),
            "CreatedDate": self.now(),
            "DeploymentStatus": "DEPLOYED",
            "AutoDeployed": auto,
        }
        if description:
            document["Description"] = description
        made = Deployment(document, take(api))
        api.deployments[document["DeploymentId"]] = made
        return made

    def point(self, stage: Document, deployment_id: str) -> None:
        """Let a stage serve a deployment."""
        stage["DeploymentId"] = deployment_id
        stage["LastUpdatedDate"] = self.now()
        stage["LastDeploymentStatusMessage"] = (
            f"Successfully deployed stage with deployment ID '{deployment_id}'"
        )

    def changed(self, api: Api) -> None:
        """Deploy an API that changed to its stages that deploy by themselves."""
        stages = [stage for stage in api.stages.values() if stage["AutoDeploy"]]
        if not stages or not api.routes:
            for stage in stages:
                stage["LastDeploymentStatusMessage"] = (
                    "Deployment attempt failed: At least one route is required before deploying the Api."
                )
            return
        replaced = {stage.get("DeploymentId") for stage in stages}
        deployment_id = self.deploy(api, AUTO_DEPLOYED, auto=True).document["DeploymentId"]
        for stage in stages:
            self.point(stage, deployment_id)
        self._forget(api, replaced)

    def _forget(self, api: Api, replaced: set[Any]) -> None:
        """Automatic deployments that no stage serves any more are of no use to anybody."""
        used = {stage.get("DeploymentId") for stage in api.stages.values()}
        for deployment_id in replaced - used - {None}:
            if api.deployments[deployment_id].document["AutoDeployed"]:
                del api.deployments[deployment_id]

    def listed(self, call: Call, items: Sequence[Document]) -> Document:
        """A list in pages."""
        limit = call.params.get("MaxResults")
        if limit is not None and not str(limit).isdecimal():
            raise bad_request(f"MaxResults must be a number, not {limit!r}")
        found, token = page(items, int(limit) if limit else None, call.params.get("NextToken"), PAGE)
        return {"Items": found, "NextToken": token}
