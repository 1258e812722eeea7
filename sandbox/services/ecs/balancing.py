"""Tasks of a service behind its load balancers: in when they run, out before they end."""

from __future__ import annotations

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control.ecs import Service, Task
from sandbox.control.elbv2 import Target


class Balancing:
    """Registers and deregisters through Elastic Load Balancing's API."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._registered: dict[str, list[tuple[str, str, int]]] = {}  # task ARN -> (group, id, port)

    async def join(self, service: Service, task: Task) -> None:
        """Register a task with every target group of its service. Raises ``AwsError``."""
        if task.arn in self._registered:
            return
        places = [
            (balancer["targetGroupArn"], task.address, int(balancer["containerPort"]))
            for balancer in service.load_balancers
        ]
        self._registered[task.arn] = places
        for group, address, port in places:
            await self._sandbox.control.call(
                "elbv2", "RegisterTargets", TargetGroupArn=group, Targets=[{"Id": address, "Port": port}]
            )

    async def leave(self, task: Task, wait: bool) -> None:
        """Deregister a task; with ``wait`` until its targets are drained."""
        places = self._registered.pop(task.arn, [])
        for group, address, port in places:
            try:
                await self._sandbox.control.call(
                    "elbv2",
                    "DeregisterTargets",
                    TargetGroupArn=group,
                    Targets=[{"Id": address, "Port": port}],
                )
            except AwsError:  # the target group is gone, or somebody else deregistered it
                continue
        if wait:
            records = self._sandbox.control.load_balancing
            await records.changes.until(lambda: not any(self._draining(place) for place in places))

    def _draining(self, place: tuple[str, str, int]) -> bool:
        group = self._sandbox.control.load_balancing.target_groups.get(place[0])
        return group is not None and (place[1], place[2]) in group.draining

    def targets(self, task: Task) -> list[tuple[str, Target]]:
        """A task's targets with the ARNs of their groups."""
        found = []
        for group, address, port in self._registered.get(task.arn, []):
            known = self._sandbox.control.load_balancing.target_groups.get(group)
            target = known.targets.get((address, port)) if known else None
            if target is not None:
                found.append((group, target))
        return found

    def joined(self, task: Task) -> bool:
        """Whether it was registered."""
        return task.arn in self._registered
