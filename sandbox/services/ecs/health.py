"""Health checks of containers: a command, again and again (botocore, ecs, HealthCheck)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from sandbox.context import Sandbox
from sandbox.control.ecs import Container
from sandbox.services.processes.group import ProcessGroup, Reaper


class HealthCheck:
    """Runs the command of one container until it is cancelled. ``changed``: called when its health did."""

    def __init__(
        self,
        sandbox: Sandbox,
        reaper: Reaper,
        container: Container,
        environment: Mapping[str, str],
        folder: Path,
        address: str,
        changed: Callable[[], None],
    ) -> None:
        self._sandbox = sandbox
        self._reaper = reaper
        self._container = container
        self._environment = environment
        self._folder = folder
        self._changed = changed
        check = container.definition["healthCheck"]
        self._argv = _argv(list(check["command"]), address)
        self._interval = float(check.get("interval") or 30)
        self._timeout = float(check.get("timeout") or 5)
        self._retries = int(check.get("retries") or 3)
        self._grace = float(check.get("startPeriod") or 0)

    async def run(self) -> None:
        """Look, an interval after the start for the first time, as Docker does."""
        loop, failed = asyncio.get_running_loop(), 0
        started = loop.time()
        while True:
            await asyncio.sleep(self._interval)
            if await self._passes():
                failed = 0
                self._is("HEALTHY")
            elif loop.time() - started >= self._grace or self._container.health == "HEALTHY":
                failed += 1
                if failed >= self._retries:
                    self._is("UNHEALTHY")

    def _is(self, health: str) -> None:
        if self._container.health != health:
            self._container.health = health
            self._changed()

    async def _passes(self) -> bool:
        group = ProcessGroup(self._argv, self._environment, self._folder, self._reaper, lambda line: None)
        self._sandbox.clock.watch(group.pid)
        try:
            async with asyncio.timeout(self._timeout):
                with self._sandbox.clock.in_flight("container health check"):
                    return await asyncio.shield(group.exited) == 0
        except TimeoutError:
            return False
        finally:
            group.kill()
            await asyncio.shield(group.exited)
            group.close()
            self._sandbox.clock.unwatch(group.pid)


def _argv(words: list[str], address: str) -> list[str]:
    """What is executed. Programs that know nothing of the sandbox find the task under ``localhost`` as well."""
    if words and words[0] == "CMD-SHELL":
        words = ["/bin/sh", "-c", *words[1:]]
    elif words and words[0] == "CMD":
        words = words[1:]
    return [word.replace("localhost", address).replace("127.0.0.1", address) for word in words]
