"""On the real clock: how long a token takes from the model's schedule to the client, through Lambda response
streaming and a Function URL, with many streams at once, beside the same streams straight from the model."""

from __future__ import annotations

import asyncio
import sys
from time import perf_counter

import httpx

import sandbox.clock
from benchmarks.fixture import create_function, create_function_url
from sandbox.app import open_sandbox

STREAMS, TOKENS, RATE = 100, 60, 5
CONTENT = b'"content":" '  # a token that begins a word; others are not counted, on either side
STAGGER = 0.037  # s between the starts, so that the streams' tokens do not fall on one instant
HANDLER = """
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const answer = await fetch(process.env.OPENAI_BASE_URL + "/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json", ...JSON.parse(event.body) },
    body: JSON.stringify({ model: "mock", stream: true, messages: [{ role: "user", content: event.body }] }),
  });
  stream = awslambda.HttpResponseStream.from(stream, { headers: { "content-type": "text/event-stream" } });
  for await (const chunk of answer.body) stream.write(chunk);
  stream.end();
});
"""


def pace() -> dict[str, str]:
    return {"x-mock-llm-first-token": "0.5", "x-mock-llm-rate": str(RATE), "x-mock-llm-tokens": str(TOKENS)}


async def read(client, url: str, seen: dict[str, list[float]], key: str, body: dict, headers: dict) -> None:
    """Note when each token's text arrived."""
    times = seen.setdefault(key, [])
    async with client.stream("POST", url, json=body, headers=headers) as answer:
        async for chunk in answer.aiter_raw():
            times += [perf_counter()] * chunk.count(CONTENT)


async def measure(clock, through: str) -> list[float]:
    """Sorted delays (s) of all tokens after the model's emission."""
    emitted: dict[str, list[float]] = {}
    order: list[str] = []
    async with open_sandbox(clock) as box:
        def note(event) -> None:
            if event.source == "model" and event.name == "request_received":
                order.append(event.id)
            elif (
                event.source == "model"
                and event.name == "token_emitted"
                and event.data["text"].startswith(" ")
            ):
                emitted.setdefault(event.id, []).append(perf_counter())

        url = f"{box.endpoint}/_llm/v1/chat/completions"
        if through == "function URL":
            await create_function(box, "chat", HANDLER, runtime="nodejs24.x", timeout=60)
            url = await create_function_url(box, "chat")
        seen: dict[str, list[float]] = {}
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=None, trust_env=False, limits=limits) as client:
            if through == "function URL":  # warm environments
                warm = {**pace(), "x-mock-llm-tokens": "2"}
                await asyncio.gather(*(read(client, url, {}, "warm", warm, {}) for _ in range(STREAMS)))
            box.timeline.listen(note)
            work = []
            for number in range(STREAMS):
                key = str(number)
                body = {"model": "mock", "stream": True, "messages": [{"role": "user", "content": key}]}
                direct = through == "model alone"
                work.append(
                    asyncio.create_task(
                        read(client, url, seen, key, body if direct else pace(), pace() if direct else {})
                    )
                )
                await asyncio.sleep(STAGGER)
            await asyncio.gather(*work)
    delays = []
    for key, stream in zip(seen, order, strict=True):
        delays += [got - sent for got, sent in zip(seen[key], emitted[stream], strict=True)]
    return sorted(delays)


def main() -> None:
    print(f"{STREAMS} streams at once, {RATE} tokens/s each, {TOKENS} tokens, {sys.platform}")
    rows = {
        name: sandbox.clock.run(lambda clock, name=name: measure(clock, name), kind="real")
        for name in ("model alone", "function URL")
    }
    for name, delays in rows.items():
        p50, p99 = (delays[int(len(delays) * q)] * 1000 for q in (0.5, 0.99))
        print(
            f"{name:14} p50 {p50:7.3f} ms  p99 {p99:7.3f} ms  max {delays[-1] * 1000:7.3f} ms  ({len(delays)} tokens)"
        )
    a, b = (rows[name][int(len(rows[name]) * 0.99)] for name in rows)
    print(
        f"p99 through Lambda and Function URL: {b / a:.1f} times the model's own; added {1000 * (b - a):.3f} ms"
    )
