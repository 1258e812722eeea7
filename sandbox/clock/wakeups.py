"""Sleeping threads of watched processes, and the page on which they read what time it is.

A preload in the process (see ``preload/``) turns a sleep into a *channel*: a file of a private folder that holds
the instants at which its thread wants to be woken, and a connection over which it is woken. Writing the file costs
no message; it is read here only when all is quiet. Layout of the files, all numbers signed, 64 bits, native order:

``now``      nanoseconds since 1970, nanoseconds of the monotonic clock; it moves only while all sleep
``<pid>.*``  the instant (monotonic) at which the connection is to be written to; the one whose passing is only
             noted; 0 when there is none. Who sleeps on the second one looks at ``now`` by itself, and sets it to 0
             when it has noticed: time stands still until then.
``wake``     the socket: connect, send the file's name and a line feed; one byte comes for each wake-up
``sleep``    a named pipe for programs without a preload: ``<seconds>... <named pipe>`` and a line feed; the
             sandbox writes a line into that pipe when the time is over
"""

from __future__ import annotations

import asyncio
import math
import mmap
import os
import shutil
import socket
import struct
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.clock import procfs
from sandbox.clock.shell_sleep import ShellSleep

MONOTONIC_START_NS = 1_000_000_000_000  # what the processes' monotonic clock says at 0.0
_CHANNEL_BYTES = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CREDENTIALS = struct.Struct("3i")


def nanoseconds(instant: datetime) -> int:
    """Nanoseconds since 1970-01-01 UTC of an aware datetime, exactly."""
    return (instant - _EPOCH) // timedelta(microseconds=1) * 1000


class _Page:
    """A small file that another process has mapped or writes to."""

    def __init__(self, path: Path, size: int) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), size)
        self.numbers = memoryview(self._map).cast("q")

    def close(self) -> None:
        self.numbers.release()
        self._map.close()


class _Channel:
    """One sleeper: its page, and the connection that wakes it."""

    def __init__(self, pid: int, path: Path) -> None:
        self.pid = pid
        self.name = path.name
        self._page = _Page(path, _CHANNEL_BYTES)
        self.connection: socket.socket | None = None
        path.unlink()

    def earliest(self) -> int:
        """Nanoseconds of the earliest instant, or 0."""
        numbers = self._page.numbers
        first = numbers[0] if self.connection is not None else 0
        second = numbers[1]
        return min(first, second) if first and second > 0 else first or max(second, 0)

    def wake(self) -> bool:
        """Wake for the earliest instant; whether the sleeper will tell when it has noticed."""
        numbers = self._page.numbers
        if numbers[1] == self.earliest():
            numbers[1] = -1
            return True
        numbers[0] = 0
        if self.connection is not None:
            with suppress(OSError):  # it ended just now; the end of its connection is yet to be read
                self.connection.send(b"\0")
        return False

    def noticed(self) -> bool:
        """Whether a sleeper that looks by itself has seen that its instant passed, or cannot look now."""
        return self._page.numbers[1] != -1 or procfs.stopped_or_gone(self.pid)

    def close(self) -> None:
        self._page.close()


class Wakeups:
    """The sleepers of one loop (see the module)."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start_ns: int) -> None:
        self._loop = loop
        self._start_ns = start_ns
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="sandbox-clock-", dir=memory))
        (self.folder / "now").write_bytes(bytes(16))
        self._now = _Page(self.folder / "now", 16)
        self.moved(loop.time())
        self._channels: dict[str, _Channel] = {}
        self._woken: list[_Channel] = []
        self._connections: dict[socket.socket, list[_Channel]] = {}
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._listening.bind(str(self.folder / "wake"))
        self._listening.listen(4096)
        loop.add_reader(self._listening, self._accept)
        self._shell = ShellSleep(loop, self.folder)

    def earliest(self) -> float:
        """The next instant on the loop's clock; infinity when nobody sleeps."""
        channel = self._first()
        return math.inf if channel is None else (channel.earliest() - MONOTONIC_START_NS) / 1e9

    def wake(self) -> None:
        """Wake the first sleeper."""
        channel = self._first()
        if channel is not None and channel.wake():
            self._woken.append(channel)

    def settled(self) -> bool:
        """Whether those that look at the time by themselves have done so."""
        self._woken = [channel for channel in self._woken if not channel.noticed()]
        return not self._woken

    def moved(self, now: float) -> None:
        """Show the processes what time it is."""
        elapsed = round(now * 1e9)
        self._now.numbers[0] = self._start_ns + elapsed
        self._now.numbers[1] = MONOTONIC_START_NS + elapsed

    def close(self) -> None:
        """Forget all sleepers and remove the folder."""
        self._shell.close()
        for connection in [self._listening, *self._connections]:
            self._loop.remove_reader(connection)
            connection.close()
        for channel in self._channels.values():
            channel.close()
        self._now.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _first(self) -> _Channel | None:
        first, instant = None, 0
        for channel in self._channels.values():
            wanted = channel.earliest()
            if wanted and (first is None or wanted < instant):
                first, instant = channel, wanted
        return first

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except BlockingIOError:
                return
            connection.setblocking(False)
            pid = _CREDENTIALS.unpack(
                connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            )[0]
            # A thread may sleep right after it connected, before its name is sent: the files are there already.
            self._connections[connection] = [
                self._open(pid, path)
                for path in sorted(self.folder.glob(f"{pid}.*"))
                if path.stat().st_size == _CHANNEL_BYTES  # else another thread is just making it
            ]
            self._loop.add_reader(connection, self._read, connection)

    def _open(self, pid: int, path: Path) -> _Channel:
        channel = self._channels[path.name] = _Channel(pid, path)
        return channel

    def _read(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(4096)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        for name in data.decode().split():
            if channel := self._channels.get(name):
                channel.connection = connection
        if not data:
            self._forget(connection)

    def _forget(self, connection: socket.socket) -> None:
        self._loop.remove_reader(connection)
        opened = self._connections.pop(connection)
        gone = [c for c in self._channels.values() if c.connection is connection]
        gone += [c for c in opened if c.connection is None and c.name in self._channels]
        for channel in gone:
            del self._channels[channel.name]
            self._woken = [woken for woken in self._woken if woken is not channel]
            channel.close()
        connection.close()
