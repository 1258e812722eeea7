"""``POST /v1/messages``, streamed as named server-sent events or whole."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from mock_llm.answering import SSE, Turn, begin, broken_event, deliver, quoted, server_sent
from mock_llm.apis.anthropic import errors, request
from mock_llm.apis.signing import signature
from mock_llm.pace import FOREVER
from mock_llm.stream import Frame
from mock_llm.wire import Exchange, RefusedError

if TYPE_CHECKING:
    from mock_llm.app import MockLLM

PREFIX = "msg_"
REASONS = {"length": "max_tokens", "stop": "end_turn", "tool_calls": "tool_use"}
Event = tuple[int, dict[str, Any] | bytes, str | None]
DELTA = b'{"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":%s}}'


async def messages(app: MockLLM, exchange: Exchange) -> None:
    """Answer a message. Raises ``RefusedError`` before anything is sent."""
    app.check_key(exchange)
    asked = request.read(await exchange.body(app.settings.max_body))
    turn = begin(
        app,
        exchange,
        "anthropic.messages",
        asked.model,
        asked.wish,
        stream=asked.stream,
        read=asked.input_tokens,
        id_prefix=PREFIX,
    )
    headers = [(b"request-id", b"req_" + turn.identity.encode())]
    answer = MessageAnswer(turn, asked.input_tokens, shown=asked.shown)
    await deliver(exchange, turn, answer, stream=asked.stream, headers=headers)


async def count_tokens(app: MockLLM, exchange: Exchange) -> None:
    """Answer how many tokens a message would read."""
    app.check_key(exchange)
    asked = request.read(await exchange.body(app.settings.max_body), counted=True)
    await exchange.respond_json(200, {"input_tokens": asked.input_tokens})


class MessageAnswer:
    """A turn in the shapes of a message: a block of thinking if it was asked for, one of text, calls of tools."""

    stream_type = SSE

    def __init__(self, turn: Turn, input_tokens: int, *, shown: bool = True) -> None:
        self.turn = turn
        self.input_tokens = input_tokens
        self.shown = shown

    def whole(self) -> dict[str, Any]:
        """The answer of a request without ``stream``."""
        answer = self.turn.answer
        content: list[Any] = []
        if answer.thought:
            content.append(self._thinking("".join(answer.thought) if self.shown else "", self._signature))
        if self._has_text:
            content.append({"type": "text", "text": answer.text})
        content += [{**self._tool(number), "input": call.value()} for number, call in enumerate(answer.calls)]
        return self._message(content, self.turn.generation.total, self._stop())

    def frames(self) -> Iterator[Frame]:
        """The answer of a request with ``stream``: the events of :meth:`events`, each with its name."""
        for at, event, token in self.events():
            if isinstance(event, dict):
                yield Frame(at, server_sent(event["type"], event), token)
            else:
                yield Frame(at, event and b"event: content_block_delta\ndata: " + event + b"\n\n", token)

    def error(self, refusal: RefusedError) -> bytes:
        """The event ``error``."""
        return server_sent("error", errors.body(refusal, f"req_{self.turn.identity}"))

    def broken(self, frame: bytes) -> bytes:
        """Half an event."""
        return broken_event(frame)

    def events(self) -> Iterator[Event]:
        """Instants, events and tokens; an event with a token is already JSON, as they are many.

        Where the answer hangs, the instant is ``FOREVER`` and the event is empty.
        """
        schedule = self.turn.generation.schedule
        at = schedule.offsets[0] if schedule.offsets else 0
        if schedule.hangs and not schedule.offsets:
            yield FOREVER, b"", None
        yield at, {"type": "message_start", "message": self._message([], 1, (None, None))}, None
        if self.turn.answer.thought:
            at = yield from self._thought_events(at)
        at = yield from self._text_events(at)
        for at, number, position, piece in self.turn.generation.call_steps():
            yield from ((at, *event) for event in self._call_events(number, position, piece))
        if schedule.hangs:
            yield FOREVER, b"", None
        yield from ((at, event, None) for event in self._closing())

    def _thought_events(self, at: int) -> Generator[Event, None, int]:
        """The block of thinking, signed when it ends; when the next block begins."""
        generation = self.turn.generation
        yield at, {"type": "content_block_start", "index": 0, "content_block": self._thinking("", "")}, None
        yield at, {"type": "ping"}, None
        for at, token in generation.thought_steps():
            if self.shown:
                delta = {"type": "thinking_delta", "thinking": token}
                yield at, {"type": "content_block_delta", "index": 0, "delta": delta}, token
        if generation.hangs_in_thought:
            yield FOREVER, b"", None
        signed = {"type": "signature_delta", "signature": self._signature}
        yield at, {"type": "content_block_delta", "index": 0, "delta": signed}, None
        yield at, {"type": "content_block_stop", "index": 0}, None
        return generation.offsets[0] if generation.offsets else at

    def _text_events(self, at: int) -> Generator[Event, None, int]:
        """The block of text, if there is one; when it has ended."""
        index = self._before
        if self._has_text:
            block = {"type": "text", "text": ""}
            yield at, {"type": "content_block_start", "index": index, "content_block": block}, None
        if not self.turn.answer.thought:
            yield at, {"type": "ping"}, None
        for at, token in self.turn.generation.steps():
            yield at, DELTA % (index, quoted(token)), token
        if self.turn.generation.hangs_in_text:
            yield FOREVER, b"", None
        if self._has_text:
            yield at, {"type": "content_block_stop", "index": index}, None
        return at

    def _call_events(
        self, number: int, position: int, piece: str
    ) -> Iterator[tuple[dict[str, Any], str | None]]:
        """A token of a call's arguments, with the events around the first and the last one."""
        index = number + self._before + self._has_text
        if position == 0:
            block = {**self._tool(number), "input": {}}
            yield {"type": "content_block_start", "index": index, "content_block": block}, None
        delta = {"type": "input_json_delta", "partial_json": piece}
        yield {"type": "content_block_delta", "index": index, "delta": delta}, piece
        if position == len(self.turn.answer.calls[number].pieces) - 1:
            yield {"type": "content_block_stop", "index": index}, None

    def _closing(self) -> Iterator[dict[str, Any]]:
        reason, sequence = self._stop()
        yield {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": sequence},
            "usage": {
                "output_tokens": self.turn.generation.total,
                **self._details(self.turn.generation.thought),
            },
        }
        yield {"type": "message_stop"}

    def _thinking(self, text: str, signature: str) -> dict[str, Any]:
        return {"type": "thinking", "thinking": text, "signature": signature}

    @property
    def _signature(self) -> str:
        return signature(self.turn.identity)

    @property
    def _before(self) -> int:
        """How many blocks come before the text."""
        return int(bool(self.turn.answer.thought))

    def _details(self, thought: int) -> dict[str, Any]:
        return {"output_tokens_details": {"thinking_tokens": thought}} if self.turn.answer.thought else {}

    def _tool(self, number: int) -> dict[str, Any]:
        name = self.turn.answer.calls[number].name
        return {"type": "tool_use", "id": self.turn.call_id("toolu_", number), "name": name}

    @property
    def _has_text(self) -> bool:
        answer = self.turn.answer
        return bool(answer.tokens) or not (answer.calls or (answer.thought and answer.finish == "length"))

    def _stop(self) -> tuple[str | None, str | None]:
        answer = self.turn.answer
        if answer.stopped is not None:
            return "stop_sequence", answer.stopped
        return REASONS[answer.finish], None

    def _message(
        self, content: list[Any], output: int, stop: tuple[str | None, str | None]
    ) -> dict[str, Any]:
        return {
            "model": self.turn.model,
            "id": PREFIX + self.turn.identity,
            "type": "message",
            "role": "assistant",
            "content": content,
            "stop_reason": stop[0],
            "stop_sequence": stop[1],
            "usage": {
                "input_tokens": self.input_tokens,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": output,
                **(self._details(self.turn.generation.thought) if content else {}),
            },
        }
