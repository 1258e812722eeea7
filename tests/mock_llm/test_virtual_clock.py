"""On the sandbox's virtual clock, over real sockets: exact instants for unmodified clients."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import openai
import pytest

from mock_llm.app import create_app
from sandbox.clock import Clock, run

HELLO: Any = [{"role": "user", "content": "Hello"}]
CODE = """
import sys, openai
client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="k", timeout=7200)
messages = [{"role": "user", "content": "x"}]
for chunk in client.chat.completions.create(model="mock-slow", messages=messages, stream=True):
    pass
"""


def test_forty_seconds_for_a_client_in_the_same_loop(serving: Any) -> None:
    async def main(clock: Clock) -> list[float]:
        app = create_app()
        async with (
            serving(app) as url,
            openai.AsyncOpenAI(base_url=url + "/v1", api_key="k", timeout=60) as client,
        ):
            with clock.in_flight("answer"):
                stream = await client.chat.completions.create(model="mock-slow", messages=HELLO, stream=True)
                return [clock.now() async for chunk in stream if chunk.choices[0].delta.content]

    assert run(main) == [round(1 + index / 10, 1) for index in range(391)]


def test_forty_seconds_for_a_client_in_another_process(serving: Any) -> None:
    emitted: list[float] = []

    async def main(clock: Clock) -> int:
        app = create_app(observe=lambda name, _, data: emitted.append(clock.now()))
        async with serving(app) as url:
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", CODE, url)
            clock.watch(process.pid)
            with clock.in_flight("answer"):
                return await process.wait()

    assert run(main) == 0
    assert [round(at - emitted[0], 6) for at in emitted[1:]] == [
        round(1 + index / 10, 1) for index in range(391)
    ] + [40.0]


@pytest.mark.parametrize("count", [50])
def test_answers_at_once_end_together(serving: Any, count: int) -> None:
    async def main(clock: Clock) -> set[float]:
        async with (
            serving(create_app()) as url,
            openai.AsyncOpenAI(base_url=url + "/v1", api_key="k") as client,
        ):

            async def ask() -> float:
                await client.chat.completions.create(model="mock-typical", messages=HELLO)
                return clock.now()

            with clock.in_flight("answers"):
                return set(await asyncio.gather(*(ask() for _ in range(count))))

    assert run(main) == {7.544444}
