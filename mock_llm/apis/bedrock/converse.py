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

REASONS = {"length": "max_tokens", "stop": "end_turn", "tool_calls": "tool_use"}
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
    model = exchange.params[0]
    turn = begin(app, exchange, "bedrock.converse", model, asked.wish, stream=stream, read=asked.input_tokens)
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
        content: list[Any] = [{"text": self.turn.answer.text}] if self._has_text else []
        for number, call in enumerate(self.turn.answer.calls):
            content.append({"toolUse": {**self._tool(number), "input": call.value()}})
        message = {"role": "assistant", "content": content}
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
        schedule = self.turn.generation.schedule
        at = schedule.offsets[0] if schedule.offsets else 0
        if schedule.hangs and not schedule.offsets:
            yield FOREVER, "", {}, None
        yield at, "messageStart", {"role": "assistant"}, None
        for at, token in self.turn.generation.steps():
            yield at, "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": token}}, token
        if self.turn.generation.hangs_in_text:
            yield FOREVER, "", {}, None
        if self._has_text:
            yield at, "contentBlockStop", {"contentBlockIndex": 0}, None
        for at, number, position, piece in self.turn.generation.call_steps():
            yield from ((at, *event) for event in self._call_events(number, position, piece))
        if schedule.hangs:
            yield FOREVER, "", {}, None
        yield at, "messageStop", {"stopReason": self.stop_reason}, None
        yield at, "metadata", self.metadata(), None

    def _call_events(
        self, number: int, position: int, piece: str
    ) -> Iterator[tuple[str, dict[str, Any], str | None]]:
        """A token of a call's arguments, with the events around the first and the last one."""
        index = {"contentBlockIndex": number + self._has_text}
        if position == 0:
            yield "contentBlockStart", {**index, "start": {"toolUse": self._tool(number)}}, None
        yield "contentBlockDelta", {**index, "delta": {"toolUse": {"input": piece}}}, piece
        if position == len(self.turn.answer.calls[number].pieces) - 1:
            yield "contentBlockStop", index, None

    def _tool(self, number: int) -> dict[str, Any]:
        name = self.turn.answer.calls[number].name
        return {"toolUseId": self.turn.call_id("tooluse_", number), "name": name}

    @property
    def _has_text(self) -> bool:
        return bool(self.turn.answer.tokens) or not self.turn.answer.calls

    @property
    def stop_reason(self) -> str:
        """Why the answer ended, in Bedrock's words."""
        if self.turn.answer.stopped is not None:
            return "stop_sequence"
        return REASONS[self.turn.answer.finish]

    def metadata(self) -> dict[str, Any]:
        """Usage and latency. The latency is the schedule's."""
        output = self.turn.generation.total
        usage = {
            "inputTokens": self.input_tokens,
            "outputTokens": output,
            "totalTokens": self.input_tokens + output,
        }
        return {"usage": usage, "metrics": {"latencyMs": self.turn.generation.end // 1000}}
