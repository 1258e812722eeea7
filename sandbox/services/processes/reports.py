"""Reports to the reaper: which process groups live. See :mod:`sandbox.services.processes.reaper`."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

from sandbox.services.processes import reaper


class _Program:
    """The reaper's process, one for all sandboxes of this process, ending with it."""

    def __init__(self) -> None:
        self.groups: set[int] = set()
        self.process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def pipe(self) -> int:
        """The descriptor to report on. The program is started, or again when somebody ended it."""
        if self._owner != os.getpid():  # a fork of the process whose program it is
            self.groups, self.process, self._owner = set(), None, os.getpid()
        if self.process is None or self.process.poll() is not None:
            if self.process is not None and self.process.stdin is not None:
                self.process.stdin.close()
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", reaper.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                bufsize=0,
            )
            for pid in self.groups:
                self.report(b"+%d\n" % pid)
        assert self.process.stdin is not None
        return self.process.stdin.fileno()

    def report(self, line: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has been ended: the next start reports all
            os.write(self.pipe(), line)


_program = _Program()


class Reaper:
    """One sandbox's groups at the reaper, whose program starts with the first of them."""

    def __init__(self) -> None:
        self._groups: set[int] = set()

    @property
    def pipe(self) -> int:
        """The descriptor to report starts on."""
        return _program.pipe()

    def began(self, pid: int) -> None:
        """A group has reported itself."""
        self._groups.add(pid)
        _program.groups.add(pid)

    def ended(self, pid: int) -> None:
        """A group is gone: its number may be used again."""
        self._groups.discard(pid)
        if pid in _program.groups:
            _program.groups.discard(pid)
            _program.report(b"-%d\n" % pid)

    def stop(self) -> None:
        """Kill what is left."""
        if self._groups:
            reaper.kill_groups(self._groups)
        for pid in tuple(self._groups):
            self.ended(pid)
