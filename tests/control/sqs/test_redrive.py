"""Dead-letter queues, and the way back from them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sandbox.aws.errors import AwsError
from tests.control.sqs.conftest import Play, World

ARN = "arn:aws:sqs:us-east-1:000000000000:"


def to_dead(most: int = 2) -> dict[str, Any]:
    return {"deadLetterTargetArn": f"{ARN}dead", "maxReceiveCount": most}


async def fail(world: World, url: str, times: int) -> None:
    """Receive everything so often, and let it come back."""
    for _ in range(times):
        await world.receive(url, VisibilityTimeout=0)


def test_a_message_received_too_often_is_a_dead_letter(play: Play) -> None:
    async def body(world: World) -> None:
        dead, url = await world.queue("dead"), await world.queue(RedrivePolicy=to_dead())
        sent = await world.send(url, "poison")
        await fail(world, url, 2)
        assert await world.receive(dead) == []
        assert await world.receive(url) == []  # the third receive moves it
        (letter,) = await world.receive(dead, AttributeNames=["All"])
        assert letter["MessageId"] == sent["MessageId"]
        assert letter["Attributes"]["DeadLetterQueueSourceArn"] == f"{ARN}q"
        sources = await world.call("ListDeadLetterSourceQueues", QueueUrl=dead)
        assert sources["queueUrls"] == [url]

    play(body)


def test_a_poll_of_the_dead_letter_queue_is_woken(play: Play) -> None:
    async def body(world: World) -> None:
        dead, url = await world.queue("dead"), await world.queue(RedrivePolicy=to_dead(1))
        await world.send(url)
        await world.receive(url, VisibilityTimeout=8)
        poll = asyncio.ensure_future(world.receive(dead, WaitTimeSeconds=20))
        await world.receive(url, WaitTimeSeconds=20)
        assert len(await poll) == 1

    play(body)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}, "Invalid value for deadLetterTargetArn."),
        ({"deadLetterTargetArn": f"{ARN}none", "maxReceiveCount": 1}, "Dead letter target does not exist."),
        ({"deadLetterTargetArn": f"{ARN}d.fifo", "maxReceiveCount": 1}, "must be same type of queue"),
        ({"deadLetterTargetArn": f"{ARN}dead", "maxReceiveCount": 1001}, "valid values are from 1 to 1000"),
        ({"deadLetterTargetArn": f"{ARN}dead"}, "mandatory attribute: maxReceiveCount"),
        ({"deadLetterTargetArn": f"{ARN}closed", "maxReceiveCount": 1}, "does not allow this source"),
    ],
)
def test_a_redrive_policy_that_cannot_be(play: Play, policy: dict[str, Any], reason: str) -> None:
    async def body(world: World) -> None:
        await world.queue("dead")
        await world.queue("d.fifo")
        await world.queue("closed", RedriveAllowPolicy={"redrivePermission": "denyAll"})
        with pytest.raises(AwsError) as raised:
            await world.queue(RedrivePolicy=policy)
        assert raised.value.code == "InvalidParameterValue"
        assert reason in raised.value.message

    play(body)


def test_a_dead_letter_queue_names_its_sources(play: Play) -> None:
    async def body(world: World) -> None:
        allowed = {"redrivePermission": "byQueue", "sourceQueueArns": [f"{ARN}friend"]}
        await world.queue("dead", RedriveAllowPolicy=allowed)
        await world.queue("friend", RedrivePolicy=to_dead())
        with pytest.raises(AwsError, match="RedrivePolicy"):
            await world.queue("stranger", RedrivePolicy=to_dead())
        with pytest.raises(AwsError, match="RedriveAllowPolicy"):
            await world.queue("other", RedriveAllowPolicy={"redrivePermission": "byQueue"})

    play(body)


def test_dead_letters_go_back_at_the_rate_that_is_asked_for(play: Play) -> None:
    async def body(world: World) -> None:
        dead, url = await world.queue("dead"), await world.queue(RedrivePolicy=to_dead(1))
        for text in "abc":
            await world.send(url, text)
        await fail(world, url, 2)
        began = world.now
        started = await world.call(
            "StartMessageMoveTask", SourceArn=f"{ARN}dead", MaxNumberOfMessagesPerSecond=2
        )
        with pytest.raises(AwsError, match="There is already a task running"):
            await world.call("StartMessageMoveTask", SourceArn=f"{ARN}dead")
        (running,) = (await world.call("ListMessageMoveTasks", SourceArn=f"{ARN}dead"))["Results"]
        assert (running["Status"], running["TaskHandle"]) == ("RUNNING", started["TaskHandle"])
        assert running["ApproximateNumberOfMessagesToMove"] == 3
        assert await world.bodies(url, WaitTimeSeconds=20) == ["a"]
        assert world.now - began == 0.5
        await asyncio.sleep(2)
        assert await world.bodies(url) == ["b", "c"]
        assert await world.receive(dead) == []
        (done,) = (await world.call("ListMessageMoveTasks", SourceArn=f"{ARN}dead"))["Results"]
        assert (done["Status"], done["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 3)
        assert "TaskHandle" not in done

    play(body)


def test_a_move_task_is_cancelled(play: Play) -> None:
    async def body(world: World) -> None:
        await world.queue("dead")
        url = await world.queue(RedrivePolicy=to_dead(1))
        for text in "abc":
            await world.send(url, text)
        await fail(world, url, 2)
        task = await world.call(
            "StartMessageMoveTask", SourceArn=f"{ARN}dead", MaxNumberOfMessagesPerSecond=1
        )
        await asyncio.sleep(1.5)
        cancelled = await world.call("CancelMessageMoveTask", TaskHandle=task["TaskHandle"])
        assert cancelled["ApproximateNumberOfMessagesMoved"] == 1
        await asyncio.sleep(1)
        (shown,) = (await world.call("ListMessageMoveTasks", SourceArn=f"{ARN}dead"))["Results"]
        assert (shown["Status"], shown["ApproximateNumberOfMessagesMoved"]) == ("CANCELLED", 1)

    play(body)


def test_what_a_move_task_cannot_do(play: Play) -> None:
    async def body(world: World) -> None:
        await world.queue("dead")
        with pytest.raises(AwsError, match="Source queue must be configured as a Dead Letter Queue"):
            await world.call("StartMessageMoveTask", SourceArn=f"{ARN}dead")
        with pytest.raises(AwsError, match="SourceArn parameter doesn't exist") as raised:
            await world.call("StartMessageMoveTask", SourceArn=f"{ARN}none")
        assert (raised.value.status, raised.value.code) == (404, "ResourceNotFoundException")
        with pytest.raises(AwsError, match="Value for parameter TaskHandle is invalid"):
            await world.call("CancelMessageMoveTask", TaskHandle="foobared")

    play(body)


def test_a_redrive_policy_is_taken_away(play: Play) -> None:
    async def body(world: World) -> None:
        await world.queue("dead")
        url = await world.queue(RedrivePolicy=to_dead(1))
        assert json.loads(await world.attribute(url, "RedrivePolicy") or "")["maxReceiveCount"] == 1
        await world.call("SetQueueAttributes", QueueUrl=url, Attributes={"RedrivePolicy": ""})
        await world.send(url)
        await fail(world, url, 3)
        assert len(await world.receive(url)) == 1

    play(body)
