# mypy: ignore-errors
"""What time it is: the page that the sandbox writes, and the functions of ``time`` that read it."""

import mmap
import os
import time

_READS_PER_MS = 20_000  # a loop that only asks for the time moves it by a millisecond in so many readings

real_sleep = time.sleep
real_monotonic = time.monotonic
_real = {
    name: getattr(time, name)
    for name in ("clock_gettime", "clock_gettime_ns", "gmtime", "localtime", "strftime", "ctime", "asctime")
}
_EPOCH_CLOCKS = {getattr(time, name) for name in ("CLOCK_REALTIME", "CLOCK_TAI") if hasattr(time, name)}
_MONOTONIC_CLOCKS = {
    getattr(time, name)
    for name in ("CLOCK_MONOTONIC", "CLOCK_MONOTONIC_RAW", "CLOCK_BOOTTIME")
    if hasattr(time, name)
}

numbers = None  # [0]: nanoseconds since 1970, [1]: of the monotonic clock


def start(folder):
    """Map the page and let ``time`` read it."""
    global numbers
    file = os.open(os.path.join(folder, "now"), os.O_RDONLY)
    try:
        numbers = memoryview(mmap.mmap(file, 16, access=mmap.ACCESS_READ)).cast("q")
    finally:
        os.close(file)
    readings = Readings()
    # Methods bound to an object, like built-in functions, do not bind again when a class has them as attributes.
    for name in dir(readings):
        if not name.startswith("_") and hasattr(time, name):
            setattr(time, name, getattr(readings, name))


def now_ns():
    """Nanoseconds of the monotonic clock."""
    return numbers[1]


class Readings:
    """The functions of ``time`` that depend on the time."""

    def __init__(self):
        self._left = _READS_PER_MS
        self._at = 0

    def _look(self):
        self._left -= 1
        if self._left <= 0:
            if self._at == numbers[1]:
                from _sandbox_preload import wait

                wait.until(numbers[1] + 1_000_000)
            self._at = numbers[1]
            self._left = _READS_PER_MS

    def time(self):
        """Seconds since 1970."""
        self._look()
        return numbers[0] / 1e9

    def time_ns(self):
        """Nanoseconds since 1970."""
        self._look()
        return numbers[0]

    def monotonic(self):
        """Seconds of a clock that never goes back."""
        self._look()
        return numbers[1] / 1e9

    def monotonic_ns(self):
        """Nanoseconds of a clock that never goes back."""
        self._look()
        return numbers[1]

    perf_counter = monotonic
    perf_counter_ns = monotonic_ns

    def clock_gettime(self, clk_id):
        """Seconds of a clock of the system."""
        if clk_id in _EPOCH_CLOCKS:
            return self.time()
        return self.monotonic() if clk_id in _MONOTONIC_CLOCKS else _real["clock_gettime"](clk_id)

    def clock_gettime_ns(self, clk_id):
        """Nanoseconds of a clock of the system."""
        if clk_id in _EPOCH_CLOCKS:
            return self.time_ns()
        return self.monotonic_ns() if clk_id in _MONOTONIC_CLOCKS else _real["clock_gettime_ns"](clk_id)

    def gmtime(self, seconds=None):
        """The date in UTC."""
        return _real["gmtime"](self.time() if seconds is None else seconds)

    def localtime(self, seconds=None):
        """The date here."""
        return _real["localtime"](self.time() if seconds is None else seconds)

    def strftime(self, format, *t):
        """The date as text."""
        return _real["strftime"](format, *(t or (self.localtime(),)))

    def asctime(self, *t):
        """The date as C writes it."""
        return _real["asctime"](*(t or (self.localtime(),)))

    def ctime(self, seconds=None):
        """The date as C writes it."""
        return _real["ctime"](self.time() if seconds is None else seconds)

    def sleep(self, seconds):
        """Sleep until the sandbox says that the time has come."""
        if not isinstance(seconds, (int, float)):
            real_sleep(seconds * 0)  # refuses what is no number
        elif not 0 < seconds < float("inf"):
            real_sleep(seconds)
            return
        from _sandbox_preload import wait

        wait.until(numbers[1] + round(seconds * 1e9))
