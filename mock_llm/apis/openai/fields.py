"""Fields of OpenAI requests, read and checked as OpenAI does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mock_llm.apis.openai import errors
from mock_llm.conversation import Demand, Tool, part, tools_of

HUGE = 10**15


def json_object(body: bytes) -> dict[str, Any]:
    """The request's JSON object. Raises ``RefusedError`` 400."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise errors.not_json() from None
    if not isinstance(data, dict):
        raise errors.not_json()
    return data


def digest(conversation: Any) -> str:
    """A digest of JSON that does not depend on the order of keys."""
    return hashlib.sha256(json.dumps(conversation, sort_keys=True).encode()).hexdigest()


def flag(data: Mapping[str, Any], name: str, where: str = "") -> bool:
    """A boolean; absent is false."""
    value = data.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise errors.wrong_type(where + name, "a boolean", value)
    return value


def number(data: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    """A whole number within its limits."""
    value = data.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise errors.wrong_type(name, "an integer", value)
    if refusal := errors.out_of_range(name, value, low, high):
        raise refusal
    return value


def decimal(data: Mapping[str, Any], name: str, low: int, high: int) -> float | None:
    """A number within its limits."""
    value = data.get(name)
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise errors.wrong_type(name, "a decimal", value)
    near = value if isinstance(value, float) else float(min(max(value, -HUGE), HUGE))  # what float() can take
    if refusal := errors.out_of_range(name, near, low, high):
        raise refusal
    return near


def tools(data: Mapping[str, Any], name: tuple[str, ...], schema: tuple[str, ...]) -> tuple[Tool, ...]:
    """The functions among the tools; ``name`` and ``schema`` are the paths to both in a tool."""
    given = data.get("tools")
    if given is None:
        return ()
    if not isinstance(given, list):
        raise errors.wrong_type("tools", "an array of objects", given)
    for index, tool in enumerate(given):
        if not isinstance(tool, dict):
            raise errors.wrong_type(f"tools[{index}]", "an object", tool)
    return tools_of((part(tool, *name), part(tool, *schema)) for tool in given)


def tool_choice(
    data: Mapping[str, Any], offered: tuple[Tool, ...], name: tuple[str, ...]
) -> tuple[Demand, str | None]:
    """Whether a tool must be called, and which."""
    choice = data.get("tool_choice")
    if choice is None or choice in ("auto", "none"):
        return ("none" if choice == "none" else "auto"), None
    if not offered:
        raise errors.choice_without_tools()
    if choice == "required":
        return "any", None
    if isinstance(choice, str):
        raise errors.wrong_value("tool_choice", choice, ["none", "auto", "required"])
    if not isinstance(choice, dict):
        raise errors.wrong_type("tool_choice", "one of a string or object", choice)
    if choice.get("type") == "allowed_tools":
        raise errors.not_emulated("tool_choice", "allowed_tools")
    named = part(choice, *name)
    if not any(tool.name == named for tool in offered):
        raise errors.no_such_tool(named)
    return "named", str(named)
