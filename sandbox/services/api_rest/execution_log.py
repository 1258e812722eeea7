"""The execution log of a simulated request: the lines that ``TestInvokeMethod`` gives back.

Recorded in public notes of 2016, 2017 and 2023 (a Lambda proxy, a mock, a TOKEN authorizer). A long text is cut and
marked ``[TRUNCATED]``; that bodies are cut at the same length as headers is UNSOURCED.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sandbox.clock import Clock

_LONGEST = 998
Pairs = Iterable[tuple[str, str]]


class ExecutionLog:
    """Lines with their instants. ``began``: of the request to the integration, on the sandbox's clock."""

    def __init__(self, clock: Clock, request_id: str) -> None:
        self._clock = clock
        self._lines = [f"Execution log for request {request_id}"]
        self._sent_at = clock.now()

    @property
    def text(self) -> str:
        """The whole log."""
        return "\n".join(self._lines) + "\n"

    def note(self, text: str) -> None:
        """One more line."""
        self._lines.append(f"{self._clock.utcnow():%a %b %d %H:%M:%S UTC %Y} : {text}")

    def sending(self, uri: str, headers: Pairs, body: bytes) -> None:
        """The request to an integration."""
        self.note(f"Endpoint request URI: {uri}")
        self.note(f"Endpoint request headers: {mapping(headers)}")
        self.note(f"Endpoint request body after transformations: {cut(text_of(body))}")
        self.note(f"Sending request to {uri}")
        self._sent_at = self._clock.now()

    def received(self, status: int, headers: Pairs, body: bytes) -> None:
        """The integration's answer."""
        latency = round((self._clock.now() - self._sent_at) * 1000)
        self.note(f"Received response. Status: {status}, Integration latency: {latency} ms")
        self.note(f"Endpoint response headers: {mapping(headers)}")
        self.note(f"Endpoint response body before transformations: {cut(text_of(body))}")


def text_of(body: bytes) -> str:
    """A body as text."""
    return body.decode("utf-8", "replace")


def cut(text: str) -> str:
    """A text that is not too long for the log."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} [TRUNCATED]"


def mapping(pairs: Pairs | Mapping[str, str]) -> str:
    """``{a=1, b=2,3}``: several values of a name are joined."""
    joined: dict[str, str] = {}
    for name, value in pairs.items() if isinstance(pairs, Mapping) else pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return cut("{" + ", ".join(f"{name}={value}" for name, value in joined.items()) + "}")
