"""One process and everything that it starts: its own session and process group.

Its standard output and error are one pipe that we read ourselves, so that :meth:`ProcessGroup.drain` can take
everything written so far at a known moment: before the line that ends an invocation, for one.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sandbox.clock import procfs
from sandbox.services.processes import reaper
from sandbox.services.processes.reports import Reaper

__all__ = ["ProcessGroup", "Reaper", "send"]

# The process reports its own start, then becomes the program: see reaper.py. Its standard input is the pipe to the
# reaper until then.
_SHIM = 'echo "+$$" >&0; exec "$@" </dev/null'

READ_SIZE = 8192  # bytes, thousands of short lines: the sandbox has other things to do between two readings


class ProcessGroup:
    """A running program. ``on_line`` gets each line of output without its end, ``exited`` the exit code."""

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        cwd: Path,
        parent: Reaper,
        on_line: Callable[[bytes], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._reaper = parent
        self._on_line = on_line
        self._partial = bytearray()
        self._output, writer = os.pipe()
        os.set_blocking(self._output, False)
        try:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _SHIM, "sh", *argv],
                stdin=parent.pipe,
                stdout=writer,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=dict(environment),
                start_new_session=True,
            )
        finally:
            os.close(writer)
        self._marks = {
            mark
            for mark in (f"{name}={value}".encode() for name, value in environment.items())
            if mark.startswith(reaper.MARKS)
        }
        self.pid = self._process.pid
        parent.began(self.pid)
        self.exited: asyncio.Future[int] = self._loop.create_future()
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pidfd, self._ended)
        self._loop.add_reader(self._output, self._read)

    def _ended(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        code = self._process.wait()
        self._reaper.ended(self.pid)
        self.drain()
        if not self.exited.done():
            self.exited.set_result(code)

    # -- output --------------------------------------------------------------------------------------

    def _read(self, most: int = READ_SIZE) -> int:
        """Take up to so many bytes of output; how many there were."""
        try:
            data = os.read(self._output, most)
        except BlockingIOError:
            return 0
        if not data:
            self._loop.remove_reader(self._output)
            os.close(self._output)
            self._output = -1
            return 0
        first, *others = data.split(b"\n")
        self._partial += first  # in place: a line may have megabytes
        for other in others:
            self._end_line()
            self._partial += other
        return len(data)

    def _end_line(self) -> None:
        line, self._partial = bytes(self._partial), bytearray()
        self._on_line(line)

    def drain(self) -> None:
        """Take all output written so far, with a last line that has no end yet.

        Not what is written meanwhile: a process that prints without end would never let this end.
        """
        left = self._written()
        while left > 0 and self._output >= 0 and (taken := self._read(left)):
            left -= taken
        if self._partial:
            self._end_line()

    def _written(self) -> int:
        """Bytes that wait in the pipe."""
        if self._output < 0:
            return 0
        return int(struct.unpack("i", fcntl.ioctl(self._output, termios.FIONREAD, bytes(4)))[0])

    # -- signals -------------------------------------------------------------------------------------

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, unless it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def strays(self, since: int) -> set[int]:
        """Processes that left the group (daemons), in the same environment, with an id given out after ``since``."""
        candidates = procfs.ids_since(max(since, self.pid), procfs.newest_id())
        found = reaper.strays(reaper.marks({self.pid}), candidates)
        return {pid for pid in found if _group_of(pid) not in (None, self.pid)}

    def kill(self) -> None:
        """End the group and what left it, whatever state they are in."""
        reaper.kill_groups({self.pid}, procfs.ids_since(self.pid, procfs.newest_id()), self._marks)

    def close(self) -> None:
        """Stop reading output that a process which left the group may still hold open."""
        if self._output >= 0:
            self.drain()
        if self._output >= 0:
            self._loop.remove_reader(self._output)
            os.close(self._output)
            self._output = -1

    def peak_memory(self) -> int:
        """Peak resident bytes of the program's first process; 0 when it is gone."""
        with contextlib.suppress(OSError, ValueError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def send(number: signal.Signals, pids: set[int]) -> None:
    """A signal to processes, those that live."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
