"""moto's time is the sandbox's.

moto reads the wall clock in three ways: ``moto.core.utils.utcnow`` (bound by name in most of its modules),
``time.time()``, and ``datetime.now()``. Each of its modules is pointed to the clock in use after its import.
"""

from __future__ import annotations

import datetime as real_datetime
import sys
import time as real_time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from sandbox.clock import Clock

_now: Callable[[], real_datetime.datetime] | None = None
_seen: set[str] = set()


def use(clock: Clock) -> None:
    """From now on moto's date is this clock's."""
    global _now  # noqa: PLW0603 - moto's state is one a process, and so is its clock
    _now = clock.utcnow


def _aware() -> real_datetime.datetime:
    if _now is None:
        raise RuntimeError("moto was asked for the time before a sandbox's clock was given to it.")
    return _now()


def utcnow() -> real_datetime.datetime:
    """The sandbox's date in UTC, naive as moto wants it."""
    return _aware().replace(tzinfo=None)


class _AnyDatetime(type):
    """``isinstance`` and ``issubclass`` must go on to hold for real datetimes."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, real_datetime.datetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, real_datetime.datetime)


class SandboxDatetime(real_datetime.datetime, metaclass=_AnyDatetime):
    """``datetime.datetime`` with the sandbox's ``now``. Its constructor gives real datetimes."""

    def __new__(cls, *args: Any, **kwargs: Any) -> real_datetime.datetime:  # type: ignore[misc]
        return real_datetime.datetime(*args, **kwargs)  # noqa: DTZ001 - as moto gave them

    @classmethod
    def now(cls, tz: real_datetime.tzinfo | None = None) -> real_datetime.datetime:  # type: ignore[override]
        """The sandbox's date; without a time zone in UTC, whatever the machine's zone is."""
        return _aware().astimezone(tz) if tz else utcnow()

    @classmethod
    def utcnow(cls) -> real_datetime.datetime:  # type: ignore[override]
        """The sandbox's date in UTC, naive."""
        return utcnow()


class _Stand:
    """Stands before a module: some names are ours, the rest is the module's."""

    def __init__(self, module: ModuleType, **ours: Any) -> None:
        self.__dict__.update(ours)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


_TIME = _Stand(real_time, time=lambda: _aware().timestamp())
_DATETIME = _Stand(real_datetime, datetime=SandboxDatetime)


def adopt() -> None:
    """Point every moto module that was imported since the last time to the sandbox's clock."""
    from moto.core import utils

    original = utils.__dict__.setdefault("_sandbox_original_utcnow", utils.utcnow)
    for name in [name for name in sys.modules if name.startswith("moto.") and name not in _seen]:
        _seen.add(name)
        names = getattr(sys.modules[name], "__dict__", {})
        for key, stand in (
            ("utcnow", (original, utcnow)),
            ("time", (real_time, _TIME)),
            ("datetime", (real_datetime, _DATETIME)),
            ("datetime", (real_datetime.datetime, SandboxDatetime)),
        ):
            if names.get(key) is stand[0]:
                names[key] = stand[1]
