"""Extended thinking: a signed block before the answer, within its budget, and handed back by the client."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from typing import Any

import anthropic
import pytest
from pydantic import BaseModel

from mock_llm.app import create_app
from mock_llm.settings import Settings

HELLO: Any = [{"role": "user", "content": "Hello"}]
THINK: Any = {"type": "enabled", "budget_tokens": 1024}
FOREIGN = base64.b64encode(bytes(64)).decode()  # as long as the model's own
PACE = {"x-mock-llm-first-token": "1", "x-mock-llm-rate": "10", "x-mock-llm-tokens": "20"}


def ask(jump: Any, calls: Any, headers: dict[str, str] = PACE, **body: Any) -> Any:
    asked = {"model": "mock-instant", "max_tokens": 4000, "messages": HELLO, **body}
    return jump(calls("/v1/messages", json.dumps(asked).encode(), headers=headers).run(create_app()))


def events(call: Any) -> list[tuple[float, Any]]:
    return [
        (round(at, 3), json.loads(message["body"].split(b"data: ")[1])) for at, message in call.sent[1:-1]
    ]


def test_thinking_comes_first_token_by_token_and_signed(jump: Any, calls: Any) -> None:
    told = events(ask(jump, calls, stream=True, thinking=THINK))
    kinds = [event["delta"]["type"] for _, event in told if event["type"] == "content_block_delta"]
    assert kinds == ["thinking_delta"] * 64 + ["signature_delta"] + ["text_delta"] * 20
    assert told[0] == (1.0, told[0][1])
    assert told[1][1]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}
    text = next(at for at, e in told if e.get("delta", {}).get("type") == "text_delta")
    assert text == 7.4
    usage = told[-2][1]["usage"]
    assert usage == {"output_tokens": 84, "output_tokens_details": {"thinking_tokens": 64}}


def test_whole_and_streamed_say_the_same(jump: Any, calls: Any) -> None:
    whole = ask(jump, calls, thinking=THINK).json()
    told = [event for _, event in events(ask(jump, calls, stream=True, thinking=THINK))]
    thought = "".join(e["delta"]["thinking"] for e in told if "thinking" in e.get("delta", {}))
    signature = next(e["delta"]["signature"] for e in told if "signature" in e.get("delta", {}))
    assert whole["content"][0] == {"type": "thinking", "thinking": thought, "signature": signature}
    assert whole["content"][1]["text"] == "".join(
        e["delta"]["text"] for e in told if "text" in e.get("delta", {})
    )
    assert whole["usage"]["output_tokens_details"] == {"thinking_tokens": 64}


def test_thinking_that_is_not_shown_is_a_silence_and_a_signature(jump: Any, calls: Any) -> None:
    hidden = {"type": "adaptive", "display": "omitted"}
    told = events(ask(jump, calls, stream=True, thinking=hidden))
    first = [(at, e["type"], e.get("delta", {}).get("type")) for at, e in told[:6]]
    assert first == [
        (1.0, "message_start", None),
        (1.0, "content_block_start", None),
        (1.0, "ping", None),
        (7.3, "content_block_delta", "signature_delta"),
        (7.3, "content_block_stop", None),
        (7.4, "content_block_start", None),
    ]
    assert ask(jump, calls, thinking=hidden).json()["content"][0]["thinking"] == ""


def test_the_profile_says_how_long_is_thought_within_the_budget(jump: Any, calls: Any) -> None:
    for told, count in (("200", 200), ("3000", 1024)):
        call = ask(jump, calls, {**PACE, "x-mock-llm-thinking": told}, thinking=THINK)
        assert call.json()["usage"]["output_tokens_details"] == {"thinking_tokens": count}
    assert "output_tokens_details" not in ask(jump, calls, {"x-mock-llm-thinking": "9"}).json()["usage"]


@pytest.mark.parametrize("after", [10, 64, 70])
def test_a_stall_may_come_while_it_thinks(jump: Any, calls: Any, after: int) -> None:
    pace = {**PACE, "x-mock-llm-stall-after": str(after), "x-mock-llm-stall": "100"}
    instants = [at for at, e in events(ask(jump, calls, pace, stream=True, thinking=THINK)) if "delta" in e]
    gaps = [b - a for a, b in itertools.pairwise(instants)]
    assert max(gaps) == pytest.approx(100.1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"thinking": {"type": "enabled", "budget_tokens": 1000}},
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        ),
        ({"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens: Field required"),
        (
            {"thinking": THINK, "max_tokens": 1024},
            "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation",
        ),
        (
            {"thinking": THINK, "temperature": 0.5},
            "`temperature` may only be set to 1 when thinking is enabled.",
        ),
        (
            {"thinking": THINK, "tools": [{"name": "x", "input_schema": {}}], "tool_choice": {"type": "any"}},
            "Thinking may not be enabled when tool_choice forces tool use.",
        ),
        (
            {
                "messages": [
                    *HELLO,
                    {
                        "role": "assistant",
                        "content": [{"type": "thinking", "thinking": "x", "signature": FOREIGN}],
                    },
                    *HELLO,
                ]
            },
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        (
            {"output_config": {"format": {"type": "json_schema"}}},
            "output_config.format.schema: Field required",
        ),
        (
            {"output_config": {"format": {"type": "xml"}}},
            "output_config.format.type: Input should be 'json_schema'",
        ),
    ],
)
def test_refused(jump: Any, calls: Any, body: dict[str, Any], message: str) -> None:
    call = ask(jump, calls, **body)
    assert (call.status, call.json()["error"]["type"]) == (400, "invalid_request_error")
    assert call.json()["error"]["message"].startswith(message)


@pytest.fixture
def client(serving: Any) -> Any:
    """Run ``work(client)``."""

    def run(work: Any) -> Any:
        async def main() -> Any:
            async with (
                serving(create_app(Settings(profile="instant"))) as url,
                anthropic.AsyncAnthropic(base_url=url, api_key="k", max_retries=0) as client,
            ):
                return await work(client)

        return asyncio.run(main())

    return run


def test_the_client_hands_thinking_back_with_the_result_of_a_tool(client: Any) -> None:
    tools: Any = [{"name": "look", "input_schema": {"type": "object", "properties": {}}}]
    common: Any = {"model": "m", "max_tokens": 2000, "thinking": THINK, "tools": tools}
    rule = {"when": {"turn": 1}, "answer": {"text": "Let me look.", "calls": [{"tool": "look"}]}}

    async def work(c: Any) -> Any:
        await c.post("/_mock/configure", body={"rules": [rule]}, cast_to=object)
        async with c.messages.stream(**common, messages=HELLO) as stream:
            kinds = [event.type async for event in stream if event.type in ("thinking", "signature", "text")]
            first = await stream.get_final_message()
        assert kinds[0] == "thinking"
        assert kinds[64] == "signature"
        assert [block.type for block in first.content] == ["thinking", "text", "tool_use"]
        result = {"type": "tool_result", "tool_use_id": first.content[2].id, "content": "seen"}
        said = [
            *HELLO,
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ]
        return await c.messages.create(**common, messages=said)

    assert [block.type for block in client(work).content] == ["thinking", "text"]


class Weather(BaseModel):
    city: str
    degrees: int


def test_the_client_parses_structured_outputs(client: Any) -> None:
    answer = client(
        lambda c: c.messages.parse(model="m", max_tokens=1000, messages=HELLO, output_format=Weather)
    )
    assert isinstance(answer.parsed_output, Weather)
