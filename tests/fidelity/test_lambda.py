"""Proofs of the rows about Lambda: a whole sandbox, real handlers, virtual time."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.aws.errors import AwsError
from sandbox.context import Invocation

if TYPE_CHECKING:
    from tests.fidelity.conftest import Play, World

SLEEP = "import time\ndef handler(event, context):\n    time.sleep(event['s'])\n    return 'done'\n"
FAIL = "def handler(event, context):\n    raise ValueError('no')\n"
SIZE = "def handler(event, context):\n    return 'A' * event['n']\n"


def sleep(seconds: float) -> bytes:
    return json.dumps({"s": seconds}).encode()


@pytest.mark.fact("4.1", "4.41")
def test_a_function_without_a_timeout_is_ended_at_3_seconds(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP)
        began = world.clock.now()
        result = await world.invoke("f", sleep(10))
        assert world.clock.now() - began == pytest.approx(3, abs=1e-6)
        answer = json.loads(result.payload)
        assert (result.status, result.function_error) == (200, "Unhandled")
        assert answer["errorType"] == "Sandbox.Timedout"
        assert (
            answer["errorMessage"]
            == f"RequestId: {result.request_id} Error: Task timed out after 3.00 seconds"
        )

    play(main)


@pytest.mark.fact("4.1")
def test_900_seconds_are_the_most(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP, Timeout=900)
        began = world.clock.now()
        assert (await world.invoke("f", sleep(899.999))).payload == b'"done"'
        assert world.clock.now() - began == pytest.approx(899.999, abs=1e-6)
        with pytest.raises(AwsError) as caught:
            await world.aws("lambda", "UpdateFunctionConfiguration", FunctionName="f", Timeout=901)
        assert caught.value.status == 400

    play(main)


@pytest.mark.fact("4.2")
def test_a_synchronous_request_must_be_smaller_than_6_mib(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", "def handler(event, context):\n    return len(event)\n")
        most = json.dumps("A" * (6_291_455 - 2)).encode()
        assert (await world.invoke("f", most)).payload == b"6291453"
        with pytest.raises(AwsError) as caught:
            await world.invoke("f", most + b" ")
        assert (caught.value.status, caught.value.code) == (413, "RequestEntityTooLargeException")
        assert caught.value.message == (
            "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
        )

    play(main)


@pytest.mark.fact("4.2")
def test_a_synchronous_response_may_have_100_bytes_more(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SIZE)
        whole = await world.invoke("f", b'{"n": 6291554}')  # and two quotes
        assert (len(whole.payload), whole.function_error) == (6_291_556, None)
        over = await world.invoke("f", b'{"n": 6291555}')
        assert over.function_error == "Unhandled"
        assert json.loads(over.payload) == {
            "errorType": "Function.ResponseSizeTooLarge",
            "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        }

    play(main)


@pytest.mark.fact("4.3")
@pytest.mark.parametrize(("day", "limit"), [("2025-10-23", 262_144), ("2025-10-24", 1_048_576)])
def test_an_asynchronous_payload_is_limited_by_the_day(play: Play, day: str, limit: int) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP)
        payload = json.dumps({"s": 0, "x": ""}).encode()
        payload = payload[:-2] + b"A" * (limit - len(payload)) + b'"}'
        assert (await world.invoke("f", payload, type="Event")).status == 202
        with pytest.raises(AwsError) as caught:
            await world.invoke("f", payload + b" ", type="Event")
        assert caught.value.status == 413
        assert caught.value.message == (
            f"{limit + 1} byte payload is too large for the Event invocation type (limit {limit} bytes)"
        )

    play(main, as_of=date.fromisoformat(day))


STREAM = """
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const piece = Buffer.alloc(65536, 'A');
  for (let n = 0; n < event.pieces; n++)
    if (!stream.write(piece)) await new Promise((resolve) => stream.once('drain', resolve));
  stream.end();
});
"""


async def streamed(world: World, payload: bytes) -> tuple[list[tuple[float, int]], Any]:
    """A streamed invocation: (seconds, bytes so far) at each piece, and how it ended."""
    began, total, pieces = world.clock.now(), 0, []
    stream = await world.sandbox.invoke_stream(Invocation("f", payload))
    await stream.started()
    async for chunk in stream:
        total += len(chunk)
        pieces.append((world.clock.now() - began, total))
    return pieces, stream.complete


@pytest.mark.fact("4.5")
def test_a_stream_is_slowed_to_2_mib_a_second_after_6_mib(play: Play) -> None:
    async def main(world: World) -> None:
        await world.node("f", STREAM, Timeout=60)
        pieces, complete = await streamed(world, b'{"pieces": 160}')  # 10 MiB
        assert complete.error_code is None
        assert pieces[-1][1] == 10 * 2**20
        assert all(at == pytest.approx(0, abs=1e-3) for at, total in pieces if total <= 6 * 2**20)
        assert pieces[-1][0] == pytest.approx(2, abs=0.05)  # 4 MiB at 2 MiB/s

    play(main)


@pytest.mark.fact("4.4")
@pytest.mark.parametrize(("day", "mib"), [("2025-07-30", 20), ("2025-07-31", 200)])
def test_a_stream_may_have_20_mib_and_later_200(play: Play, day: str, mib: int) -> None:
    async def main(world: World) -> None:
        await world.node("f", STREAM, Timeout=300)
        pieces, complete = await streamed(world, json.dumps({"pieces": 16 * mib + 1}).encode())
        assert pieces[-1][1] <= mib * 2**20
        assert json.loads(complete.error_details)["errorType"] == "Function.ResponseSizeTooLarge"

    play(main, as_of=date.fromisoformat(day))


@pytest.mark.fact("4.4")
def test_there_was_no_streaming_before_april_2023(play: Play) -> None:
    async def main(world: World) -> None:
        await world.node("f", STREAM)
        with pytest.raises(AwsError, match="2023-03-31"):
            await world.sandbox.invoke_stream(Invocation("f", b'{"pieces": 1}'))

    play(main, as_of=date(2023, 3, 31))


@pytest.mark.fact("4.12")
def test_a_plain_python_handler_does_not_stream(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", "import time\ndef handler(e, c):\n    time.sleep(2)\n    return 'x' * 1000\n")
        pieces, complete = await streamed(world, b"{}")
        assert [at for at, _ in pieces] == pytest.approx([2] * len(pieces), abs=1e-6)
        assert complete.error_code is None

    play(main)


@pytest.mark.fact("4.16")
def test_a_timeout_in_mid_stream_is_told_by_the_last_event(play: Play) -> None:
    source = """
    export const handler = awslambda.streamifyResponse(async (event, stream) => {
      stream.write('one'); await new Promise((resolve) => setTimeout(resolve, 10000)); stream.end('two');
    });
    """

    async def main(world: World) -> None:
        await world.node("f", source, Timeout=5)
        pieces, complete = await streamed(world, b"{}")
        assert [total for _, total in pieces] == [3]
        details = json.loads(complete.error_details)
        assert details["errorType"] == "Sandbox.Timedout"
        assert details["errorMessage"].endswith("Task timed out after 5.00 seconds")

    play(main)


@pytest.mark.fact("4.20", "4.21")
def test_the_account_has_1000_and_reserved_concurrency_its_own(play: Play) -> None:
    async def main(world: World) -> None:
        settings = await world.aws("lambda", "GetAccountSettings")
        assert settings["AccountLimit"]["ConcurrentExecutions"] == 1000
        await world.python("f", SLEEP)
        await world.aws("lambda", "PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=1)
        first = asyncio.create_task(world.invoke("f", sleep(1)))
        await asyncio.sleep(0.5)
        with pytest.raises(AwsError) as caught:
            await world.invoke("f", sleep(0))
        assert (caught.value.status, caught.value.code) == (429, "TooManyRequestsException")
        assert caught.value.message == "Rate Exceeded."
        assert caught.value.fields["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        assert (await first).payload == b'"done"'

    play(main)


@pytest.mark.fact("4.21")
def test_an_environment_serves_one_request_at_a_time(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP)
        await asyncio.gather(world.invoke("f", sleep(1)), world.invoke("f", sleep(1)))
        await world.invoke("f", sleep(0))
        used = [event.data["environment"] for event in world.events("invoked")]
        assert len(set(used[:2])) == 2
        assert used[2] in used[:2]

    play(main)


@pytest.mark.fact("4.21")
def test_reserved_concurrency_leaves_100_to_the_account(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", SLEEP)
        put = {"FunctionName": "f"}
        await world.aws("lambda", "PutFunctionConcurrency", **put, ReservedConcurrentExecutions=900)
        with pytest.raises(AwsError, match=r"below its minimum value of \[100\]"):
            await world.aws("lambda", "PutFunctionConcurrency", **put, ReservedConcurrentExecutions=901)

    play(main)


@pytest.mark.fact("4.23")
@pytest.mark.parametrize(("day", "billed"), [("2025-07-31", 1000), ("2025-08-01", 6000)])
def test_the_init_phase_is_billed_since_august_2025(play: Play, day: str, billed: int) -> None:
    source = "import time\ntime.sleep(5)\ndef handler(event, context):\n    time.sleep(1)\n"

    async def main(world: World) -> None:
        await world.python("f", source)
        await world.invoke("f", log_tail=True)  # whoever asks for the log waits until all is over
        [ended] = world.events("invocation_ended")
        assert ended.data["billed_ms"] == billed

    play(main, as_of=date.fromisoformat(day))


@pytest.mark.fact("4.23")
def test_an_init_of_more_than_10_seconds_starts_again_within_the_function_timeout(play: Play) -> None:
    source = "import time\ntime.sleep(12)\ndef handler(event, context):\n    return 'late'\n"

    async def main(world: World) -> None:
        await world.python("f", source, Timeout=30)
        began = world.clock.now()
        assert (await world.invoke("f")).payload == b'"late"'
        assert world.clock.now() - began == pytest.approx(22, abs=1e-3)

    play(main)


@pytest.mark.fact("4.24")
def test_work_that_is_left_behind_waits_for_the_next_invocation(play: Play) -> None:
    source = """
import threading, time
beats = []
def beat():
    while True:
        time.sleep(1)
        beats.append(1)
threading.Thread(target=beat, daemon=True).start()
def handler(event, context):
    return len(beats)
"""

    async def main(world: World) -> None:
        await world.python("f", source)
        await world.invoke("f")
        await world.clock.advance(100)
        assert int((await world.invoke("f")).payload) <= 1
        names = [event.name for event in world.sandbox.timeline.select("lambda")]
        assert names.index("environment_frozen") < names.index("environment_thawed")

    play(main)


@pytest.mark.fact("4.25")
def test_a_failed_event_is_tried_after_one_minute_and_after_two_more(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", FAIL)
        began = world.clock.now()
        assert (await world.invoke("f", type="Event")).status == 202
        assert world.clock.now() == began
        await world.clock.advance(600)
        tries = [round(event.at - began, 3) for event in world.events("invoked")]
        assert tries == pytest.approx([0, 60, 180], abs=1e-2)

    play(main)


@pytest.mark.fact("4.25")
def test_retries_can_be_set_to_none_and_not_to_three(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", FAIL)
        put = {"FunctionName": "f"}
        await world.aws("lambda", "PutFunctionEventInvokeConfig", **put, MaximumRetryAttempts=0)
        await world.invoke("f", type="Event")
        await world.clock.advance(600)
        assert len(world.events("invoked")) == 1
        with pytest.raises(AwsError):
            await world.aws("lambda", "PutFunctionEventInvokeConfig", **put, MaximumRetryAttempts=3)

    play(main)


@pytest.mark.fact("4.42")
def test_the_log_tail_has_at_most_4_kib(play: Play) -> None:
    async def main(world: World) -> None:
        await world.python("f", "def handler(e, c):\n    print('A' * 5000)\n    print('the end')\n")
        result = await world.invoke("f", log_tail=True)
        tail = base64.b64decode(result.log_tail or "")
        assert len(tail) <= 4096
        assert b"the end" in tail
        assert b"REPORT RequestId" in tail

    play(main)
