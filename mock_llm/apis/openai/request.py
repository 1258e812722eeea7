"""A chat completion request: read, checked as OpenAI checks it, and made a wish to the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mock_llm.apis.openai import errors, fields, forms
from mock_llm.conversation import Conversation, last_text, read_tokens, text_of, tools_tokens
from mock_llm.generation import Wish

ROLES = ["system", "assistant", "user", "function", "tool", "developer"]
# Accepted and without effect on a mock model; OpenAI refuses whatever it does not know.
QUIET = {
    *("frequency_penalty", "presence_penalty", "top_p", "logit_bias", "user", "store", "metadata"),
    *("service_tier", "parallel_tool_calls", "prediction", "prompt_cache_key", "prompt_cache_options"),
    *("prompt_cache_retention", "safety_identifier", "verbosity", "functions"),
    *("web_search_options", "moderation"),
}
READ = {
    *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "stop"),
    *("temperature", "seed", "tool_choice", "function_call", "response_format", "logprobs", "top_logprobs"),
    *("modalities", "audio", "tools", "reasoning_effort"),
}
# What OpenAI adds to the tokens of the messages: 3 for each, 3 for the reply (its own guide to counting
# tokens).
PER_MESSAGE = PER_REPLY = 3


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is left to know after the checks.

    ``prompt_tokens`` is an estimate, as the tokenizer is not a real one.
    """

    model: str
    wish: Wish
    stream: bool
    include_usage: bool
    prompt_tokens: int


def read(body: bytes) -> ChatRequest:
    """A request from its JSON. Raises ``RefusedError`` as OpenAI would answer."""
    data = fields.json_object(body)
    for name in data:
        if name not in READ and name not in QUIET:
            raise errors.unknown(name)
    model = data.get("model")
    if not isinstance(model, str) or not model:
        raise errors.no_model()
    messages = _messages(data)
    _refuse_not_emulated(data)
    stream, include_usage = _streaming(data)
    wish = Wish(
        prompt=fields.digest(messages),
        count=fields.number(data, "n", 1, 128) or 1,
        limit=_limit(data),
        stops=_stops(data),
        temperature=fields.decimal(data, "temperature", 0, 2),
        seed=fields.number(data, "seed", -(2**63), 2**63 - 1),
        heard=_heard(data, messages),
        form=forms.chat_form(data, "\n".join(text_of(message.get("content")) for message in messages)),
        think=forms.effort("reasoning_effort", data.get("reasoning_effort")),
    )
    return ChatRequest(
        model, wish, stream, include_usage, _prompt_tokens(messages) + tools_tokens(data.get("tools"))
    )


def _messages(data: Mapping[str, Any]) -> list[Any]:
    if data.get("messages") is None:
        raise errors.missing("messages")
    messages = data["messages"]
    if not isinstance(messages, list):
        raise errors.wrong_type("messages", "an array of objects", messages)
    if not messages:
        raise errors.empty_array("messages")
    for index, message in enumerate(messages):
        _check_message(f"messages[{index}]", message)
    return messages


def _check_message(where: str, message: Any) -> None:
    if not isinstance(message, dict):
        raise errors.wrong_type(where, "an object", message)
    if "role" not in message:
        raise errors.missing(f"{where}.role")
    if message["role"] not in ROLES:
        raise errors.wrong_value(f"{where}.role", message["role"], ROLES)
    content = message.get("content")
    if content is None:
        if message["role"] != "assistant":  # only an assistant's may be empty: it may have called tools
            raise errors.missing(f"{where}.content")
        return
    if not isinstance(content, (str, list)):
        raise errors.wrong_type(f"{where}.content", "one of a string or array of objects", content)
    for index, part in enumerate(content if isinstance(content, list) else []):
        if not isinstance(part, dict):
            raise errors.wrong_type(f"{where}.content[{index}]", "an object", part)
        if "type" not in part:
            raise errors.missing(f"{where}.content[{index}].type")


def _heard(data: Mapping[str, Any], messages: list[Any]) -> Conversation:
    tools = fields.tools(data, ("function", "name"), ("function", "parameters"))
    demand, named = fields.tool_choice(data, tools, ("function", "name"))
    asked = next((n for n in range(len(messages), 0, -1) if messages[n - 1]["role"] != "tool"), 0)
    return Conversation(
        system=last_text(messages, ("system", "developer")),
        prompt=last_text(messages),
        turn=1 + sum(message["role"] == "assistant" for message in messages),
        results=tuple(text_of(message.get("content")) for message in messages[asked:]),
        tools=tools,
        demand=demand,
        named=named,
    )


def _refuse_not_emulated(data: Mapping[str, Any]) -> None:
    if data.get("function_call") not in (None, "auto", "none"):
        raise errors.not_emulated("function_call", "calls of functions on demand (tool_choice is)")
    if data.get("logprobs"):
        raise errors.not_emulated("logprobs", "log probabilities")
    if data.get("audio") is not None or data.get("modalities") not in (None, ["text"]):
        raise errors.not_emulated("modalities", "answers other than text")


def _streaming(data: Mapping[str, Any]) -> tuple[bool, bool]:
    stream, options = fields.flag(data, "stream"), data.get("stream_options")
    if options is None:
        return stream, False
    if not stream:
        raise errors.not_streaming()
    if not isinstance(options, dict):
        raise errors.wrong_type("stream_options", "an object", options)
    return stream, fields.flag(options, "include_usage", "stream_options.")


def _limit(data: Mapping[str, Any]) -> int | None:
    old = fields.number(data, "max_tokens", 1, 2**31)
    new = fields.number(data, "max_completion_tokens", 1, 2**31)
    if old is not None and new is not None:
        raise errors.both_limits()
    return old if new is None else new


def _stops(data: Mapping[str, Any]) -> tuple[str, ...]:
    value = data.get("stop")
    if value is None:
        return ()
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise errors.wrong_type("stop", "one of a string or array of strings", value)
    if len(stops) > 4:
        raise errors.too_long_array("stop", 4, len(stops))
    return tuple(stops)


def _prompt_tokens(messages: list[Any]) -> int:
    return PER_REPLY + sum(PER_MESSAGE + read_tokens(message) for message in messages)
