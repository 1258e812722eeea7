"""Time of the sandbox: it belongs to the event loop.

Everything outside this package uses ``asyncio.sleep``, ``asyncio.timeout``, ``loop.call_at`` and a
:class:`Clock`; nothing else may read a wall clock (``make lint`` refuses it).
"""

from sandbox.clock.clock import Clock, ClockKind, scale_of
from sandbox.clock.runner import run
from sandbox.clock.wall import stopwatch, today

__all__ = ["Clock", "ClockKind", "run", "scale_of", "stopwatch", "today"]
