"""What an answer counts is the same streamed and whole, through every API; calls of tools are made in parallel."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from mock_llm.app import create_app
from mock_llm.settings import Settings

CALLS = [{"tool": "look", "arguments": {"where": "up"}}, {"tool": "look", "arguments": {"where": "down"}}]
RULE = {"answer": {"text": "Let me look.", "calls": CALLS}}
CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0"
SAID = [{"role": "user", "content": "Look around, please"}]
BLOCKS = [{"role": "user", "content": [{"text": "Look around, please"}]}]
SCHEMA = {"type": "object", "properties": {"where": {"type": "string"}}}


def frames(call: Any) -> list[Any]:
    """The JSON of a stream's events, of whichever kind."""
    content = call.content
    if b"event-stream; charset" in dict(call.sent[0][1]["headers"])[b"content-type"]:
        return [json.loads(line[6:]) for line in content.split(b"\n") if line.startswith(b"data: {")]
    buffer = EventStreamBuffer()
    buffer.add_data(content)
    events = [(event.headers[":event-type"], json.loads(event.payload)) for event in buffer]
    return [
        json.loads(base64.b64decode(data["bytes"])) if kind == "chunk" else {kind: data}
        for kind, data in events
    ]


def messages(events: list[Any]) -> Any:
    usage = next(event["message"]["usage"] for event in events if event["type"] == "message_start")
    return {**usage, **next(event["usage"] for event in events if event["type"] == "message_delta")}


ROWS: list[tuple[str, str, str, dict[str, Any], Any, Any, Any]] = [
    (
        "chat", "/v1/chat/completions", "/v1/chat/completions",
        {"model": "m", "messages": SAID, "reasoning_effort": "low", "tools": [
            {"type": "function", "function": {"name": "look", "parameters": SCHEMA}}]},
        {"stream": True, "stream_options": {"include_usage": True}},
        lambda events: events[-1]["usage"],
        lambda whole: [call["function"]["arguments"] for call in whole["choices"][0]["message"]["tool_calls"]],
    ),
    (
        "responses", "/v1/responses", "/v1/responses",
        {"model": "m", "input": "Look around, please", "reasoning": {"effort": "low"}, "tools": [
            {"type": "function", "name": "look", "parameters": SCHEMA}]},
        {"stream": True},
        lambda events: events[-1]["response"]["usage"],
        lambda whole: [item["arguments"] for item in whole["output"] if item["type"] == "function_call"],
    ),
    (
        "messages", "/v1/messages", "/v1/messages",
        {"model": "m", "max_tokens": 2000, "messages": SAID,
         "thinking": {"type": "enabled", "budget_tokens": 1024},
         "tools": [{"name": "look", "input_schema": SCHEMA}]},
        {"stream": True},
        messages,
        lambda whole: [json.dumps(b["input"]) for b in whole["content"] if b["type"] == "tool_use"],
    ),
    (
        "converse", f"/model/{CLAUDE}/converse", f"/model/{CLAUDE}/converse-stream",
        {"messages": BLOCKS,
         "toolConfig": {"tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": SCHEMA}}}]},
         "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}}},
        {},
        lambda events: events[-1]["metadata"]["usage"],
        lambda whole: [json.dumps(b["toolUse"]["input"]) for b in whole["output"]["message"]["content"]
                       if "toolUse" in b],
    ),
    (
        "invoke", f"/model/{CLAUDE}/invoke", f"/model/{CLAUDE}/invoke-with-response-stream",
        {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 2000, "messages": SAID,
         "tools": [{"name": "look", "input_schema": SCHEMA}]},
        {},
        messages,
        lambda whole: [json.dumps(b["input"]) for b in whole["content"] if b["type"] == "tool_use"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("whole_at", "stream_at", "body", "more", "usage", "called"),
    [row[1:] for row in ROWS],
    ids=[row[0] for row in ROWS],
)
def test_usage_is_the_same_streamed_and_whole(
    jump: Any, calls: Any, whole_at: str, stream_at: str, body: Any, more: Any, usage: Any, called: Any
) -> None:
    app = create_app(Settings(profile="instant"))
    app.configure(rules=[RULE])

    def ask(path: str, **rest: Any) -> Any:
        return jump(calls(path, json.dumps({**body, **rest}).encode()).run(app))

    whole = ask(whole_at).json()
    assert usage(frames(ask(stream_at, **more))) == whole["usage"]
    assert [json.loads(arguments) for arguments in called(whole)] == [call["arguments"] for call in CALLS]
    written = next(
        whole["usage"][name]
        for name in ("completion_tokens", "output_tokens", "outputTokens")
        if name in whole["usage"]
    )
    streamed = app.requests[1]
    hidden = whole["usage"].get("completion_tokens_details", whole["usage"].get("output_tokens_details", {}))
    assert written - streamed.tokens == hidden.get("reasoning_tokens", 0)  # the ledger counts what left
