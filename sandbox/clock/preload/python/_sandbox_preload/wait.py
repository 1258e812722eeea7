# mypy: ignore-errors
"""Sleeping until an instant: each thread has a channel to the sandbox (see ``sandbox/clock/wakeups.py``)."""

import _thread
import itertools
import mmap
import os

from _sandbox_preload import page

_folder = ""
_counter = itertools.count()
_local = _thread._local()
_real_poll = None


def start(folder):
    """Remember where the sandbox listens."""
    global _folder
    _folder = folder
    os.register_at_fork(after_in_child=_forget)


def _forget():
    global _local
    _local = _thread._local()


def until(deadline, files=()):
    """Sleep until the monotonic nanoseconds, or until one of the files ``(descriptor, events)`` is ready.

    Gives the ready ones as ``poll`` does: none when the time came.
    """
    return mine().until(deadline, files)


def mine():
    """The channel of the thread that asks."""
    try:
        return _local.channel
    except AttributeError:
        _local.channel = channel = Channel()
        return channel


class Channel:
    """A thread's file with the instant at which it wants to be woken, and its connection."""

    def __init__(self):
        import _socket
        import select

        global _real_poll
        if _real_poll is None:
            _real_poll = getattr(select, "_sandbox_real_poll", None) or select.poll
        self._readable = select.POLLIN
        self._connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        name = "%d.%d.%d" % (os.getpid(), _thread.get_native_id(), next(_counter))
        path = os.path.join(_folder, name)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.ftruncate(file, 16)
            self._numbers = memoryview(mmap.mmap(file, 16)).cast("q")
        finally:
            os.close(file)
        self._connection.settimeout(None)
        try:
            self._connection.connect(os.path.join(_folder, "wake"))
            self._connection.sendall(name.encode() + b"\n")
            self._connected = True
        except OSError:
            self._connected = False  # the sandbox is gone: real time
        self._nudges = None

    def until(self, deadline, files=()):
        """See :func:`until`."""
        poller = _real_poll()
        for file, events in files:
            poller.register(file, events)
        if not self._connected:
            return self._really_until(poller, deadline)
        own = self._connection.fileno()
        poller.register(own, self._readable)
        self._numbers[0] = deadline
        try:
            while page.now_ns() < deadline:
                ready = poller.poll()
                others = [(file, events) for file, events in ready if file != own]
                if len(others) != len(ready) and not self._connection.recv(4096):
                    self._connected = False
                    poller.unregister(own)
                    return others or self._really_until(poller, deadline)
                if others:
                    return others
            return [entry for entry in poller.poll(0) if entry[0] != own] if files else []
        finally:
            self._numbers[0] = 0

    def _really_until(self, poller, deadline):
        return poller.poll(max(0, -((page.now_ns() - deadline) // 1_000_000)))

    def nudged(self, deadline):
        """Sleep until the instant or until another thread calls :meth:`nudge`."""
        if self._nudges is None:
            self._nudges = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        if self.until(deadline, ((self._nudges[0], self._readable),)):
            try:
                os.read(self._nudges[0], 4096)
            except BlockingIOError:
                pass

    def nudge(self):
        """Wake the thread from another one."""
        if self._nudges is not None:
            try:
                os.write(self._nudges[1], b"\0")
            except BlockingIOError:
                pass  # it has enough to wake up

    def __del__(self):
        if getattr(self, "_nudges", None):
            os.close(self._nudges[0])
            os.close(self._nudges[1])
