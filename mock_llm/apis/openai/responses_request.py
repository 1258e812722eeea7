"""A request to the Responses API: read, checked as OpenAI checks it, and made a wish to the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mock_llm.apis.openai import errors, fields, forms
from mock_llm.conversation import Conversation, last_text, read_tokens, text_of, tools_tokens
from mock_llm.generation import Wish

# Accepted; without effect on a mock model, though several are repeated in the answer.
QUIET = {
    *("metadata", "parallel_tool_calls", "service_tier", "store", "user"),
    *("top_p", "truncation", "top_logprobs", "max_tool_calls", "safety_identifier", "prompt_cache_key"),
    *("prompt_cache_options", "prompt_cache_retention", "moderation", "stream_options", "context_management"),
}
READ = {
    *("model", "input", "instructions", "stream", "max_output_tokens", "temperature", "tool_choice", "text"),
    *("tools", "reasoning", "include"),
}
NOT_EMULATED = {
    "previous_response_id": "stored conversations",
    "conversation": "stored conversations",
    "prompt": "stored prompts",
    "background": "background responses",
    "background_options": "background responses",
    "access_programs": "access programs",
    "image": "answers other than text",
}
MIN_OUTPUT_TOKENS = 16


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """What is left to know after the checks. ``data``: the request, for what the answer repeats of it.

    ``summary``: whether a summary of its reasoning is sent.
    """

    model: str
    wish: Wish
    stream: bool
    input_tokens: int
    data: Mapping[str, Any]
    summary: bool = False


def read(body: bytes) -> ResponseRequest:
    """A request from its JSON. Raises ``RefusedError`` as OpenAI would answer."""
    data = fields.json_object(body)
    _refuse(data)
    model, items = data.get("model"), data.get("input")
    if model is None:
        raise errors.missing("model")
    if not isinstance(model, str):
        raise errors.wrong_type("model", "a string", model)
    if items is None:
        raise errors.missing("input")
    if not isinstance(items, (str, list)):
        raise errors.wrong_type("input", "one of a string or array of objects", items)
    said = [items] if isinstance(items, str) else [_content(index, item) for index, item in enumerate(items)]
    instructions = data.get("instructions")
    if instructions is not None and not isinstance(instructions, str):
        raise errors.wrong_type("instructions", "a string", instructions)
    if not isinstance(data.get("include"), (list, type(None))):
        raise errors.wrong_type("include", "an array of strings", data["include"])
    reasoning = data.get("reasoning") or {}
    if not isinstance(reasoning, dict):
        raise errors.wrong_type("reasoning", "an object", reasoning)
    wish = Wish(
        prompt=fields.digest([instructions, items]),
        limit=fields.number(data, "max_output_tokens", MIN_OUTPUT_TOKENS, 2**31),
        temperature=fields.decimal(data, "temperature", 0, 2),
        heard=_heard(data, items, instructions or ""),
        form=forms.text_form(
            data, "\n".join(text_of(content) for content in (*said, instructions) if content)
        ),
        think=forms.effort("reasoning.effort", reasoning.get("effort", "medium" if reasoning else None)),
    )
    read = [*([items] if isinstance(items, str) else items), instructions]
    tokens = sum(3 + count for item in read if (count := read_tokens(item))) + tools_tokens(data.get("tools"))
    return ResponseRequest(
        model, wish, fields.flag(data, "stream"), tokens, data, bool(reasoning.get("summary"))
    )


def _heard(data: Mapping[str, Any], items: str | list[Any], instructions: str) -> Conversation:
    tools = fields.tools(data, ("name",), ("parameters",))
    demand, named = fields.tool_choice(data, tools, ("name",))
    if isinstance(items, str):
        return Conversation(instructions, items, 1, (), tools, demand, named)
    spoken = [_is_answer(item) for item in items]
    asked = next(
        (n for n in range(len(items), 0, -1) if items[n - 1].get("type") != "function_call_output"), 0
    )
    return Conversation(
        system=instructions or last_text(items, ("system", "developer")),
        prompt=last_text(items),
        turn=1 + sum(said and not (index and spoken[index - 1]) for index, said in enumerate(spoken)),
        results=tuple(text_of(item.get("output")) for item in items[asked:]),
        tools=tools,
        demand=demand,
        named=named,
    )


def _is_answer(item: Mapping[str, Any]) -> bool:
    return item.get("role") == "assistant" or item.get("type") in ("function_call", "reasoning")


def _refuse(data: Mapping[str, Any]) -> None:
    for name, value in data.items():
        if value in (None, False):
            continue
        if name in NOT_EMULATED:
            raise errors.not_emulated(name, NOT_EMULATED[name])
        if name not in READ and name not in QUIET:
            raise errors.unknown_parameter(name)


def _content(index: int, item: Any) -> Any:
    if not isinstance(item, dict):
        raise errors.wrong_type(f"input[{index}]", "an object", item)
    return item.get("content") if isinstance(item.get("content"), (str, list)) else None
