"""ECS: clusters, task definitions and services.

A task definition's ``Metadata`` may say what its image is made of, in the words of AWS SAM: ``Dockerfile`` and
``DockerContext``, for one container or under ``Containers`` for each by its name. CloudFormation does not look at it;
the sandbox keeps it as a registry would keep the image.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.cloudformation.errors import ResourceError
from sandbox.control.cloudformation.types.base import Request, ResourceType
from sandbox.control.ecs import Containers, Service

TRIES = 3  # failed tasks of one deployment after which a stack is not waited for any longer


class Cluster(ResourceType):
    type = "AWS::ECS::Cluster"
    spec = (
        "CapacityProviders[] ClusterName* ClusterSettings[] Configuration{} DefaultCapacityProviderStrategy[] "
        "ServiceConnectDefaults{} Tags[]"
    )
    attributes = "Arn"

    async def create(self, r: Request) -> None:
        values = {"ClusterName": r.get("ClusterName") or r.name(255), **_cluster(r)}
        cluster = (await r.send("ecs", "CreateCluster", {**values, **r.pick("Tags")}))["cluster"]
        r.physical_id = cluster["clusterName"]
        r.attributes = {"Arn": cluster["clusterArn"]}

    async def update(self, r: Request) -> None:
        await r.send("ecs", "UpdateCluster", {"Cluster": r.physical_id, **_cluster(r, update=True)})

    async def delete(self, r: Request) -> None:
        await r.call("ecs", "DeleteCluster", cluster=r.physical_id)


def _cluster(r: Request, *, update: bool = False) -> dict[str, Any]:
    names = "Configuration ServiceConnectDefaults"
    if not update:
        names += " CapacityProviders DefaultCapacityProviderStrategy"
    return r.pick(names, Settings="ClusterSettings")


class ProviderAssociations(ResourceType):
    type = "AWS::ECS::ClusterCapacityProviderAssociations"
    spec = "CapacityProviders![] Cluster!* DefaultCapacityProviderStrategy![]"

    async def create(self, r: Request) -> None:
        await r.send("ecs", "PutClusterCapacityProviders", r.properties)
        r.physical_id = r["Cluster"]

    update = create

    async def delete(self, r: Request) -> None:
        try:
            await r.call(
                "ecs",
                "PutClusterCapacityProviders",
                cluster=r["Cluster"],
                capacityProviders=[],
                defaultCapacityProviderStrategy=[],
            )
        except AwsError as error:
            if error.code != "ClusterNotFoundException":
                raise


class TaskDefinition(ResourceType):
    type = "AWS::ECS::TaskDefinition"
    spec = (
        "ContainerDefinitions*[] Cpu* EnableFaultInjection* EphemeralStorage*{} ExecutionRoleArn* Family* "
        "InferenceAccelerators*[] IpcMode* Memory* NetworkMode* PidMode* PlacementConstraints*[] "
        "ProxyConfiguration*{} RequiresCompatibilities*[] RuntimePlatform*{} Tags[] TaskRoleArn* Volumes*[]"
    )
    attributes = "TaskDefinitionArn"

    async def create(self, r: Request) -> None:
        await self._push(r)
        values = {**r.properties, "Family": r.get("Family") or r.name(255)}
        values["Volumes"] = [_volume(volume) for volume in r.get("Volumes") or []]
        values["ContainerDefinitions"] = [_container(one) for one in r.get("ContainerDefinitions") or []]
        made = (await r.send("ecs", "RegisterTaskDefinition", values))["taskDefinition"]
        r.physical_id = made["taskDefinitionArn"]
        r.attributes = {"TaskDefinitionArn": r.physical_id}

    async def _push(self, r: Request) -> None:
        """Keep the build contexts that the metadata names under the names of their images."""
        metadata = r.stack.resources[r.logical_id].spec.metadata
        containers = r.get("ContainerDefinitions") or []
        of_each = metadata.get("Containers")
        told: Mapping[str, Any] = of_each if isinstance(of_each, Mapping) else {}
        if "DockerContext" in metadata and len(containers) == 1:
            told = {containers[0].get("Name", ""): metadata}
        elif "DockerContext" in metadata and not told:
            raise ResourceError(
                f"Metadata of {r.logical_id} has one DockerContext for {len(containers)} containers: "
                "give each its own under Containers."
            )
        for container in containers:
            place = told.get(container.get("Name", ""))
            if place is not None:
                await push_image(r, str(container["Image"]), place)

    async def update(self, r: Request) -> None:
        """Only tags change in place; the sandbox keeps those of the registration."""

    async def delete(self, r: Request) -> None:
        await r.call("ecs", "DeregisterTaskDefinition", taskDefinition=r.physical_id)


async def push_image(r: Request, image: str, place: Mapping[str, Any]) -> None:
    """Keep the build context of an image under its name, as a registry keeps the image."""
    name = str(place.get("Dockerfile") or "Dockerfile")
    records: Containers = r.sandbox.control.containers
    records.push(image, await _fetched(r, place["DockerContext"]), name, f"{r.logical_id}/{name}")


async def _fetched(r: Request, place: str) -> bytes:
    """The zip at ``s3://bucket/key``, which packaging made of the folder."""
    if not str(place).startswith("s3://"):
        raise ResourceError(
            f"DockerContext {place!r} is a path: deploy with `sandbox deploy`, which uploads the folder."
        )
    bucket, _, key = str(place).removeprefix("s3://").partition("/")
    body = (await r.call("s3", "GetObject", Bucket=bucket, Key=key))["Body"]
    return body if isinstance(body, bytes) else bytes(body.read())


def _container(given: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(given)
    for name in ("Environment", "Secrets"):
        if name in made and not isinstance(made[name], list):
            raise ResourceError(
                f"{name} of a container definition must be a list, not {json.dumps(made[name])}"
            )
    return made


def _volume(given: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "EFSVolumeConfiguration": "efsVolumeConfiguration",
        "FSxWindowsFileServerVolumeConfiguration": "fsx",
    }
    return {names.get(key, key): value for key, value in given.items()}


class EcsService(ResourceType):
    type = "AWS::ECS::Service"
    spec = (
        "AvailabilityZoneRebalancing CapacityProviderStrategy[] Cluster* DeploymentConfiguration{} "
        "DeploymentController*{} DesiredCount EnableECSManagedTags EnableExecuteCommand ForceNewDeployment{} "
        "HealthCheckGracePeriodSeconds LaunchType* LoadBalancers[] Monitoring{} NetworkConfiguration{} "
        "PlacementConstraints[] PlacementStrategies[] PlatformVersion PropagateTags Role* SchedulingStrategy* "
        "ServiceConnectConfiguration{} ServiceName* ServiceRegistries[] Tags[] TaskDefinition VolumeConfigurations[] "
        "VpcLatticeConfigurations[]"
    )
    attributes = "Name ServiceArn"

    async def create(self, r: Request) -> None:
        values = _service(r) | r.pick("LaunchType DeploymentController SchedulingStrategy Tags")
        values["ServiceName"] = r.get("ServiceName") or r.name(255)
        made = (await r.send("ecs", "CreateService", values))["service"]
        r.physical_id = made["serviceArn"]
        r.attributes = {"Name": made["serviceName"], "ServiceArn": r.physical_id}
        await self._stable(r)

    async def update(self, r: Request) -> None:
        values = _service(r) | {"Service": r.physical_id}
        values.pop("Role", None)
        if r.get("ForceNewDeployment") != r.previous.get("ForceNewDeployment"):
            values["ForceNewDeployment"] = bool(
                (r.get("ForceNewDeployment") or {}).get("EnableForceNewDeployment")
            )
        await r.send("ecs", "UpdateService", values)
        await self._stable(r)

    async def _stable(self, r: Request) -> None:
        """Wait until the deployment is complete. AWS waits for three hours; here a few failed tasks are enough."""
        records = r.sandbox.control.containers
        service = records.services[r.physical_id]
        deployment = service.primary

        def settled() -> bool:
            changed = service.primary is not deployment or deployment.failed >= TRIES
            return service.stable or changed or service.status == "INACTIVE"

        with r.sandbox.clock.in_flight(f"deployment of {service.name}"):
            await records.changes.until(settled)
        if not (service.stable and service.primary is deployment):
            raise ResourceError(
                f"Resource handler returned message: \"Error occurred during operation 'ECS Deployment did not "
                f"stabilize: {_why(records, service)}'.\""
            )

    async def delete(self, r: Request) -> None:
        cluster = r.get("Cluster", "default")
        await r.call("ecs", "DeleteService", cluster=cluster, service=r.physical_id, force=True)
        records = r.sandbox.control.containers
        service = records.services.get(r.physical_id)
        with r.sandbox.clock.in_flight(f"end of {r.physical_id}"):
            await records.changes.until(lambda: service is None or service.status == "INACTIVE")


def _why(records: Containers, service: Service) -> str:
    """The reason of the task of the service that stopped last."""
    group = f"service:{service.name}"
    stopped = [task for task in records.tasks.values() if task.group == group and task.stopped_reason]
    if not stopped:
        return service.primary.reason or "tasks failed to start"
    last = stopped[-1]
    codes = [
        f"{container.name} ended with exit code {container.exit_code}"
        for container in last.containers
        if container.exit_code is not None
    ]
    return "; ".join([str(last.stopped_reason), *codes, *last.last_lines])


def _service(r: Request) -> dict[str, Any]:
    names = (
        "AvailabilityZoneRebalancing CapacityProviderStrategy Cluster DeploymentConfiguration DesiredCount "
        "EnableECSManagedTags EnableExecuteCommand HealthCheckGracePeriodSeconds LoadBalancers NetworkConfiguration "
        "PlacementConstraints PlatformVersion PropagateTags Role ServiceConnectConfiguration ServiceRegistries "
        "TaskDefinition VolumeConfigurations"
    )
    values = r.pick(names, PlacementStrategy="PlacementStrategies")
    network = values.get("NetworkConfiguration") or {}
    if "AwsvpcConfiguration" in network:
        values["NetworkConfiguration"] = {"AwsvpcConfiguration": network["AwsvpcConfiguration"]}
    return values
