"""Whatever JSON comes, the answer is an answer or a refusal, never an accident."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from mock_llm.app import create_app
from mock_llm.settings import Settings

CHAT = [{"role": "user", "content": "x"}]
BLOCKS = [{"role": "user", "content": [{"text": "x"}]}]
CONVERSE = {
    "messages": BLOCKS,
    "system": None,
    "inferenceConfig": None,
    "toolConfig": None,
    "guardrailConfig": None,
    "outputConfig": None,
    "additionalModelRequestFields": None,
}
REQUESTS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {
        **dict.fromkeys(
            ("stream", "stream_options", "max_tokens", "n", "temperature", "seed", "stop", "tool_choice")
        ),
        **dict.fromkeys(("response_format", "logprobs", "modalities", "reasoning_effort", "tools")),
        "model": "m",
        "messages": CHAT,
    },
    "/v1/responses": {
        **dict.fromkeys(
            ("stream", "instructions", "max_output_tokens", "temperature", "tool_choice", "text", "tools")
        ),
        **dict.fromkeys(("reasoning", "include")),
        "model": "m",
        "input": "x",
    },
    "/v1/messages": {
        **dict.fromkeys(("stream", "system", "stop_sequences", "temperature", "tool_choice", "thinking")),
        **dict.fromkeys(("output_config", "output_format", "tools")),
        "model": "m",
        "max_tokens": 5,
        "messages": CHAT,
    },
    "/model/x/converse": CONVERSE,
    "/model/x/converse-stream": CONVERSE,
    "/model/amazon.nova-lite/invoke": CONVERSE,
    "/model/anthropic.claude/invoke": {
        "anthropic_version": "b",
        "max_tokens": 5,
        "messages": CHAT,
        "system": None,
    },
    "/model/meta.llama3/invoke": {"prompt": "x", "max_gen_len": 5, "temperature": None},
    "/model/amazon.titan-text/invoke": {"inputText": "x", "textGenerationConfig": None},
    "/v1/embeddings": {"model": "m", "input": "x", "dimensions": None, "encoding_format": None},
    "/v1/messages/count_tokens": {"model": "m", "messages": CHAT, "tools": None},
    "/model/x/count-tokens": {"input": {"converse": {"messages": BLOCKS}}},
    "/model/amazon.titan-embed-text-v2:0/invoke": {"inputText": "x", "dimensions": None},
    "/_mock/configure": dict.fromkeys(
        ("profile", "models", "seed", "fault", "rate", "jitter", "tokens", "stall_after")
    ),
}
ODD: list[Any] = [
    *(None, True, 0, -1, 1.5, 1e308, float("nan"), 10**400, "", "x", "\ud800", "\0"),
    *([], {}, [[]], [None], [{}], {"a": 1}, {"type": []}, {"type": "x"}, CHAT, BLOCKS),
    *(
        [{"role": "user", "content": [None]}],
        [{"role": [], "content": {}}],
        {"maxTokens": "x", "temperature": "x"},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": []}, "schema": 5, "name": "x"},
        {"textFormat": {"type": "json_schema", "structure": []}},
        {
            "format": {
                "type": "json_schema",
                "schema": {"type": "object", "properties": {"a": {"format": {}}}},
            }
        },
        {"effort": [], "summary": {}},
        {"thinking": {"type": "enabled", "budget_tokens": True}},
    ),
]


def statuses(jump: Any, calls: Any, path: str, bodies: list[bytes]) -> list[int]:
    async def main() -> list[int]:
        seen = []
        for body in bodies:
            app = create_app(Settings(profile="instant"))
            seen.append((await asyncio.wait_for(calls(path, body).run(app), 1000)).status)
        return seen

    return jump(main())  # type: ignore[no-any-return]


@pytest.mark.parametrize("path", REQUESTS)
def test_odd_values_are_answered_or_refused(jump: Any, calls: Any, path: str) -> None:
    base = {key: value for key, value in REQUESTS[path].items() if value is not None}
    bodies = [json.dumps({**base, key: odd}).encode() for key in REQUESTS[path] for odd in ODD]
    seen = statuses(jump, calls, path, bodies)
    assert set(seen) <= {200, 400}
    assert seen.count(400) > len(REQUESTS[path])


@pytest.mark.parametrize("path", REQUESTS)
def test_deep_nesting_is_answered_or_refused(jump: Any, calls: Any, path: str) -> None:
    messages = [{"role": "user", "content": [{"type": "text", "text": "x", "more": "@"}]}]
    body = json.dumps({**REQUESTS[path], "messages": messages, "input": messages})
    bodies = [body.replace('"@"', "[" * depth + "]" * depth).encode() for depth in (100, 900, 990, 5000)]
    assert set(statuses(jump, calls, path, bodies)) <= {200, 400}
