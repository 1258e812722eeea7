"""What all APIs do alike between a request that was read and the shapes of its answer."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from mock_llm.faults import Fault
from mock_llm.generation import Answer, Generation, Wish, generate
from mock_llm.settings import choose
from mock_llm.stream import Frame, Watched, play, wait_and_answer
from mock_llm.text import derive
from mock_llm.wire import JSON, Exchange, Headers, RefusedError, dump

if TYPE_CHECKING:
    from mock_llm.app import MockLLM

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


def begin(app: MockLLM, exchange: Exchange, api: str, model: str, wish: Wish, id_prefix: str = "") -> Turn:
    """Decide on the answer and tell the observer, under the id ``id_prefix`` + identity.

    Raises ``ProfileError`` and, for a model ``mock-<no profile>``, ``UnknownModelError``.
    """
    choice = choose(app.settings, app.overrides, exchange.headers, model)
    generation = generate(wish, choice)
    identity = app.identity(choice.seed, wish.prompt)
    watched = Watched(app.observe, id_prefix + identity)
    watched("request_received", {"api": api, "profile": choice.profile.name, "prompt_sha": wish.prompt})
    fault = choice.fault if choice.fault and _strikes(choice.fault, identity) else None
    if fault is not None and (refusal := fault.before()):
        watched.faulted(fault.kind)
        raise refusal
    return Turn(model, wish, generation, identity, int(app.settings.epoch()), watched, fault)


async def deliver(exchange: Exchange, turn: Turn, shape: Shape, *, stream: bool, headers: Headers) -> None:
    """Send the answer at its pace, streamed or whole."""
    if stream:
        frames = shape.frames() if turn.fault is None else turn.fault.stream(shape.frames(), shape)
        await play(exchange, [(b"content-type", shape.stream_type), *headers], frames, turn.watched)
        return

    def body() -> bytes:
        content = dump(shape.whole())
        if turn.fault is None:
            return content
        turn.watched.faulted(turn.fault.kind)
        return turn.fault.whole(content)

    headers = [(b"content-type", JSON), *headers]
    await wait_and_answer(exchange, headers, turn.generation.end, turn.generation.total, body, turn.watched)


def _strikes(fault: Fault, identity: str) -> bool:
    return random.Random(derive("fault", identity)).random() < fault.probability


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
