"""Operations on services: what is wanted. That it comes true is the data plane's work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.control.ecs import Deployment, Document, Service
from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.ecs.state import State, invalid, page

_ASKED = (
    "loadBalancers", "serviceRegistries", "launchType", "capacityProviderStrategy", "platformVersion",
    "deploymentConfiguration", "placementConstraints", "placementStrategy", "networkConfiguration",
    "healthCheckGracePeriodSeconds", "schedulingStrategy", "deploymentController", "enableECSManagedTags",
    "propagateTags", "enableExecuteCommand", "availabilityZoneRebalancing",
)  # fmt: skip
# A change of these starts a deployment.
_DEPLOYED = ("loadBalancers", "networkConfiguration", "platformVersion", "capacityProviderStrategy")
_SHOWN_EVENTS = 100


class Services:
    """Create, describe, change and delete."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "CreateService": self.create,
            "DescribeServices": self.describe,
            "ListServices": self.list,
            "UpdateService": self.update,
            "DeleteService": self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        """``CreateService``."""
        given, cluster = call.params, self._state.cluster(call.params.get("cluster"))
        if "taskDefinition" not in given:
            raise invalid("TaskDefinition can not be blank.")
        name, definition = given["serviceName"], self._state.definition(given["taskDefinition"])
        known = self._state.find_service(cluster, name)
        if known is not None and known.status != "INACTIVE":
            raise invalid("Creation of service was not idempotent.")
        info = self._settled({key: given[key] for key in _ASKED if key in given})
        arn = self._state.arn(f"service/{cluster.name}/{name}")
        now = self._state.sandbox.clock.utcnow()
        service = Service(
            arn,
            name,
            cluster.arn,
            info,
            int(given.get("desiredCount", 1)),
            now,
            tags=list(given.get("tags") or []),
        )
        await self._check(service, definition.containers)
        service.deployments = [
            Deployment(
                self._deployment_id(),
                "PRIMARY",
                definition,
                now,
                now,
                network=info.get("networkConfiguration"),
            )
        ]
        self._state.records.services[arn] = service
        self._state.changed()
        return {"service": self._shown(service)}

    def _deployment_id(self) -> str:
        return f"ecs-svc/{self._state.sandbox.ids.text(19, '0123456789')}"

    def _settled(self, info: Document) -> Document:
        controller = (info.get("deploymentController") or {}).get("type", "ECS")
        if controller != "ECS":
            raise NotEmulatedError(f"the deployment controller {controller} of ECS services")
        if info.get("schedulingStrategy", "REPLICA") != "REPLICA":
            raise NotEmulatedError("the scheduling strategy DAEMON of ECS services")
        if info.get("serviceRegistries"):
            raise NotEmulatedError("service discovery of ECS services")
        asked = info.get("deploymentConfiguration") or {}
        if asked.get("strategy", "ROLLING") != "ROLLING":
            raise NotEmulatedError(f"the deployment strategy {asked['strategy']} of ECS services")
        deployment = {
            "deploymentCircuitBreaker": {"enable": False, "rollback": False},
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
            "strategy": "ROLLING",
            **asked,
        }
        most, least = int(deployment["maximumPercent"]), int(deployment["minimumHealthyPercent"])
        if most <= least and not (most == 100 and least < 100):
            raise invalid("maximumPercent must be greater than minimumHealthyPercent.")
        made = {"launchType": "FARGATE", **info} if not info.get("capacityProviderStrategy") else dict(info)
        return {
            "platformVersion": "LATEST",
            "platformFamily": "Linux",
            "schedulingStrategy": "REPLICA",
            "deploymentController": {"type": "ECS"},
            "enableECSManagedTags": False,
            "enableExecuteCommand": False,
            "propagateTags": "NONE",
            "loadBalancers": [],
            "serviceRegistries": [],
            "placementConstraints": [],
            "placementStrategy": [],
            **made,
            "deploymentConfiguration": deployment,
        }

    async def _check(self, service: Service, containers: list[Document]) -> None:
        """Whether its load balancers fit. Raises ``AwsError``."""
        ports = {(c["name"], port["containerPort"]) for c in containers for port in c["portMappings"]}
        for balancer in service.load_balancers:
            name, port = balancer.get("containerName"), balancer.get("containerPort")
            if name not in {container["name"] for container in containers}:
                raise invalid(f"The container {name} does not exist in the task definition.")
            if (name, port) not in ports:
                raise invalid(f"The container {name} did not have a container port {port} defined.")
            arn = balancer.get("targetGroupArn", "")
            try:
                answer = await self._state.sandbox.control.call(
                    "elbv2", "DescribeTargetGroups", TargetGroupArns=[arn]
                )
            except AwsError as error:
                raise invalid(f"The target group with targetGroupArn {arn} does not exist.") from error
            group = answer["TargetGroups"][0]
            if group["TargetType"] != "ip":
                raise invalid(
                    f"The provided target group {arn} has target type {group['TargetType']}, which is incompatible "
                    "with the awsvpc network mode specified in the task definition."
                )
            if not group["LoadBalancerArns"]:
                raise invalid(
                    f"The target group with targetGroupArn {arn} does not have an associated load balancer."
                )

    async def describe(self, call: Call) -> Mapping[str, Any]:
        """``DescribeServices``."""
        cluster, found, failures = self._state.cluster(call.params.get("cluster")), [], []
        for name in call.params["services"]:
            service = self._state.find_service(cluster, name)
            if service is None:
                arn = name if name.startswith("arn:") else self._state.arn(f"service/{cluster.name}/{name}")
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(self._shown(service))
        return {"services": found, "failures": failures}

    async def list(self, call: Call) -> Mapping[str, Any]:
        """``ListServices``."""
        cluster = self._state.cluster(call.params.get("cluster"))
        found = [
            service.arn
            for service in self._state.records.services.values()
            if service.cluster == cluster.arn and service.status != "INACTIVE"
        ]
        shown, more = page(call.params, found, 10)
        return {"serviceArns": shown, **more}

    async def update(self, call: Call) -> Mapping[str, Any]:
        """``UpdateService``."""
        given, cluster = call.params, self._state.cluster(call.params.get("cluster"))
        service = self._state.service(cluster, given["service"])
        definition = service.primary.definition
        if "taskDefinition" in given:
            definition = self._state.definition(given["taskDefinition"])
        asked = {key: given[key] for key in _ASKED if key in given}
        if "deploymentConfiguration" in asked:
            asked["deploymentConfiguration"] = {
                **service.info["deploymentConfiguration"],
                **asked["deploymentConfiguration"],
            }
        changed = any(service.info.get(key) != asked[key] for key in _DEPLOYED if key in asked)
        before, service.info = service.info, self._settled({**service.info, **asked})
        try:
            await self._check(service, definition.containers)
        except AwsError:
            service.info = before
            raise
        if "desiredCount" in given:
            service.desired = int(given["desiredCount"])
        if definition is not service.primary.definition or changed or given.get("forceNewDeployment"):
            self._deploy(service, definition)
        self._state.changed()
        return {"service": self._shown(service)}

    def _deploy(self, service: Service, definition: Any) -> None:
        now = self._state.sandbox.clock.utcnow()
        for old in service.deployments:
            old.status = "ACTIVE"
        new = Deployment(
            self._deployment_id(),
            "PRIMARY",
            definition,
            now,
            now,
            network=service.info.get("networkConfiguration"),
        )
        service.deployments.insert(0, new)

    async def delete(self, call: Call) -> Mapping[str, Any]:
        """``DeleteService``: it drains; it is inactive when its last task has stopped."""
        cluster = self._state.cluster(call.params.get("cluster"))
        service = self._state.service(cluster, call.params["service"])
        if service.desired > 0 and not call.params.get("force"):
            raise invalid("The service cannot be stopped while it is scaled above 0.")
        service.desired = 0
        service.status = "DRAINING"
        self._state.changed()
        return {"service": self._shown(service)}

    # -- how it is shown

    def _shown(self, service: Service) -> dict[str, Any]:
        tasks = self._state.records.tasks_of(service)
        wanted = [task for task in tasks if task.wanted]
        info = {key: value for key, value in service.info.items() if value is not None}
        return {
            **info,
            "serviceArn": service.arn,
            "serviceName": service.name,
            "clusterArn": service.cluster,
            "status": service.status,
            "desiredCount": service.desired,
            "runningCount": sum(task.last_status == "RUNNING" for task in wanted),
            "pendingCount": sum(task.last_status in ("PROVISIONING", "PENDING") for task in wanted),
            "taskDefinition": service.primary.definition.arn,
            "deployments": [self._deployment(service, one) for one in service.deployments],
            "events": service.events[:_SHOWN_EVENTS],
            "createdAt": service.created,
            "createdBy": f"arn:aws:iam::{self._state.sandbox.settings.account}:root",
            "tags": service.tags,
        }

    def _deployment(self, service: Service, one: Deployment) -> dict[str, Any]:
        tasks = [t for t in self._state.records.tasks_of(service) if t.deployment == one.id and t.wanted]
        launch = {"launchType": service.info["launchType"]} if "launchType" in service.info else {}
        return {
            "id": one.id,
            "status": one.status,
            "taskDefinition": one.definition.arn,
            "desiredCount": service.desired if one.status == "PRIMARY" else 0,
            "pendingCount": sum(task.last_status in ("PROVISIONING", "PENDING") for task in tasks),
            "runningCount": sum(task.last_status == "RUNNING" for task in tasks),
            "failedTasks": one.failed,
            "createdAt": one.created,
            "updatedAt": one.updated,
            **launch,
            "platformVersion": service.info["platformVersion"],
            "platformFamily": service.info["platformFamily"],
            "rolloutState": one.rollout,
            "rolloutStateReason": one.reason or f"ECS deployment {one.id} in progress.",
        } | ({"networkConfiguration": one.network} if one.network else {})
