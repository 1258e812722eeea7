"""Timelines written by hand: what a model, an edge and a client would have told."""

from __future__ import annotations

from typing import Any

from sandbox.stories.trace import Trace
from sandbox.timeline import Event, Timeline


class Script:
    """Records events at any instant; :meth:`trace` gives them in order."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def at(self, instant: float, what: str, key: str = "", **data: Any) -> Script:
        """One event; ``what`` is source.name."""
        source, name = what.split(".")
        self._events.append(Event(instant, source, name, key, data))
        return self

    def model(
        self, tokens: list[tuple[float, str]], *, asked: float = 0.0, done: float | None = -1
    ) -> Script:
        """A model's answer; ``done``: when it completed (default: with the last token), ``None``: never."""
        key = f"model-{sum(event.name == 'request_received' for event in self._events)}"
        self.at(asked, "model.request_received", key, api="openai", profile="p", prompt_sha="s")
        for n, (instant, text) in enumerate(tokens):
            self.at(instant, "model.token_emitted", key, index=n, text=text)
        if done is not None:
            last = tokens[-1][0] if tokens else asked
            self.at(last if done == -1 else done, "model.completed", key, tokens=len(tokens))
        return self

    def client(
        self,
        pieces: list[tuple[float, str]],
        *,
        status: int | None = 200,
        ended: float,
        end: str = "completed",
        sent: float = 0.0,
        name: str = "browser:1",
        content_type: str = "text/plain",
        **data: Any,
    ) -> Script:
        """What a client saw of one request."""
        self.at(sent, "client.request_sent", name, method="GET", url="http://x/")
        if status is not None:
            started = pieces[0][0] if pieces else ended
            headers = {"content-type": content_type}
            self.at(started, "client.response_started", name, status=status, headers=headers)
        for instant, text in pieces:
            self.at(instant, "client.received", name, bytes=len(text.encode()), text=text)
        return self.at(ended, f"client.{end}", name, **data)

    def trace(self) -> Trace:
        """The events, by instant; those of one instant in the order in which they were written."""
        return Trace(sorted(self._events, key=lambda event: event.at))


def tokens(count: int, first: float = 1.0, gap: float = 0.1) -> list[tuple[float, str]]:
    """Tokens on a schedule."""
    return [(round(first + n * gap, 6), f"{'' if n == 0 else ' '}word{n}") for n in range(count)]


def text(made: list[tuple[float, str]]) -> str:
    """The whole answer."""
    return "".join(word for _, word in made)


def empty_timeline() -> Timeline:
    """A timeline whose clock stands at zero."""
    return Timeline(lambda: 0.0)
