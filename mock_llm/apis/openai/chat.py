"""``POST /v1/chat/completions``, streamed as server-sent events or whole."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mock_llm.apis.openai import errors, request
from mock_llm.apis.openai.request import ChatRequest
from mock_llm.generation import Generation, generate
from mock_llm.settings import Choice, choose
from mock_llm.stream import FOREVER, Frame, Watched, play, wait_and_answer
from mock_llm.wire import JSON, Exchange, dump

if TYPE_CHECKING:
    from mock_llm.app import MockLLM

FINGERPRINT = "fp_mockllm"
SLOT = "\x00slot\x00"  # where a token goes in a chunk that is otherwise the same for a whole stream
SSE = b"text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\n\n"


async def completions(app: MockLLM, exchange: Exchange) -> None:
    """Answer a chat completion. Raises ``RefusedError`` before anything is sent."""
    app.check_key(exchange)
    asked = request.read(await exchange.body(app.settings.max_body))
    try:
        choice = choose(app.settings, app.overrides, exchange.headers, asked.model)
    except KeyError:
        raise errors.model_not_found(asked.model) from None
    generation = generate(asked.wish, choice)
    identity = app.identity(choice.seed, asked.wish.prompt)
    answer = ChatAnswer(asked, generation, "chatcmpl-" + identity, int(app.settings.epoch()))
    watched = _watched(app, answer, choice)
    headers = [(b"x-request-id", b"req_" + identity.encode())]
    if asked.stream:
        await play(exchange, [(b"content-type", SSE), *headers], answer.frames(), watched)
    else:
        headers = [(b"content-type", JSON), *headers]
        await wait_and_answer(exchange, headers, answer.end, generation.total, dump(answer.whole()), watched)


def _watched(app: MockLLM, answer: ChatAnswer, choice: Choice) -> Watched:
    watched = Watched(app.observe, answer.id)
    data = {"api": "openai.chat", "profile": choice.profile.name, "prompt_sha": answer.asked.wish.prompt}
    watched("request_received", data)
    return watched


class ChatAnswer:
    """A generation in the shapes of a chat completion."""

    def __init__(self, asked: ChatRequest, generation: Generation, id: str, created: int) -> None:
        self.asked = asked
        self.generation = generation
        self.id = id
        self.created = created

    @property
    def end(self) -> int:
        """When the answer is whole."""
        schedule = self.generation.schedule
        return FOREVER if schedule.hangs else (schedule.offsets[-1] if schedule.offsets else 0)

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
                    "message": {
                        "role": "assistant",
                        "content": answer.text,
                        "refusal": None,
                        "annotations": [],
                    },
                    "logprobs": None,
                    "finish_reason": answer.finish,
                }
                for index, answer in enumerate(self.generation.answers)
            ],
            "usage": self._usage(),
            "service_tier": "default",
            "system_fingerprint": FINGERPRINT,
        }

    def frames(self) -> Iterator[Frame]:
        """The answer of a request with ``stream``: role, tokens, finish reasons, usage, ``[DONE]``."""
        answers, schedule = self.generation.answers, self.generation.schedule
        opening = [
            self._event(index, {"role": "assistant", "content": "", "refusal": None})
            for index in range(len(answers))
        ]
        templates = [self._event(index, {"content": SLOT}).split(dump(SLOT)) for index in range(len(answers))]
        at = 0
        for step, at in enumerate(schedule.offsets):
            if step == 0:
                yield from (Frame(at, event) for event in opening)
            for answer, (before, after) in zip(answers, templates, strict=True):
                if step < len(answer.tokens):
                    token = answer.tokens[step]
                    yield Frame(at, before + _quoted(token) + after, token)
        if schedule.hangs:
            yield Frame(FOREVER, b"")
        yield from (Frame(at, event) for event in ([] if schedule.offsets else opening))
        yield from (Frame(at, self._event(index, {}, answer.finish)) for index, answer in enumerate(answers))
        if self.asked.include_usage:
            yield Frame(at, self._sse({"choices": [], "usage": self._usage()}))
        yield Frame(at, DONE)

    def _event(self, index: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
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
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


@lru_cache(maxsize=8192)
def _quoted(token: str) -> bytes:
    return dump(token)
