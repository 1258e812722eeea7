"""``reset``: the connection is reset in the middle of the answer, as when a machine between goes away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mock_llm.faults import Dialect, Fault, ResetError, register, split
from mock_llm.stream import Frame


@register("reset")
@dataclass(frozen=True, slots=True)
class Reset(Fault):
    """Reset when the token after ``after`` tokens was due; a whole answer: when it was due."""

    def stream(self, frames: Iterator[Frame], dialect: Dialect) -> Iterator[Frame]:
        """The frames before the end of the connection."""
        for reached, frame in split(frames, self.after):
            if reached:
                yield Frame(frame.offset, b"", None, self.kind)
                raise ResetError
            yield frame

    def whole(self, body: bytes) -> bytes:
        """Nothing."""
        raise ResetError
