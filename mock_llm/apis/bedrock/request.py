"""Bedrock requests: each body's own words for the same few wishes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mock_llm.apis.anthropic import thinking
from mock_llm.apis.bedrock.errors import from_model, invalid
from mock_llm.conversation import (
    Conversation,
    Demand,
    Tool,
    last_text,
    part,
    read_tokens,
    text_of,
    tools_of,
    tools_tokens,
)
from mock_llm.generation import Wish
from mock_llm.wire import RefusedError

LARGEST = 2**31  # a limit of tokens where the request has none


@dataclass(frozen=True, slots=True)
class BedrockRequest:
    """What is left to know after the checks. ``shown``: whether the text of its thinking is sent."""

    wish: Wish
    input_tokens: int
    shown: bool = True


def json_object(body: bytes) -> dict[str, Any]:
    """The request's JSON object. Raises ``RefusedError`` 400."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise invalid(
            f"Malformed input request: {error}, please reformat your input and try again."
        ) from None
    if not isinstance(data, dict):
        raise invalid(
            "Malformed input request: expected a JSON object, please reformat your input and try again."
        )
    return data


def conversation(data: Mapping[str, Any]) -> BedrockRequest:
    """Converse, and Nova's own body, which has the same shape. Raises ``RefusedError`` 400."""
    messages = data.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid("messages must be a list of at least one message")
    for index, message in enumerate(messages):
        _check_message(index, message)
    if messages[0]["role"] != "user":
        raise invalid(
            "A conversation must start with a user message. "
            "Try again with a conversation that starts with a user message."
        )
    _refuse_not_emulated(data)
    if not isinstance(data.get("system"), (list, type(None))):
        raise invalid("system must be a list of blocks")
    config = _mapping(data, "inferenceConfig")
    limit = next(
        (config[name] for name in ("maxTokens", "max_new_tokens", "maxNewTokens") if name in config), None
    )
    said = [block for message in messages for block in message["content"]] + list(data.get("system") or [])
    told = [data.get("system"), messages], said, limit, config.get("stopSequences"), config.get("temperature")
    asked = _request(*told, heard=_heard(data, messages))
    think, budget = _thinking(data, config, limit)
    wish = replace(asked.wish, form=_form(data), think=think, budget=budget)
    tools = tools_tokens(_mapping(data, "toolConfig").get("tools"))
    return BedrockRequest(wish, asked.input_tokens + tools)


def prompt(
    data: Mapping[str, Any], text: str, limit: str, config: Mapping[str, Any], stops: Any
) -> BedrockRequest:
    """A body whose prompt is the text of one key. Raises ``RefusedError`` 400."""
    said = data.get(text)
    if not isinstance(said, str) or not said:
        raise invalid(f"Malformed input request: #: required key [{text}] not found or empty")
    told = said, [{"text": said}], config.get(limit), stops, config.get("temperature")
    return _request(*told, heard=Conversation(prompt=said))


def config_of(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of the body that is an object, or nothing. Raises ``RefusedError`` 400."""
    return _mapping(data, name)


def _request(
    whole: Any, said: list[Any], limit: Any, stops: Any, temperature: Any, *, heard: Conversation
) -> BedrockRequest:
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise invalid(f"The number of tokens must be a whole number of at least 1, not {limit!r}")
    if temperature is not None and (
        isinstance(temperature, bool) or not isinstance(temperature, (int, float))
    ):
        raise invalid(f"temperature must be a number, not {temperature!r}")
    if temperature is not None and not 0 <= temperature <= 1:
        raise invalid(f"temperature must be between 0 and 1, not {temperature!r}")
    if stops is not None and not (isinstance(stops, list) and all(isinstance(stop, str) for stop in stops)):
        raise invalid("stop sequences must be a list of texts")
    wish = Wish(
        prompt=hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest(),
        limit=limit,
        stops=tuple(stops or ()),
        temperature=None if temperature is None else float(temperature),
        heard=heard,
    )
    return BedrockRequest(wish, read_tokens(said))


def _heard(data: Mapping[str, Any], messages: list[Any]) -> Conversation:
    config = _mapping(data, "toolConfig")
    given = config.get("tools") or []
    if not isinstance(given, list):
        raise invalid("toolConfig.tools must be a list")
    tools = tools_of((part(t, "toolSpec", "name"), part(t, "toolSpec", "inputSchema", "json")) for t in given)
    demand, named = _demand(_mapping(config, "toolChoice"), tools)
    last = messages[-1]["content"] if messages[-1]["role"] == "user" else []
    return Conversation(
        system=text_of(data.get("system")),
        prompt=last_text(messages),
        turn=1 + sum(message["role"] == "assistant" for message in messages),
        results=tuple(
            text_of(part(block, "toolResult", "content")) for block in last if "toolResult" in block
        ),
        tools=tools,
        demand=demand,
        named=named,
    )


def _demand(choice: Mapping[str, Any], tools: tuple[Tool, ...]) -> tuple[Demand, str | None]:
    if "tool" in choice:
        name = part(choice, "tool", "name")
        if not any(tool.name == name for tool in tools):
            raise invalid(f"toolConfig.toolChoice.tool: there is no tool {name!r} in toolConfig.tools")
        return "named", str(name)
    if "any" in choice and not tools:
        raise invalid("toolConfig.toolChoice.any: there are no tools in toolConfig.tools")
    return ("any" if "any" in choice else "auto"), None


def _thinking(data: Mapping[str, Any], config: Mapping[str, Any], limit: Any) -> tuple[int, int | None]:
    """Anthropic's ``thinking`` of a model's own fields (``reasoning_config`` as it was called at first)."""
    fields = _mapping(data, "additionalModelRequestFields")
    asked = fields.get("thinking", fields.get("reasoning_config"))
    known = {"thinking": asked, "temperature": config.get("temperature")}
    known["tool_choice"] = next(
        ({"type": name} for name in _mapping(_mapping(data, "toolConfig"), "toolChoice")), None
    )
    try:
        think, budget, _ = thinking.read(known, LARGEST if limit is None else limit)
    except RefusedError as refusal:
        raise from_model(refusal) from None
    return think, budget


def _form(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema of ``outputConfig.textFormat``, which is JSON in a text."""
    form = _mapping(_mapping(data, "outputConfig"), "textFormat")
    if not form:
        return None
    schema = part(form, "structure", "jsonSchema", "schema")
    if form.get("type") != "json_schema" or not isinstance(schema, str):
        raise invalid("outputConfig.textFormat must be of type json_schema, with structure.jsonSchema.schema")
    try:
        found = json.loads(schema)
    except ValueError as error:
        raise invalid(f"outputConfig.textFormat.structure.jsonSchema.schema is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise invalid("outputConfig.textFormat.structure.jsonSchema.schema must be a JSON object")
    return found


def _check_reasoning(where: str, block: Mapping[str, Any]) -> None:
    told = part(block, "reasoningContent", "reasoningText")
    if isinstance(told, dict) and "signature" in told:
        try:
            thinking.check(where, told)
        except RefusedError as refusal:
            raise from_model(refusal) from None


def _check_message(index: int, message: Any) -> None:
    if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
        raise invalid(f"messages.{index}.role must be user or assistant")
    content = message.get("content")
    if not isinstance(content, list) or not content or not all(isinstance(block, dict) for block in content):
        raise invalid(f"messages.{index}.content must be a list of at least one block")
    for number, block in enumerate(content):
        _check_reasoning(f"messages.{index}.content.{number}", block)


def _refuse_not_emulated(data: Mapping[str, Any]) -> None:
    if data.get("guardrailConfig"):
        raise invalid("guardrailConfig: the mock model does not emulate guardrails")


def _mapping(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{name} must be an object")
    return value
