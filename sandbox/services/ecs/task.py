"""A task's life: PROVISIONING, PENDING, RUNNING, DEACTIVATING, STOPPING, DEPROVISIONING, STOPPED.

Source of the states and of the reasons: Amazon ECS Developer Guide, "Amazon ECS task lifecycle" and "Stopped tasks
error messages".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.ecs import Container, Containers, Task
from sandbox.services.ecs import secrets
from sandbox.services.ecs.logs import ContainerLog, LogError
from sandbox.services.ecs.runner import Place, Runner, Running, StartError, TaskFailedError
from sandbox.services.processes import surroundings

_log = logging.getLogger(__name__)

STOP_TIMEOUT = 30  # seconds; botocore, ecs, ContainerDefinition.stopTimeout


@dataclass(frozen=True, slots=True)
class Host:
    """What all tasks share."""

    sandbox: Sandbox
    records: Containers
    runner: Runner
    folder: Path
    order: asyncio.Lock = field(
        default_factory=asyncio.Lock
    )  # tasks start one after the other, alike in every run


class TaskRun:
    """Runs one task. ``leave``: takes it out of its load balancers, given whether to wait until it is drained."""

    def __init__(self, host: Host, task: Task, leave: Callable[[Task, bool], Awaitable[None]]) -> None:
        self.task = task
        self._host = host
        self._sandbox = host.sandbox
        self._leave = leave
        self._place: Place | None = None
        self._running: list[Running] = []
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
        self._place = place = await self._host.runner.place(task)
        task.address = place.address
        self._is("PENDING")
        task.connectivity = task.pull_started = now()
        self._began = self._sandbox.clock.now()
        async with self._host.order:
            for container in task.containers:
                await self._prepare(place, container)
        task.pull_stopped = now()
        waiting = list(self._running)
        while waiting and task.wanted:
            ready = [one for one in waiting if self._may_start(one.container)]
            for running in ready:
                await self._launch(running)
            waiting = [one for one in waiting if one not in ready]
            if not ready:
                await self._host.records.changes.until(partial(self._goes_on, waiting))
        if task.wanted:
            task.started = now()
            self._record("task_started", **self._size())
            self._is("RUNNING")

    def _goes_on(self, waiting: list[Running]) -> bool:
        return not self.task.wanted or any(self._may_start(running.container) for running in waiting)

    def _size(self) -> dict[str, Any]:
        """What is paid for: CPU units and MiB."""
        info = self.task.info
        return {"group": self.task.group, "cpu": info["cpu"], "memory": info["memory"]}

    async def _prepare(self, place: Place, container: Container) -> None:
        """Its image, log and variables. Raises :class:`TaskFailedError`."""
        definition = container.definition
        driver = definition.get("logConfiguration")
        file = self._host.folder / "logs" / self.task.id / f"{container.name}.log"
        log = ContainerLog(
            self._sandbox, self.task.id, container.name, file, driver.get("options", {}) if driver else None
        )
        running = await place.prepare(container, log)
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
        running.surround(credentials, found)
        self._running.append(running)

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

    async def _launch(self, running: Running) -> None:
        container = running.container
        try:
            await running.start()
        except StartError as error:
            container.status, container.reason = "STOPPED", str(error)
            raise
        running.exited.add_done_callback(lambda _: self._exited(container))

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
        for running in self._running:
            running.unchecked()
        alive = any(not one.exited.done() for one in self._running if one.started)
        self._is("DEACTIVATING")
        await self._leave(task, alive)
        self._is("STOPPING")
        await asyncio.gather(*(self._stop(one) for one in self._running if one.started))
        task.execution_stopped = now()
        task.last_lines = [f"[{one.container.name}] {line}" for one in self._running for line in one.log.last]
        self._is("DEPROVISIONING")
        for running in self._running:
            await running.log.flush()
        if self._place is not None:
            await self._place.close()
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
        limit = float(running.container.definition.get("stopTimeout") or STOP_TIMEOUT)
        running.ask_to_end()
        done, _ = await asyncio.wait({running.exited}, timeout=limit)
        if not done:
            running.kill()
            await running.exited

    def kill(self) -> None:
        """End whatever still runs, at once: the sandbox stops."""
        for running in self._running:
            running.unchecked()
            running.kill()
            running.log.close()

    async def gone(self) -> None:
        """Wait until its processes have ended."""
        await asyncio.gather(*(one.exited for one in self._running if one.started))
