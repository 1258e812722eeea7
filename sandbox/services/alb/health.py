"""Health checks of targets, on the loop's time (facts 7.1 of the target groups' settings; botocore, elbv2).

A new target is ``initial`` until one check succeeds. While it does not even take a connection in its first interval,
it is asked again after 0.1 s, 0.2 s, 0.4 s and so on: on AWS a task takes far longer to come up than that, and a
deployment should not wait for the interval.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox
from sandbox.control import instances
from sandbox.control.elbv2 import Document, Target, TargetGroup
from sandbox.services.alb import checks
from sandbox.services.proxy.upstream import RefusedError, UpstreamError

_SOON = 0.1  # seconds to the first check


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. ``reason`` and ``description`` as ``DescribeTargetHealth`` gives them."""

    passed: bool
    reason: str | None = None
    description: str | None = None
    refused: bool = False


class HealthCheck:
    """Checks one target until it is cancelled. ``changed``: called when its state did."""

    def __init__(
        self, sandbox: Sandbox, group: TargetGroup, target: Target, changed: Callable[[], None]
    ) -> None:
        self._sandbox = sandbox
        self._group = group
        self._target = target
        self._changed = changed

    async def run(self) -> None:
        """One check after the other. The group's settings are read anew each time."""
        loop = asyncio.get_running_loop()
        self._is("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
        began, soon = loop.time(), _SOON
        await asyncio.sleep(soon)
        passed = failed = 0
        while True:
            info = self._group.info
            interval = float(info["HealthCheckIntervalSeconds"])
            due = loop.time() + interval
            found = await self._look()
            if found.refused and self._target.state == "initial" and loop.time() - began < interval:
                soon = min(soon * 2, interval)
                await asyncio.sleep(soon)
                continue
            if found.reason == instances.INVALID:
                passed = failed = 0
                self._is("unused", found.reason, found.description)
                await asyncio.sleep(interval)
                continue
            if self._target.state == "unused":
                self._is("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
            passed, failed = (passed + 1, 0) if found.passed else (0, failed + 1)
            self._judge(found, passed, failed)
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _judge(self, found: Finding, passed: int, failed: int) -> None:
        info, state = self._group.info, self._target.state
        if found.passed and (state == "initial" or passed >= int(info["HealthyThresholdCount"])):
            self._is("healthy", None, None)
        elif not found.passed and (failed >= int(info["UnhealthyThresholdCount"]) or state == "unhealthy"):
            self._is("unhealthy", found.reason, found.description)

    def _is(self, state: str, reason: str | None, description: str | None) -> None:
        target = self._target
        if state == "healthy" and target.state != "healthy":
            target.healthy_since = asyncio.get_running_loop().time()
        changed = target.state != state
        target.state, target.reason, target.description = state, reason, description
        if changed:
            name = f"{target.id}:{target.port}"
            self._sandbox.timeline.record(
                "alb", "target_health", name, state=state, group=self._group.info["TargetGroupName"]
            )
            self._changed()

    async def _look(self) -> Finding:
        info = self._group.info
        if self._group.type == "instance" and (found := await instances.look(self._sandbox, self._target)):
            return Finding(False, *found)
        try:
            async with asyncio.timeout(float(info["HealthCheckTimeoutSeconds"])):
                code = await checks.ask(self._sandbox, self._group, self._target)
        except TimeoutError:
            return Finding(False, "Target.Timeout", "Request timed out")
        except RefusedError:
            return Finding(False, "Target.FailedHealthChecks", "Health checks failed", refused=True)
        except (UpstreamError, AwsError):
            return Finding(False, "Target.FailedHealthChecks", "Health checks failed")
        if matches(wanted(info["Matcher"]), code):
            return Finding(True)
        return Finding(
            False, "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{code}]"
        )


def wanted(matcher: Document) -> str:
    """The codes of a matcher, of HTTP or of gRPC."""
    return str(matcher.get("GrpcCode") or matcher.get("HttpCode") or "200")


def matches(codes: str, status: int) -> bool:
    """Whether a status is one of ``200,202`` or ``200-299``."""
    for part in codes.split(","):
        first, _, last = part.strip().partition("-")
        if int(first) <= status <= int(last or first):
            return True
    return False
