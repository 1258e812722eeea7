"""What the tests of tasks as containers share."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.app import open_sandbox
from sandbox.clock import Clock, run
from sandbox.context import Sandbox
from sandbox.services.ecs.engine.owner import RUN
from tests.docker.images import PYTHON

IMAGE = PYTHON


class World:
    """A sandbox whose tasks are containers, and short words for what the tests do with it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.call = sandbox.control.call

    async def define(self, *containers: dict[str, Any], **more: Any) -> None:
        """A task definition ``f``. ``code``: Python for a container."""
        made = []
        for number, given in enumerate(containers):
            container = {"name": f"c{number}" if number else "app", "image": IMAGE, **given}
            if "code" in container:
                container["command"] = ["python3", "-u", "-c", container.pop("code")]
            made.append(container)
        size = {"networkMode": "awsvpc", "cpu": "1024", "memory": "2048", **more}
        await self.call("ecs", "RegisterTaskDefinition", family="f", containerDefinitions=made, **size)

    async def start(self, *containers: dict[str, Any], **more: Any) -> Any:
        """Run one task; its record."""
        await self.define(*containers, **more)
        answer = await self.call("ecs", "RunTask", taskDefinition="f")
        return self.sandbox.control.containers.tasks[answer["tasks"][0]["taskArn"]]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for a change of the records."""
        await self.sandbox.control.containers.changes.until(holds)

    def lines(self, container: str = "app") -> list[str]:
        """What a container printed."""
        logs = [e.data for e in self.sandbox.timeline if (e.source, e.name) == ("ecs", "log")]
        return [data["line"] for data in logs if data["container"] == container]

    async def line(self, text: str, container: str = "app") -> None:
        """Wait until a container has printed a line."""
        await self.eventually(lambda: text in self.lines(container))

    async def eventually(self, holds: Callable[[], bool]) -> None:
        """Wait for what nobody tells."""
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def play(main: Callable[[World], Awaitable[Any]]) -> Any:
    """Run ``main(world)``; nothing may be left on the engine afterwards."""
    runs = []

    async def whole(clock: Clock) -> Any:
        async with open_sandbox(clock, tasks="docker") as sandbox:
            runner = sandbox.services["ecs"]._host.runner  # type: ignore[attr-defined]
            runs.append(runner.run)
            await sandbox.control.call("ecs", "CreateCluster")
            return await main(World(sandbox))

    result = run(whole, kind="real")
    assert made_by(RUN, runs[0]) == []
    return result


def made_by(label: str, value: str) -> list[str]:
    """Containers and networks that a sandbox made and that are there; others may be at work on the engine, too."""
    found = []
    for what in (["ps", "-aq"], ["network", "ls", "-q"]):
        told = subprocess.run(
            ["docker", *what, "--no-trunc", "--filter", f"label={label}={value}"],
            capture_output=True,
            text=True,
            check=True,
        )
        found += told.stdout.split()
    return found


def inspected(container: str) -> Any:
    """A container as the engine describes it."""
    told = subprocess.run(["docker", "inspect", container], capture_output=True, check=True)
    return json.loads(told.stdout)[0]
