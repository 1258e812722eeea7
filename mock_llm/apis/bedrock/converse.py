"""``Converse`` and ``ConverseStream``: facts 10.1."""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mock_llm.answering import Turn, begin, deliver
from mock_llm.apis.bedrock import errors, eventstream, request
from mock_llm.apis.bedrock.ids import request_id
from mock_llm.pace import FOREVER
from mock_llm.stream import Frame
from mock_llm.wire import Exchange, RefusedError, dump

if TYPE_CHECKING:
    from mock_llm.app import MockLLM

# AWS pads each event with a member "p" of varying length, which clients ignore.
PADDING = string.ascii_letters + string.digits


async def converse(app: MockLLM, exchange: Exchange) -> None:
    """The whole answer."""
    await _answer(app, exchange, stream=False)


async def converse_stream(app: MockLLM, exchange: Exchange) -> None:
    """The answer as events."""
    await _answer(app, exchange, stream=True)


async def _answer(app: MockLLM, exchange: Exchange, *, stream: bool) -> None:
    app.check_key(exchange)
    body = request.json_object(await exchange.body(app.settings.max_body))
    asked = request.conversation(body)
    turn = begin(app, exchange, "bedrock.converse", exchange.params[0], asked.wish)
    answer = ConverseAnswer(turn, asked.input_tokens)
    await deliver(exchange, turn, answer, stream=stream, headers=[(b"x-amzn-requestid", request_id(turn))])


class ConverseAnswer:
    """A turn in the shapes of Converse with one block of text."""

    stream_type = eventstream.CONTENT_TYPE

    def __init__(self, turn: Turn, input_tokens: int) -> None:
        self.turn = turn
        self.input_tokens = input_tokens

    def whole(self) -> dict[str, Any]:
        """Converse's answer."""
        message = {"role": "assistant", "content": [{"text": self.turn.answer.text}]}
        return {"output": {"message": message}, "stopReason": self.stop_reason, **self.metadata()}

    def frames(self) -> Iterator[Frame]:
        """ConverseStream's events, padded and encoded."""
        for number, (at, kind, data, token) in enumerate(self.events()):
            if at == FOREVER:
                yield Frame(at, b"")
            else:
                payload = dump({**data, "p": PADDING[: 4 + number * 7 % (len(PADDING) - 4)]})
                yield Frame(at, eventstream.event(kind, payload), token)

    def error(self, refusal: RefusedError) -> bytes:
        """An exception of the stream: facts 10.3."""
        return errors.in_stream(refusal)

    def broken(self, frame: bytes) -> bytes:
        """The message with a wrong checksum."""
        return eventstream.damaged(frame)

    def events(self) -> Iterator[tuple[int, str, dict[str, Any], str | None]]:
        """Instants, kinds, data and tokens. A block of text has no contentBlockStart, as seen from AWS."""
        at, steps = 0, list(self.turn.generation.steps())
        for step, (at, token) in enumerate(steps):
            if step == 0:
                yield at, "messageStart", {"role": "assistant"}, None
            yield at, "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": token}}, token
        if self.turn.generation.schedule.hangs:
            yield FOREVER, "", {}, None
        if not steps:
            yield at, "messageStart", {"role": "assistant"}, None
        yield at, "contentBlockStop", {"contentBlockIndex": 0}, None
        yield at, "messageStop", {"stopReason": self.stop_reason}, None
        yield at, "metadata", self.metadata(), None

    @property
    def stop_reason(self) -> str:
        """Why the answer ended, in Bedrock's words."""
        if self.turn.answer.stopped is not None:
            return "stop_sequence"
        return "max_tokens" if self.turn.answer.finish == "length" else "end_turn"

    def metadata(self) -> dict[str, Any]:
        """Usage and latency. The latency is the schedule's."""
        output = self.turn.generation.total
        usage = {
            "inputTokens": self.input_tokens,
            "outputTokens": output,
            "totalTokens": self.input_tokens + output,
        }
        return {"usage": usage, "metrics": {"latencyMs": self.turn.generation.end // 1000}}
