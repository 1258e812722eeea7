"""Reasoning takes tokens and time before the answer; only a summary of it can be seen."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest

from mock_llm.app import create_app
from mock_llm.settings import Settings

PACE = {"x-mock-llm-first-token": "1", "x-mock-llm-rate": "10", "x-mock-llm-tokens": "20"}


def events(call: Any) -> list[tuple[float, Any]]:
    return [
        (at, json.loads(message["body"].split(b"data: ")[1]))
        for at, message in call.sent[1:]
        if b"data: {" in message.get("body", b"")
    ]


def respond(jump: Any, calls: Any, headers: dict[str, str] = PACE, **body: Any) -> Any:
    asked = {"model": "mock-instant", "input": "Hello", **body}
    return jump(calls("/v1/responses", json.dumps(asked).encode(), headers=headers).run(create_app()))


def test_chat_is_silent_while_it_reasons(chat: Any) -> None:
    plain = chat(stream=True, headers=PACE)
    call = chat(stream=True, headers=PACE, reasoning_effort="minimal", stream_options={"include_usage": True})
    assert call.sent[0][0] == 2.6  # 16 tokens are thought first, and the first token of all is due at 1 s
    assert [at - 1.6 for at, _ in call.sent][1:20] == pytest.approx([at for at, _ in plain.sent][1:20])
    usage = call.events()[-2][1]["usage"]
    assert (usage["completion_tokens"], usage["completion_tokens_details"]["reasoning_tokens"]) == (36, 16)


def test_the_profile_says_how_long_is_reasoned(chat: Any) -> None:
    told = {**PACE, "x-mock-llm-thinking": "100"}
    for effort in ({}, {"reasoning_effort": "low"}):
        usage = chat(headers=told, **effort).json()["usage"]
        assert usage["completion_tokens_details"]["reasoning_tokens"] == 100
    usage = chat(headers=told, reasoning_effort="none").json()["usage"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 0


def test_a_limit_may_be_used_up_by_reasoning(chat: Any) -> None:
    choice = chat(headers=PACE, reasoning_effort="high", max_completion_tokens=30).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("", "length")
    call = chat(stream=True, headers=PACE, reasoning_effort="high", max_completion_tokens=30)
    assert call.sent[-1][0] == 3.9
    assert call.events()[-2][1]["choices"][0]["finish_reason"] == "length"


def test_an_unknown_effort_is_refused(chat: Any) -> None:
    error = chat(reasoning_effort="huge").json()["error"]
    assert error["param"] == "reasoning_effort"
    assert error["message"].startswith(
        "Invalid value: 'huge'. Supported values are: 'none', 'minimal', 'low'"
    )


def test_a_response_begins_with_an_item_of_reasoning(jump: Any, calls: Any) -> None:
    call = respond(jump, calls, stream=True, reasoning={"effort": "minimal"})
    told = [(round(at, 3), event["type"]) for at, event in events(call)]
    assert told[:5] == [
        (1.0, "response.created"),
        (1.0, "response.in_progress"),
        (1.0, "response.output_item.added"),
        (2.5, "response.output_item.done"),
        (2.6, "response.output_item.added"),
    ]
    done = events(call)[-1][1]["response"]
    assert [item["type"] for item in done["output"]] == ["reasoning", "message"]
    assert done["output"][0]["summary"] == []
    assert done["usage"]["output_tokens_details"] == {"reasoning_tokens": 16}
    assert done["usage"]["output_tokens"] == 36
    assert {e["output_index"] for _, e in events(call) if e["type"] == "response.output_text.delta"} == {1}


def test_a_summary_is_streamed_when_it_is_wanted(jump: Any, calls: Any) -> None:
    call = respond(jump, calls, stream=True, reasoning={"effort": "minimal", "summary": "auto"})
    told = [event for _, event in events(call)]
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    deltas = [event["delta"] for event in told if event["type"] == "response.reasoning_summary_text.delta"]
    assert len(deltas) == 16
    reasoning = told[-1]["response"]["output"][0]
    assert reasoning["summary"] == [{"type": "summary_text", "text": "".join(deltas)}]
    whole = respond(jump, calls, reasoning={"effort": "minimal", "summary": "auto"}).json()
    assert [item | {"id": ""} for item in whole["output"]] == [
        item | {"id": ""} for item in told[-1]["response"]["output"]
    ]


def test_the_client_hands_reasoning_back_with_the_result_of_a_tool(serving: Any) -> None:
    tools: Any = [{"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}]

    async def main() -> Any:
        async with (
            serving(create_app(Settings(profile="instant"))) as url,
            openai.AsyncOpenAI(base_url=url + "/v1", api_key="k", max_retries=0) as client,
        ):
            said: Any = [{"role": "user", "content": "Look."}]
            more: Any = {"reasoning": {"effort": "low"}, "include": ["reasoning.encrypted_content"]}
            async with client.responses.stream(
                model="m", input=said, tools=tools, tool_choice="required", **more
            ) as stream:
                async for _ in stream:
                    pass
                first = await stream.get_final_response()
            assert [item.type for item in first.output] == ["reasoning", "function_call"]
            assert first.output[0].encrypted_content
            result = {"type": "function_call_output", "call_id": first.output[1].call_id, "output": "seen"}
            said = [*said, *(item.model_dump() for item in first.output), result]
            return await client.responses.create(model="m", input=said, tools=tools, **more)

    answer = asyncio.run(main())
    assert [item.type for item in answer.output] == ["reasoning", "message"]
