"""``POST /v1/chat/completions``, streamed as server-sent events or whole."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from mock_llm.answering import SSE, Turn, begin, broken_event, deliver, quoted
from mock_llm.apis.openai import errors, request
from mock_llm.apis.openai.request import ChatRequest
from mock_llm.generation import Answer
from mock_llm.pace import FOREVER
from mock_llm.stream import Frame
from mock_llm.wire import Exchange, RefusedError, dump

if TYPE_CHECKING:
    from mock_llm.app import MockLLM

FINGERPRINT = "fp_mockllm"
SLOT = "\x00slot\x00"  # where a delta goes in a chunk that is otherwise the same for a whole stream
SPEAKING, CALLING = (dump({"role": "assistant", "content": said, "refusal": None}) for said in ("", None))
PREFIX = "chatcmpl-"
DONE = b"data: [DONE]\n\n"


async def completions(app: MockLLM, exchange: Exchange) -> None:
    """Answer a chat completion. Raises ``RefusedError`` before anything is sent."""
    app.check_key(exchange)
    asked = request.read(await exchange.body(app.settings.max_body))
    turn = begin(
        app,
        exchange,
        "openai.chat",
        asked.model,
        asked.wish,
        stream=asked.stream,
        read=asked.prompt_tokens,
        id_prefix=PREFIX,
    )
    headers = [(b"x-request-id", b"req_" + turn.identity.encode())]
    await deliver(exchange, turn, ChatAnswer(turn, asked), stream=asked.stream, headers=headers)


class ChatAnswer:
    """A turn in the shapes of a chat completion."""

    stream_type = SSE

    def __init__(self, turn: Turn, asked: ChatRequest) -> None:
        self.asked = asked
        self.turn = turn
        self.generation = turn.generation
        self.id = PREFIX + turn.identity
        self.created = turn.created

    def whole(self) -> dict[str, Any]:
        """The answer of a request without ``stream``."""
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.asked.model,
            "choices": [
                {
                    "index": index,
                    "message": self._message(index, answer),
                    "logprobs": None,
                    "finish_reason": self._finish(answer),
                }
                for index, answer in enumerate(self.generation.answers)
            ],
            "usage": self._usage(),
            "service_tier": "default",
            "system_fingerprint": FINGERPRINT,
        }

    def frames(self) -> Iterator[Frame]:
        """The answer of a request with ``stream``: role, tokens, finish reasons, usage, ``[DONE]``."""
        answers, schedule, offsets = (
            self.generation.answers,
            self.generation.schedule,
            self.generation.offsets,
        )
        slots = [self._event(index, SLOT).split(dump(SLOT)) for index in range(len(answers))]
        opening = [
            before + (CALLING if _only_calls(answer) else SPEAKING) + after
            for answer, (before, after) in zip(answers, slots, strict=True)
        ]
        templates = [[before + b'{"content":', b"}" + after] for before, after in slots]
        at = (*offsets, *schedule.offsets[-1:], 0)[0]  # nothing is said of what the model thinks
        if offsets:
            yield from (Frame(at, event) for event in opening)
        if len(answers) == 1 and not answers[0].calls:  # nearly all are so, and thousands may be told at once
            before, after = templates[0]
            for at, token in self.generation.steps():
                yield Frame(at, before + quoted(token) + after, token)
        else:
            at = yield from self._interleaved(templates, at)
        if schedule.hangs:
            yield Frame(FOREVER, b"")
        yield from (Frame(at, event) for event in ([] if offsets else opening))
        yield from (
            Frame(at, self._event(index, {}, self._finish(answer))) for index, answer in enumerate(answers)
        )
        if self.asked.include_usage:
            yield Frame(at, self._sse({"choices": [], "usage": self._usage()}))
        yield Frame(at, DONE)

    def _interleaved(self, templates: list[list[bytes]], at: int) -> Generator[Frame, None, int]:
        """The tokens of several answers, and of calls, step by step; the instant of the last one."""
        answers = self.generation.answers
        pieces = [answer.call_pieces() for answer in answers]
        for step, at in enumerate(self.generation.offsets):
            for index, (answer, (before, after)) in enumerate(zip(answers, templates, strict=True)):
                if step < len(answer.tokens):
                    token = answer.tokens[step]
                    yield Frame(at, before + quoted(token) + after, token)
                elif step - len(answer.tokens) < len(pieces[index]):
                    yield from self._call_frames(at, index, *pieces[index][step - len(answer.tokens)])
        return at

    def error(self, refusal: RefusedError) -> bytes:
        """An error as data, as OpenAI's clients look for it."""
        return b"data: " + dump(errors.body(refusal)) + b"\n\n"

    def broken(self, frame: bytes) -> bytes:
        """Half an event."""
        return broken_event(frame)

    def _message(self, index: int, answer: Answer) -> dict[str, Any]:
        content = None if _only_calls(answer) else answer.text
        message: dict[str, Any] = {
            "role": "assistant",
            "content": content,
            "refusal": None,
            "annotations": [],
        }
        if answer.calls:
            message["tool_calls"] = [
                self._call(index, number, call.name, call.arguments)
                for number, call in enumerate(answer.calls)
            ]
        return message

    def _call_frames(self, at: int, index: int, number: int, position: int, piece: str) -> Iterator[Frame]:
        """A token of a call's arguments; before the first of them the call itself."""
        if position == 0:
            call = self._call(index, number, self.generation.answers[index].calls[number].name, "")
            yield Frame(at, self._event(index, {"tool_calls": [{"index": number, **call}]}))
        delta = {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}
        yield Frame(at, self._event(index, delta), piece)

    def _call(self, index: int, number: int, name: str, arguments: str) -> dict[str, Any]:
        function = {"name": name, "arguments": arguments}
        return {
            "id": self.turn.call_id("call_", index * 1000 + number),
            "type": "function",
            "function": function,
        }

    def _finish(self, answer: Answer) -> str:
        """Why it ended. A tool that the request named is called with reason ``stop``, as seen from OpenAI."""
        named = self.turn.wish.heard.demand == "named"
        return "stop" if answer.finish == "tool_calls" and named else answer.finish

    def _event(self, index: int, delta: dict[str, Any] | str, finish: str | None = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        usage = {"usage": None} if self.asked.include_usage else {}
        return self._sse({"choices": [choice], **usage})

    def _sse(self, rest: dict[str, Any]) -> bytes:
        head = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.asked.model,
            "service_tier": "default",
            "system_fingerprint": FINGERPRINT,
        }
        return b"data: " + dump({**head, **rest}) + b"\n\n"

    def _usage(self) -> dict[str, Any]:
        prompt, completion = self.asked.prompt_tokens, self.generation.total
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": self.generation.thought,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


def _only_calls(answer: Answer) -> bool:
    return bool(answer.calls) and not answer.tokens
