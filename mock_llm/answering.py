"""What all APIs do alike between a request that was read and the shapes of its answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from mock_llm.generation import Answer, Generation, Wish, generate
from mock_llm.settings import choose
from mock_llm.stream import Frame, Watched, play, wait_and_answer
from mock_llm.wire import JSON, Exchange, Headers, dump

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


def begin(app: MockLLM, exchange: Exchange, api: str, model: str, wish: Wish, id_prefix: str = "") -> Turn:
    """Decide on the answer and tell the observer, under the id ``id_prefix`` + identity.

    Raises ``ProfileError`` and, for a model ``mock-<no profile>``, ``UnknownModelError``.
    """
    choice = choose(app.settings, app.overrides, exchange.headers, model)
    generation = generate(wish, choice)
    identity = app.identity(choice.seed, wish.prompt)
    watched = Watched(app.observe, id_prefix + identity)
    watched("request_received", {"api": api, "profile": choice.profile.name, "prompt_sha": wish.prompt})
    return Turn(model, wish, generation, identity, int(app.settings.epoch()), watched)


async def deliver(exchange: Exchange, turn: Turn, shape: Shape, *, stream: bool, headers: Headers) -> None:
    """Send the answer at its pace, streamed or whole."""
    if stream:
        await play(exchange, [(b"content-type", shape.stream_type), *headers], shape.frames(), turn.watched)
        return
    body, total = dump(shape.whole()), turn.generation.total
    await wait_and_answer(
        exchange, [(b"content-type", JSON), *headers], turn.generation.end, total, body, turn.watched
    )


def server_sent(name: str, data: Any) -> bytes:
    """A server-sent event with a name."""
    return b"event: " + name.encode() + b"\ndata: " + dump(data) + b"\n\n"


@lru_cache(maxsize=8192)
def quoted(token: str) -> bytes:
    """A token as a JSON string. Texts are made of few words, so nearly all are known already."""
    return dump(token)
