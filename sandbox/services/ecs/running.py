"""One container as a process: started, asked to end, ended."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from sandbox.context import Sandbox
from sandbox.control.ecs import Container
from sandbox.services.ecs.logs import ContainerLog
from sandbox.services.processes.group import ProcessGroup, Reaper

# Signals that ended a process show as 128 and their number, as Docker has it.
_SIGNALLED = 128
_OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


class StartError(Exception):
    """The program cannot be started; the text is the reason with which the task stops."""


class Running:
    """A container's process group. ``exited``: its exit code, once it ended."""

    def __init__(self, sandbox: Sandbox, reaper: Reaper, container: Container, log: ContainerLog) -> None:
        self.container = container
        self.log = log
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.environment: Mapping[str, str] = {}
        self.folder = Path()
        self._sandbox = sandbox
        self._reaper = reaper
        self._group: ProcessGroup | None = None

    @property
    def pid(self) -> int | None:
        return self._group.pid if self._group is not None else None

    def start(
        self, argv: Sequence[str], environment: Mapping[str, str], folder: Path, memory_mb: int | None
    ) -> None:
        """Start it. Raises :class:`StartError`."""
        if not argv:
            raise StartError("CannotStartContainerError: Error response from daemon: no command specified")
        if shutil.which(argv[0], path=environment["PATH"]) is None and not (folder / argv[0]).is_file():
            raise StartError(
                "CannotStartContainerError: Error response from daemon: failed to create task for container: "
                f'exec: "{argv[0]}": executable file not found in $PATH'
            )
        self.environment, self.folder = environment, folder
        self._group = group = ProcessGroup(argv, environment, folder, self._reaper, self.log.line)
        self._sandbox.clock.watch(group.pid)
        if memory_mb:
            self._sandbox.clock.on_memory(group.pid, memory_mb * 1024 * 1024, self._out_of_memory)
        self.container.status = "RUNNING"
        group.exited.add_done_callback(self._ended)

    def _out_of_memory(self) -> None:
        self.container.reason = _OUT_OF_MEMORY
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

    def ask_to_end(self, name: str) -> None:
        """Send the stop signal to the first process, and to it alone, as Docker does."""
        if self._group is not None and not self.exited.done():
            with suppress(ProcessLookupError):
                os.kill(self._group.pid, _number(name))

    def kill(self) -> None:
        """End it at once."""
        if self._group is not None and not self.exited.done():
            self._group.kill()


def _number(name: str) -> signal.Signals:
    if name.isdigit():
        return signal.Signals(int(name))
    return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]
