"""A sandbox on virtual time in which tasks run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.app import open_sandbox
from sandbox.clock import Clock, run
from sandbox.context import Sandbox


@dataclass
class World:
    """The sandbox and short words for what the tests do with it."""

    sandbox: Sandbox
    clock: Clock

    async def aws(self, operation: str, **params: Any) -> dict[str, Any]:
        """A call of ECS's API."""
        return await self.sandbox.control.call("ecs", operation, **params)

    async def define(self, *containers: dict[str, Any], family: str = "app", **more: Any) -> str:
        """A task definition; its ARN. ``code``: Python for a container."""
        made = []
        for number, given in enumerate(containers):
            container = {"name": f"c{number}" if number else "app", "image": "python:3", **given}
            if "code" in container:
                container["command"] = ["python3", "-u", "-c", container.pop("code")]
            made.append(container)
        answer = await self.aws(
            "RegisterTaskDefinition", family=family, networkMode="awsvpc", cpu="256", memory="512",
            requiresCompatibilities=["FARGATE"], containerDefinitions=made, **more,
        )  # fmt: skip
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    async def start(self, *containers: dict[str, Any], **options: Any) -> Any:
        """Run one task; its record."""
        definition = await self.define(*containers)
        answer = await self.aws("RunTask", taskDefinition=definition, **options)
        return self.sandbox.control.containers.tasks[answer["tasks"][0]["taskArn"]]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for a change of the records."""
        await self.sandbox.control.containers.changes.until(holds)

    async def service(self, definition: str, count: int = 1, **options: Any) -> Any:
        """Create a service; its record."""
        answer = await self.aws(
            "CreateService", serviceName="svc", taskDefinition=definition, desiredCount=count, **options
        )
        return self.sandbox.control.containers.services[answer["service"]["serviceArn"]]

    def running(self) -> list[Any]:
        """The tasks that run."""
        return [t for t in self.sandbox.control.containers.tasks.values() if t.last_status == "RUNNING"]

    def lines(self) -> list[str]:
        """What containers printed."""
        return [e.data["line"] for e in self.sandbox.timeline if (e.source, e.name) == ("ecs", "log")]

    async def describe(self, task: Any) -> dict[str, Any]:
        """A task as ``DescribeTasks`` gives it."""
        found: dict[str, Any] = (await self.aws("DescribeTasks", tasks=[task.arn]))["tasks"][0]
        return found


@pytest.fixture
def ecs() -> Callable[..., Any]:
    """``ecs(main)``: run ``main(world)`` with a cluster."""

    def start(main: Callable[[World], Awaitable[Any]]) -> Any:
        async def whole(clock: Clock) -> Any:
            async with open_sandbox(clock) as sandbox:
                world = World(sandbox, clock)
                await world.aws("CreateCluster")
                with clock.in_flight("test"):
                    return await main(world)

        return run(whole)

    return start
