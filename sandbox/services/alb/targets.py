"""What the records of targets set in motion: health checks, draining, and the requests that are on their way."""

from __future__ import annotations

import asyncio
from typing import Protocol

from sandbox.context import Sandbox
from sandbox.control.elbv2 import Target, TargetGroup
from sandbox.services.alb.carriers import Carriers
from sandbox.services.alb.errors import AlbError, of_limit
from sandbox.services.alb.health import HealthCheck
from sandbox.services.alb.selection import Selection


class Cuttable(Protocol):
    """A request or a WebSocket on its way to a target."""

    target: Target

    def cut(self, error: AlbError) -> None:
        """End it now."""
        ...


class Targets:
    """Follows the records of all target groups."""

    def __init__(self, sandbox: Sandbox, carriers: Carriers, selection: Selection) -> None:
        self._sandbox = sandbox
        self._carriers = carriers
        self._selection = selection
        self._checks: dict[Target, asyncio.Task[None]] = {}
        self._drains: dict[Target, asyncio.Task[None]] = {}
        self._passages: dict[Target, set[Cuttable]] = {}

    def look(self) -> None:
        """See what has changed."""
        records = self._sandbox.control.load_balancing
        known: set[Target] = set()
        for group in list(records.target_groups.values()):
            used = bool(records.users(group.arn))
            for target in list(group.targets.values()):
                known.add(target)
                self._follow(group, target, used)
            for target in list(group.draining.values()):
                if target not in self._drains:
                    work = self._drain(group, target)
                    self._drains[target] = self._sandbox.spawn(work, f"draining of {target.id}:{target.port}")
        for target in [target for target in self._checks if target not in known]:
            self._checks.pop(target).cancel()

    def _follow(self, group: TargetGroup, target: Target, used: bool) -> None:
        if not used:
            if running := self._checks.pop(target, None):
                running.cancel()
            target.state, target.reason = "unused", "Target.NotInUse"
            target.description = "Target group is not configured to receive traffic from the load balancer"
        elif not group.info["HealthCheckEnabled"]:
            if running := self._checks.pop(target, None):
                running.cancel()
            target.state, target.reason = "unavailable", "Target.HealthCheckDisabled"
            target.description = "Health checks are not enabled for this target"
        elif target not in self._checks:
            check = HealthCheck(
                self._sandbox, group, target, self._sandbox.control.load_balancing.changes.tell
            )
            self._checks[target] = asyncio.get_running_loop().create_task(check.run(), name="target health")

    async def _drain(self, group: TargetGroup, target: Target) -> None:
        """The deregistration delay; what is still under way then is cut (facts 7.12)."""
        try:
            await asyncio.sleep(group.seconds("deregistration_delay.timeout_seconds"))
            for passage in tuple(self._passages.get(target, ())):
                passage.cut(
                    of_limit(
                        self._sandbox.limits, "bad_gateway", "the deregistration delay of its target is over"
                    )
                )
        finally:
            self._drains.pop(target, None)
            if group.draining.get(target.key) is target:
                del group.draining[target.key]
            self._selection.forget(target)
            self._carriers.drop(target)
            self._sandbox.control.load_balancing.changes.tell()

    def began(self, passage: Cuttable) -> None:
        """A request is on its way to a target."""
        self._passages.setdefault(passage.target, set()).add(passage)
        self._selection.began(passage.target)

    def ended(self, passage: Cuttable) -> None:
        """It is over."""
        passages = self._passages.get(passage.target, set())
        passages.discard(passage)
        if not passages:
            self._passages.pop(passage.target, None)
        self._selection.ended(passage.target)

    async def stop(self) -> None:
        """End all checks."""
        tasks = [*self._checks.values(), *self._drains.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._checks.clear()
        self._drains.clear()
