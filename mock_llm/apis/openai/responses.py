"""``POST /v1/responses``, streamed as named server-sent events or whole."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from mock_llm.answering import SSE, Turn, begin, broken_event, deliver, quoted, server_sent
from mock_llm.apis.openai import responses_request
from mock_llm.apis.openai.responses_request import ResponseRequest
from mock_llm.apis.signing import signature
from mock_llm.pace import FOREVER
from mock_llm.stream import Frame
from mock_llm.wire import Exchange, RefusedError

if TYPE_CHECKING:
    from mock_llm.app import MockLLM

PREFIX = "resp_"
# A delta is the same for a whole stream but for its number and its text.
DELTA = (
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":%d,'
    b'"item_id":%s,"output_index":%d,"content_index":0,"delta":%s,"logprobs":[]}\n\n'
)


async def responses(app: MockLLM, exchange: Exchange) -> None:
    """Answer a response. Raises ``RefusedError`` before anything is sent."""
    app.check_key(exchange)
    asked = responses_request.read(await exchange.body(app.settings.max_body))
    turn = begin(
        app,
        exchange,
        "openai.responses",
        asked.model,
        asked.wish,
        stream=asked.stream,
        read=asked.input_tokens,
        id_prefix=PREFIX,
    )
    headers = [(b"x-request-id", b"req_" + turn.identity.encode())]
    await deliver(exchange, turn, ResponseAnswer(turn, asked), stream=asked.stream, headers=headers)


class ResponseAnswer:
    """A turn in the shapes of a response: an item of reasoning if there was any, a message of one text, calls."""

    stream_type = SSE

    def __init__(self, turn: Turn, asked: ResponseRequest) -> None:
        self.turn = turn
        self.asked = asked
        self.item = "msg_" + turn.identity
        self._number = -1

    def whole(self) -> dict[str, Any]:
        """The answer of a request without ``stream``."""
        return self._response(self._ending, self._output())

    def frames(self) -> Iterator[Frame]:
        """The answer of a request with ``stream``: events of each item around its deltas, no ``[DONE]``."""
        schedule = self.turn.generation.schedule
        at = schedule.offsets[0] if schedule.offsets else 0
        if schedule.hangs and not schedule.offsets:
            yield Frame(FOREVER, b"")
        yield from (Frame(at, event) for event in self._started())
        if self._before:
            at = yield from self._thought_frames(at)
        if self._has_text:
            yield from (Frame(at, event) for event in self._text_started())
        item = quoted(self.item)
        for at, token in self.turn.generation.steps():
            self._number += 1
            yield Frame(at, DELTA % (self._number, item, self._before, quoted(token)), token)
        if self.turn.generation.hangs_in_text:
            yield Frame(FOREVER, b"")
        if self._has_text:
            yield from (Frame(at, event) for event in self._text_done())
        for at, number, position, piece in self.turn.generation.call_steps():
            yield from self._call_frames(at, number, position, piece)
        if schedule.hangs:
            yield Frame(FOREVER, b"")
        yield Frame(at, self._event(f"response.{self._ending}", response=self.whole()))

    def error(self, refusal: RefusedError) -> bytes:
        """The event ``error``; it takes the number of the event in whose place it comes."""
        self._number -= 1
        return self._event("error", code=refusal.code, message=refusal.message, param=refusal.param)

    def broken(self, frame: bytes) -> bytes:
        """Half an event."""
        return broken_event(frame)

    def _started(self) -> Iterator[bytes]:
        started = self._response("in_progress", [])
        yield self._event("response.created", response=started)
        yield self._event("response.in_progress", response=started)

    def _thought_frames(self, at: int) -> Generator[Frame, None, int]:
        """The item of reasoning, its summary token by token if one is wanted; when the next item begins."""
        generation, item = self.turn.generation, self._reasoning(done=False)
        where: dict[str, Any] = {"item_id": item["id"], "output_index": 0, "summary_index": 0}
        yield Frame(at, self._event("response.output_item.added", output_index=0, item=item))
        if self.asked.summary:
            yield Frame(at, self._event("response.reasoning_summary_part.added", **where, part=_summary("")))
        for at, token in generation.thought_steps():
            if self.asked.summary:
                yield Frame(
                    at, self._event("response.reasoning_summary_text.delta", **where, delta=token), token
                )
        if generation.hangs_in_thought:
            yield Frame(FOREVER, b"")
        if self.asked.summary:
            text = "".join(self.turn.answer.thought)
            yield Frame(at, self._event("response.reasoning_summary_text.done", **where, text=text))
            yield Frame(at, self._event("response.reasoning_summary_part.done", **where, part=_summary(text)))
        done = self._reasoning(done=True)
        yield Frame(at, self._event("response.output_item.done", output_index=0, item=done))
        return generation.offsets[0] if generation.offsets else at

    def _reasoning(self, *, done: bool) -> dict[str, Any]:
        """The item of reasoning; the encrypted reasoning is the mock model's own signature."""
        summary = [_summary("".join(self.turn.answer.thought))] if done and self.asked.summary else []
        item = {"id": "rs_" + self.turn.identity, "type": "reasoning", "summary": summary}
        if "reasoning.encrypted_content" in (self.asked.data.get("include") or ()):
            item["encrypted_content"] = signature(self.turn.identity)
        return item

    def _text_started(self) -> Iterator[bytes]:
        item = {**self._message("in_progress"), "content": []}
        yield self._event("response.output_item.added", output_index=self._before, item=item)
        yield self._event("response.content_part.added", **self._where, part=_part(""))

    def _text_done(self) -> Iterator[bytes]:
        text = self.turn.answer.text
        yield self._event("response.output_text.done", **self._where, text=text, logprobs=[])
        yield self._event("response.content_part.done", **self._where, part=_part(text))
        item = self._message(self._text_status)
        yield self._event("response.output_item.done", output_index=self._before, item=item)

    def _call_frames(self, at: int, number: int, position: int, piece: str) -> Iterator[Frame]:
        """A token of a call's arguments, with the events around the first and the last one."""
        call = self.turn.answer.calls[number]
        item, index = self._call(number, ""), number + self._before + self._has_text
        where = {"item_id": item["id"], "output_index": index}
        if position == 0:
            added = {**item, "status": "in_progress"}
            yield Frame(at, self._event("response.output_item.added", output_index=index, item=added))
        yield Frame(at, self._event("response.function_call_arguments.delta", **where, delta=piece), piece)
        if position == len(call.pieces) - 1:
            done = self._call(number, call.arguments)
            told = {**where, "arguments": call.arguments, "name": call.name}
            yield Frame(at, self._event("response.function_call_arguments.done", **told))
            yield Frame(at, self._event("response.output_item.done", output_index=index, item=done))

    def _output(self) -> list[Any]:
        items = [self._reasoning(done=True)] if self._before else []
        if self._has_text:
            items.append(self._message(self._text_status))
        calls = enumerate(self.turn.answer.calls)
        return items + [self._call(number, call.arguments) for number, call in calls]

    def _call(self, number: int, arguments: str) -> dict[str, Any]:
        cut_short = self._ending == "incomplete" and number == len(self.turn.answer.calls) - 1
        return {
            "id": self.turn.call_id("fc_", number),
            "type": "function_call",
            "status": "incomplete" if cut_short else "completed",
            "arguments": arguments,
            "call_id": self.turn.call_id("call_", number),
            "name": self.turn.answer.calls[number].name,
        }

    @property
    def _before(self) -> int:
        """How many items come before the message."""
        return int(bool(self.turn.answer.thought))

    @property
    def _has_text(self) -> bool:
        answer = self.turn.answer
        return bool(answer.tokens) or not (answer.calls or (answer.thought and answer.finish == "length"))

    @property
    def _text_status(self) -> str:
        return "completed" if self.turn.answer.calls else self._ending

    @property
    def _ending(self) -> str:
        return "incomplete" if self.turn.answer.finish == "length" else "completed"

    @property
    def _where(self) -> dict[str, Any]:
        return {"item_id": self.item, "output_index": self._before, "content_index": 0}

    def _event(self, kind: str, **data: Any) -> bytes:
        self._number += 1
        return server_sent(kind, {"type": kind, "sequence_number": self._number, **data})

    def _message(self, status: str) -> dict[str, Any]:
        content = [_part(self.turn.answer.text)]
        return {"id": self.item, "type": "message", "status": status, "content": content, "role": "assistant"}

    def _response(self, status: str, output: list[Any]) -> dict[str, Any]:
        data = self.asked.data
        told = {name: default if data.get(name) is None else data[name] for name, default in REPEATED.items()}
        return {
            "id": PREFIX + self.turn.identity,
            "object": "response",
            "created_at": self.turn.created,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "model": self.turn.model,
            "output": output,
            "previous_response_id": None,
            **told,
            "service_tier": "default",
            "usage": None if status == "in_progress" else self._usage(),
        }

    def _usage(self) -> dict[str, Any]:
        read, written = self.asked.input_tokens, self.turn.generation.total
        return {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": self.turn.generation.thought},
            "total_tokens": read + written,
        }


# What a response repeats of its request, with what it says when nothing was asked.
REPEATED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
    "metadata": {},
}


def _summary(text: str) -> dict[str, Any]:
    return {"type": "summary_text", "text": text}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
