"""Reasoning and structured outputs through Converse, decoded by boto3."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from mock_llm.app import create_app
from mock_llm.settings import Settings

HELLO: Any = [{"role": "user", "content": [{"text": "Hello"}]}]
MODEL = "anthropic.claude-3-7-sonnet-20250219-v1:0"
THINK: Any = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.fixture
def converse(serving: Any) -> Callable[..., Any]:
    """``converse(stream=False, **parameters)``."""

    def run(*, stream: bool = False, **parameters: Any) -> Any:
        async def main() -> Any:
            async with serving(create_app(Settings(profile="instant"))) as url:
                client = boto3.client(
                    "bedrock-runtime",
                    endpoint_url=url,
                    region_name="us-east-1",
                    aws_access_key_id="k",
                    aws_secret_access_key="s",
                    config=Config(retries={"total_max_attempts": 1}),
                )
                asked = {"modelId": MODEL, "messages": HELLO, **parameters}
                return await asyncio.to_thread(ask, client, asked)

        def ask(client: Any, asked: Any) -> Any:
            return list(client.converse_stream(**asked)["stream"]) if stream else client.converse(**asked)

        return asyncio.run(main())

    return run


def test_reasoning_is_a_signed_block_of_its_own(converse: Any) -> None:
    whole = converse(additionalModelRequestFields=THINK)
    reasoning, text = whole["output"]["message"]["content"]
    events = converse(stream=True, additionalModelRequestFields=THINK)
    deltas = [event["contentBlockDelta"] for event in events if "contentBlockDelta" in event]
    first = [delta["delta"]["reasoningContent"] for delta in deltas if delta["contentBlockIndex"] == 0]
    assert (
        "".join(part.get("text", "") for part in first)
        == reasoning["reasoningContent"]["reasoningText"]["text"]
    )
    assert first[-1] == {"signature": reasoning["reasoningContent"]["reasoningText"]["signature"]}
    assert "".join(d["delta"]["text"] for d in deltas if d["contentBlockIndex"] == 1) == text["text"]
    assert [e["contentBlockStop"]["contentBlockIndex"] for e in events if "contentBlockStop" in e] == [0, 1]
    assert whole["usage"]["outputTokens"] == 64 + 50


def test_reasoning_may_be_handed_back(converse: Any) -> None:
    first = converse(additionalModelRequestFields=THINK)["output"]["message"]
    assert converse(messages=[*HELLO, first, *HELLO])["stopReason"] == "end_turn"
    first["content"][0]["reasoningContent"]["reasoningText"]["signature"] = "eA=="
    with pytest.raises(ClientError) as refused:
        converse(messages=[*HELLO, first, *HELLO])
    assert refused.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "The model returned the following errors: messages.1.content.0: Invalid `signature` in `thinking` "
        "block",
    }


def test_a_budget_that_the_model_refuses(converse: Any) -> None:
    little = {"thinking": {"type": "enabled", "budget_tokens": 10}}
    with pytest.raises(
        ClientError, match=r"thinking.enabled.budget_tokens: Input should be greater than or equal"
    ):
        converse(additionalModelRequestFields=little)


def test_structured_outputs(converse: Any) -> None:
    def form(schema: str) -> Any:
        return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema}}}}

    said = converse(outputConfig=form(json.dumps(SCHEMA)))["output"]["message"]["content"][0]["text"]
    assert list(json.loads(said)) == ["city"]
    with pytest.raises(ClientError, match="schema is not JSON"):
        converse(outputConfig=form("{"))


def test_a_model_of_anthropics_thinks_through_invoke_model_too(jump: Any, calls: Any) -> None:
    def ask(display: str) -> Any:
        thinking = {"type": "enabled", "budget_tokens": 1024, "display": display}
        said = [{"role": "user", "content": "Hello"}]
        body = {"anthropic_version": "b", "max_tokens": 2000, "messages": said, "thinking": thinking}
        call = calls(f"/model/{MODEL}/invoke", json.dumps(body).encode())
        return jump(call.run(create_app(Settings(profile="instant")))).json()["content"][0]

    assert ask("summarized")["thinking"].endswith(".")
    assert (ask("omitted")["type"], ask("omitted")["thinking"]) == ("thinking", "")
