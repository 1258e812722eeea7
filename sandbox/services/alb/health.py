"""Health checks of targets, on the loop's time (facts 7.1 of the target groups' settings; botocore, elbv2).

A new target is ``initial`` until one check succeeds. While it does not even take a connection in its first interval,
it is asked again after 0.1 s, 0.2 s, 0.4 s and so on: on AWS a task takes far longer to come up than that, and a
deployment should not wait for the interval.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sandbox.context import Sandbox
from sandbox.control.elbv2 import Target, TargetGroup
from sandbox.services.loopback import dialed
from sandbox.services.proxy import hops
from sandbox.services.proxy.upstream import Head, Pool, RefusedError, UpstreamError

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
        try:
            async with asyncio.timeout(float(info["HealthCheckTimeoutSeconds"])):
                status = await self._ask()
        except TimeoutError:
            return Finding(False, "Target.Timeout", "Request timed out")
        except RefusedError:
            return Finding(False, "Target.FailedHealthChecks", "Health checks failed", refused=True)
        except UpstreamError:
            return Finding(False, "Target.FailedHealthChecks", "Health checks failed")
        if matches(str(info["Matcher"].get("HttpCode", "200")), status):
            return Finding(True)
        return Finding(
            False, "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]"
        )

    async def _ask(self) -> int:
        """The status of a request. Raises :class:`UpstreamError`."""
        info, target = self._group.info, self._target
        port = info["HealthCheckPort"]
        key = (target.id, int(target.port or 0) if port == "traffic-port" else int(port))
        limit = int(self._sandbox.limits.value("alb.response.header"))
        own = self._sandbox.settings.port
        upstream = await Pool().take((key[0], dialed(*key, own)), limit, fresh=True)
        try:
            pairs = [
                (b"Host", f"{key[0]}:{key[1]}".encode()),
                (b"Connection", b"close"),
                (b"User-Agent", b"ELB-HealthChecker/2.0"),
                (b"Accept-Encoding", b"gzip, compressed"),
            ]
            upstream.begin(hops.head(b"GET", str(info["HealthCheckPath"]).encode(), pairs), head_only=False)
            head = await upstream.next()
            assert isinstance(head, Head)
            with suppress(UpstreamError):
                while await upstream.next() is not None:
                    pass
            return head.status
        finally:
            upstream.release()
            upstream.close()


def matches(codes: str, status: int) -> bool:
    """Whether a status is one of ``200,202`` or ``200-299``."""
    for part in codes.split(","):
        first, _, last = part.strip().partition("-")
        if int(first) <= status <= int(last or first):
            return True
    return False
