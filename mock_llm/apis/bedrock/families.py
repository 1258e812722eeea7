"""The bodies that families of models have of their own on Bedrock: Anthropic, Nova, Llama, Titan."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol

from mock_llm.answering import Turn
from mock_llm.apis.anthropic import request as anthropic_request
from mock_llm.apis.anthropic.messages import MessageAnswer
from mock_llm.apis.bedrock import request
from mock_llm.apis.bedrock.converse import ConverseAnswer
from mock_llm.apis.bedrock.errors import invalid
from mock_llm.apis.bedrock.request import BedrockRequest
from mock_llm.pace import FOREVER

ModelEvent = tuple[int, Mapping[str, Any], str | None]  # instant, the model's own event, token in it


class Family(Protocol):
    """An answer in one family's shapes."""

    calls_tools: ClassVar[bool]
    turn: Turn
    input_tokens: int
    shown: bool

    def __init__(self, turn: Turn, input_tokens: int) -> None: ...

    @staticmethod
    def read(data: Mapping[str, Any], body: bytes) -> BedrockRequest:
        """The request in this family's words. Raises ``RefusedError``."""
        ...

    def whole(self) -> Mapping[str, Any]:
        """The answer of InvokeModel."""
        ...

    def events(self) -> Iterator[ModelEvent]:
        """The events of the stream; an instant ``FOREVER`` where it hangs."""
        ...


class _Told:
    calls_tools: ClassVar[bool] = False

    def __init__(self, turn: Turn, input_tokens: int) -> None:
        self.turn = turn
        self.input_tokens = input_tokens
        self.shown = True


class AnthropicFamily(_Told):
    """Anthropic's messages; the model is in the path, and ``anthropic_version`` in the body."""

    calls_tools = True

    @staticmethod
    def read(data: Mapping[str, Any], body: bytes) -> BedrockRequest:
        """A messages request."""
        if "anthropic_version" not in data:
            raise invalid("Malformed input request: #: required key [anthropic_version] not found")
        for name in ("model", "stream"):
            if name in data:
                raise invalid(f"Malformed input request: #: extraneous key [{name}] is not permitted")
        asked = anthropic_request.read(body, model="in the path")
        return BedrockRequest(asked.wish, asked.input_tokens, asked.shown)

    def whole(self) -> Mapping[str, Any]:
        """A message."""
        return MessageAnswer(self.turn, self.input_tokens, shown=self.shown).whole()

    def events(self) -> Iterator[ModelEvent]:
        """The events of a message."""
        for at, event, token in MessageAnswer(self.turn, self.input_tokens, shown=self.shown).events():
            yield at, event if isinstance(event, dict) else json.loads(event or b"{}"), token


class NovaFamily(_Told):
    """Nova: the shapes of Converse, each event wrapped in its kind."""

    calls_tools = True

    @staticmethod
    def read(data: Mapping[str, Any], body: bytes) -> BedrockRequest:
        """A Nova request."""
        return request.conversation(data)

    def whole(self) -> Mapping[str, Any]:
        """Converse's answer without its metrics."""
        answer = dict(ConverseAnswer(self.turn, self.input_tokens).whole())
        del answer["metrics"]
        return answer

    def events(self) -> Iterator[ModelEvent]:
        """Converse's events."""
        for at, kind, data, token in ConverseAnswer(self.turn, self.input_tokens).events():
            yield at, {kind: data}, token


class LlamaFamily(_Told):
    """Llama: a prompt, and generations with counts."""

    @staticmethod
    def read(data: Mapping[str, Any], body: bytes) -> BedrockRequest:
        """A Llama request."""
        return request.prompt(data, "prompt", "max_gen_len", data, None)

    def whole(self) -> Mapping[str, Any]:
        """One generation."""
        answer = self.turn.answer
        return self._generation(answer.text, self.input_tokens, len(answer.tokens), answer.finish)

    def events(self) -> Iterator[ModelEvent]:
        """A generation for each token; the first counts the prompt, an empty last one says why it ended."""
        at, count = 0, 0
        for at, token in self.turn.generation.steps():
            count += 1
            yield at, self._generation(token, self.input_tokens if count == 1 else None, count, None), token
        if self.turn.generation.schedule.hangs:
            yield FOREVER, {}, None
        yield at, self._generation("", None, count, self.turn.answer.finish), None

    def _generation(self, text: str, prompt: int | None, count: int, reason: str | None) -> dict[str, Any]:
        counts = {"prompt_token_count": prompt, "generation_token_count": count}
        return {"generation": text, **counts, "stop_reason": reason}


class TitanFamily(_Told):
    """Titan Text: an input text, and output texts."""

    @staticmethod
    def read(data: Mapping[str, Any], body: bytes) -> BedrockRequest:
        """A Titan request."""
        config = request.config_of(data, "textGenerationConfig")
        return request.prompt(data, "inputText", "maxTokenCount", config, config.get("stopSequences"))

    def whole(self) -> Mapping[str, Any]:
        """One result."""
        answer = self.turn.answer
        result = {
            "tokenCount": len(answer.tokens),
            "outputText": answer.text,
            "completionReason": self._reason(),
        }
        return {"inputTextTokenCount": self.input_tokens, "results": [result]}

    def events(self) -> Iterator[ModelEvent]:
        """An output text for each token; an empty last one has the counts."""
        at = 0
        for at, token in self.turn.generation.steps():
            yield at, self._output(token, None, None, None), token
        if self.turn.generation.schedule.hangs:
            yield FOREVER, {}, None
        yield at, self._output("", self.turn.generation.total, self._reason(), self.input_tokens), None

    def _output(self, text: str, total: int | None, reason: str | None, read: int | None) -> dict[str, Any]:
        counts = {"totalOutputTextTokenCount": total, "completionReason": reason, "inputTextTokenCount": read}
        return {"outputText": text, "index": 0, **counts}

    def _reason(self) -> str:
        return "LENGTH" if self.turn.answer.finish == "length" else "FINISH"


BY_NAME: tuple[tuple[str, type[Family]], ...] = (
    (r"(^|[./])anthropic\.", AnthropicFamily),
    (r"(^|[./])amazon\.nova", NovaFamily),
    (r"(^|[./])meta\.llama", LlamaFamily),
    (r"(^|[./])amazon\.titan-t", TitanFamily),
)
BY_KEY: tuple[tuple[str, type[Family]], ...] = (
    ("anthropic_version", AnthropicFamily),
    ("messages", NovaFamily),
    ("inputText", TitanFamily),
    ("prompt", LlamaFamily),
)


def family_of(model: str, data: Mapping[str, Any]) -> type[Family]:
    """The family of a model's id or ARN; of other ids (``mock-slow``, a provisioned model) by the body's keys."""
    for pattern, family in BY_NAME:
        if re.search(pattern, model):
            return family
    for key, family in BY_KEY:
        if key in data:
            return family
    raise invalid(f"The mock model knows no body like this one for model {model!r}; {_known()}")


def _known() -> str:
    return "it knows those of Anthropic, Nova, Llama and Titan Text"
