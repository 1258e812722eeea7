"""The service scheduler: brings the tasks of a service to what is wanted, one look after every change.

Source: Amazon ECS Developer Guide, "Deploy Amazon ECS services by replacing tasks", "Amazon ECS service event
messages" and "How the Amazon ECS deployment circuit breaker detects failures".
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import ExitStack

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.ecs import Containers, Deployment, Service, Task
from sandbox.services.ecs.balancing import Balancing

# Failed starts in a row after which a service that has no circuit breaker waits between two tries. The numbers are
# UNSOURCED; AWS says only that the delay grows.
PATIENCE = 3
_FIRST_DELAY = 30.0
_LONGEST_DELAY = 27 * 60.0
# Seconds for which a task must run to count as up when nobody checks it: one that ends at once did not come up.
SETTLED = 1.0


class Scheduler:
    """The scheduler of one service. ``start``: makes a task of a deployment."""

    def __init__(
        self,
        sandbox: Sandbox,
        records: Containers,
        service: Service,
        balancing: Balancing,
        start: Callable[[Service, Deployment], Task],
    ) -> None:
        self._sandbox = sandbox
        self._records = records
        self._service = service
        self._balancing = balancing
        self._start = start
        self._seen: set[str] = set()  # stopped tasks that were counted
        self._came_up: set[str] = set()
        self._delay = _FIRST_DELAY
        self._throttled: asyncio.TimerHandle | None = None
        self._settling: dict[str, asyncio.TimerHandle] = {}  # by the task's ARN
        self._joining: set[asyncio.Task[None]] = set()
        self._looking = False
        self._deploying = ExitStack()
        self._in_flight = False
        self._steady = False

    def close(self) -> None:
        """No timer is left behind."""
        if self._throttled is not None:
            self._throttled.cancel()
        for timer in self._settling.values():
            timer.cancel()
        self._deploying.close()
        for task in self._joining:
            task.cancel()

    def forget(self, task: str) -> None:
        """A task is no longer known, by its ARN."""
        self._seen.discard(task)
        self._came_up.discard(task)
        self._settling.pop(task, None)

    def look(self) -> None:
        """See what there is, and do what brings it nearer to what is wanted."""
        if self._looking:
            return
        self._looking = True
        try:
            self._look()
        finally:
            self._looking = False

    def _look(self) -> None:
        service = self._service
        tasks = self._records.tasks_of(service)
        self._count_failures()
        self._join(tasks)
        wanted = [task for task in tasks if task.wanted]
        self._replace_unhealthy(wanted)
        wanted = [task for task in wanted if task.wanted]
        self._converge(wanted)
        self._finish()
        self._let_time_move()

    # -- health

    def _ready(self, task: Task) -> bool:
        """Whether a task counts as healthy: it runs, and whoever looks at it says so."""
        if task.last_status != "RUNNING":
            return False
        checked = any(c.essential and c.definition.get("healthCheck") for c in task.containers)
        if checked and task.health != "HEALTHY":
            return False
        if not self._service.load_balancers:
            return checked or self._runs_since(task) >= SETTLED
        targets = self._balancing.targets(task)
        return bool(targets) and all(target.state == "healthy" for _, target in targets)

    def _runs_since(self, task: Task) -> float:
        if task.started is None:
            return 0.0
        seconds = (self._sandbox.clock.utcnow() - task.started).total_seconds()
        if seconds < SETTLED and task.arn not in self._settling:
            self._settling[task.arn] = asyncio.get_running_loop().call_later(SETTLED, self.look)
        return seconds

    def _join(self, tasks: list[Task]) -> None:
        """Register tasks that have come to run."""
        for task in tasks:
            ready = task.last_status == "RUNNING" and task.wanted and self._service.load_balancers
            if ready and not self._balancing.joined(task):
                work = asyncio.get_running_loop().create_task(self._register(task), name="register task")
                self._joining.add(work)
                work.add_done_callback(self._joining.discard)

    async def _register(self, task: Task) -> None:
        try:
            await self._balancing.join(self._service, task)
        except AwsError as error:
            self._event(f"was unable to register targets: {error.message}")
            return
        for balancer in self._service.load_balancers:
            self._event(f"registered 1 targets in (target-group {balancer['targetGroupArn']})")
        self._records.changes.tell()

    def _replace_unhealthy(self, tasks: list[Task]) -> None:
        grace = float(self._service.info.get("healthCheckGracePeriodSeconds") or 0)
        now = self._sandbox.clock.utcnow()
        for task in tasks:
            age = (now - task.started).total_seconds() if task.started else 0.0
            if task.health == "UNHEALTHY" and age >= grace:
                self._stop(task, "Task failed container health checks")
                self._event(f"(task {task.id}) failed container health checks.")
                continue
            for group, target in self._balancing.targets(task):
                if target.state != "unhealthy" or not task.wanted:
                    continue
                if age < grace:
                    asyncio.get_running_loop().call_later(grace - age, self.look)
                    continue
                self._stop(task, f"Task failed ELB health checks in (target-group {group})")
                self._event(
                    f"(port {target.port}) is unhealthy in (target-group {group}) due to (reason "
                    f"{target.description})"
                )

    def _stop(self, task: Task, reason: str) -> None:
        task.desired_status = "STOPPED"
        task.stop_code = "ServiceSchedulerInitiated"
        task.stopped_reason = reason
        self._records.changes.tell()

    # -- towards what is wanted

    def _converge(self, tasks: list[Task]) -> None:
        service = self._service
        primary = service.primary
        new = [task for task in tasks if task.deployment == primary.id]
        old = [task for task in tasks if task.deployment != primary.id]
        settings = service.info["deploymentConfiguration"]
        most = math.floor(service.desired * int(settings["maximumPercent"]) / 100)
        least = math.ceil(service.desired * int(settings["minimumHealthyPercent"]) / 100)
        if primary.rollout != "FAILED" and self._throttled is None:
            # Tasks that are stopping do not count: the limit is on tasks that run, or are about to.
            missing = min(service.desired - len(new), max(most, service.desired) - len(tasks))
            if missing > 0:
                started = [self._start(service, primary) for _ in range(missing)]
                names = "".join(f"(task {task.id})" for task in started)
                self._event(f"has started {missing} tasks: {names}.")
                new += started
        self._stop_surplus(new, old, least)

    def _stop_surplus(self, new: list[Task], old: list[Task], least: int) -> None:
        service, primary = self._service, self._service.primary
        reason = f"Scaling activity initiated by (deployment {primary.id})"
        surplus = new[service.desired :] if len(new) > service.desired else []
        healthy = sum(self._ready(task) for task in (*new[: service.desired], *old))
        for task in (*surplus, *old):
            if task in surplus or not self._ready(task) or healthy - 1 >= least:
                if task in old and self._ready(task):
                    healthy -= 1
                self._stop(task, reason)
                self._event(f"has stopped 1 running tasks: (task {task.id}).")

    def _finish(self) -> None:
        """Whether the deployment is complete, or the service gone."""
        service, primary = self._service, self._service.primary
        tasks = self._records.tasks_of(service)
        if service.status == "DRAINING":
            if not tasks:
                service.status = "INACTIVE"
                self._records.changes.tell()
            return
        new = [task for task in tasks if task.deployment == primary.id and task.wanted]
        complete = len(new) == service.desired and all(self._ready(task) for task in new)
        if not complete or any(task.deployment != primary.id for task in tasks):
            self._steady = False
            return
        if primary.rollout == "IN_PROGRESS":
            primary.rollout = "COMPLETED"
            primary.reason = f"ECS deployment {primary.id} completed."
            primary.updated = self._sandbox.clock.utcnow()
            self._delay = _FIRST_DELAY
            self._event(f"(deployment {primary.id}) deployment completed.")
        primary.failed = 0
        del service.deployments[1:]
        if not self._steady and primary.rollout == "COMPLETED":
            self._steady = True
            self._event("has reached a steady state.")
            self._records.changes.tell()

    def _let_time_move(self) -> None:
        """A deployment goes on although nobody waits for it."""
        deploying = self._service.primary.rollout == "IN_PROGRESS" and self._throttled is None
        under_way = deploying or self._service.status == "DRAINING"
        if under_way and not self._in_flight:
            self._deploying.enter_context(
                self._sandbox.clock.in_flight(f"deployment of {self._service.name}")
            )
        elif not under_way and self._in_flight:
            self._deploying.close()
        self._in_flight = under_way

    # -- failures

    def _count_failures(self) -> None:
        """Tasks of the deployment that ended before they were healthy."""
        primary = self._service.primary
        group = f"service:{self._service.name}"
        for task in self._records.tasks.values():
            if task.group != group or task.cluster != self._service.cluster or task.arn in self._seen:
                continue
            if self._ready(task):
                self._came_up.add(task.arn)
            if task.wanted or task.stop_code == "UserInitiated":
                continue
            self._seen.add(task.arn)
            scaled = (task.stopped_reason or "").startswith("Scaling activity")
            if task.deployment == primary.id and task.arn not in self._came_up and not scaled:
                primary.failed += 1
                primary.reason = task.stopped_reason or ""
                self._failed(primary)

    def _failed(self, primary: Deployment) -> None:
        settings = self._service.info["deploymentConfiguration"].get("deploymentCircuitBreaker") or {}
        if settings.get("enable") and primary.rollout == "IN_PROGRESS":
            threshold = min(200, max(3, math.ceil(self._service.desired * 0.5)))
            if primary.failed >= threshold:
                self._break(primary, bool(settings.get("rollback")))
            return
        if primary.failed >= PATIENCE:
            self._event("is unable to consistently start tasks successfully.")
            self._throttled = asyncio.get_running_loop().call_later(self._delay, self._try_again)
            self._delay = min(self._delay * 2, _LONGEST_DELAY)

    def _break(self, primary: Deployment, rollback: bool) -> None:
        service = self._service
        primary.rollout = "FAILED"
        primary.reason = "ECS deployment circuit breaker: tasks failed to start."
        self._event(f"(deployment {primary.id}) deployment failed: tasks failed to start.")
        before = next((one for one in service.deployments[1:] if one.rollout == "COMPLETED"), None)
        if rollback and before is not None:
            now = self._sandbox.clock.utcnow()
            primary.status = "ACTIVE"
            again = Deployment(
                f"ecs-svc/{self._sandbox.ids.text(19, '0123456789')}",
                "PRIMARY",
                before.definition,
                now,
                now,
                reason="ECS deployment circuit breaker: rolling back.",
                network=before.network,
            )
            service.deployments.insert(0, again)
            self._event(f"rolling back to (deployment {before.id}).")

    def _try_again(self) -> None:
        self._throttled = None
        self.look()

    def _event(self, message: str) -> None:
        service = self._service
        text = f"(service {service.name}) {message}"
        made = {"id": self._sandbox.ids.uuid(), "createdAt": self._sandbox.clock.utcnow(), "message": text}
        service.events.insert(0, made)
        self._sandbox.timeline.record("ecs", "service_event", service.name, message=text)
