"""What the model says to a prompt and when: tokens, why they end, and the instants at which they are due.

Knows nothing of any API: each one turns its own request into a :class:`Wish`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mock_llm.pace import FOREVER, Schedule, schedule
from mock_llm.settings import Choice
from mock_llm.text import derive, tokens


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for.

    ``prompt``: a stable digest of the whole conversation. ``limit``: tokens at most. ``seed``: the caller's
    own. ``temperature`` 0 is greedy: neither the caller's seed nor the number of the answer changes the
    text.
    """

    prompt: str
    count: int = 1
    limit: int | None = None
    stops: tuple[str, ...] = ()
    temperature: float | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    ``finish``: ``stop`` (its end or a stop sequence), or ``length``. ``stopped``: the sequence.
    """

    tokens: tuple[str, ...]
    finish: str
    stopped: str | None = None

    @property
    def text(self) -> str:
        """The answer as one text."""
        return "".join(self.tokens)


@dataclass(frozen=True, slots=True)
class Generation:
    """All answers to a request, token i of each due at ``schedule.offsets[i]``."""

    answers: tuple[Answer, ...]
    schedule: Schedule

    @property
    def total(self) -> int:
        """Tokens of all answers together."""
        return sum(len(answer.tokens) for answer in self.answers)

    @property
    def end(self) -> int:
        """When all answers are whole: microseconds after the request, or ``FOREVER``."""
        if self.schedule.hangs:
            return FOREVER
        return self.schedule.offsets[-1] if self.schedule.offsets else 0

    def steps(self) -> Iterator[tuple[int, str]]:
        """The first answer's tokens with their instants."""
        return zip(self.schedule.offsets, self.answers[0].tokens, strict=False)


def generate(wish: Wish, choice: Choice) -> Generation:
    """The answers to a wish at a pace. Equal arguments give equal results, on every machine."""
    answers = tuple(_answer(wish, choice, index) for index in range(wish.count))
    longest = max(len(answer.tokens) for answer in answers)
    pace_seed = derive("pace", choice.seed, wish.prompt)
    whole = schedule(choice.profile, choice.profile.tokens, pace_seed)
    return Generation(answers, _first(whole, longest))


def _answer(wish: Wish, choice: Choice, index: int) -> Answer:
    draws = () if wish.temperature == 0 else (wish.temperature, wish.seed, index)
    said = tokens(derive("text", choice.seed, wish.prompt, *draws), choice.profile.tokens)
    answer = Answer(said, "stop")
    if wish.limit is not None and wish.limit < len(said):
        answer = Answer(said[: wish.limit], "length")
    return _stopped(answer, wish.stops)


def _stopped(answer: Answer, stops: tuple[str, ...]) -> Answer:
    """The answer up to the first stop sequence, which is not part of it (a token may be cut in two)."""
    text = answer.text
    found = [(text.find(stop), stop) for stop in stops if stop and stop in text]
    if not found:
        return answer
    end, stop = min(found)
    kept, length = [], 0
    for token in answer.tokens:
        if length >= end:
            break
        kept.append(token[: end - length])
        length += len(token)
    return replace(answer, tokens=tuple(kept), finish="stop", stopped=stop)


def _first(whole: Schedule, count: int) -> Schedule:
    """The schedule of an answer that ends early: the same instants, fewer.

    It hangs only if it gets that far.
    """
    return Schedule(whole.offsets[:count], whole.hangs and count > len(whole.offsets))
