"""What became of a story."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sandbox.stories.checks import SANDBOX, Failure
from sandbox.stories.counts import counts
from sandbox.stories.model import Story
from sandbox.stories.outcome import Outcome
from sandbox.stories.trace import Trace

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


@dataclass(frozen=True, slots=True)
class StoryResult:
    """A story that was played. ``wall_s``: how long that took the machine."""

    story: Story
    trace: Trace
    outcome: Outcome
    failures: tuple[Failure, ...]
    wall_s: float

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.failures

    @property
    def broke(self) -> bool:
        """Whether the sandbox itself failed, by an error or a killed process: then no verdict means anything."""
        return any(failure.field == SANDBOX for failure in self.failures)

    def line_of(self, failure: Failure) -> int:
        """The line of the story's file that says what was expected."""
        if self.story.index is None:
            return self.story.line
        loc = [int(number) if number else name for number, name in _STEP.findall(failure.field)]
        return self.story.index.line(loc)

    def row(self) -> dict[str, Any]:
        """The result as ``sandbox run --json`` prints it; seconds count from the start of the story."""
        seen = self.outcome
        return {
            "story": self.story.id,
            "pattern": self.story.pattern,
            "passed": self.passed,
            "verdict": seen.verdict,
            "status": seen.status,
            "first_token_s": seen.first_token_at,
            "last_token_s": seen.last_token_at,
            "tokens": seen.tokens,
            "requests": seen.requests,
            "ended_s": seen.ended_at,
            "wall_s": round(self.wall_s, 3),
            "failures": [str(failure) for failure in self.failures],
            "counts": counts(self.trace).shown(),
        }
