"""Tasks as processes of this machine: an image's files are laid out, its programs are this machine's."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from sandbox.context import Sandbox
from sandbox.control.ecs import Container, Containers, Task
from sandbox.services.ecs.images import Image, ImageError, Images
from sandbox.services.ecs.logs import ContainerLog
from sandbox.services.ecs.runner import Order, TaskFailedError
from sandbox.services.ecs.running import Process
from sandbox.services.loopback import MOST, Addresses
from sandbox.services.processes.group import Reaper


class Processes:
    """The runner. ``folder``: for files of images and tasks."""

    def __init__(self, sandbox: Sandbox, records: Containers, folder: Path) -> None:
        self.sandbox = sandbox
        self.records = records
        self.reaper = Reaper()
        self.images = Images(folder / "images", records.images)
        self.addresses = Addresses(sandbox.settings.port)
        self._folder = folder / "tasks"

    async def start(self) -> None:
        """Nothing is needed."""

    async def place(self, task: Task) -> ProcessPlace:
        """An address of loopback and a folder. Raises :class:`TaskFailedError`."""
        address = self.addresses.take()
        if address is None:
            raise TaskFailedError(f"the sandbox has addresses for {MOST} tasks at a time only")
        return ProcessPlace(self, task, address, self._folder / task.id)

    async def stop(self) -> None:
        """Kill what is left."""
        self.reaper.stop()


class ProcessPlace:
    """A task's address and folder."""

    def __init__(self, runner: Processes, task: Task, address: str, folder: Path) -> None:
        self.address = address
        self._runner = runner
        self._task = task
        self._folder = folder

    async def prepare(self, container: Container, log: ContainerLog) -> Process:
        """Lay out the image's files. Raises :class:`TaskFailedError`."""
        try:
            image = await asyncio.to_thread(self._runner.images.get, container.definition)
        except ImageError as error:
            raise TaskFailedError(f"CannotPullContainerError: {error}") from error
        root = self._folder / container.name
        await asyncio.to_thread(_lay_out, image, root)
        runner = self._runner
        order = Order(runner.sandbox, self._task, container, log, runner.records.changes.tell)
        return Process(order, runner.reaper, image, root)

    async def close(self) -> None:
        """Remove its files; others may have its address."""
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        self._runner.addresses.give_back(self.address)


def _lay_out(image: Image, root: Path) -> None:
    """A container's own files: a copy of its image's."""
    if image.root is not None:
        shutil.copytree(image.root, root, symlinks=True, dirs_exist_ok=True)
    for name in ("tmp", "root"):
        (root / name).mkdir(parents=True, exist_ok=True)
