"""Long polls, visibility, delays and retention, to the instant."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.aws.errors import AwsError
from tests.control.sqs.conftest import Play, World


@pytest.mark.fact("8.1")
def test_a_long_poll_ends_at_its_deadline_or_with_a_message(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        assert await world.receive(url, WaitTimeSeconds=20) == []
        assert world.now == 20
        poll = asyncio.ensure_future(world.bodies(url, WaitTimeSeconds=20))
        await asyncio.sleep(7.25)
        await world.send(url, "here")
        assert await poll == ["here"]
        assert world.now == 27.25

    play(body)


@pytest.mark.fact("8.1")
@pytest.mark.parametrize("wait", [-1, 21])
def test_a_long_poll_lasts_20_s_at_most(play: Play, wait: int) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        with pytest.raises(AwsError, match="Must be >= 0 and <= 20") as raised:
            await world.receive(url, WaitTimeSeconds=wait)
        assert raised.value.code == "InvalidParameterValue"
        with pytest.raises(AwsError) as refused:
            await world.queue("other", ReceiveMessageWaitTimeSeconds=wait)
        assert refused.value.code == "InvalidAttributeValue"

    play(body)


@pytest.mark.fact("8.1")
def test_of_two_long_polls_one_gets_the_message(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        polls = [asyncio.ensure_future(world.bodies(url, 1, WaitTimeSeconds=10)) for _ in range(2)]
        await asyncio.sleep(4)
        await world.send(url, "one")
        assert await asyncio.gather(*polls) == [["one"], []]
        assert world.now == 10

    play(body)


@pytest.mark.fact("8.1")
def test_a_long_poll_of_a_queue_that_is_deleted_ends(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        poll = asyncio.ensure_future(world.receive(url, WaitTimeSeconds=20))
        await asyncio.sleep(3)
        await world.call("DeleteQueue", QueueUrl=url)
        assert await poll == []
        assert world.now == 3

    play(body)


@pytest.mark.fact("8.3")
def test_a_message_comes_back_after_30_s_exactly(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.send(url)
        (first,) = await world.receive(url)
        await asyncio.sleep(29.999)
        assert await world.receive(url) == []
        await asyncio.sleep(0.001)
        (second,) = await world.receive(url, AttributeNames=["All"])
        assert second["ReceiptHandle"] != first["ReceiptHandle"]
        assert second["Attributes"]["ApproximateReceiveCount"] == "2"
        first_received = int(second["Attributes"]["ApproximateFirstReceiveTimestamp"])
        assert first_received == int(second["Attributes"]["SentTimestamp"])

    play(body)


@pytest.mark.fact("8.3")
def test_a_receive_may_hide_longer_or_not_at_all(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue(VisibilityTimeout=5)
        await world.send(url)
        assert len(await world.receive(url, VisibilityTimeout=0)) == 1
        assert len(await world.receive(url, VisibilityTimeout=43_200)) == 1
        began = world.now
        assert len(await world.receive(url, WaitTimeSeconds=20)) == 0
        await asyncio.sleep(43_200 - 25)
        assert len(await world.receive(url, WaitTimeSeconds=20)) == 1
        assert world.now - began == 43_200

    play(body)


@pytest.mark.fact("8.3")
def test_visibility_is_changed_from_now_on_and_ends_12_h_after_the_receive(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.send(url)
        (message,) = await world.receive(url)
        names = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
        await asyncio.sleep(15)
        await world.call("ChangeMessageVisibility", **names, VisibilityTimeout=10)
        assert len(await world.receive(url, WaitTimeSeconds=20)) == 1
        assert world.now == 25
        with pytest.raises(AwsError, match="not available for visibility timeout change"):
            await world.call("ChangeMessageVisibility", **names, VisibilityTimeout=10)  # superseded
        await asyncio.sleep(30)
        (message,) = await world.receive(url)
        names["ReceiptHandle"] = message["ReceiptHandle"]
        await asyncio.sleep(10)
        with pytest.raises(AwsError, match=r"beyond the limit \[43200 seconds\]"):
            await world.call("ChangeMessageVisibility", **names, VisibilityTimeout=43_191)
        await world.call("ChangeMessageVisibility", **names, VisibilityTimeout=43_190)

    play(body)


@pytest.mark.fact("8.3")
def test_a_visibility_of_nothing_gives_the_message_back_at_once(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.send(url)
        (message,) = await world.receive(url)
        poll = asyncio.ensure_future(world.receive(url, WaitTimeSeconds=20))
        await asyncio.sleep(2)
        await world.call(
            "ChangeMessageVisibility",
            QueueUrl=url,
            ReceiptHandle=message["ReceiptHandle"],
            VisibilityTimeout=0,
        )
        assert len(await poll) == 1
        assert world.now == 2

    play(body)


@pytest.mark.fact("8.6")
def test_delays_of_queue_and_message(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue(DelaySeconds=3)
        await world.send(url, "queue's")
        await world.send(url, "own", DelaySeconds=900)
        await world.send(url, "none", DelaySeconds=0)
        assert await world.bodies(url) == ["none"]
        assert await world.attribute(url, "ApproximateNumberOfMessagesDelayed") == "2"
        assert await world.bodies(url, WaitTimeSeconds=20) == ["queue's"]
        assert world.now == 3
        await asyncio.sleep(890)
        assert await world.bodies(url, VisibilityTimeout=2000, WaitTimeSeconds=20) == ["queue's", "none"]
        assert await world.bodies(url, WaitTimeSeconds=20) == ["own"]
        assert world.now == 900
        with pytest.raises(AwsError, match="DelaySeconds must be >= 0 and <= 900"):
            await world.send(url, DelaySeconds=901)

    play(body)


@pytest.mark.fact("8.6")
def test_a_message_is_gone_after_its_retention(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue(MessageRetentionPeriod=60)
        await world.send(url)
        await asyncio.sleep(59.9)
        assert len(await world.receive(url, VisibilityTimeout=0)) == 1
        await asyncio.sleep(0.1)
        assert await world.receive(url) == []
        assert await world.attribute(url, "ApproximateNumberOfMessages") == "0"
        with pytest.raises(AwsError) as raised:
            await world.queue("short", MessageRetentionPeriod=59)
        assert raised.value.code == "InvalidAttributeValue"

    play(body)


def test_purging_is_allowed_every_60_seconds(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue("jobs")
        await world.send(url)
        await world.send(url, DelaySeconds=10)
        await world.call("PurgeQueue", QueueUrl=url)
        assert await world.receive(url, WaitTimeSeconds=20) == []
        with pytest.raises(AwsError, match="Only one PurgeQueue operation on jobs") as raised:
            await world.call("PurgeQueue", QueueUrl=url)
        assert (raised.value.status, raised.value.code) == (
            403,
            "AWS.SimpleQueueService.PurgeQueueInProgress",
        )
        await asyncio.sleep(40)
        await world.call("PurgeQueue", QueueUrl=url)

    play(body)


def test_a_name_is_free_again_60_seconds_after_its_deletion(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.call("DeleteQueue", QueueUrl=url)
        with pytest.raises(AwsError, match="You must wait 60 seconds") as raised:
            await world.queue()
        assert raised.value.code == "AWS.SimpleQueueService.QueueDeletedRecently"
        with pytest.raises(AwsError, match=r"The specified queue does not exist\.") as gone:
            await world.send(url)
        assert gone.value.code == "AWS.SimpleQueueService.NonExistentQueue"
        await asyncio.sleep(60)
        assert await world.queue() == url

    play(body)
