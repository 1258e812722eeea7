"""``cut``: the stream ends in order, but too early; a whole answer is half of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mock_llm.faults import Dialect, Fault, register, split
from mock_llm.stream import Frame


@register("cut")
@dataclass(frozen=True, slots=True)
class Cut(Fault):
    """The body ends after ``after`` tokens: no reason, no usage, no last event."""

    def stream(self, frames: Iterator[Frame], dialect: Dialect) -> Iterator[Frame]:
        """The frames before the cut."""
        for reached, frame in split(frames, self.after):
            if reached:
                yield Frame(frame.offset, b"", None, self.kind)
                return
            yield frame

    def whole(self, body: bytes) -> bytes:
        """Half of the JSON."""
        return body[: len(body) // 2]
