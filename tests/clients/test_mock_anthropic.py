"""The unmodified anthropic client: messages, streams, tools over two turns, errors with their retries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import anthropic
import pytest

from mock_llm.app import create_app
from mock_llm.settings import Settings
from tests.mock_llm.conftest import served

HELLO: Any = [{"role": "user", "content": "What is the weather?"}]
TOOLS: Any = [
    {"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"enum": ["Paris"]}}}}
]


def run(work: Callable[[anthropic.Anthropic], Any], retries: int = 0, **told: Any) -> Any:
    async def main() -> Any:
        app = create_app(Settings(profile="instant"))
        app.configure(**told)
        async with served(app) as url:
            client = anthropic.Anthropic(base_url=url, api_key="k", max_retries=retries)
            return await asyncio.to_thread(work, client), app

    return asyncio.run(main())


def test_stream_and_whole_say_the_same() -> None:
    def work(client: anthropic.Anthropic) -> Any:
        ask: Any = {"model": "m", "max_tokens": 40, "messages": HELLO}
        with client.messages.stream(**ask) as stream:
            text = "".join(stream.text_stream)
            final = stream.get_final_message()
        return text, final, client.messages.create(**ask)

    (text, final, whole), _ = run(work)
    assert text == final.content[0].text == whole.content[0].text
    assert (final.stop_reason, final.usage.output_tokens) == ("max_tokens", 40)


def test_tools_over_two_turns() -> None:
    def work(client: anthropic.Anthropic) -> Any:
        ask: Any = {"model": "m", "max_tokens": 99, "tools": TOOLS}
        with client.messages.stream(**ask, messages=HELLO, tool_choice={"type": "any"}) as stream:
            called = stream.get_final_message()
        use = called.content[0]
        result = {"type": "tool_result", "tool_use_id": use.id, "content": "18 degrees"}
        said = [
            *HELLO,
            {"role": "assistant", "content": called.content},
            {"role": "user", "content": [result]},
        ]
        return called, client.messages.create(**ask, messages=said)

    rules = [{"when": {"turn": 2, "tool_result": "18"}, "answer": "Mild."}]
    (called, final), _ = run(work, rules=rules)
    assert (called.stop_reason, called.content[0].type) == ("tool_use", "tool_use")
    assert called.content[0].input == {"city": "Paris"}
    assert final.content[0].text == "Mild."


def test_overload_is_tried_again() -> None:
    def work(client: anthropic.Anthropic) -> Any:
        return client.messages.create(model="m", max_tokens=5, messages=HELLO)

    answer, app = run(work, retries=1, rules=[{"times": 1, "fault": "error:status=529"}])
    assert answer.usage.output_tokens == 5
    assert [(r.status, r.attempt) for r in app.requests] == [(529, 1), (200, 2)]


def test_error_in_the_stream_is_raised() -> None:
    def work(client: anthropic.Anthropic) -> Any:
        with (
            pytest.raises(anthropic.APIStatusError, match="overloaded_error"),
            client.messages.stream(model="m", max_tokens=50, messages=HELLO) as stream,
        ):
            stream.until_done()

    run(work, fault="error:status=529,after=3")
