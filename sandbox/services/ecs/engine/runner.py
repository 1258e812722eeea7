"""Tasks as containers of a Docker engine, each task with a network of its own, as ``awsvpc`` has it."""

from __future__ import annotations

import asyncio
import secrets
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from docker.errors import APIError, DockerException

from sandbox.context import Sandbox
from sandbox.control.ecs import Container, Containers, Task
from sandbox.services.ecs.engine import owner as owners
from sandbox.services.ecs.engine import pause, position
from sandbox.services.ecs.engine.client import ClosingError, Engine, EngineError, told
from sandbox.services.ecs.engine.container import EngineContainer
from sandbox.services.ecs.engine.images import EngineImages
from sandbox.services.ecs.engine.position import Position
from sandbox.services.ecs.images import ImageError
from sandbox.services.ecs.logs import ContainerLog
from sandbox.services.ecs.runner import Order, TaskFailedError

_TASK = f"{owners.LABEL}.task"


class OnEngine:
    """The runner. ``folder``: for build contexts."""

    def __init__(self, sandbox: Sandbox, records: Containers, folder: Path) -> None:
        self.sandbox = sandbox
        self.records = records
        self.engine = Engine()
        self.images = EngineImages(self.engine, folder / "contexts", records.images)
        self.run = secrets.token_hex(16)
        self.places: set[EnginePlace] = set()
        self._position: Position | None = None
        self._events: Any = None

    @property
    def position(self) -> Position:
        """Known once it was started."""
        assert self._position is not None
        return self._position

    async def start(self) -> None:
        """Connect, remove what a killed sandbox left, get a network. Raises :class:`EngineError`."""
        if self.sandbox.clock.kind != "real":
            raise EngineError(
                f"tasks on Docker run on the real clock alone: the clock {self.sandbox.clock.kind} cannot look into "
                "containers"
            )
        await self.engine.open()
        call, api = self.engine.call, self.engine.api
        for name in await call(owners.sweep, api):
            self.sandbox.timeline.record("ecs", "swept", name)
        await call(pause.make, api)
        self._position = await position.find(self.engine, self.sandbox, self.run)
        wanted = {"label": f"{owners.RUN}={self.run}", "event": "health_status"}
        self._events = await call(api.events, filters=wanted, decode=True)
        listen = threading.Thread(
            target=self._listen, args=(asyncio.get_running_loop(),), name="docker events", daemon=True
        )
        listen.start()

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """What the engine says about the health of containers; a thread's."""
        with suppress(Exception):  # the stream is closed when the sandbox ends
            for event in self._events:
                state = str(event.get("Action", "")).partition(": ")[2]
                loop.call_soon_threadsafe(self._healthy, event["Actor"]["ID"], state)

    def _healthy(self, identifier: str, state: str) -> None:
        for place in self.places:
            for one in place.containers:
                if one.id == identifier:
                    one.healthy(state)

    async def place(self, task: Task) -> EnginePlace:
        """A network and its address. Raises :class:`TaskFailedError`."""
        place = EnginePlace(self, task)
        try:
            await place.open()
        except DockerException as error:
            raise TaskFailedError(f"ResourceInitializationError: {told(error)}") from error
        self.places.add(place)
        return place

    async def stop(self) -> None:
        """Remove every container and the network."""
        if self._position is not None:
            call, api = self.engine.call, self.engine.api
            await call(owners.remove_run, api, self.run)
            self._events.close()
            await call(self._position.leave, api)
            self._position = None
        self.places.clear()
        await self.engine.close()


class EnginePlace:
    """A task's network, held by a container that does nothing else."""

    def __init__(self, runner: OnEngine, task: Task) -> None:
        self.address = ""
        self.containers: list[EngineContainer] = []
        self._runner = runner
        self._task = task
        self._labels = {**owners.labels(runner.position.owner, runner.run), _TASK: task.arn}
        self._holder: str | None = None

    def _name(self, container: str) -> str:
        """As ECS's agent names containers; the run makes it one of a kind."""
        task = self._task
        family = f"{task.definition.family}-{task.definition.revision}"
        return f"ecs-{family}-{container}-{task.id[:8]}-{self._runner.run[:8]}"

    async def open(self) -> None:
        """Start the container that holds the network. Raises ``DockerException``."""
        self.address = await self._runner.engine.call(self._open)

    def _open(self) -> str:
        api, network = self._runner.engine.api, self._runner.position.network
        made = api.create_container(
            pause.IMAGE,
            name=self._name("internalecspause"),
            labels=self._labels,
            host_config=api.create_host_config(network_mode=network),
        )
        self._holder = made["Id"]
        api.start(self._holder)
        found = api.inspect_container(self._holder)["NetworkSettings"]["Networks"]
        return str(found[network]["IPAddress"])

    async def prepare(self, container: Container, log: ContainerLog) -> EngineContainer:
        """Build or pull its image. Raises :class:`TaskFailedError`."""
        runner = self._runner
        try:
            image = await runner.engine.call(runner.images.get, container.definition)
        except ImageError as error:
            raise TaskFailedError(f"CannotPullContainerError: {error}") from error
        except ClosingError as error:
            raise TaskFailedError("the sandbox ends") from error
        assert self._holder is not None
        made = EngineContainer(
            Order(runner.sandbox, self._task, container, log, runner.records.changes.tell),
            runner.engine,
            image,
            network=self._holder,
            address=runner.position.address,
            name=self._name(container.name),
            labels=self._labels,
        )
        self.containers.append(made)
        return made

    async def close(self) -> None:
        """Remove its containers, the one with the network last."""
        self._runner.places.discard(self)
        api = self._runner.engine.api
        for identifier in (*(one.id for one in self.containers), self._holder):
            if identifier is not None:
                with suppress(APIError):  # removed by somebody else
                    await self._runner.engine.call(api.remove_container, identifier, force=True, v=True)
