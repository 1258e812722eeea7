"""The Docker engine's API off the loop: its client blocks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import docker
from docker.errors import APIError, DockerException

from sandbox.backend import BackendError

_THREADS = 16  # calls at a time
_CONNECTIONS = 256  # of which every container keeps one for what it prints
_PATIENCE = 120.0  # seconds for one answer of the engine


class EngineError(BackendError):
    """No engine can be used; the text says why."""


class ClosingError(Exception):
    """The sandbox ends while the engine still works."""


def told(error: DockerException) -> str:
    """An error in the engine's own words."""
    said = error.explanation if isinstance(error, APIError) else None
    return f"Error response from daemon: {said}" if said else str(error)


class Engine:
    """The engine that ``DOCKER_HOST`` names, by default this machine's."""

    def __init__(self) -> None:
        self.api: Any = None
        self._pool = ThreadPoolExecutor(_THREADS, "docker")
        self._closing = threading.Event()

    async def open(self) -> None:
        """Connect. Raises :class:`EngineError`."""
        try:
            self.api = await self.call(self._connect)
        except DockerException as error:
            raise EngineError(f"tasks on Docker: no engine answers: {error}") from error

    def _connect(self) -> Any:
        found = docker.utils.kwargs_from_env()
        client = docker.APIClient(version="auto", timeout=_PATIENCE, max_pool_size=_CONNECTIONS, **found)
        client.ping()
        return client

    async def call(self, function: Callable[..., Any], /, *args: Any, **named: Any) -> Any:
        """What a blocking function gives. Raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*args, **named))

    def post(self, function: Callable[..., Any], /, *args: Any, **named: Any) -> None:
        """Call it without waiting; that its container is gone already does not matter."""

        def body() -> None:
            with suppress(DockerException):
                function(*args, **named)

        self._pool.submit(body)

    def lines(self, answer: Iterator[Any]) -> Iterator[Any]:
        """What the engine tells while it works; ends with :class:`ClosingError` when the sandbox does."""
        for line in answer:
            if self._closing.is_set():
                raise ClosingError
            yield line

    async def close(self) -> None:
        """No call is left under way, and no thread."""
        self._closing.set()
        await asyncio.to_thread(self._pool.shutdown)
        if self.api is not None:
            self.api.close()
            self.api = None
