"""App Runner: services and how they scale. ``Metadata`` says what the image is made of, as for ECS."""

from __future__ import annotations

from typing import Any

from sandbox.control.cloudformation.errors import ResourceError
from sandbox.control.cloudformation.types.base import Request, ResourceType
from sandbox.control.cloudformation.types.ecs import push_image

_SENT = (
    "AutoScalingConfigurationArn EncryptionConfiguration HealthCheckConfiguration InstanceConfiguration "
    "NetworkConfiguration ObservabilityConfiguration SourceConfiguration"
)


class AppRunnerService(ResourceType):
    type = "AWS::AppRunner::Service"
    spec = (
        "AutoScalingConfigurationArn EncryptionConfiguration*{} HealthCheckConfiguration{} InstanceConfiguration{} "
        "NetworkConfiguration{} ObservabilityConfiguration{} ServiceName* SourceConfiguration!{} Tags*[]"
    )
    attributes = "ServiceArn ServiceId ServiceUrl Status"

    async def create(self, r: Request) -> None:
        await self._push(r)
        name = r.get("ServiceName") or r.name(40)
        values = {**_listed(r), "ServiceName": name, **r.pick("Tags")}
        made = (await r.send("apprunner", "CreateService", values))["Service"]
        r.physical_id = made["ServiceArn"]
        await self._settled(r)

    async def _push(self, r: Request) -> None:
        repository = (r["SourceConfiguration"] or {}).get("ImageRepository") or {}
        metadata = r.stack.resources[r.logical_id].spec.metadata
        if "DockerContext" in metadata and "ImageIdentifier" in repository:
            await push_image(r, str(repository["ImageIdentifier"]), metadata)

    async def _settled(self, r: Request) -> None:
        records = r.sandbox.control.applications
        service = records.services[r.physical_id]
        await records.changes.until(lambda: service.status != "OPERATION_IN_PROGRESS")
        r.attributes = {
            "ServiceArn": service.arn,
            "ServiceId": service.id,
            "ServiceUrl": service.url,
            "Status": service.status,
        }
        if service.operations[0]["Status"] != "SUCCEEDED":
            raise ResourceError(f"Service {service.name} did not come up: {service.reason}")

    async def update(self, r: Request) -> None:
        await self._push(r)
        await r.send("apprunner", "UpdateService", {**_listed(r), "ServiceArn": r.physical_id})
        await self._settled(r)

    async def delete(self, r: Request) -> None:
        await r.call("apprunner", "DeleteService", ServiceArn=r.physical_id)
        records = r.sandbox.control.applications
        service = records.services[r.physical_id]
        await records.changes.until(lambda: service.status != "OPERATION_IN_PROGRESS")


class Scaling(ResourceType):
    type = "AWS::AppRunner::AutoScalingConfiguration"
    spec = "AutoScalingConfigurationName* MaxConcurrency* MaxSize* MinSize* Tags*[]"
    attributes = "AutoScalingConfigurationArn AutoScalingConfigurationRevision Latest"

    async def create(self, r: Request) -> None:
        name = r.get("AutoScalingConfigurationName") or r.name(32)
        values = {**r.properties, "AutoScalingConfigurationName": name}
        made = await r.send("apprunner", "CreateAutoScalingConfiguration", values)
        shown: dict[str, Any] = made["AutoScalingConfiguration"]
        r.physical_id = shown["AutoScalingConfigurationArn"]
        r.attributes = {name: shown[name] for name in self.attributes.split()}

    async def delete(self, r: Request) -> None:
        await r.call("apprunner", "DeleteAutoScalingConfiguration", AutoScalingConfigurationArn=r.physical_id)


def _listed(r: Request) -> dict[str, Any]:
    """The properties, with variables as the API has them: a map instead of a list."""
    values = r.pick(_SENT)
    image = (values["SourceConfiguration"].get("ImageRepository") or {}).get("ImageConfiguration") or {}
    for name in ("RuntimeEnvironmentVariables", "RuntimeEnvironmentSecrets"):
        if isinstance(image.get(name), list):
            image[name] = {one["Name"]: str(one["Value"]) for one in image[name]}
    return values
