"""Event invocations: retries at their instants, age, destinations, dead letters (facts 4.25)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lambda_support import World

QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
FAILS = "def handler(e, c): raise ValueError('no')"


def prepared(world: World, code: str, **changes: Any) -> None:
    world.control.answers["GetQueueUrl"] = {"QueueUrl": "http://q"}
    world.function(code=code, **changes)


def sent(world: World) -> list[dict[str, Any]]:
    return [p for _, operation, p in world.control.calls if operation == "SendMessage"]


@pytest.mark.fact("4.25")
def test_a_failed_event_is_tried_again_after_one_and_after_two_more_minutes(lambda_world):
    async def main(world: World) -> None:
        prepared(world, FAILS, on_failure=QUEUE)
        result = await world.invoke(payload=b'{"a": 1}', type="Event")
        assert (result.status, result.payload, world.sandbox.clock.now()) == (202, b"", 0.0)
        await world.rest()
        assert [round(e.at, 6) for e in world.events("invoked")] == [0.0, 60.0, 180.0]
        assert {e.id for e in world.events("invoked")} == {result.request_id}
        (message,) = sent(world)
        record = json.loads(message["MessageBody"])
        assert record["requestContext"] == {
            "requestId": result.request_id,
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        }
        assert record["requestPayload"] == {"a": 1}
        context = {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
        assert record["responseContext"] == context
        assert record["responsePayload"]["errorMessage"] == "no"

    lambda_world(main)


def test_the_number_of_retries_is_the_functions(lambda_world):
    async def main(world: World) -> None:
        prepared(world, FAILS, retry_attempts=0, dead_letter=QUEUE)
        await world.invoke(payload=b"7", type="Event")
        await world.rest()
        assert len(world.events("invoked")) == 1
        (letter,) = sent(world)
        assert letter["MessageBody"] == "7"
        assert letter["MessageAttributes"]["ErrorCode"] == {"DataType": "Number", "StringValue": "200"}

    lambda_world(main)


def test_a_success_goes_to_its_destination(lambda_world):
    async def main(world: World) -> None:
        prepared(
            world,
            "def handler(e, c): return e + 1",
            on_success="arn:aws:lambda:us-east-1:000000000000:function:g",
        )
        world.function("g", code="def handler(e, c): print(e['responsePayload'])")
        await world.invoke(payload=b"1", type="Event")
        await world.rest()
        assert [e.data["line"] for e in world.events("log")] == ["2"]

    lambda_world(main)


@pytest.mark.fact("4.25")
def test_a_throttled_event_waits_without_using_up_its_attempts(lambda_world):
    async def main(world: World) -> None:
        prepared(world, "def handler(e, c): return 1", reserved_concurrency=0)
        await world.invoke(type="Event")
        import asyncio

        await asyncio.sleep(4)
        world.function(reserved_concurrency=1)
        await world.rest()
        assert [e.at for e in world.events("throttled")] == [0.0, 1.0, 3.0]
        assert [e.at for e in world.events("invoked")] == [7.0]

    lambda_world(main)


def test_an_event_that_is_too_old_is_given_up(lambda_world):
    async def main(world: World) -> None:
        prepared(world, FAILS, max_event_age_s=100, on_failure=QUEUE)
        await world.invoke(type="Event")
        await world.rest()
        assert len(world.events("invoked")) == 2
        assert world.sandbox.clock.now() == 100.0
        assert '"EventAgeExceeded"' in sent(world)[0]["MessageBody"]

    lambda_world(main)


def test_a_destination_that_refuses_shows_in_the_timeline(lambda_world):
    async def main(world: World) -> None:
        prepared(world, "def handler(e, c): return 1", on_success="arn:aws:s3:::bucket")
        await world.invoke(type="Event")
        await world.rest()
        assert "s3" in world.events("destination_refused")[0].data["error"]

    lambda_world(main)
