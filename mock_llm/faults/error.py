"""``error``: an error instead of the answer, or in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mock_llm.faults import Dialect, Fault, register, split
from mock_llm.stream import Frame
from mock_llm.wire import RefusedError

# OpenAI's type and code by status; the other APIs have theirs from the status alone.
OPENAI = {429: ("requests", "rate_limit_exceeded"), 401: ("invalid_request_error", "invalid_api_key")}


@register("error")
@dataclass(frozen=True, slots=True)
class Error(Fault):
    """``status`` before the answer; with ``after`` an error frame in the stream, which then ends.

    ``retry_after``: seconds, a header of the error before the answer. ``code``: the error's name where the status has
    several (``ModelNotReadyException``, ``insufficient_quota``, ``billing_error``).
    """

    status: int = 500
    retry_after: int = 0
    code: str = ""

    def before(self) -> RefusedError | None:
        """The error when no token comes before it."""
        return None if self.after else self._refusal()

    def stream(self, frames: Iterator[Frame], dialect: Dialect) -> Iterator[Frame]:
        """The frames before the error, and the error."""
        for reached, frame in split(frames, self.after):
            if reached:
                yield Frame(frame.offset, dialect.error(self._refusal()), None, self.kind)
                return
            yield frame

    def whole(self, body: bytes) -> bytes:
        """The error, when the answer was due."""
        raise self._refusal()

    def _refusal(self) -> RefusedError:
        kind, code = OPENAI.get(
            self.status, ("server_error" if self.status >= 500 else "invalid_request_error", None)
        )
        headers = {"retry-after": str(self.retry_after)} if self.retry_after else {}
        message = f"The mock model was told to fail with {self.status}."
        return RefusedError(self.status, message, kind=kind, code=self.code or code, headers=headers)
