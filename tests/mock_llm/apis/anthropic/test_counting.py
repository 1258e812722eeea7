"""Counts of tokens are those of the answers' usage; models are listed in Anthropic's shapes to its clients."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import pytest

from mock_llm.app import create_app
from mock_llm.settings import Settings

TOOLS: Any = [{"name": "look", "description": "Look around", "input_schema": {"type": "object"}}]
CALL: Any = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"where": "up"}}
RESULT: Any = {
    "type": "tool_result",
    "tool_use_id": "toolu_1",
    "content": [{"type": "text", "text": "A bird"}],
}
SAID: Any = [
    {"role": "user", "content": "Look up"},
    {"role": "assistant", "content": [{"type": "text", "text": "Well"}, CALL]},
    {"role": "user", "content": [RESULT]},
]


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


def test_count_is_that_of_the_usage_and_grows_with_all_that_is_read(client: Any) -> None:
    async def work(c: Any) -> Any:
        counted = []
        for number in (1, 3):
            for tools in ({}, {"tools": TOOLS}):
                asked: Any = {
                    "model": "m",
                    "messages": SAID[:number] if number != 2 else SAID[:1] + SAID[:1],
                    **tools,
                }
                count = (await c.messages.count_tokens(**asked)).input_tokens
                answer = await c.messages.create(max_tokens=5, **asked)
                assert answer.usage.input_tokens == count
                counted.append(count)
        return counted

    counted = client(work)
    assert counted[0] == 2
    assert counted[1] > counted[0]
    assert counted[2] > counted[0] + 2


def test_models_are_listed_and_found(client: Any) -> None:
    async def work(c: Any) -> Any:
        listed = [model async for model in c.models.list()]
        one = await c.models.retrieve("mock-slow")
        with pytest.raises(anthropic.NotFoundError, match="model: mock-none"):
            await c.models.retrieve("mock-none")
        return listed, one

    listed, one = client(work)
    assert one in listed
    assert (one.type, one.id, one.lifecycle) == ("model", "mock-slow", "active")


def test_errors_carry_the_request_id(client: Any) -> None:
    async def work(c: Any) -> Any:
        with pytest.raises(anthropic.BadRequestError) as refused:
            await c.messages.create(model="m", max_tokens=0, messages=SAID[:1])
        return refused.value

    error = client(work)
    assert error.request_id == error.body["request_id"] != ""
