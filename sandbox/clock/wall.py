"""The machine's own time, for the two things that are about it: how long work took, and which day it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime


def stopwatch() -> Callable[[], float]:
    """Start measuring; call the result for the seconds that passed on the wall."""
    begun = time.perf_counter()
    return lambda: time.perf_counter() - begun


def today() -> date:
    """The day it really is, in UTC."""
    return datetime.now(UTC).date()
