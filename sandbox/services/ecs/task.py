"""A task's life: PROVISIONING, PENDING, RUNNING, DEACTIVATING, STOPPING, DEPROVISIONING, STOPPED.

Source of the states and of the reasons: Amazon ECS Developer Guide, "Amazon ECS task lifecycle" and "Stopped tasks
error messages".
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.ecs import Container, Containers, Task
from sandbox.services.ecs import secrets, variables
from sandbox.services.ecs.health import HealthCheck
from sandbox.services.ecs.images import Image, ImageError, Images
from sandbox.services.ecs.logs import ContainerLog, LogError
from sandbox.services.ecs.running import Running, StartError
from sandbox.services.loopback import MOST, Addresses
from sandbox.services.processes import surroundings
from sandbox.services.processes.group import Reaper

_log = logging.getLogger(__name__)

STOP_TIMEOUT = 30  # seconds; botocore, ecs, ContainerDefinition.stopTimeout


@dataclass(frozen=True, slots=True)
class Host:
    """What all tasks share."""

    sandbox: Sandbox
    records: Containers
    reaper: Reaper
    images: Images
    addresses: Addresses
    folder: Path
    order: asyncio.Lock = field(
        default_factory=asyncio.Lock
    )  # tasks start one after the other, alike in every run


class TaskFailedError(Exception):
    """The task cannot be started; the text is its ``stoppedReason``."""


class TaskRun:
    """Runs one task. ``leave``: takes it out of its load balancers, given whether to wait until it is drained."""

    def __init__(self, host: Host, task: Task, leave: Callable[[Task, bool], Awaitable[None]]) -> None:
        self.task = task
        self._host = host
        self._sandbox = host.sandbox
        self._leave = leave
        self._folder = host.folder / "tasks" / task.id
        self._running: list[Running] = []
        self._images: dict[str, Image] = {}
        self._checks: list[asyncio.Task[None]] = []
        self._began = self._sandbox.clock.now()

    def _is(self, status: str) -> None:
        self.task.last_status = status
        self.task.version += 1
        self._host.records.changes.tell()

    def _record(self, name: str, **data: Any) -> None:
        self._sandbox.timeline.record("ecs", name, self.task.id, **data)

    async def run(self) -> None:
        """From PROVISIONING to STOPPED."""
        clock, task = self._sandbox.clock, self.task
        try:
            try:
                with clock.in_flight(f"start of task {task.id}"):
                    await self._start()
            except Exception as error:  # whatever it is, the task must come to its end
                if not isinstance(error, TaskFailedError):
                    _log.exception("the task %s cannot be started", task.id)
                task.desired_status = "STOPPED"
                task.stop_code, task.stopped_reason = "TaskFailedToStart", str(error) or repr(error)
            await self._host.records.changes.until(lambda: not task.wanted)
            with clock.in_flight(f"end of task {task.id}"):
                await self._end()
        finally:
            self.kill()

    # -- start

    async def _start(self) -> None:
        task, now = self.task, self._sandbox.clock.utcnow
        address = self._host.addresses.take()
        if address is None:
            raise TaskFailedError(f"the sandbox has addresses for {MOST} tasks at a time only")
        task.address = address
        self._is("PENDING")
        task.connectivity = task.pull_started = now()
        self._began = self._sandbox.clock.now()
        async with self._host.order:
            prepared = [await self._prepare(container) for container in task.containers]
        task.pull_stopped = now()
        waiting = list(zip(self._running, prepared, strict=True))
        while waiting and task.wanted:
            ready = [one for one in waiting if self._may_start(one[0].container)]
            for running, environment in ready:
                self._launch(running, environment)
            waiting = [one for one in waiting if one not in ready]
            if not ready:
                await self._host.records.changes.until(partial(self._goes_on, waiting))
        if task.wanted:
            task.started = now()
            self._record("task_started", **self._size())
            self._is("RUNNING")

    def _goes_on(self, waiting: list[tuple[Running, dict[str, str]]]) -> bool:
        return not self.task.wanted or any(self._may_start(running.container) for running, _ in waiting)

    def _size(self) -> dict[str, Any]:
        """What is paid for: CPU units and MiB."""
        info = self.task.info
        return {"group": self.task.group, "cpu": info["cpu"], "memory": info["memory"]}

    async def _prepare(self, container: Container) -> dict[str, str]:
        """Its image, log and variables. Raises :class:`TaskFailedError`."""
        definition = container.definition
        try:
            image = await asyncio.to_thread(self._host.images.get, definition)
        except ImageError as error:
            raise TaskFailedError(f"CannotPullContainerError: {error}") from error
        root = self._folder / container.name
        await asyncio.to_thread(_lay_out, image, root)
        driver = definition.get("logConfiguration")
        file = self._host.folder / "logs" / self.task.id / f"{container.name}.log"
        log = ContainerLog(
            self._sandbox, self.task.id, container.name, file, driver.get("options", {}) if driver else None
        )
        try:
            await log.open()
            found = await secrets.resolve(self._sandbox, definition)
            role = self.task.info["overrides"].get("taskRoleArn") or self.task.definition.info.get(
                "taskRoleArn"
            )
            credentials = await surroundings.credentials(self._sandbox, role)
        except (LogError, secrets.SecretError) as error:
            raise TaskFailedError(str(error)) from error
        except AwsError as error:
            raise TaskFailedError(f"ResourceInitializationError: {error.message}") from error
        self._images[container.name] = image
        self._running.append(Running(self._sandbox, self._host.reaper, container, log))
        return variables.build(self._sandbox, self.task, container, image, root, credentials, found)

    def _may_start(self, container: Container) -> bool:
        """Whether what it depends on has come so far (``dependsOn``)."""
        by_name = {one.name: one for one in self.task.containers}
        for condition in container.definition.get("dependsOn") or []:
            other, wanted = by_name[condition["containerName"]], condition["condition"]
            met = {
                "START": other.status != "PENDING",
                "COMPLETE": other.status == "STOPPED",
                "SUCCESS": other.status == "STOPPED" and other.exit_code == 0,
                "HEALTHY": other.health == "HEALTHY",
            }[wanted]
            if not met:
                return False
        return True

    def _launch(self, running: Running, environment: dict[str, str]) -> None:
        container, image = running.container, self._images[running.container.name]
        root = self._folder / container.name
        memory = container.definition.get("memory") or self.task.info["memory"]
        try:
            running.start(
                variables.command(container, image, root),
                environment,
                variables.working_directory(container, image, root),
                int(memory) if str(memory).isdigit() else None,
            )
        except StartError as error:
            container.status, container.reason = "STOPPED", str(error)
            raise TaskFailedError(str(error)) from error
        running.exited.add_done_callback(lambda _: self._exited(container))
        if container.definition.get("healthCheck"):
            check = HealthCheck(
                self._sandbox, self._host.reaper, running, self.task.address, self._host.records.changes.tell
            )
            self._checks.append(asyncio.get_running_loop().create_task(check.run(), name="health check"))

    def _exited(self, container: Container) -> None:
        task = self.task
        if container.essential and task.wanted:
            task.desired_status = "STOPPED"
            task.stop_code = "EssentialContainerExited"
            task.stopped_reason = "Essential container in task exited"
        self._host.records.changes.tell()

    # -- end

    async def _end(self) -> None:
        task, now = self.task, self._sandbox.clock.utcnow
        task.stopping = now()
        for check in self._checks:
            check.cancel()
        alive = any(not one.exited.done() for one in self._running if one.pid is not None)
        self._is("DEACTIVATING")
        await self._leave(task, alive)
        self._is("STOPPING")
        await asyncio.gather(*(self._stop(one) for one in self._running if one.pid is not None))
        task.execution_stopped = now()
        task.last_lines = [f"[{one.container.name}] {line}" for one in self._running for line in one.log.last]
        self._is("DEPROVISIONING")
        for running in self._running:
            await running.log.flush()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        if task.address:
            self._host.addresses.give_back(task.address)
        for container in task.containers:
            container.status = "STOPPED"
        task.stopped = now()
        seconds = self._sandbox.clock.now() - self._began
        self._record(
            "task_stopped",
            reason=task.stopped_reason or "",
            code=task.stop_code or "",
            seconds=seconds,
            **self._size(),
        )
        self._is("STOPPED")

    async def _stop(self, running: Running) -> None:
        """The stop signal, and SIGKILL for what has not ended by then."""
        if running.exited.done():
            return
        image = self._images[running.container.name]
        limit = float(running.container.definition.get("stopTimeout") or STOP_TIMEOUT)
        running.ask_to_end(image.stop_signal)
        done, _ = await asyncio.wait({running.exited}, timeout=limit)
        if not done:
            running.kill()
            await running.exited

    def kill(self) -> None:
        """End whatever still runs, at once: the sandbox stops."""
        for check in self._checks:
            check.cancel()
        for running in self._running:
            running.kill()
            running.log.close()

    async def gone(self) -> None:
        """Wait until its processes have ended."""
        await asyncio.gather(*(one.exited for one in self._running if one.pid is not None))


def _lay_out(image: Image, root: Path) -> None:
    """A container's own files: a copy of its image's."""
    if image.root is not None:
        shutil.copytree(image.root, root, symlinks=True, dirs_exist_ok=True)
    for name in ("tmp", "root"):
        (root / name).mkdir(parents=True, exist_ok=True)
