"""FIFO queues: order within groups, groups in flight, de-duplication, receive attempts."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.aws.errors import AwsError
from tests.control.sqs.conftest import Play, World


async def put(world: World, url: str, group: str, body: str, **params: object) -> dict[str, str]:
    given = {"MessageDeduplicationId": body, **params}
    return await world.send(url, body, MessageGroupId=group, **given)


@pytest.mark.fact("8.5")
def test_a_group_in_flight_is_blocked_and_the_others_are_not(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue("q.fifo")
        for group, text in (("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a3")):
            await put(world, url, group, text)
        (first,) = await world.receive(url, 1)
        assert first["Body"] == "a1"
        assert await world.bodies(url) == ["b1"]
        await world.call("DeleteMessage", QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
        assert await world.bodies(url) == ["a2", "a3"]
        assert await world.bodies(url) == []

    play(body)


@pytest.mark.fact("8.5")
def test_a_batch_has_as_many_of_one_group_as_there_are_and_then_the_next_group(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue("q.fifo")
        for group, text in (("a", "a1"), ("b", "b1"), ("a", "a2"), ("c", "c1"), ("b", "b2")):
            await put(world, url, group, text)
        assert await world.bodies(url, 4) == ["a1", "a2", "b1", "b2"]
        assert await world.bodies(url, 4) == ["c1"]

    play(body)


@pytest.mark.fact("8.5")
def test_what_was_not_deleted_comes_back_in_order_at_its_instant(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue("q.fifo", VisibilityTimeout=10)
        await put(world, url, "a", "a1")
        await put(world, url, "a", "a2")
        (first,) = await world.receive(url, 1)
        assert await world.bodies(url, WaitTimeSeconds=20) == ["a1", "a2"]
        assert world.now == 10
        with pytest.raises(AwsError, match=r"The receipt handle has expired\.") as raised:
            await world.call("DeleteMessage", QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
        assert raised.value.code == "InvalidParameterValue"

    play(body)


@pytest.mark.fact("8.5")
def test_a_delete_wakes_the_long_poll_that_its_group_kept_waiting(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue("q.fifo")
        await put(world, url, "a", "a1")
        await put(world, url, "a", "a2")
        (first,) = await world.receive(url, 1)
        poll = asyncio.ensure_future(world.bodies(url, WaitTimeSeconds=20))
        await asyncio.sleep(4)
        await world.call("DeleteMessage", QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
        assert await poll == ["a2"]
        assert world.now == 4

    play(body)


@pytest.mark.fact("8.5")
def test_a_message_is_not_taken_twice_within_five_minutes(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue("q.fifo", ContentBasedDeduplication="true")
        one = await world.send(url, "same", MessageGroupId="a")
        await asyncio.sleep(299.9)
        again = await world.send(url, "same", MessageGroupId="b")
        assert (again["MessageId"], again["SequenceNumber"]) == (one["MessageId"], one["SequenceNumber"])
        (message,) = await world.receive(url, AttributeNames=["All"])
        assert message["Attributes"]["MessageDeduplicationId"] == (
            "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5"
        )
        await world.call("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        await asyncio.sleep(0.1)
        new = await world.send(url, "same", MessageGroupId="a")
        assert int(new["SequenceNumber"]) > int(one["SequenceNumber"])
        assert await world.bodies(url) == ["same"]

    play(body)


@pytest.mark.fact("8.5")
def test_de_duplication_by_group_in_high_throughput_mode(play: Play) -> None:
    async def body(world: World) -> None:
        scope = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
        url = await world.queue("q.fifo", **scope)
        for group in ("a", "b", "a"):
            await put(world, url, group, "same")
        assert await world.bodies(url) == ["same", "same"]
        with pytest.raises(AwsError, match="FifoThroughputLimit"):
            await world.call("SetQueueAttributes", QueueUrl=url, Attributes={"DeduplicationScope": "queue"})

    play(body)


@pytest.mark.fact("8.5")
def test_what_a_fifo_queue_wants_of_a_message(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue("q.fifo")
        with pytest.raises(AwsError, match="must contain the parameter MessageGroupId") as raised:
            await world.send(url)
        assert raised.value.code == "MissingParameter"
        with pytest.raises(AwsError, match="ContentBasedDeduplication enabled or") as raised:
            await world.send(url, MessageGroupId="a")
        assert raised.value.code == "InvalidParameterValue"
        with pytest.raises(AwsError, match="not valid for this queue type"):
            await put(world, url, "a", "x", DelaySeconds=2)
        entries = [{"Id": "1", "MessageBody": "m", "MessageDeduplicationId": "m"}]
        with pytest.raises(AwsError) as batch:
            await world.call("SendMessageBatch", QueueUrl=url, Entries=entries)
        assert batch.value.code == "InvalidParameterValue"  # and not MissingParameter, as for one message

    play(body)


@pytest.mark.fact("8.5")
def test_a_receive_is_tried_again_by_its_attempt_id(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue("q.fifo")
        await put(world, url, "a", "a1")
        first = await world.receive(url, ReceiveRequestAttemptId="try")
        await asyncio.sleep(20)
        again = await world.receive(url, ReceiveRequestAttemptId="try")
        assert [m["ReceiptHandle"] for m in again] == [m["ReceiptHandle"] for m in first]
        await asyncio.sleep(20)  # hidden anew by the second one
        assert await world.receive(url, ReceiveRequestAttemptId="other") == []

    play(body)


@pytest.mark.fact("8.5")
def test_a_delayed_queue_keeps_the_order(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue("q.fifo", DelaySeconds=5)
        await put(world, url, "a", "a1")
        await asyncio.sleep(2)
        await put(world, url, "a", "a2")
        assert await world.bodies(url, WaitTimeSeconds=20) == ["a1"]
        assert world.now == 5

    play(body)


@pytest.mark.fact("8.4")
def test_too_many_in_flight_give_nothing_and_no_error(play: Play) -> None:
    async def body(world: World) -> None:
        world.sandbox.limits.overrides["sqs.in_flight.fifo"] = 2
        url = await world.queue("q.fifo")
        for text in "abc":
            await put(world, url, text, text)
        assert len(await world.receive(url, 2)) == 2
        assert await world.receive(url) == []

    play(body)
