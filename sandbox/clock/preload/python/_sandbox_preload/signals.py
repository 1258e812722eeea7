# mypy: ignore-errors
"""Alarms, and waiting for child processes with a limit."""

import _thread
import os

from _sandbox_preload import page, wait


class _Alarm:
    """The process's one real timer: a thread sends SIGALRM when the instant has come."""

    def __init__(self, number):
        self._number = number
        self._lock = _thread.allocate_lock()
        self._round = 0
        self._due = 0
        self._interval = 0

    def set(self, seconds, interval=0.0):
        """Start anew; what was left before: seconds and interval."""
        with self._lock:
            before = (max(0, self._due - page.now_ns()) / 1e9 if self._due else 0.0, self._interval / 1e9)
            self._round += 1
            self._interval = round(interval * 1e9)
            self._due = page.now_ns() + round(seconds * 1e9) if seconds > 0 else 0
            if self._due:
                _thread.start_new_thread(self._wait, (self._round,))
        return before

    def left(self):
        """Seconds until the next signal, and the interval."""
        return max(0, self._due - page.now_ns()) / 1e9 if self._due else 0.0, self._interval / 1e9

    def _wait(self, mine):
        while self._due and self._round == mine:
            wait.until(self._due)
            with self._lock:
                if self._round != mine:
                    return
                self._due = self._due + self._interval if self._interval else 0
            os.kill(os.getpid(), self._number)


def patch_signal(module):
    """Let ``alarm`` and ``setitimer(ITIMER_REAL)`` go off in virtual time."""
    real_set, real_get = module.setitimer, module.getitimer
    alarm = _Alarm(module.SIGALRM)

    def setitimer(which, seconds, interval=0.0):
        if which != module.ITIMER_REAL:
            return real_set(which, seconds, interval)
        return alarm.set(seconds, interval)

    def getitimer(which):
        return alarm.left() if which == module.ITIMER_REAL else real_get(which)

    def set_alarm(seconds):
        left = alarm.set(seconds)[0]
        return int(left) + (left > int(left))

    module.setitimer, module.getitimer, module.alarm = setitimer, getitimer, set_alarm


def patch_subprocess(module):
    """Wait for the end of a child itself, not by looking again and again."""
    real = module.Popen._wait

    def _wait(self, timeout):
        if timeout is None or timeout <= 0 or self.returncode is not None:
            return real(self, timeout)
        try:
            file = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            return real(self, timeout)
        try:
            ended = wait.until(page.now_ns() + round(timeout * 1e9), ((file, 1),))
        finally:
            os.close(file)
        if not ended:
            raise module.TimeoutExpired(self.args, timeout)
        return real(self, None)

    module.Popen._wait = _wait
