"""The instances of a service: a hidden service of ECS, which is also what App Runner's own are behind the curtain."""

from __future__ import annotations

import asyncio
import shlex
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.app_runner import Application
from sandbox.control.ecs import Service, Task
from sandbox.services.loopback import dialed

_CPU = {"0.25 vCPU": "256", "0.5 vCPU": "512", "1 vCPU": "1024", "2 vCPU": "2048", "4 vCPU": "4096"}
_FAILED = 3  # instances that end before they answer: the deployment has failed


class DeploymentError(Exception):
    """A service does not come up; the text says why."""


class Instances:
    """Brings the instances of services about."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def _name(self, application: Application) -> str:
        return f"app-runner-{application.id}"

    def _service(self, application: Application) -> Service | None:
        name = self._name(application)
        return next((s for s in self._sandbox.control.containers.services.values() if s.name == name), None)

    def port(self, application: Application) -> int:
        """The port on which the program listens."""
        return int((application.image.get("ImageConfiguration") or {}).get("Port") or 8080)

    def running(self, application: Application) -> list[Task]:
        """Its instances."""
        service = self._service(application)
        tasks = self._sandbox.control.containers.tasks_of(service) if service else []
        return [task for task in tasks if task.wanted and task.last_status == "RUNNING"]

    async def bring_up(self, application: Application) -> None:
        """Start it, or replace what runs; returns when it answers. Raises :class:`DeploymentError`."""
        call, name = self._sandbox.control.call, self._name(application)
        await call("ecs", "CreateCluster", clusterName=name)
        definition = await call("ecs", "RegisterTaskDefinition", **self._definition(application))
        arn = definition["taskDefinition"]["taskDefinitionArn"]
        least = int(application.scaling.info["MinSize"])
        service = self._service(application)
        if service is None or service.status != "ACTIVE":
            names = {"cluster": name, "serviceName": name, "taskDefinition": arn}
            await call("ecs", "CreateService", **names, desiredCount=least)
        else:
            names = {"cluster": name, "service": name, "taskDefinition": arn}
            await call("ecs", "UpdateService", **names, desiredCount=least)
        await self._answering(application)

    def _definition(self, application: Application) -> dict[str, Any]:
        given = application.image.get("ImageConfiguration") or {}
        instance = application.info["InstanceConfiguration"]
        cpu, memory = str(instance["Cpu"]), str(instance["Memory"])
        container: dict[str, Any] = {
            "name": "app",
            "image": application.image["ImageIdentifier"],
            "portMappings": [{"containerPort": self.port(application)}],
            "environment": [
                {"name": key, "value": value}
                for key, value in (given.get("RuntimeEnvironmentVariables") or {}).items()
            ],
            "secrets": [
                {"name": key, "valueFrom": value}
                for key, value in (given.get("RuntimeEnvironmentSecrets") or {}).items()
            ],
        }
        if given.get("StartCommand"):
            container["command"] = shlex.split(given["StartCommand"])
        role = {"taskRoleArn": instance["InstanceRoleArn"]} if "InstanceRoleArn" in instance else {}
        return {
            "family": self._name(application),
            "networkMode": "awsvpc",
            "cpu": _CPU.get(cpu, cpu),
            "memory": str(int(float(memory.split()[0]) * 1024)) if memory.endswith("GB") else memory,
            "containerDefinitions": [container],
            **role,
        }

    async def _answering(self, application: Application) -> None:
        """Wait until an instance of the newest deployment takes connections."""
        service = self._service(application)
        assert service is not None
        records = self._sandbox.control.containers
        primary = service.primary

        def news() -> bool:
            return primary.failed >= _FAILED or any(
                task.deployment == primary.id for task in self.running(application)
            )

        wait = 0.1
        while True:
            await records.changes.until(news)
            if primary.failed >= _FAILED:
                raise DeploymentError(primary.reason or "its instances end at once")
            for task in self.running(application):
                if task.deployment == primary.id and await self._takes_connections(application, task):
                    await records.changes.until(lambda: service.stable or primary.failed >= _FAILED)
                    return
            if wait > float(application.info["HealthCheckConfiguration"]["Interval"]) * 5:
                raise DeploymentError(f"no instance listens on port {self.port(application)}")
            await asyncio.sleep(wait)
            wait *= 2

    async def _takes_connections(self, application: Application, task: Task) -> bool:
        port = dialed(task.address, self.port(application), self._sandbox.settings.port)
        try:
            async with asyncio.timeout(float(application.info["HealthCheckConfiguration"]["Timeout"])):
                _, writer = await asyncio.open_connection(task.address, port)
        except OSError:  # a timeout is one as well
            return False
        writer.close()
        return True

    async def scale(self, application: Application, count: int) -> None:
        """Let so many instances run."""
        name = self._name(application)
        await self._sandbox.control.call(
            "ecs", "UpdateService", cluster=name, service=name, desiredCount=count
        )

    async def end(self, application: Application, *, for_good: bool) -> None:
        """End all instances."""
        call, name = self._sandbox.control.call, self._name(application)
        service = self._service(application)
        if service is not None and service.status == "ACTIVE":
            await self.scale(application, 0)
            await self._sandbox.control.containers.changes.until(
                lambda: not self._sandbox.control.containers.tasks_of(service)
            )
        if for_good:
            try:
                await call("ecs", "DeleteService", cluster=name, service=name, force=True)
                await call("ecs", "DeleteCluster", cluster=name)
            except AwsError as error:
                if error.code not in (
                    "ServiceNotFoundException",
                    "ServiceNotActiveException",
                    "ClusterNotFoundException",
                    "ClusterContainsServicesException",
                ):
                    raise
