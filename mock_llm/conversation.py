"""What was said before an answer, in words that no API owns: what rules look at and calls of tools need."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mock_llm.text import count_tokens

# Members of messages and blocks that hold what is read.
READ = (
    "text",
    "thinking",
    "content",
    "toolUse",
    "toolResult",
    "tool_calls",
    "function",
    "arguments",
    "output",
)
Demand = Literal["auto", "none", "any", "named"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the request offers; ``schema``: the JSON schema of its arguments."""

    name: str
    schema: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the model heard.

    ``prompt``: the text of the user's last message. ``turn``: the number of the answer that is due, 1 for the first.
    ``results``: what tools gave since the model spoke last. ``demand``: whether a tool must be called: ``named`` that
    of ``named``, ``any`` one of those offered.
    """

    system: str = ""
    prompt: str = ""
    turn: int = 1
    results: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    demand: Demand = "auto"
    named: str | None = None

    @property
    def demanded(self) -> Tool | None:
        """The tool that has to be called: the named one, or the first. ``None``: none has to."""
        if self.demand == "named":
            return next((tool for tool in self.tools if tool.name == self.named), Tool(self.named or ""))
        return self.tools[0] if self.demand == "any" and self.tools else None


def text_of(content: Any) -> str:
    """The texts of a content: a text, or blocks and parts that may have one (``text``, ``json``)."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(filter(None, map(_block_text, content)))


def _block_text(block: Any) -> str:
    if not isinstance(block, dict):
        return ""
    if isinstance(block.get("text"), str):
        return str(block["text"])
    return json.dumps(block["json"], ensure_ascii=False) if "json" in block else ""


def read_tokens(content: Any) -> int:
    """Tokens of a content as the model reads it: texts, calls of tools and what they gave; pictures count nothing."""
    if isinstance(content, str):
        return count_tokens(content)
    if isinstance(content, list):
        return sum(map(read_tokens, content))
    if not isinstance(content, dict):
        return 0
    data = sum(count_tokens(json.dumps(content[name])) for name in ("input", "json") if name in content)
    return data + sum(read_tokens(content[name]) for name in READ if name in content)


def tools_tokens(tools: Any) -> int:
    """Tokens of the tools that a request offers."""
    return count_tokens(json.dumps(tools)) if tools else 0


def last_text(messages: Iterable[Any], roles: tuple[str, ...] = ("user",)) -> str:
    """The text of the last message of these roles that has one."""
    texts = [text_of(m.get("content")) for m in messages if isinstance(m, dict) and m.get("role") in roles]
    return next(filter(None, reversed(texts)), "")


def tools_of(rows: Iterable[tuple[Any, Any]]) -> tuple[Tool, ...]:
    """Tools from pairs of name and schema; pairs without a name are left out."""
    return tuple(
        Tool(name, schema if isinstance(schema, dict) else {})
        for name, schema in rows
        if isinstance(name, str) and name
    )


def part(value: Any, *path: str) -> Any:
    """A member of nested objects, ``None`` where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
