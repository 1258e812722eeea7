"""Messages have Anthropic's shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mock_llm.app import create_app
from mock_llm.settings import Settings

HELLO = [{"role": "user", "content": "Hello"}]


def ask(
    jump: Any, calls: Any, app: Any = None, path: str = "/v1/messages", gone_at: Any = None, **body: Any
) -> Any:
    asked = {"model": "mock-instant", "max_tokens": 1000, "messages": HELLO, **body}
    return jump(calls(path, json.dumps(asked).encode(), gone_at=gone_at).run(app or create_app()))


def named_events(call: Any) -> list[tuple[float, Any]]:
    events = []
    for at, message in call.sent[1:-1]:
        name, data = message["body"].decode().removesuffix("\n\n").split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        events.append((at, event))
    return events


def test_events_come_in_order(jump: Any, calls: Any) -> None:
    events = [event for _, event in named_events(ask(jump, calls, stream=True))]
    assert [event["type"] for event in events] == [
        *("message_start", "content_block_start", "ping"),
        *["content_block_delta"] * 50,
        *("content_block_stop", "message_delta", "message_stop"),
    ]
    assert events[0]["message"]["content"] == []
    assert events[0]["message"]["stop_reason"] is None
    assert events[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert events[-2]["usage"] == {"output_tokens": 50}


def test_whole_answer_has_the_text_of_the_stream(jump: Any, calls: Any) -> None:
    whole = ask(jump, calls).json()
    events = [event for _, event in named_events(ask(jump, calls, stream=True))]
    streamed = "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta")
    assert whole["content"] == [{"type": "text", "text": streamed}]
    assert whole["usage"]["output_tokens"] == 50
    assert whole["id"].startswith("msg_")


def test_deltas_leave_at_their_instants(jump: Any, calls: Any, observed: Any) -> None:
    events = named_events(ask(jump, calls, create_app(observe=observed), stream=True, model="mock-slow"))
    deltas = [at for at, event in events if event["type"] == "content_block_delta"]
    assert deltas == [round(1 + index / 10, 1) for index in range(391)]
    assert observed.names().count("token_emitted") == 391


def test_stall_hangs_after_its_last_delta(jump: Any, calls: Any) -> None:
    call = ask(jump, calls, stream=True, model="mock-stalled", gone_at=100.0)
    assert call.content.count(b"event: content_block_delta") == 20
    assert b"message_stop" not in call.content


def test_limit_and_stop_sequence_end_the_text(jump: Any, calls: Any) -> None:
    text = ask(jump, calls).json()["content"][0]["text"]
    assert ask(jump, calls, max_tokens=5).json()["stop_reason"] == "max_tokens"
    stopped = ask(jump, calls, stop_sequences=[text[30:36]]).json()
    assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", text[30:36])
    assert stopped["content"][0]["text"] == text[: text.index(text[30:36])]


def test_also_under_the_prefix_that_bedrock_uses(jump: Any, calls: Any) -> None:
    assert ask(jump, calls, path="/anthropic/v1/messages").status == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"messages": None}, "messages: Field required"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages.0.role: Input should be"),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        (
            {"messages": [{"role": "user", "content": [{"text": "x"}]}]},
            "messages.0.content.0.type: Field required",
        ),
        ({"model": None}, "model: Field required"),
        ({"temperature": 1.5}, "temperature: Input should be less than or equal to 1"),
        ({"n": 2}, "n: Extra inputs are not permitted"),
        ({"stream": "yes"}, "stream: Input should be a valid boolean"),
        ({"tool_choice": {"type": "any"}}, "tool_choice.any may only be specified while providing tools"),
        (
            {"tool_choice": {"type": "tool", "name": "b"}, "tools": [{"name": "a", "input_schema": {}}]},
            "Tool 'b' not found in provided tools",
        ),
        ({"thinking": {"type": "on"}}, "thinking: Input tag 'on' found using 'type' does not match"),
    ],
)
def test_refused(jump: Any, calls: Any, body: dict[str, Any], message: str) -> None:
    call = ask(jump, calls, **body)
    assert call.status == 400
    assert call.json()["type"] == "error"
    assert call.json()["error"]["type"] == "invalid_request_error"
    assert message in call.json()["error"]["message"]


def test_other_refusals_have_their_types(jump: Any, calls: Any) -> None:
    missing = ask(jump, calls, model="mock-bogus")
    assert (missing.status, missing.json()["error"]["type"]) == (404, "not_found_error")
    keyless = ask(jump, calls, create_app(Settings(require_key=True)))
    assert (keyless.status, keyless.json()["error"]["type"]) == (401, "authentication_error")
    long = ask(jump, calls, create_app(Settings(max_body=10)))
    assert (long.status, long.json()["error"]["type"]) == (413, "request_too_large")
    assert jump(calls("/v1/messages", b"{").run(create_app())).status == 400
    assert jump(calls("/v1/messages", method="GET").run(create_app())).status == 405
    assert jump(calls("/anthropic/v1/bogus").run(create_app())).json()["type"] == "error"
