"""``stall``: the stream falls silent in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from mock_llm.faults import Dialect, Fault, register, split
from mock_llm.pace import FOREVER, SECOND
from mock_llm.stream import Frame


@register("stall")
@dataclass(frozen=True, slots=True)
class Stall(Fault):
    """Silence of ``seconds`` after ``after`` tokens, for ever when there are none; then it goes on as it
    would have.
    """

    ends: ClassVar[bool] = False
    seconds: float = 0

    def stream(self, frames: Iterator[Frame], dialect: Dialect) -> Iterator[Frame]:
        """The frames; those after the silence are as much later."""
        late, stalled = self.delay(), False
        for reached, frame in split(frames, self.after):
            if reached and not stalled:
                stalled = True
                yield Frame(frame.offset, b"", None, self.kind, ends=False)
            if stalled and late == FOREVER:
                yield Frame(FOREVER, b"")
            yield frame._replace(offset=frame.offset + late) if stalled and frame.offset != FOREVER else frame

    def delay(self) -> int:
        """The length of the silence."""
        return round(self.seconds * SECOND) or FOREVER
