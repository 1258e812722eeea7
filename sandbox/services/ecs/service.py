"""ECS's data plane: what the API's records want comes true as processes."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from sandbox.context import Address, Receive, Sandbox, Scope, Send
from sandbox.control.ecs import Containers, Deployment, Service, Task
from sandbox.control.shims.ecs.new_task import new_task
from sandbox.services.ecs import metadata
from sandbox.services.ecs.as_processes import Processes
from sandbox.services.ecs.balancing import Balancing
from sandbox.services.ecs.runner import Runner
from sandbox.services.ecs.scheduler import Scheduler
from sandbox.services.ecs.task import Host, TaskRun
from sandbox.services.ecs.variables import METADATA

SHOWN = 3600  # seconds for which a stopped task can be described

_log = logging.getLogger(__name__)


class EcsService:
    """Starts and ends tasks; answers the metadata endpoint of their containers."""

    name = "ecs"

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._runs: dict[str, TaskRun] = {}  # by the task's ARN
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._schedulers: dict[str, Scheduler] = {}  # by the service's ARN
        self._forget: Callable[[], object] | None = None
        self._host: Host | None = None
        self._again = False

    # -- Service

    def match(self, address: Address) -> Mapping[str, str] | None:
        """``{"path"}`` behind the container metadata endpoint."""
        if address.path.startswith(METADATA):
            return {"path": address.path.removeprefix(METADATA)}
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, document = metadata.answer(self._sandbox.control.containers, scope["aws"]["path"])
        body = json.dumps(document, default=str).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def start(self) -> None:
        """Watch the records."""
        records = self._sandbox.control.containers
        folder = (self._sandbox.settings.data_dir / "ecs").absolute()
        self._balancing = Balancing(self._sandbox)
        runner = self._runner(records, folder)
        self._host = Host(self._sandbox, records, runner, folder)
        await runner.start()
        stop_records = records.changes.listen(self._changed)
        stop_health = self._sandbox.control.load_balancing.changes.listen(self._changed)
        self._forget = lambda: (stop_records(), stop_health())

    def _runner(self, records: Containers, folder: Path) -> Runner:
        if self._sandbox.settings.tasks == "docker":
            from sandbox.services.ecs.engine import OnEngine  # most sandboxes have no use for it

            return OnEngine(self._sandbox, records, folder)
        return Processes(self._sandbox, records, folder)

    async def stop(self) -> None:
        """End every task at once."""
        if self._forget is not None:
            self._forget()
            self._forget = None
        for scheduler in self._schedulers.values():
            scheduler.close()
        runs, lives = list(self._runs.values()), list(self._lives.values())
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        await asyncio.gather(*(run.gone() for run in runs))
        self._schedulers.clear()
        self._runs.clear()
        self._lives.clear()
        if self._host is not None:
            await self._host.runner.stop()

    # -- what the records want

    def _changed(self) -> None:
        """Look once, however many changes come at a time."""
        if not self._again:
            self._again = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._again = False
        if self._forget is None or self._host is None:
            return
        records = self._host.records
        self._forget_old()
        for task in list(records.tasks.values()):
            if task.last_status == "PROVISIONING" and task.arn not in self._runs:
                self._run(task)
        for service in list(records.services.values()):
            if service.status != "INACTIVE":
                self._scheduler(service).look()
            elif service.arn in self._schedulers:
                scheduler = self._schedulers.pop(service.arn)
                scheduler.look()
                scheduler.close()

    def _forget_old(self) -> None:
        """Stopped tasks are shown for an hour (Amazon ECS API Reference, DescribeTasks)."""
        assert self._host is not None
        tasks, now = self._host.records.tasks, self._sandbox.clock.utcnow()
        for task in list(tasks.values()):
            if task.stopped is not None and (now - task.stopped).total_seconds() > SHOWN:
                del tasks[task.arn]
                for scheduler in self._schedulers.values():
                    scheduler.forget(task.arn)

    def _scheduler(self, service: Service) -> Scheduler:
        assert self._host is not None
        if service.arn not in self._schedulers:
            self._schedulers[service.arn] = Scheduler(
                self._sandbox, self._host.records, service, self._balancing, self._new_task
            )
        return self._schedulers[service.arn]

    def _new_task(self, service: Service, deployment: Deployment) -> Task:
        assert self._host is not None
        asked = {"launchType": service.info.get("launchType", "FARGATE"), "startedBy": deployment.id}
        records = self._host.records
        task = new_task(
            self._sandbox,
            records.clusters[service.cluster],
            deployment.definition,
            group=f"service:{service.name}",
            asked=asked,
            deployment=deployment.id,
        )
        records.tasks[task.arn] = task
        records.changes.tell()
        return task

    def _run(self, task: Task) -> None:
        assert self._host is not None
        run = TaskRun(self._host, task, self._balancing.leave)
        life = asyncio.get_running_loop().create_task(run.run(), name=f"task {task.id}")
        self._runs[task.arn] = run
        self._lives[task.arn] = life
        life.add_done_callback(partial(self._over, task.arn))

    def _over(self, arn: str, life: asyncio.Task[None]) -> None:
        self._lives.pop(arn, None)
        self._runs.pop(arn, None)
        if not life.cancelled() and (error := life.exception()) is not None:
            _log.error("the task %s ended by a fault of the sandbox", arn, exc_info=error)
