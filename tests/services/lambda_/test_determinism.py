"""Two runs are the same run: identifiers, instants and what happened, for each environment and invocation."""

from __future__ import annotations

import asyncio

from lambda_support import World

from sandbox.context import Invocation

NODE = """
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  for (let i = 0; i < 5; i += 1) { stream.write(`t${i}`); await sleep(50); }
  if (event.fail) throw new Error("x");
  if (event.hang) await sleep(1e6);
  stream.end();
});
"""
PYTHON = "import time\ndef handler(e, c):\n    time.sleep(e)\n    return e"


def test_runs_are_identical(lambda_world):
    async def main(world: World) -> list[tuple]:
        world.function("n", runtime="nodejs24.x", code=NODE, timeout_s=29)
        world.function("p", code=PYTHON, timeout_s=40)
        for payload in (b"{}", b'{"fail": 1}', b'{"hang": 1}', b"{}"):
            async for _ in await world.service.invoke_stream(Invocation("n", payload)):
                pass
        await asyncio.gather(*(world.invoke("p", str(i).encode()) for i in range(4)))
        await world.invoke("p", b"60", type="Event")
        await world.rest()
        events = [
            e for e in world.sandbox.timeline if e.name != "log"
        ]  # log lines name the test's own folder
        return sorted((e.id, round(e.at, 9), e.name, str(e.data)) for e in events)

    first = lambda_world(main)
    assert len(first) > 60
    for _ in range(3):
        assert lambda_world(main) == first
