"""Responses have OpenAI's shapes, and the unmodified client understands them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest

from mock_llm.app import create_app
from mock_llm.settings import Settings


def ask(jump: Any, calls: Any, app: Any = None, gone_at: float | None = None, **body: Any) -> Any:
    asked = {"model": "mock-instant", "input": "Hello", **body}
    return jump(calls("/v1/responses", json.dumps(asked).encode(), gone_at=gone_at).run(app or create_app()))


def named_events(call: Any) -> list[tuple[float, Any]]:
    events = []
    for at, message in call.sent[1:-1]:
        name, data = message["body"].decode().removesuffix("\n\n").split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        events.append((at, event))
    return events


def test_events_come_in_order_and_are_numbered(jump: Any, calls: Any) -> None:
    events = [event for _, event in named_events(ask(jump, calls, stream=True))]
    assert [event["type"].removeprefix("response.") for event in events] == [
        *("created", "in_progress", "output_item.added", "content_part.added"),
        *["output_text.delta"] * 50,
        *("output_text.done", "content_part.done", "output_item.done", "completed"),
    ]
    assert [event["sequence_number"] for event in events] == list(range(58))
    text = "".join(event["delta"] for event in events if "delta" in event)
    assert text == events[-4]["text"] == events[-1]["response"]["output"][0]["content"][0]["text"]
    assert events[0]["response"]["status"] == "in_progress"
    assert events[0]["response"]["usage"] is None


def test_whole_answer_is_the_last_event_of_the_stream(jump: Any, calls: Any) -> None:
    whole = ask(jump, calls, app=create_app(Settings(epoch=lambda: 5.0))).json()
    last = named_events(ask(jump, calls, app=create_app(Settings(epoch=lambda: 5.0)), stream=True))[-1][1]
    assert last["response"] == whole
    assert whole["usage"]["total_tokens"] == whole["usage"]["input_tokens"] + 50


def test_limit_makes_the_answer_incomplete(jump: Any, calls: Any) -> None:
    last = named_events(ask(jump, calls, stream=True, max_output_tokens=16))[-1][1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert last["response"]["usage"]["output_tokens"] == 16


def test_deltas_leave_at_their_instants(jump: Any, calls: Any) -> None:
    events = named_events(ask(jump, calls, stream=True, model="mock-slow"))
    deltas = [at for at, event in events if "delta" in event]
    assert deltas == [round(1 + index / 10, 1) for index in range(391)]
    assert [events[0][0], events[-1][0]] == [1.0, 40.0]


def test_stall_hangs_after_its_last_delta(jump: Any, calls: Any) -> None:
    call = ask(jump, calls, stream=True, model="mock-stalled", gone_at=100.0)
    assert b"completed" not in call.content
    assert call.content.count(b"event: response.output_text.delta") == 20


def test_request_is_repeated_in_the_answer(jump: Any, calls: Any) -> None:
    answer = ask(jump, calls, instructions="Be brief", temperature=0.5, metadata={"a": "b"}).json()
    assert (answer["instructions"], answer["temperature"], answer["metadata"]) == (
        "Be brief",
        0.5,
        {"a": "b"},
    )
    assert answer["top_p"] == 1.0


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        ({"model": None}, "Missing required parameter: 'model'.", "model"),
        ({"input": None}, "Missing required parameter: 'input'.", "input"),
        ({"input": 3}, "Invalid type for 'input'", "input"),
        ({"input": [3]}, "Invalid type for 'input[0]'", "input[0]"),
        ({"messages": []}, "Unknown parameter: 'messages'.", "messages"),
        ({"max_output_tokens": 15}, "Expected a value >= 16, but got 15 instead.", "max_output_tokens"),
        ({"previous_response_id": "resp_1"}, "does not emulate stored conversations", "previous_response_id"),
        ({"tool_choice": "required"}, "only allowed when 'tools' are specified", "tool_choice"),
        (
            {"text": {"format": {"type": "json_object"}}},
            "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
            "'json_object'.",
            "input",
        ),
    ],
)
def test_refused(jump: Any, calls: Any, body: dict[str, Any], message: str, param: str) -> None:
    call = ask(jump, calls, **body)
    assert call.status == 400
    assert message in call.json()["error"]["message"]
    assert call.json()["error"]["param"] == param


def test_client_streams_and_reads_whole(serving: Any, quick_settings: Settings) -> None:
    async def main() -> None:
        async with (
            serving(create_app(quick_settings)) as url,
            openai.AsyncOpenAI(base_url=url + "/v1", api_key="k") as client,
        ):
            async with client.responses.stream(model="gpt-5", input="Hello", instructions="Brief") as stream:
                kinds = [event.type async for event in stream]
                final = await stream.get_final_response()
            whole = await client.responses.create(
                model="gpt-5", input=[{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]
            )
        assert kinds.count("response.output_text.delta") == 50
        assert kinds[-1] == "response.completed"
        assert len(final.output_text) > 100
        assert len(whole.output_text) > 100
        assert final.output_text != whole.output_text

    asyncio.run(main())
