"""What every kind of client has: words of its own in a story, and a way to act on them.

A kind is one file with a :class:`ClientBase` (its words) that knows how to ``play``; a line in
``sandbox/stories/clients/__init__.py`` makes it known. It tells the timeline what it did and saw, with
``source="client"`` and ``id="<client>:<number of the request>"``: request_sent(method, url),
response_started(status, headers), received(bytes, text), then one of completed, disconnected,
failed(kind, error). On a WebSocket, whose "answer" is what comes until it is closed: message_sent(bytes, text),
received(..., message=True, frames), ping_sent, pong_received, closed(code, reason). A client that polls tells besides
what was new in an answer, heard(text), and that nobody knows its job, job_lost(status).
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from sandbox.clock import Clock
from sandbox.stories.base import Strict
from sandbox.stories.expectations import ClientExpect
from sandbox.stories.units import Duration
from sandbox.timeline import Timeline

_REFERENCE = re.compile(r"\$\{([^}]*)\}")
AWS_NAMES = (".amazonaws.com", ".on.aws", ".api.aws", ".localhost", ".localhost.localstack.cloud")


class StoryFailedError(Exception):
    """The story could not be played as written; the message says why."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a client acts: the running sandbox and what the deployed stack gives."""

    clock: Clock
    timeline: Timeline
    endpoint: str  # http://127.0.0.1:port
    region: str
    outputs: Mapping[str, str]
    values: Mapping[str, str] = field(default_factory=dict)  # other ${names}: a client's own
    shared: dict[str, str] = field(default_factory=dict)  # captured by any client of the story
    zero: float = 0.0  # the clock at the start of the story

    def fill(self, text: str) -> str:
        """``text`` with ``${outputs.Name}``, ``${endpoint}`` and ``${region}`` replaced."""

        def value(match: re.Match[str]) -> str:
            name = match[1].strip()
            known = {"endpoint": self.endpoint, "region": self.region, **self.shared, **self.values}
            known |= {f"outputs.{key}": output for key, output in self.outputs.items()}
            if name not in known:
                raise StoryFailedError(f"${{{name}}} is not known; there is {', '.join(sorted(known))}")
            return known[name]

        return _REFERENCE.sub(value, text)

    def knowing(self, values: Mapping[str, str], *, share: bool = True) -> Stage:
        """The same stage with more ``${names}``; with ``share`` the other clients learn them too."""
        if share:
            self.shared.update(values)
        return replace(self, values={**self.values, **values})

    def fill_all(self, value: Any) -> Any:
        """The same in every text inside lists and mappings."""
        if isinstance(value, str):
            return self.fill(value)
        if isinstance(value, list):
            return [self.fill_all(one) for one in value]
        if isinstance(value, dict):
            return {self.fill_all(key): self.fill_all(one) for key, one in value.items()}
        return value

    def route(self, url: str) -> str:
        """The address to connect to: AWS's names lead to the sandbox, all others to themselves."""
        parts = urlsplit(url)
        if not (parts.hostname or "").endswith(AWS_NAMES):
            return url
        return f"{self.endpoint}{parts.path or '/'}{'?' + parts.query if parts.query else ''}"


class ClientBase(Strict):
    """A named client of a story."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+([-_ ][a-z0-9]+)*$")] = "client"
    at: Duration = Field(0.0, description="When it starts, counted from the start of the story.")
    expect: ClientExpect | None = None

    def names(self, copies: int) -> list[str]:
        """Its names in the timeline: ``browser``, or ``browser/1``, ``browser/2`` ... when it plays several."""
        return [self.name] if copies == 1 else [f"{self.name}/{n + 1}" for n in range(copies)]

    @abstractmethod
    async def play(self, stage: Stage) -> None:
        """Act. What the network or the server does wrong is an event; ``StoryFailedError``: the story's."""
