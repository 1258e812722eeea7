"""Queues and their workers with real functions: what a worker gets, and what a throttle does."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.fidelity.conftest import Play, World

ARN = "arn:aws:sqs:us-east-1:000000000000:jobs"
WORKER = """
import json, time

def handler(event, context):
    print(json.dumps(event["Records"]))
    time.sleep(2)
"""


async def work_on(world: World, **mapping: object) -> str:
    """A worker with a queue; the queue's address."""
    await world.python("work", WORKER, Timeout=20)
    url = (await world.aws("sqs", "CreateQueue", QueueName="jobs"))["QueueUrl"]
    await world.aws("lambda", "CreateEventSourceMapping", FunctionName="work", EventSourceArn=ARN, **mapping)
    return str(url)


@pytest.mark.fact("8.7")
def test_a_real_function_gets_the_record_at_the_instant_of_the_message(play: Play) -> None:
    async def main(world: World) -> None:
        url = await work_on(world)
        with world.clock.in_flight("test"):
            await asyncio.sleep(5)
            await world.aws("sqs", "SendMessage", QueueUrl=url, MessageBody="hello", DelaySeconds=3)
            await asyncio.sleep(20)
        (invoked,) = world.events("invoked")
        (ended,) = world.events("invocation_ended")
        assert (invoked.at, ended.at) == (8, 10)
        (line,) = [e.data["line"] for e in world.events("log") if e.data["line"].startswith("[")]
        (record,) = json.loads(line)
        assert (record["body"], record["eventSourceARN"], record["awsRegion"]) == ("hello", ARN, "us-east-1")
        assert record["attributes"]["ApproximateReceiveCount"] == "1"

    play(main)


@pytest.mark.fact("4.20")
def test_what_is_throttled_comes_back_when_its_visibility_ends(play: Play) -> None:
    async def main(world: World) -> None:
        url = await work_on(world, BatchSize=1)
        await world.aws(
            "lambda", "PutFunctionConcurrency", FunctionName="work", ReservedConcurrentExecutions=1
        )
        with world.clock.in_flight("test"):
            for body in ("a", "b"):
                await world.aws("sqs", "SendMessage", QueueUrl=url, MessageBody=body)
            await asyncio.sleep(40)
        assert [event.at for event in world.events("invoked")] == [0, 30]
        assert [event.at for event in world.events("throttled")] == [0]
        ended = [event.data["reason"] for event in world.events("batch_ended", "event_source")]
        assert ended == ["TooManyRequestsException", "", ""]

    play(main)
