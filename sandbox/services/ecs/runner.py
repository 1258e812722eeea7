"""Where tasks run: what runs them as processes and what runs them as containers have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sandbox.context import Sandbox
from sandbox.control.ecs import Container, Task
from sandbox.services.ecs.logs import ContainerLog

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"  # reason of a container


class TaskFailedError(Exception):
    """The task cannot be started; the text is its ``stoppedReason``."""


class StartError(TaskFailedError):
    """A container's program cannot be started."""


@dataclass(frozen=True, slots=True)
class Order:
    """A container that is to be run, whatever runs it. ``changed``: called when its health did."""

    sandbox: Sandbox
    task: Task
    container: Container
    log: ContainerLog
    changed: Callable[[], None]


class Running(Protocol):
    """A container of a task, from its preparation to its end.

    It keeps ``status``, ``health``, ``exit_code`` and ``reason`` of its record. ``exited``: its exit code, once it
    ended.
    """

    container: Container
    log: ContainerLog
    exited: asyncio.Future[int]

    @property
    def started(self) -> bool:
        """Whether its program was started."""
        ...

    def surround(self, credentials: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        """Put its variables together."""
        ...

    async def start(self) -> None:
        """Start it, and its health check. Raises :class:`StartError`."""
        ...

    def unchecked(self) -> None:
        """Look at its health no more."""
        ...

    def ask_to_end(self) -> None:
        """Send the stop signal of its image to its first process, and to it alone."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


class Place(Protocol):
    """What one task has for itself: an address, and its files."""

    address: str

    async def prepare(self, container: Container, log: ContainerLog) -> Running:
        """Get the image of a container. Raises :class:`TaskFailedError`."""
        ...

    async def close(self) -> None:
        """Leave nothing behind; its containers have ended."""
        ...


class Runner(Protocol):
    """Runs the tasks of one sandbox."""

    async def start(self) -> None:
        """Get ready for the first task."""
        ...

    async def place(self, task: Task) -> Place:
        """A place for a task. Raises :class:`TaskFailedError`."""
        ...

    async def stop(self) -> None:
        """End whatever is left."""
        ...
