"""Streamed invocations: chunks as they are written, their speed and size, and the ways a stream ends."""

from __future__ import annotations

import json

import pytest
from lambda_support import World, zipped

from sandbox.context import Invocation, InvokeComplete

NODE = """
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  if (event.type) stream.setContentType(event.type);
  if (event.http) stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
  if (event.failFirst) throw new Error("at once");
  for (let i = 0; i < (event.tokens ?? 3); i += 1) { stream.write(`t${i} `); await sleep(100); }
  if (event.fail) throw new Error("boom");
  if (event.hang) await sleep(1e6);
  if (event.exit) process.exit(5);
  if (event.pause) await sleep(event.pause);
  stream.end();
});
"""


async def read(world: World, name: str = "f", payload: dict | None = None, tail: bool = False):
    stream = await world.service.invoke_stream(
        Invocation(name, json.dumps(payload or {}).encode(), log_tail=tail)
    )
    await stream.started()
    start = world.sandbox.clock.now()
    got = []
    async for chunk in stream:
        got.append((round(world.sandbox.clock.now() - start, 6), chunk.decode()))
    return stream, got


TOKENS = [(0.0, "t0 "), (0.1, "t1 "), (0.2, "t2 ")]


@pytest.mark.fact("4.13", "4.18")
@pytest.mark.parametrize("runtime", ["nodejs20.x", "nodejs22.x", "nodejs24.x"])
def test_each_write_arrives_at_its_own_instant(lambda_world, runtime):
    async def main(world: World) -> None:
        world.function(runtime=runtime, code=NODE)
        stream, got = await read(world)
        assert got == TOKENS
        assert (stream.content_type, stream.complete) == ("application/octet-stream", InvokeComplete())
        stream, got = await read(world, payload={"type": "text/event-stream"})
        assert stream.content_type == "text/event-stream"
        assert len(world.events("environment_started")) == 1
        assert [e.data["bytes"] for e in world.events("function_wrote")] == [3] * 6

    lambda_world(main)


@pytest.mark.fact("4.19")
def test_the_http_prelude_is_passed_on_untouched(lambda_world):
    async def main(world: World) -> None:
        world.function(runtime="nodejs24.x", code=NODE)
        stream, got = await read(world, payload={"http": True})
        assert stream.content_type == "application/vnd.awslambda.http-integration-response"
        assert "".join(text for _, text in got) == '{"statusCode":201}' + "\0" * 8 + "t0 t1 t2 "

    lambda_world(main)


@pytest.mark.parametrize("runtime", ["nodejs22.x", "nodejs24.x"])
@pytest.mark.parametrize("when", ["fail", "failFirst"])
def test_an_error_ends_the_stream_with_its_details_and_the_environment_lives(lambda_world, runtime, when):
    async def main(world: World) -> None:
        world.function(runtime=runtime, code=NODE)
        for _ in range(3):  # also with an environment that has just failed
            stream, got = await read(world, payload={when: True}, tail=True)
            assert got == (TOKENS if when == "fail" else [])
            assert stream.complete.error_code == "Unhandled"
            assert json.loads(stream.complete.error_details)["errorType"] == "Error"
            assert stream.complete.log_tail
        _, got = await read(world)
        assert got == TOKENS
        assert len(world.events("environment_started")) == 1

    lambda_world(main)


@pytest.mark.fact("4.16")
def test_a_timeout_in_mid_stream_keeps_what_was_sent(lambda_world):
    async def main(world: World) -> None:
        world.function(runtime="nodejs24.x", code=NODE, timeout_s=10)
        stream, got = await read(world, payload={"hang": True})
        assert got == TOKENS
        assert json.loads(stream.complete.error_details)["errorType"] == "Sandbox.Timedout"
        assert world.sandbox.clock.now() == pytest.approx(10.0)

    lambda_world(main)


@pytest.mark.fact("4.16")
def test_a_crash_in_mid_stream_is_an_exit_error(lambda_world):
    async def main(world: World) -> None:
        world.function(runtime="nodejs24.x", code=NODE)
        stream, got = await read(world, payload={"exit": True})
        assert got == TOKENS
        details = json.loads(stream.complete.error_details)
        assert details["errorType"] == "Runtime.ExitError"
        assert "exit status 5" in details["errorMessage"]

    lambda_world(main)


@pytest.mark.fact("4.14")
def test_a_caller_that_leaves_does_not_stop_the_function(lambda_world):
    async def main(world: World) -> None:
        world.function(runtime="nodejs24.x", code=NODE, timeout_s=60)
        stream = await world.service.invoke_stream(Invocation("f", b'{"tokens": 100}'))
        chunks = aiter(stream)
        assert await anext(chunks) == b"t0 "
        await chunks.aclose()
        assert stream.complete is None
        await world.rest()
        ended = world.events("invocation_ended")[0].data
        assert (ended["outcome"], ended["billed_ms"]) == ("ok", 10_000)
        assert sum(e.data["bytes"] for e in world.events("function_wrote")) == 390

    lambda_world(main)


def test_a_function_that_does_not_stream_gives_its_answer_in_one_piece(lambda_world):
    async def main(world: World) -> None:
        world.function(code="import time\ndef handler(e, c):\n    time.sleep(2)\n    return 'all'")
        stream, got = await read(world)
        assert got == [(0.0, '"all"')]
        assert stream.content_type == "application/json"
        assert world.sandbox.clock.now() == 2.0
        world.function(code="def handler(e, c): raise ValueError('x')")
        stream, got = await read(world)
        assert (got, stream.complete.error_code) == ([], "Unhandled")

    lambda_world(main)


def test_a_streaming_function_invoked_buffered_gives_everything_at_the_end(lambda_world):
    async def main(world: World) -> None:
        world.function(runtime="nodejs24.x", code=NODE)
        result = await world.invoke()
        assert (result.payload, result.function_error) == (b"t0 t1 t2 ", None)
        assert world.sandbox.clock.now() == pytest.approx(0.3)
        failed = await world.invoke(payload=b'{"fail": true}')
        assert failed.function_error == "Unhandled"
        assert json.loads(failed.payload)["errorMessage"] == "boom"

    lambda_world(main)


BULK = """
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const block = Buffer.alloc(2 ** 20, "x");
  for (let i = 0; i < event.mb; i += 1) {
    if (!stream.write(block)) await new Promise((resolve) => stream.once("drain", resolve));
  }
  stream.end();
});
"""


@pytest.mark.fact("4.5")
def test_after_6_mb_a_stream_runs_at_2_mb_a_second(lambda_world):
    async def main(world: World) -> None:
        world.function(runtime="nodejs24.x", code=BULK, timeout_s=900)
        stream = await world.service.invoke_stream(Invocation("f", b'{"mb": 26}'))
        at = {}
        size = 0
        async for chunk in stream:
            size += len(chunk)
            at[size >> 20] = world.sandbox.clock.now()
        assert size == 26 << 20
        assert at[5] == 0.0
        assert at[16] == pytest.approx(5.0, abs=0.5)
        assert world.sandbox.clock.now() == pytest.approx(10.0, abs=0.001)

    lambda_world(main)


@pytest.mark.fact("4.4")
def test_a_stream_is_cut_at_its_limit(lambda_world, today):
    from datetime import date

    async def main(world: World) -> None:
        world.function(runtime="nodejs24.x", code=BULK, timeout_s=900)
        stream = await world.service.invoke_stream(Invocation("f", b'{"mb": 21}'))
        size = 0
        async for chunk in stream:
            size += len(chunk)
        assert size == 20 << 20
        assert json.loads(stream.complete.error_details)["errorType"] == "Function.ResponseSizeTooLarge"

    lambda_world(main, as_of=date(2024, 5, 1))


CUSTOM = """#!%s
import http.client, os, socket
host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
base = "/2018-06-01/runtime/invocation/"
api = http.client.HTTPConnection(host, int(port))
while True:
    api.request("GET", base + "next")
    answer = api.getresponse()
    answer.read()
    id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
    api.putrequest("POST", base + id + "/response")
    for name, value in (("Lambda-Runtime-Function-Response-Mode", "streaming"), ("Transfer-Encoding", "chunked"),
                        ("Content-Type", "text/plain")):
        api.putheader(name, value)
    api.endheaders()
    for token in ("a", "b"):
        api.send(b"1\\r\\n" + token.encode() + b"\\r\\n")
        import time; time.sleep(1)
    if os.environ["_HANDLER"] == "breaks":
        api.sock.shutdown(socket.SHUT_WR)
        time.sleep(5)
    api.send(b"0\\r\\n\\r\\n")
    api.getresponse().read()
"""


def custom(world: World, handler: str) -> None:
    import sys

    script = CUSTOM % sys._base_executable  # type: ignore[attr-defined]
    code = zipped({"bootstrap": script}, executable=("bootstrap",))
    world.function(runtime="provided.al2023", handler=handler, code=code, timeout_s=30)


def test_python_streams_by_a_custom_runtime(lambda_world):
    async def main(world: World) -> None:
        custom(world, "works")
        for _ in range(2):
            stream, got = await read(world)
            assert got == [(0.0, "a"), (1.0, "b")]
            assert stream.content_type == "text/plain"

    lambda_world(main)


def test_a_connection_that_breaks_while_the_process_lives_is_a_truncated_response(lambda_world):
    async def main(world: World) -> None:
        custom(world, "breaks")
        stream, got = await read(world)
        assert got == [(0.0, "a"), (1.0, "b")]
        assert json.loads(stream.complete.error_details)["errorType"] == "Runtime.TruncatedResponse"

    lambda_world(main)
