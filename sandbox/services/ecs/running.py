"""One container as a process: started, asked to end, ended."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sandbox.services.ecs import variables
from sandbox.services.ecs.health import HealthCheck
from sandbox.services.ecs.images import Image
from sandbox.services.ecs.runner import OUT_OF_MEMORY, Order, StartError
from sandbox.services.processes.group import ProcessGroup, Reaper

# Signals that ended a process show as 128 and their number, as Docker has it.
_SIGNALLED = 128


class Process:
    """A container's process group. ``root``: the folder that stands for its ``/``."""

    def __init__(self, order: Order, reaper: Reaper, image: Image, root: Path) -> None:
        self.container = order.container
        self.log = order.log
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.environment: Mapping[str, str] = {}
        self.folder = variables.working_directory(order.container, image, root)
        self._sandbox = order.sandbox
        self._reaper = reaper
        self._task = order.task
        self._image = image
        self._root = root
        self._changed = order.changed
        self._group: ProcessGroup | None = None
        self._check: asyncio.Task[None] | None = None

    @property
    def started(self) -> bool:
        """Whether there is a process, or was."""
        return self._group is not None

    def surround(self, credentials: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        """Put its variables together."""
        self.environment = variables.build(
            self._sandbox, self._task, self.container, self._image, self._root, credentials, secrets
        )

    async def start(self) -> None:
        """Start it. Raises :class:`StartError`."""
        argv = variables.command(self.container, self._image, self._root)
        if not argv:
            raise StartError("CannotStartContainerError: Error response from daemon: no command specified")
        found = shutil.which(argv[0], path=self.environment["PATH"])
        if found is None and not (self.folder / argv[0]).is_file():
            raise StartError(
                "CannotStartContainerError: Error response from daemon: failed to create task for container: "
                f'exec: "{argv[0]}": executable file not found in $PATH'
            )
        self._group = group = ProcessGroup(argv, self.environment, self.folder, self._reaper, self.log.line)
        self._sandbox.clock.watch(group.pid)
        memory = str(self.container.definition.get("memory") or self._task.info["memory"])
        if memory.isdigit() and memory != "0":
            self._sandbox.clock.on_memory(group.pid, int(memory) * 1024 * 1024, self._out_of_memory)
        self.container.status = "RUNNING"
        group.exited.add_done_callback(self._ended)
        if self.container.definition.get("healthCheck"):
            check = HealthCheck(
                self._sandbox, self._reaper, self.container, self.environment, self.folder, self._task.address,
                self._changed,
            )  # fmt: skip
            self._check = asyncio.get_running_loop().create_task(check.run(), name="health check")

    def unchecked(self) -> None:
        """Look at its health no more."""
        if self._check is not None:
            self._check.cancel()

    def _out_of_memory(self) -> None:
        self.container.reason = OUT_OF_MEMORY
        self.kill()

    def _ended(self, exited: asyncio.Future[int]) -> None:
        assert self._group is not None
        self._group.kill()  # what the first process left behind ends with it
        self._group.close()
        self._sandbox.clock.unwatch(self._group.pid)
        code = exited.result()
        self.container.exit_code = code if code >= 0 else _SIGNALLED - code
        self.container.status = "STOPPED"
        if not self.exited.done():
            self.exited.set_result(self.container.exit_code)

    def ask_to_end(self) -> None:
        """Send the stop signal to the first process, and to it alone, as Docker does."""
        if self._group is not None and not self.exited.done():
            with suppress(ProcessLookupError):
                os.kill(self._group.pid, _number(self._image.stop_signal))

    def kill(self) -> None:
        """End it at once."""
        if self._group is not None and not self.exited.done():
            self._group.kill()


def _number(name: str) -> signal.Signals:
    if name.isdigit():
        return signal.Signals(int(name))
    return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]
