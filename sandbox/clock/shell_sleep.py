"""Sleeps of programs without a preload: a ``sleep`` command that asks the sandbox.

The command (``preload/bin/sleep``, a shell script) writes its arguments and the name of its own named pipe into
the pipe ``sleep``, and reads its own until a line comes: an empty one when the time is over.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(arguments: list[str]) -> float:
    """The sum of ``sleep``'s arguments, each a number with ``s``, ``m``, ``h`` or ``d``; raises ``ValueError``."""
    total = 0.0
    for argument in arguments:
        unit = _UNITS.get(argument[-1:])
        total += float(argument[:-1]) * unit if unit else float(argument)
    if not total >= 0:
        raise ValueError(f"not a time to sleep: {arguments}")
    return total


class ShellSleep:
    """Serves the pipe ``sleep`` of a folder."""

    def __init__(self, loop: asyncio.AbstractEventLoop, folder: Path) -> None:
        self._loop = loop
        self._folder = folder
        os.mkfifo(folder / "sleep", 0o600)
        self._pipe = os.open(folder / "sleep", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        loop.add_reader(self._pipe, self._read)

    def close(self) -> None:
        self._loop.remove_reader(self._pipe)
        os.close(self._pipe)

    def _read(self) -> None:
        # A line is written at once (it is shorter than PIPE_BUF), so only whole lines are read.
        for line in os.read(self._pipe, 65536).decode(errors="replace").splitlines():
            *arguments, name = line.split()
            pipe = self._folder / Path(name).name
            try:
                duration = seconds(arguments)
            except ValueError:
                self._end(pipe, b"refused\n")  # the real command says what is wrong
                continue
            if duration != float("inf"):
                self._loop.call_later(duration, self._end, pipe, b"\n")

    def _end(self, pipe: Path, answer: bytes) -> None:
        with suppress(OSError):  # the sleeper was ended
            file = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.write(file, answer)
            os.close(file)
