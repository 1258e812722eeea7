"""The unmodified ``openai`` client understands every answer."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from mock_llm.app import create_app
from mock_llm.settings import Settings

HELLO: Any = [{"role": "user", "content": "Hello"}]


def test_async_client_streams(serving: Any, quick_settings: Settings) -> None:
    async def main() -> None:
        async with (
            serving(create_app(quick_settings)) as url,
            openai.AsyncOpenAI(base_url=url + "/v1", api_key="k") as client,
        ):
            stream = await client.chat.completions.create(
                model="gpt-5", messages=HELLO, stream=True, stream_options={"include_usage": True}
            )
            chunks = [chunk async for chunk in stream]
            whole = await client.chat.completions.create(model="gpt-5", messages=HELLO)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == whole.choices[0].message.content
        assert len(text) > 100
        assert chunks[-1].usage == whole.usage
        assert chunks[-2].choices[0].finish_reason == "stop"
        assert whole._request_id

    asyncio.run(main())


def test_sync_client_streams(serving: Any, quick_settings: Settings) -> None:
    def ask(url: str) -> list[str]:
        with openai.OpenAI(base_url=url + "/v1", api_key="k") as client:
            assert next(iter(client.models.list())).id == "mock-instant"
            stream = client.chat.completions.create(model="gpt-5", messages=HELLO, stream=True)
            return [chunk.choices[0].delta.content or "" for chunk in stream]

    async def main() -> None:
        async with serving(create_app(quick_settings)) as url:
            assert len("".join(await asyncio.to_thread(ask, url))) > 100

    asyncio.run(main())


def test_client_helpers_stream(serving: Any, quick_settings: Settings) -> None:
    async def main() -> None:
        async with (
            serving(create_app(quick_settings)) as url,
            openai.AsyncOpenAI(base_url=url + "/v1", api_key="k") as client,
        ):
            async with client.chat.completions.stream(model="gpt-5", messages=HELLO) as stream:
                events = [event async for event in stream]
            final = await stream.get_final_completion()
        assert [event.type for event in events].count("content.delta") == 51  # the role counts
        assert final.choices[0].message.content

    asyncio.run(main())


def test_client_raises_its_own_errors(serving: Any, quick_settings: Settings) -> None:
    async def main() -> None:
        async with (
            serving(create_app(quick_settings)) as url,
            openai.AsyncOpenAI(base_url=url + "/v1", api_key="k") as client,
        ):
            with pytest.raises(openai.NotFoundError) as missing:
                await client.chat.completions.create(model="mock-bogus", messages=HELLO)
            with pytest.raises(openai.BadRequestError) as bad:
                await client.chat.completions.create(model="m", messages=[])
        assert missing.value.code == "model_not_found"
        assert bad.value.param == "messages"

    asyncio.run(main())


def test_client_that_leaves_stops_the_generation(serving: Any, observed: Any) -> None:
    async def main() -> None:
        gone = asyncio.Event()

        def observe(name: str, *rest: Any) -> None:
            observed(name, *rest)
            if name == "client_gone":
                gone.set()

        app = create_app(observe=observe)
        async with serving(app) as url, openai.AsyncOpenAI(base_url=url + "/v1", api_key="k") as client:
            stream = await client.chat.completions.create(
                model="mock-stalled",
                messages=HELLO,
                stream=True,
                extra_headers={"x-mock-llm-first-token": "0"},
            )
            async for _ in stream:
                break
            await stream.close()
            await asyncio.wait_for(gone.wait(), 10)

    asyncio.run(main())
    assert observed.names().count("token_emitted") == observed.seen[-1][3]["tokens"]
