"""A messages request: read, checked, and made a wish to the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mock_llm.apis.anthropic import errors, thinking
from mock_llm.conversation import (
    Conversation,
    Demand,
    Tool,
    last_text,
    read_tokens,
    text_of,
    tools_of,
    tools_tokens,
)
from mock_llm.generation import Wish
from mock_llm.wire import RefusedError

READ = {
    "model",
    "messages",
    "system",
    "max_tokens",
    "stop_sequences",
    "stream",
    "temperature",
    "tool_choice",
    "tools",
    "thinking",
    "output_config",
    "output_format",
}
# Accepted and without effect on a mock model.
QUIET = {
    *(
        "metadata",
        "service_tier",
        "top_k",
        "top_p",
        "container",
        "context_management",
        "mcp_servers",
    ),
    *("anthropic_version", "anthropic_beta", "cache_control", "diagnostics", "inference_geo", "speed"),
}


LARGEST = 2**31  # a limit of tokens where there is none


@dataclass(frozen=True, slots=True)
class MessagesRequest:
    """What is left to know after the checks. ``shown``: whether the text of its thinking is sent."""

    model: str
    wish: Wish
    stream: bool
    input_tokens: int
    shown: bool = True


def read(body: bytes, model: str | None = None, *, counted: bool = False) -> MessagesRequest:
    """A request from its JSON; ``model``: when it is not in the body; ``counted``: only its tokens are wanted.

    Raises ``RefusedError``.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, f"The request body is not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise RefusedError(400, "The request body must be a JSON object")
    for name in data:
        if name not in READ and name not in QUIET:
            raise errors.invalid(name, "Extra inputs are not permitted")
    conversation, limit = _messages(data), LARGEST if counted else _limit(data)
    think, budget, shown = thinking.read(data, limit)
    wish = Wish(
        prompt=hashlib.sha256(
            json.dumps([data.get("system"), conversation], sort_keys=True).encode()
        ).hexdigest(),
        limit=limit,
        stops=_stops(data),
        temperature=_temperature(data),
        heard=_heard(data, conversation),
        form=_form(data),
        think=think,
        budget=budget,
    )
    if not isinstance(data.get("system"), (str, list, type(None))):
        raise errors.invalid("system", "Input should be a valid string or list")
    said = read_tokens([data.get("system"), conversation]) + tools_tokens(data.get("tools"))
    stream = data.get("stream", False)
    if not isinstance(stream, bool):
        raise errors.invalid("stream", "Input should be a valid boolean")
    return MessagesRequest(model or _model(data), wish, stream, said, shown)


def _model(data: Mapping[str, Any]) -> str:
    model = data.get("model")
    if model is None:
        raise errors.missing("model")
    if not isinstance(model, str) or not model:
        raise errors.invalid("model", "Input should be a valid string")
    return model


def _messages(data: Mapping[str, Any]) -> list[Any]:
    conversation = data.get("messages")
    if conversation is None:
        raise errors.missing("messages")
    if not isinstance(conversation, list):
        raise errors.invalid("messages", "Input should be a valid list")
    if not conversation:
        raise errors.invalid("messages", "at least one message is required")
    for index, message in enumerate(conversation):
        _check_message(f"messages.{index}", message)
    return conversation


def _check_message(where: str, message: Any) -> None:
    if not isinstance(message, dict):
        raise errors.invalid(where, "Input should be a valid dictionary")
    for name in ("role", "content"):
        if name not in message:
            raise errors.missing(f"{where}.{name}")
    if message["role"] not in ("user", "assistant"):
        raise errors.invalid(f"{where}.role", "Input should be 'user' or 'assistant'")
    content = message["content"]
    if not isinstance(content, (str, list)):
        raise errors.invalid(f"{where}.content", "Input should be a valid string or list")
    for index, block in enumerate(content if isinstance(content, list) else []):
        if not isinstance(block, dict) or "type" not in block:
            raise errors.missing(f"{where}.content.{index}.type")
        if block["type"] == "thinking":
            thinking.check(f"{where}.content.{index}", block)


def _heard(data: Mapping[str, Any], conversation: list[Any]) -> Conversation:
    tools = _tools(data)
    demand, named = _demand(data, tools)
    last = conversation[-1]["content"]
    blocks = last if isinstance(last, list) and conversation[-1]["role"] == "user" else []
    return Conversation(
        system=text_of(data.get("system")),
        prompt=last_text(conversation),
        turn=1 + sum(message["role"] == "assistant" for message in conversation),
        results=tuple(text_of(block.get("content")) for block in blocks if block["type"] == "tool_result"),
        tools=tools,
        demand=demand,
        named=named,
    )


def _tools(data: Mapping[str, Any]) -> tuple[Tool, ...]:
    given = data.get("tools")
    if given is None:
        return ()
    if not isinstance(given, list):
        raise errors.invalid("tools", "Input should be a valid list")
    for index, tool in enumerate(given):
        if not isinstance(tool, dict):
            raise errors.invalid(f"tools.{index}", "Input should be a valid dictionary")
    return tools_of((tool.get("name"), tool.get("input_schema")) for tool in given)


def _demand(data: Mapping[str, Any], tools: tuple[Tool, ...]) -> tuple[Demand, str | None]:
    choice = data.get("tool_choice")
    kind = choice.get("type") if isinstance(choice, dict) else choice
    if kind in (None, "auto", "none") and (choice is None or isinstance(choice, dict)):
        return ("none" if kind == "none" else "auto"), None
    if not isinstance(choice, dict) or kind not in ("any", "tool"):
        raise errors.invalid(
            "tool_choice", "Input tag must be one of the expected tags: 'any', 'auto', 'none', 'tool'"
        )
    if not tools:
        raise errors.plain(f"tool_choice.{kind} may only be specified while providing tools")
    if kind == "any":
        return "any", None
    name = choice.get("name")
    if not any(tool.name == name for tool in tools):
        raise errors.plain(f"Tool '{name}' not found in provided tools")
    return "named", str(name)


def _form(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema of the answer: ``output_config.format``, and ``output_format`` as it was called before."""
    config = data.get("output_config")
    if not isinstance(config, (dict, type(None))):
        raise errors.invalid("output_config", "Input should be a valid dictionary")
    where, form = "output_config.format", (config or {}).get("format")
    if form is None:
        where, form = "output_format", data.get("output_format")
    if form is None:
        return None
    if not isinstance(form, dict):
        raise errors.invalid(where, "Input should be a valid dictionary")
    if form.get("type") != "json_schema":
        raise errors.invalid(f"{where}.type", "Input should be 'json_schema'")
    if "schema" not in form:
        raise errors.missing(f"{where}.schema")
    if not isinstance(form["schema"], dict):
        raise errors.invalid(f"{where}.schema", "Input should be a valid dictionary")
    return dict(form["schema"])


def _limit(data: Mapping[str, Any]) -> int:
    limit = data.get("max_tokens")
    if limit is None:
        raise errors.missing("max_tokens")
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise errors.invalid("max_tokens", "Input should be a valid integer")
    if limit < 1:
        raise errors.invalid("max_tokens", "Input should be greater than or equal to 1")
    return limit


def _stops(data: Mapping[str, Any]) -> tuple[str, ...]:
    stops = data.get("stop_sequences") or []
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise errors.invalid("stop_sequences", "Input should be a valid list of strings")
    return tuple(stops)


def _temperature(data: Mapping[str, Any]) -> float | None:
    value = data.get("temperature")
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise errors.invalid("temperature", "Input should be a valid number")
    if not 0 <= value <= 1:
        side = "less than or equal to 1" if value > 1 else "greater than or equal to 0"
        raise errors.invalid("temperature", f"Input should be {side}")
    return float(value)
