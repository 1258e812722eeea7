# mypy: ignore-errors
"""Locks, conditions, threads and queues: waiting for another thread with a limit in virtual time."""

import _thread

from _sandbox_preload import page, wait

_allocate = _thread.allocate_lock


class TimedWaiters:
    """Threads that wait for a lock with a limit: they are nudged whenever it was released."""

    __slots__ = ("_channels",)

    def __init__(self):
        self._channels = []

    def nudge(self):
        """The lock was released."""
        for channel in tuple(self._channels):
            channel.nudge()

    def acquire(self, attempt, timeout):
        """Try until ``attempt()`` succeeds or ``timeout`` seconds passed; whether it did."""
        deadline = page.now_ns() + round(timeout * 1e9)
        channel = wait.mine()
        self._channels.append(channel)
        try:
            while not attempt():
                if page.now_ns() >= deadline:
                    return False
                channel.nudged(deadline)
            return True
        finally:
            self._channels.remove(channel)


class Lock:
    """As ``threading.Lock``."""

    __slots__ = ("__weakref__", "_real", "_waiters")

    def __init__(self):
        self._real = _allocate()
        self._waiters = None

    def acquire(self, blocking=True, timeout=-1):
        """Take the lock; whether it was taken."""
        if blocking and 0 < timeout < _thread.TIMEOUT_MAX:
            if self._real.acquire(False):
                return True
            if self._waiters is None:
                self._waiters = TimedWaiters()
            return self._waiters.acquire(self._attempt, timeout)
        return self._real.acquire(blocking, timeout)

    def _attempt(self):
        return self._real.acquire(False)

    def release(self):
        """Give the lock back."""
        self._real.release()
        if self._waiters is not None:
            self._waiters.nudge()

    def locked(self):
        """Whether somebody has the lock."""
        return self._real.locked()

    def __enter__(self):
        return self._real.acquire()

    def __exit__(self, *_):
        self.release()

    def _at_fork_reinit(self):
        self._real = _allocate()
        self._waiters = None

    def __repr__(self):
        return repr(self._real)


def patch_threading(module):
    """Replace the locks, and let ``Thread.join`` wait in virtual time."""
    real_lock_types = (module.Lock, module._allocate_lock)
    module.Lock = module._allocate_lock = Lock
    if getattr(module, "_LockType", None) in real_lock_types:
        module._LockType = Lock
    module.RLock = _reentrant(module)
    _patch_join(module.Thread)


def _reentrant(module):
    class RLock(_thread.RLock):
        """As ``threading.RLock``."""

        def __init__(self, *args):
            super().__init__()
            self._waiters = TimedWaiters()

        def acquire(self, blocking=True, timeout=-1):
            if blocking and 0 < timeout < _thread.TIMEOUT_MAX:
                real = super().acquire
                return self._waiters.acquire(lambda: real(False), timeout)
            return super().acquire(blocking, timeout)

        def release(self):
            super().release()
            self._waiters.nudge()

        def __exit__(self, *_):
            self.release()

        def _release_save(self):
            state = super()._release_save()
            self._waiters.nudge()
            return state

    return RLock


def _patch_join(thread):
    real_start, real_run, real_join = thread.start, thread._bootstrap_inner, thread.join

    def start(self):
        self._sandbox_ended = Lock()
        self._sandbox_ended.acquire()
        real_start(self)

    def _bootstrap_inner(self):
        ended = self._sandbox_ended
        try:
            real_run(self)
        finally:
            ended.release()

    def join(self, timeout=None):
        ended = getattr(self, "_sandbox_ended", None)
        if ended is None or timeout is None or timeout <= 0:
            return real_join(self, timeout)
        if ended.acquire(True, timeout):
            ended.release()
            real_join(self)
        return None

    thread.start, thread._bootstrap_inner, thread.join = start, _bootstrap_inner, join


def patch_queue(module):
    """``SimpleQueue`` is written in C: only its limited ``get`` is replaced."""
    real = module.SimpleQueue

    class SimpleQueue(real):
        """As ``queue.SimpleQueue``."""

        def __init__(self):
            super().__init__()
            self._waiters = TimedWaiters()

        def put(self, item, block=True, timeout=None):
            super().put(item)
            self._waiters.nudge()

        put_nowait = put

        def get(self, block=True, timeout=None):
            if not block or timeout is None or timeout <= 0:
                return super().get(block, timeout)
            found = []

            def attempt():
                try:
                    found.append(real.get(self, False))
                except module.Empty:
                    return False
                return True

            if self._waiters.acquire(attempt, timeout):
                return found[0]
            raise module.Empty

    module.SimpleQueue = SimpleQueue
