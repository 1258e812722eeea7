"""What the model says to a prompt and when: tokens, why they end, and the instants at which they are due.

Knows nothing of any API: each one turns its own request into a :class:`Wish`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mock_llm.conversation import Conversation
from mock_llm.filling import fill
from mock_llm.pace import FOREVER, Schedule, schedule
from mock_llm.settings import Choice
from mock_llm.text import cut, derive, tokens

if TYPE_CHECKING:
    from mock_llm.rules import Reply

NOTHING = Conversation()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for.

    ``prompt``: a stable digest of the whole conversation. ``limit``: tokens at most. ``seed``: the caller's
    own. ``temperature`` 0 is greedy: neither the caller's seed nor the number of the answer changes the
    text. ``heard``: the conversation, for rules and calls of tools. ``form``: the JSON schema of the answer,
    ``{}`` for any JSON, ``None`` for prose. ``think``: tokens of reasoning before the answer, unless the profile
    says how many; ``None``: as the profile says, or none; ``budget``: so many at most.
    """

    prompt: str
    count: int = 1
    limit: int | None = None
    stops: tuple[str, ...] = ()
    temperature: float | None = None
    seed: int | None = None
    heard: Conversation = NOTHING
    form: Mapping[str, Any] | None = field(default=None, hash=False)
    think: int | None = 0
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool: its arguments as the tokens of their JSON."""

    name: str
    pieces: tuple[str, ...]

    @property
    def arguments(self) -> str:
        """The arguments as JSON (half a JSON when the answer was cut short)."""
        return "".join(self.pieces)

    def value(self) -> Any:
        """The arguments as data; ``{}`` when they were cut short."""
        try:
            return json.loads(self.arguments)
        except ValueError:
            return {}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: reasoning (``thought``), a text, then calls of tools.

    ``finish``: ``stop`` (its end or a stop sequence), ``length`` or ``tool_calls``. ``stopped``: the sequence.
    """

    tokens: Sequence[str]
    finish: str
    stopped: str | None = None
    calls: tuple[ToolCall, ...] = ()
    thought: Sequence[str] = ()

    @property
    def size(self) -> int:
        """Tokens of reasoning, text and calls."""
        return len(self.thought) + len(self.tokens) + sum(len(call.pieces) for call in self.calls)

    def call_pieces(self) -> list[tuple[int, int, str]]:
        """The tokens of the calls: number of the call, of the token in it, and the token."""
        return [
            (number, index, piece)
            for number, call in enumerate(self.calls)
            for index, piece in enumerate(call.pieces)
        ]

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
        return sum(answer.size for answer in self.answers)

    @property
    def thought(self) -> int:
        """Tokens of reasoning of all answers together."""
        return sum(len(answer.thought) for answer in self.answers)

    @property
    def offsets(self) -> tuple[int, ...]:
        """When the tokens after the reasoning are due."""
        return self.schedule.offsets[len(self.answers[0].thought) :]

    @property
    def end(self) -> int:
        """When all answers are whole: microseconds after the request, or ``FOREVER``."""
        if self.schedule.hangs:
            return FOREVER
        return self.schedule.offsets[-1] if self.schedule.offsets else 0

    def steps(self) -> Iterator[tuple[int, str]]:
        """The first answer's tokens of text with their instants."""
        return zip(self.offsets, self.answers[0].tokens, strict=False)

    def thought_steps(self) -> Iterator[tuple[int, str]]:
        """The first answer's tokens of reasoning with their instants."""
        return zip(self.schedule.offsets, self.answers[0].thought, strict=False)

    def call_steps(self) -> Iterator[tuple[int, int, int, str]]:
        """The first answer's tokens of calls: instant, number of the call, of the token in it, and the token."""
        answer = self.answers[0]
        due = self.offsets[len(answer.tokens) :]
        return ((at, *piece) for at, piece in zip(due, answer.call_pieces(), strict=False))

    @property
    def hangs_in_text(self) -> bool:
        """Whether the silence that never ends comes before the first call."""
        return self.schedule.hangs and len(self.offsets) <= len(self.answers[0].tokens)

    @property
    def hangs_in_thought(self) -> bool:
        """Whether it comes before the reasoning has ended, or with its end."""
        return self.schedule.hangs and len(self.schedule.offsets) <= len(self.answers[0].thought)


def generate(wish: Wish, choice: Choice, reply: Reply | None = None) -> Generation:
    """The answers to a wish at a pace. Equal arguments give equal results, on every machine.

    ``reply``: what a rule says, instead of the text that is drawn.
    """
    answers = tuple(_answer(wish, choice, index, reply) for index in range(wish.count))
    longest = max(answer.size for answer in answers)
    pace_seed = derive("pace", choice.seed, wish.prompt)
    # Drawn for the whole answer, so that max_tokens cuts it short and changes nothing else. A script has its
    # own length.
    thought = _thought(wish, choice)
    length = max(choice.profile.tokens + thought, longest) if reply is None else _size(reply) + thought
    whole = schedule(choice.profile, length, pace_seed)
    return Generation(answers, _first(whole, longest))


def _answer(wish: Wish, choice: Choice, index: int, reply: Reply | None) -> Answer:
    draws = () if wish.temperature == 0 else (wish.temperature, wish.seed, index)
    seed = derive("text", choice.seed, wish.prompt, *draws)
    if reply is not None:
        answer = _scripted(reply)
    elif (tool := wish.heard.demanded) is not None:
        arguments = fill(tool.schema, random.Random(seed))
        answer = Answer((), "tool_calls", calls=(_call(tool.name, arguments),))
    elif wish.form is not None:
        answer = Answer(_in_form(wish.form, seed, choice.profile.tokens), "stop")
    else:
        answer = Answer(tokens(seed, choice.profile.tokens), "stop")
    if thought := _thought(wish, choice):
        answer = replace(answer, thought=tokens(derive("thought", seed), thought))
    return _stopped(_limited(answer, wish.limit), wish.stops)


def _thought(wish: Wish, choice: Choice) -> int:
    """How many tokens of reasoning come first."""
    if wish.think == 0:
        return 0
    usual = wish.think or 0 if choice.profile.thinking is None else choice.profile.thinking
    return usual if wish.budget is None else min(usual, wish.budget)


def _in_form(schema: Mapping[str, Any], seed: int, count: int) -> tuple[str, ...]:
    """An answer in JSON; without a schema an object with a text about as long as the answer would have been."""
    if schema:
        return _json(fill(schema, random.Random(seed)))
    return _json({"answer": "".join(tokens(seed, max(1, count - len(_json({"answer": ""})))))})


def _json(value: Any) -> tuple[str, ...]:
    return cut(json.dumps(value, ensure_ascii=False))


def _scripted(reply: Reply) -> Answer:
    calls = tuple(_call(call.tool, call.arguments) for call in reply.calls)
    return Answer(cut(reply.text), "tool_calls" if calls else "stop", calls=calls)


def _size(reply: Reply) -> int:
    return _scripted(reply).size


def _call(name: str, arguments: Any) -> ToolCall:
    return ToolCall(name, _json(arguments))


def _limited(answer: Answer, limit: int | None) -> Answer:
    """The first ``limit`` tokens; a call that has none of them was not made."""
    if limit is None or limit >= answer.size:
        return answer
    text = max(0, limit - len(answer.thought))
    left, calls = text - len(answer.tokens), []
    for call in answer.calls:
        if left > 0:
            calls.append(replace(call, pieces=call.pieces[:left]))
        left -= len(call.pieces)
    thought, kept = answer.thought[:limit], answer.tokens[:text]
    return replace(answer, thought=thought, tokens=kept, finish="length", calls=tuple(calls))


def _stopped(answer: Answer, stops: tuple[str, ...]) -> Answer:
    """The answer up to the first stop sequence, which is not part of it (a token may be cut in two)."""
    if not stops:
        return answer
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
    return replace(answer, tokens=tuple(kept), finish="stop", stopped=stop, calls=())


def _first(whole: Schedule, count: int) -> Schedule:
    """The schedule of an answer that ends early: the same instants, fewer.

    It hangs only if it gets that far.
    """
    return Schedule(whole.offsets[:count], whole.hangs and count > len(whole.offsets))
