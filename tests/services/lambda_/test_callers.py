"""Callers that leave, and what the function and its environment do then."""

from __future__ import annotations

import asyncio
import gc
import os
import signal

import pytest
from lambda_support import World

from sandbox.context import Invocation
from sandbox.services.processes import reports

STREAM = """
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const block = Buffer.alloc(2 ** 20, "x");
  for (let i = 0; i < 5; i += 1) {
    if (!stream.write(block)) await new Promise((resolve) => stream.once("drain", resolve));
  }
  stream.end();
});
"""


def test_a_buffered_caller_that_leaves_does_not_hold_up_the_function(lambda_world):
    async def main(world: World) -> None:
        world.function(code="import time\ndef handler(e, c):\n    time.sleep(1)\n    return 'x' * 2_000_000")
        call = asyncio.ensure_future(world.invoke())
        await asyncio.sleep(0.5)
        call.cancel()
        await world.rest()
        assert world.events("invocation_ended")[0].data["outcome"] == "ok"
        assert world.sandbox.clock.now() == pytest.approx(1.0)

    lambda_world(main)


def test_a_stream_that_nobody_reads_does_not_hold_up_the_function(lambda_world):
    async def main(world: World) -> None:
        world.function(runtime="nodejs24.x", code=STREAM, timeout_s=60)
        stream = await world.service.invoke_stream(Invocation("f", b"{}"))
        await stream.started()
        del stream
        gc.collect()
        await world.rest()
        assert world.events("invocation_ended")[0].data["outcome"] == "ok"

    lambda_world(main)


def test_a_slow_reader_holds_the_function_back(lambda_world):
    async def main(world: World) -> None:
        world.function(runtime="nodejs24.x", code=STREAM.replace("i < 5", "i < 40"), timeout_s=900)
        stream = await world.service.invoke_stream(Invocation("f", b"{}"))
        chunks = aiter(stream)
        size = len(await anext(chunks))
        await asyncio.sleep(300)
        wrote = sum(e.data["bytes"] for e in world.events("function_wrote"))
        assert wrote < 1 << 20, "the function's bytes were taken although nobody read them"
        async for chunk in chunks:
            size += len(chunk)
        assert size == 40 << 20

    lambda_world(main)


def test_a_reaper_that_is_ended_is_started_again(lambda_world):
    async def main(world: World) -> None:
        world.function(code="def handler(e, c): return 1")
        await world.invoke()
        first = reports._program.process
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        world.function(code="def handler(e, c): return 2")
        assert (await world.invoke()).payload == b"2"
        assert reports._program.process.pid != first.pid

    lambda_world(main)
