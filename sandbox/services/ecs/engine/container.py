"""One container of a task on an engine: started, followed, asked to end, ended."""

from __future__ import annotations

import asyncio
import io
import logging
import tarfile
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from docker.errors import DockerException
from docker.types import Ulimit

from sandbox.services.ecs.engine import environment
from sandbox.services.ecs.engine.client import Engine, told
from sandbox.services.ecs.runner import OUT_OF_MEMORY, Order, StartError

_log = logging.getLogger(__name__)

_MIB = 1024 * 1024
_SECOND = 10**9  # in nanoseconds, the engine's unit
# Docker's own health check of an image is not looked at, as ECS does not either.
_NO_CHECK = {"test": ["NONE"]}


class EngineContainer:
    """A container. ``network``: the id of the container whose network it shares; ``address``: the sandbox's there."""

    def __init__(
        self,
        order: Order,
        engine: Engine,
        image: Mapping[str, Any],
        *,
        network: str,
        address: str,
        name: str,
        labels: Mapping[str, str],
    ) -> None:
        self.container = order.container
        self.log = order.log
        self._loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = self._loop.create_future()
        self.id: str | None = None
        self._sandbox = order.sandbox
        self._engine = engine
        self._task = order.task
        self._image = image
        self._network = network
        self._address = address
        self._name = name
        self._labels = labels
        self._changed = order.changed
        self._environment: Mapping[str, str] = {}
        self._partial = b""
        self._looked_at = True

    @property
    def started(self) -> bool:
        """Whether its program was started."""
        return self.container.status != "PENDING" and self.id is not None

    def surround(self, credentials: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        """Put its variables together."""
        self._environment = environment.build(
            self._sandbox, self.container, self._address, credentials, secrets
        )

    # -- start

    async def start(self) -> None:
        """Start it. Raises :class:`StartError`."""
        try:
            self.id, output = await self._engine.call(self._create)
            follower = threading.Thread(target=self._follow, args=(output,), name=self._name, daemon=True)
            follower.start()
            await self._engine.call(self._engine.api.start, self.id)
        except DockerException as error:
            if self.id is not None:
                self._engine.post(self._engine.api.remove_container, self.id, force=True, v=True)
                self.id = None
            raise StartError(f"CannotStartContainerError: {told(error)}") from error
        self.container.status = "RUNNING" if not self.exited.done() else "STOPPED"

    def _create(self) -> tuple[str, Iterator[tuple[bytes | None, bytes | None]]]:
        """Make it with its files, and hold on to what it will print."""
        api, given = self._engine.api, self.container.definition
        made = api.create_container(
            self._image["Id"],
            given.get("command") or None,
            name=self._name,
            user=given.get("user"),
            environment=dict(self._environment),
            entrypoint=given.get("entryPoint") or None,
            working_dir=given.get("workingDirectory"),
            labels={**(given.get("dockerLabels") or {}), **self._labels},
            healthcheck=_health_check(given.get("healthCheck")),
            tty=bool(given.get("pseudoTerminal")),
            stdin_open=bool(given.get("interactive")),
            host_config=api.create_host_config(**self._limits(), network_mode=f"container:{self._network}"),
        )
        if not given.get("readonlyRootFilesystem"):
            api.put_archive(made["Id"], "/", _files(environment.files(self._sandbox)))
        output = api.attach(made["Id"], stdout=True, stderr=True, stream=True, demux=True)
        return made["Id"], output

    def _limits(self) -> dict[str, Any]:
        given, info = self.container.definition, self._task.info
        memory = _number(given.get("memory")) or _number(info["memory"])
        cpus = min((_number(info["cpu"]) or 1024) / 1024, float(self._engine.api.info()["NCPU"]))
        bytes_ = memory * _MIB if memory else None
        kernel = given.get("linuxParameters") or {}
        return {
            "mem_limit": bytes_,
            "memswap_limit": bytes_,  # no swap, as on Fargate
            "nano_cpus": int(cpus * _SECOND),
            "init": bool(kernel.get("initProcessEnabled")),
            "read_only": bool(given.get("readonlyRootFilesystem")),
            "ulimits": [
                Ulimit(name=u["name"], soft=u["softLimit"], hard=u["hardLimit"])
                for u in given.get("ulimits") or []
            ],
        }

    # -- while it runs; _follow is a thread's

    def _follow(self, output: Iterator[tuple[bytes | None, bytes | None]]) -> None:
        code, out_of_memory = 137, False
        try:
            for parts in output:
                for data in parts:
                    if data:
                        self._loop.call_soon_threadsafe(self._printed, data)
            code = int(self._engine.api.wait(self.id, timeout=None)["StatusCode"])
            out_of_memory = bool(self._engine.api.inspect_container(self.id)["State"]["OOMKilled"])
        except Exception as error:  # removed by somebody else, or the engine is gone: then it was killed
            _log.debug("the engine tells no end of %s: %s", self._name, error)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ended, code, out_of_memory)

    def _printed(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self.log.line(line)

    def _ended(self, code: int, out_of_memory: bool) -> None:
        if self._partial:
            self.log.line(self._partial)
            self._partial = b""
        if out_of_memory:
            self.container.reason = OUT_OF_MEMORY
        self.container.exit_code = code
        self.container.status = "STOPPED"
        if not self.exited.done():
            self.exited.set_result(code)

    def healthy(self, state: str) -> None:
        """The engine says how it fares."""
        known = {"healthy": "HEALTHY", "unhealthy": "UNHEALTHY"}
        if self._looked_at and state in known and self.container.health != known[state]:
            self.container.health = known[state]
            self._changed()

    def unchecked(self) -> None:
        """Look at its health no more."""
        self._looked_at = False

    # -- end

    def ask_to_end(self) -> None:
        """Send the stop signal of its image to its first process, and to it alone."""
        if self.id is not None and not self.exited.done():
            number = self._image["Config"].get("StopSignal") or "SIGTERM"
            self._engine.post(self._engine.api.kill, self.id, number)

    def kill(self) -> None:
        """End it at once."""
        if self.id is not None and not self.exited.done():
            self._engine.post(self._engine.api.kill, self.id)


def _number(text: Any) -> int | None:
    return int(text) if str(text).isdigit() and int(text) else None


def _health_check(given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """For the engine, with ECS's own defaults (botocore, ecs, HealthCheck)."""
    if given is None:
        return _NO_CHECK
    return {
        "test": list(given["command"]),
        "interval": int(given.get("interval") or 30) * _SECOND,
        "timeout": int(given.get("timeout") or 5) * _SECOND,
        "retries": int(given.get("retries") or 3),
        "start_period": int(given.get("startPeriod") or 0) * _SECOND,
    }


def _files(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name.lstrip("/"))
            info.mode, info.size = 0o644, len(data)
            archive.addfile(info, io.BytesIO(data))
    return packed.getvalue()
