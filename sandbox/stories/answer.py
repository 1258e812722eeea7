"""The model's words in an answer, freed of server-sent events, JSON lines or a JSON body; with instants."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

Piece = tuple[float, str]  # (instant, text)

_WORDS = ("token", "text", "content", "delta", "answer", "message", "completion", "output", "response")

_GRAPHQL = {"data", "errors", "extensions"}  # members of a GraphQL answer


def spoken(value: Any) -> str:
    """The model's words in a JSON value of a provider's or a handler's making; ``""``: none."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(spoken(one) for one in value)
    if not isinstance(value, dict):
        return ""
    if isinstance(value.get("data"), dict) and value.keys() <= _GRAPHQL:
        return "".join(spoken(one) for one in value["data"].values())
    if isinstance(value.get("choices"), list):
        return "".join(_choice(one) for one in value["choices"] if isinstance(one, dict))
    return next((words for key in _WORDS if key in value and (words := spoken(value[key]))), "")


def _choice(choice: dict[str, Any]) -> str:
    part = choice.get("delta") or choice.get("message") or {}
    words = part.get("content") if isinstance(part, dict) else None
    return words if isinstance(words, str) else ""


def _words_of_data(data: str) -> str:
    if data == "[DONE]":
        return ""
    try:
        return spoken(json.loads(data))
    except ValueError:
        return data


def _events(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Server-sent events, each at the instant at which it became whole."""
    rest, data = "", []
    for at, text in pieces:
        *lines, rest = (rest + text).split("\n")
        for line in lines:
            line = line.removesuffix("\r")
            if line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
            elif not line and data:
                yield at, _words_of_data("\n".join(data))
                data = []


def _json_lines(pieces: Iterable[Piece]) -> Iterator[Piece]:
    rest, last = "", 0.0
    for at, text in pieces:
        last = at
        *lines, rest = (rest + text).split("\n")
        for line in filter(str.strip, lines):
            yield at, _words_of_data(line)
    if rest.strip():
        yield last, _words_of_data(rest)


def _json_body(pieces: list[Piece]) -> Iterator[Piece]:
    """A JSON body says nothing before it is whole; a truncated one is read as text."""
    try:
        value = json.loads("".join(text for _, text in pieces))
    except ValueError:
        yield from pieces
        return
    yield pieces[-1][0], spoken(value)


def words(content_type: str, pieces: list[Piece]) -> list[Piece]:
    """The model's words in a body that came in ``pieces``; untold SSE is known by its first field."""
    if not pieces:
        return []
    start = "".join(text for _, text in pieces[:8]).lstrip()
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/event-stream" or start.startswith(("data:", "event:", ": ", "retry:")):
        return list(_events(pieces))
    if kind in ("application/x-ndjson", "application/jsonl", "application/json-lines"):
        return list(_json_lines(pieces))
    if kind == "application/json" or kind.endswith("+json"):
        return list(_json_body(pieces))
    return pieces


def words_of_messages(messages: list[Piece]) -> list[Piece]:
    """The model's words in WebSocket messages, each whole when it came; what a gateway itself says is none."""
    return [(at, _words_of_data(text)) for at, text in messages if not _of_gateway(text)]


def _of_gateway(text: str) -> bool:
    """API Gateway's own messages carry the connection's id."""
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return isinstance(value, dict) and "message" in value and "connectionId" in value
