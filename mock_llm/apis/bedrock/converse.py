"""``Converse`` and ``ConverseStream``: facts 10.1."""

from __future__ import annotations

import string
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from mock_llm.answering import Turn, begin, deliver
from mock_llm.apis.bedrock import errors, eventstream, request
from mock_llm.apis.bedrock.ids import request_id
from mock_llm.apis.signing import signature
from mock_llm.pace import FOREVER
from mock_llm.stream import Frame
from mock_llm.wire import Exchange, RefusedError, dump

if TYPE_CHECKING:
    from mock_llm.app import MockLLM

Event = tuple[int, str, dict[str, Any], str | None]
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
    """A turn in the shapes of Converse: a block of reasoning if it was asked for, one of text, calls of tools."""

    stream_type = eventstream.CONTENT_TYPE

    def __init__(self, turn: Turn, input_tokens: int) -> None:
        self.turn = turn
        self.input_tokens = input_tokens

    def whole(self) -> dict[str, Any]:
        """Converse's answer."""
        content: list[Any] = (
            [{"reasoningContent": {"reasoningText": self._reasoning}}] if self._before else []
        )
        if self._has_text:
            content.append({"text": self.turn.answer.text})
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

    def events(self) -> Iterator[Event]:
        """Instants, kinds, data and tokens. A block of text has no contentBlockStart, as seen from AWS."""
        generation = self.turn.generation
        schedule = generation.schedule
        at = schedule.offsets[0] if schedule.offsets else 0
        if schedule.hangs and not schedule.offsets:
            yield FOREVER, "", {}, None
        yield at, "messageStart", {"role": "assistant"}, None
        if self._before:
            at = yield from self._thought_events(at)
        index = {"contentBlockIndex": self._before}
        for at, token in generation.steps():
            yield at, "contentBlockDelta", {**index, "delta": {"text": token}}, token
        if generation.hangs_in_text:
            yield FOREVER, "", {}, None
        if self._has_text:
            yield at, "contentBlockStop", index, None
        for at, number, position, piece in generation.call_steps():
            yield from ((at, *event) for event in self._call_events(number, position, piece))
        if schedule.hangs:
            yield FOREVER, "", {}, None
        yield at, "messageStop", {"stopReason": self.stop_reason}, None
        yield at, "metadata", self.metadata(), None

    def _thought_events(self, at: int) -> Generator[Event, None, int]:
        """The block of reasoning, signed when it ends; when the next block begins."""
        generation, index = self.turn.generation, {"contentBlockIndex": 0}
        for at, token in generation.thought_steps():
            yield at, "contentBlockDelta", {**index, "delta": {"reasoningContent": {"text": token}}}, token
        if generation.hangs_in_thought:
            yield FOREVER, "", {}, None
        signed = {"reasoningContent": {"signature": self._reasoning["signature"]}}
        yield at, "contentBlockDelta", {**index, "delta": signed}, None
        yield at, "contentBlockStop", index, None
        return generation.offsets[0] if generation.offsets else at

    def _call_events(
        self, number: int, position: int, piece: str
    ) -> Iterator[tuple[str, dict[str, Any], str | None]]:
        """A token of a call's arguments, with the events around the first and the last one."""
        index = {"contentBlockIndex": number + self._before + self._has_text}
        if position == 0:
            yield "contentBlockStart", {**index, "start": {"toolUse": self._tool(number)}}, None
        yield "contentBlockDelta", {**index, "delta": {"toolUse": {"input": piece}}}, piece
        if position == len(self.turn.answer.calls[number].pieces) - 1:
            yield "contentBlockStop", index, None

    def _tool(self, number: int) -> dict[str, Any]:
        name = self.turn.answer.calls[number].name
        return {"toolUseId": self.turn.call_id("tooluse_", number), "name": name}

    @property
    def _reasoning(self) -> dict[str, str]:
        turn = self.turn
        return {"text": "".join(turn.answer.thought), "signature": signature(turn.identity)}

    @property
    def _before(self) -> int:
        """How many blocks come before the text."""
        return int(bool(self.turn.answer.thought))

    @property
    def _has_text(self) -> bool:
        answer = self.turn.answer
        return bool(answer.tokens) or not (answer.calls or (answer.thought and answer.finish == "length"))

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
