# mypy: ignore-errors
"""``datetime``: the two functions that ask the system for the time by themselves.

``date.today`` and ``datetime.today`` call ``time.time``. The classes stay what they are, so ``isinstance``,
pickling and dates made in C are as always: only the entries of the class's dictionary change.
"""

import gc
import sys
import time


def patch(module):
    """Let ``datetime.now`` and ``utcnow`` read the page."""
    from _sandbox_preload import page

    real = module.datetime
    timedelta = module.timedelta
    start = real(1970, 1, 1)

    def utcnow(cls):
        """The date in UTC, naive."""
        found = start + timedelta(microseconds=page.numbers[0] // 1000)
        return found if cls is real else cls(*found.timetuple()[:6], found.microsecond)

    def now(cls, tz=None):
        """The date here, or in a time zone."""
        moment = utcnow(cls)
        if tz is None:
            seconds, rest = divmod(page.numbers[0] // 1000, 1_000_000)
            here = time.localtime(seconds)
            return cls(*here[:5], min(here[5], 59), rest, fold=_fold(real, seconds, here))
        if not isinstance(tz, module.tzinfo):
            raise TypeError(
                f"tzinfo argument must be None or of a tzinfo subclass, not type {type(tz).__name__!r}"
            )
        return tz.fromutc(moment.replace(tzinfo=tz))

    entries = gc.get_referents(real.__dict__)[0]
    entries["now"] = classmethod(now)
    entries["utcnow"] = classmethod(utcnow)
    _forget_lookups(real)


def _fold(real, seconds, here):
    """1 for the second of two instants with the same local time."""
    return int(real.fromtimestamp(seconds).fold)


def _forget_lookups(cls):
    """The interpreter keeps what it looked up in a class; it has to look again."""
    if sys.version_info < (3, 13):
        sys._clear_type_cache()
    else:
        import ctypes

        ctypes.pythonapi.PyType_Modified(ctypes.py_object(cls))
