"""On the real clock: how long a token takes from the model's schedule to the client, through Lambda response
streaming and a Function URL, with many streams at once, beside the same streams straight from the model."""

from __future__ import annotations

import asyncio
from time import perf_counter

import httpx

import sandbox.clock
from benchmarks.fixture import create_function, create_function_url
from sandbox.app import open_sandbox

STREAMS, TOKENS, RATE, FIRST = 100, 60, 5, 2
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
    return {
        "x-mock-llm-first-token": str(FIRST),
        "x-mock-llm-rate": str(RATE),
        "x-mock-llm-tokens": str(TOKENS),
    }


async def read(client, url: str, seen: dict[str, list[float]], key: str, body: dict, headers: dict) -> None:
    """Note when each token's text arrived."""
    times = seen.setdefault(key, [])
    async with client.stream("POST", url, json=body, headers=headers) as answer:
        async for chunk in answer.aiter_raw():
            times += [perf_counter()] * chunk.count(CONTENT)


async def measure(clock, through: str) -> tuple[list[float], list[float]]:
    """Sorted delays (s) of tokens after the model's emission: of those that were emitted while all streams were
    under way, and of all, also those beside the starts and the ends of other streams."""
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
    under_way = max(times[0] for times in emitted.values()), min(times[-1] for times in emitted.values())
    steady, whole = [], []
    for key, stream in zip(seen, order, strict=True):
        for got, sent in zip(seen[key], emitted[stream], strict=True):
            whole.append(got - sent)
            if under_way[0] <= sent <= under_way[1]:
                steady.append(got - sent)
    return sorted(steady), sorted(whole)


def main() -> None:
    print(
        f"{STREAMS} streams at once, {RATE} tokens/s each, {TOKENS} tokens; client and sandbox in one process"
    )
    rows = {}
    for name in ("model alone", "function URL"):
        steady, whole = sandbox.clock.run(lambda clock, name=name: measure(clock, name), kind="real")
        rows[name, "all under way"], rows[name, "with starts and ends"] = steady, whole
    for (name, phase), delays in rows.items():
        print(
            f"{name:13} {phase:21} p50 {at(delays, 0.5):7.3f} ms  p99 {at(delays, 0.99):7.3f} ms"
            f"  max {at(delays, 1):7.3f} ms  ({len(delays)} tokens)"
        )
    for phase in ("all under way", "with starts and ends"):
        alone, through = (at(rows[name, phase], 0.99) for name in ("model alone", "function URL"))
        print(f"p99 {phase}: {through / alone:.1f} times the model's own, {through - alone:.3f} ms added")


def at(delays: list[float], share: float) -> float:
    """A quantile in ms."""
    return delays[min(int(len(delays) * share), len(delays) - 1)] * 1000
