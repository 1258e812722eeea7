"""``slow_headers``: status and headers, and with them all that follows, come late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from mock_llm.faults import Dialect, Fault, register
from mock_llm.pace import FOREVER, SECOND
from mock_llm.stream import Frame


@register("slow_headers")
@dataclass(frozen=True, slots=True)
class SlowHeaders(Fault):
    """Everything is ``seconds`` later than it would have been, as behind a queue."""

    ends: ClassVar[bool] = False
    seconds: float = 30

    def stream(self, frames: Iterator[Frame], dialect: Dialect) -> Iterator[Frame]:
        """The frames, all as much later."""
        first = True
        for frame in frames:
            at = frame.offset if frame.offset == FOREVER else frame.offset + self.delay()
            if first:
                yield Frame(at, b"", None, self.kind, ends=False)
            first = False
            yield frame._replace(offset=at)

    def delay(self) -> int:
        """How late."""
        return round(self.seconds * SECOND)
