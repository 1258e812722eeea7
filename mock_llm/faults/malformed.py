"""``malformed``: one frame that cannot be read; the rest as it should be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mock_llm.faults import Dialect, Fault, register, split
from mock_llm.stream import Frame


@register("malformed")
@dataclass(frozen=True, slots=True)
class Malformed(Fault):
    """The token after ``after`` tokens: half a JSON in server-sent events, a wrong CRC in AWS's event streams."""

    def stream(self, frames: Iterator[Frame], dialect: Dialect) -> Iterator[Frame]:
        """The frames, one of them broken."""
        done = False
        for reached, frame in split(frames, self.after):
            if reached and not done and frame.text is not None:
                done = True
                yield Frame(frame.offset, dialect.broken(frame.data), frame.text, self.kind, ends=False)
            else:
                yield frame

    def whole(self, body: bytes) -> bytes:
        """The JSON without its end."""
        return body[:-1]
