"""What all APIs do alike between a request that was read and the shapes of its answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from mock_llm.apis.quotas import PROVIDERS
from mock_llm.faults import Fault
from mock_llm.generation import Answer, Generation, Wish, generate
from mock_llm.pace import FOREVER
from mock_llm.profiles import ProfileError
from mock_llm.settings import Choice, choose
from mock_llm.stream import Frame, Watched, play, wait_and_answer
from mock_llm.text import derive, letters
from mock_llm.wire import JSON, Exchange, Headers, RefusedError, dump

if TYPE_CHECKING:
    from mock_llm.app import MockLLM
    from mock_llm.recording import Recording
    from mock_llm.rules import Rule

SSE = b"text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Turn:
    """An answer that was decided on and not yet sent. ``identity``: 29 letters, to make ids of."""

    model: str
    wish: Wish
    generation: Generation
    identity: str
    created: int
    watched: Watched
    fault: Fault | None = None
    recording: Recording | None = None
    headers: Headers = field(default_factory=list)
    headers_at: int | None = None

    def call_id(self, prefix: str, number: int) -> str:
        """The id of one of its calls of tools: 24 letters and digits after the prefix."""
        return prefix + letters(derive("call", self.identity, number), 24)

    @property
    def answer(self) -> Answer:
        """The only answer of APIs that give one."""
        return self.generation.answers[0]


class Shape(Protocol):
    """A turn in the shapes of an API. ``stream_type``: the content type of its streams."""

    stream_type: bytes

    def frames(self) -> Iterator[Frame]:
        """The stream; a :data:`~mock_llm.pace.FOREVER` frame where it hangs."""
        ...

    def whole(self) -> Any:
        """The answer without streaming, as JSON."""
        ...

    def error(self, refusal: RefusedError) -> bytes:
        """A frame of the stream that carries an error."""
        ...

    def broken(self, frame: bytes) -> bytes:
        """The frame, damaged so that a client can tell."""
        ...


def begin(
    app: MockLLM,
    exchange: Exchange,
    api: str,
    model: str,
    wish: Wish,
    *,
    stream: bool,
    read: int,
    id_prefix: str = "",
) -> Turn:
    """Decide on the answer and tell the observer, under the id ``id_prefix`` + identity. ``read``: tokens of
    the prompt.

    Raises ``ProfileError``, for a model ``mock-<no profile>`` ``UnknownModelError``, and ``RefusedError``
    for a quota that is used up and for a fault before the answer.
    """
    rule, recording = app.rules.find(wish.heard, api, model, stream) or (None, None)
    choice = choose(app.settings, app.overrides, exchange.headers, model, rule)
    if choice.profile.load:
        choice = replace(choice, profile=choice.profile.under_load(app.ledger.open - 1))
    generation = generate(wish, choice, rule.answer if rule else None)
    identity = app.identity(choice.seed, wish.prompt)
    watched = Watched(app.observe, id_prefix + identity, exchange.request)
    _note(exchange, api, model, choice, rule, stream)
    asked = {"api": api, "model": model, "profile": choice.profile.name, "prompt_sha": wish.prompt}
    watched("request_received", {**asked, "attempt": exchange.request.attempt if exchange.request else 1})
    fault = _fault_of(choice, identity, watched)
    told = _spend(app, api, model, read + generation.total)
    if recording is not None and recording.streamed != stream:
        kind = "a stream" if recording.streamed else "a whole answer"
        raise ProfileError(f"the rule's recording is of {kind}, and the request asks for the other")
    created, headers_at = int(app.settings.epoch()), choice.profile.headers
    return Turn(model, wish, generation, identity, created, watched, fault, recording, told, headers_at)


def refuse_as_told(
    app: MockLLM, exchange: Exchange, api: str, model: str, prompt: str, *, read: int
) -> Headers:
    """For answers that are not generated: raise the errors that they were told to end with, as :func:`begin` does.

    The headers that tell what is left of the quota, from which the ``read`` tokens are paid.
    """
    choice = choose(app.settings, app.overrides, exchange.headers, model)
    identity = app.identity(choice.seed, prompt)
    _note(exchange, api, model, choice, None, stream=False)
    _fault_of(choice, identity, Watched(None, identity, exchange.request))
    return _spend(app, api, model, read)


def _fault_of(choice: Choice, identity: str, watched: Watched) -> Fault | None:
    """The fault of an answer; raises the one that comes before it."""
    fault = next((f for number, f in enumerate(choice.faults) if _strikes(f, identity, number)), None)
    if fault is not None and (refusal := fault.before()):
        watched.faulted(fault.kind)
        raise refusal
    return fault


async def deliver(exchange: Exchange, turn: Turn, shape: Shape, *, stream: bool, headers: Headers) -> None:
    """Send the answer at its pace, streamed or whole, or the recording in its place."""
    headers, fault = [*headers, *turn.headers], turn.fault
    if stream or turn.recording is not None:
        frames, status = shape.frames(), 200
        headers = [(b"content-type", shape.stream_type), *headers]
        if turn.recording is not None:
            frames, status = turn.recording.play(), turn.recording.status
            headers = [(name.encode(), value.encode()) for name, value in turn.recording.headers.items()]
        if fault is not None:
            frames = fault.stream(frames, shape)
        await play(exchange, headers, frames, turn.watched, status=status, headers_at=turn.headers_at)
        return

    def body() -> bytes:
        content = dump(shape.whole())
        if fault is None:
            return content
        turn.watched.faulted(fault.kind, fault.ends)
        return fault.whole(content)

    delay = 0 if fault is None else fault.delay()
    end = FOREVER if FOREVER in (delay, turn.generation.end) else turn.generation.end + delay
    headers = [(b"content-type", JSON), *headers]
    await wait_and_answer(exchange, headers, end, turn.generation.total, body, turn.watched)


def _note(exchange: Exchange, api: str, model: str, choice: Choice, rule: Rule | None, stream: bool) -> None:
    if (request := exchange.request) is not None:
        request.api, request.model, request.stream = api, model, stream
        request.profile, request.rule = choice.profile.name, rule.name if rule else None


def _spend(app: MockLLM, api: str, model: str, tokens: int) -> Headers:
    """Pay with the quota. The headers that tell what is left; raises the provider's refusal."""
    quota = app.overrides.quota or app.settings.quota
    if quota is None:
        return []
    tell, refuse = PROVIDERS[api.partition(".")[0]]
    loop_time = asyncio.get_running_loop().time()
    short, levels = app.quotas.spend(quota, model, loop_time, tokens)
    told = tell(levels, app.settings.epoch())
    if short is None:
        return told
    refusal = refuse(short, model)
    refusal.headers |= {name.decode(): value.decode() for name, value in told}
    raise refusal


def _strikes(fault: Fault, identity: str, number: int) -> bool:
    seed = derive("fault", identity, *([number] if number else []))
    return random.Random(seed).random() < fault.probability


def broken_event(frame: bytes) -> bytes:
    """A server-sent event whose JSON breaks off in the middle."""
    return frame[: len(frame) // 2 + len(b"event: data: ")] + b"\n\n"


def server_sent(name: str, data: Any) -> bytes:
    """A server-sent event with a name."""
    return b"event: " + name.encode() + b"\ndata: " + dump(data) + b"\n\n"


@lru_cache(maxsize=8192)
def quoted(token: str) -> bytes:
    """A token as a JSON string. Texts are made of few words, so nearly all are known already."""
    return dump(token)
