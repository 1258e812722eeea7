"""Queues themselves: names, attributes, tags, policies, lists."""

from __future__ import annotations

import json

import pytest

from sandbox.aws.errors import AwsError
from tests.control.sqs.conftest import Play, World

ARN = "arn:aws:sqs:us-east-1:000000000000:q"


def test_a_new_queue_has_the_defaults(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        shown = (await world.call("GetQueueAttributes", QueueUrl=url, AttributeNames=["All"]))["Attributes"]
        assert shown.pop("CreatedTimestamp") == shown.pop("LastModifiedTimestamp") == "1795514400"
        assert shown == {
            "ApproximateNumberOfMessages": "0",
            "ApproximateNumberOfMessagesDelayed": "0",
            "ApproximateNumberOfMessagesNotVisible": "0",
            "DelaySeconds": "0",
            "MaximumMessageSize": "1048576",
            "MessageRetentionPeriod": "345600",
            "QueueArn": ARN,
            "ReceiveMessageWaitTimeSeconds": "0",
            "SqsManagedSseEnabled": "true",
            "VisibilityTimeout": "30",
        }
        fifo = await world.queue("q.fifo")
        names = ["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"]
        shown = (await world.call("GetQueueAttributes", QueueUrl=fifo, AttributeNames=names))["Attributes"]
        assert list(shown.values()) == ["true", "false", "queue", "perQueue"]

    play(body)


@pytest.mark.parametrize(
    ("name", "attributes", "code", "message"),
    [
        ("a b", {}, "InvalidParameterValue", "Can only include alphanumeric characters"),
        ("x" * 81, {}, "InvalidParameterValue", "1 to 80 in length"),
        ("a.fifo", {}, "InvalidParameterValue", "Can only include"),
        ("a", {"FifoQueue": "true"}, "InvalidParameterValue", "must end with .fifo suffix"),
        ("a", {"FifoQueue": "false"}, "InvalidAttributeName", "Unknown Attribute FifoQueue."),
        ("a", {"ContentBasedDeduplication": "true"}, "InvalidAttributeName", "Unknown Attribute Content"),
        ("a", {"Color": "red"}, "InvalidAttributeName", "Unknown Attribute Color."),
        (
            "a",
            {"VisibilityTimeout": "43201"},
            "InvalidAttributeValue",
            "for the parameter VisibilityTimeout.",
        ),
        ("a", {"DelaySeconds": "-1"}, "InvalidAttributeValue", "for the parameter DelaySeconds."),
        ("a", {"Policy": "no JSON"}, "InvalidAttributeValue", "for the parameter Policy."),
        ("a", {"QueueArn": "arn"}, "InvalidAttributeName", "Unknown Attribute QueueArn."),
    ],
)
def test_a_queue_that_cannot_be(
    play: Play, name: str, attributes: dict[str, str], code: str, message: str
) -> None:
    async def body(world: World) -> None:
        with pytest.raises(AwsError) as raised:
            await world.call("CreateQueue", QueueName=name, Attributes=attributes)
        assert raised.value.code == code
        assert message in raised.value.message

    play(body)


def test_creating_a_queue_again(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue(DelaySeconds=1)
        assert await world.queue() == url
        assert await world.queue(DelaySeconds=1) == url
        with pytest.raises(AwsError, match="a different value for attribute DelaySeconds") as raised:
            await world.queue(DelaySeconds=2)
        assert raised.value.code == "QueueAlreadyExists"

    play(body)


def test_attributes_change_all_or_none(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        with pytest.raises(AwsError, match="VisibilityTimeout"):
            await world.call(
                "SetQueueAttributes",
                QueueUrl=url,
                Attributes={"DelaySeconds": "5", "VisibilityTimeout": "x"},
            )
        assert await world.attribute(url, "DelaySeconds") == "0"
        with pytest.raises(AwsError, match=r"Unknown Attribute FifoQueue\."):
            await world.call("SetQueueAttributes", QueueUrl=url, Attributes={"FifoQueue": "true"})
        fifo = await world.queue("q.fifo")
        with pytest.raises(AwsError, match=r"Modifying queue type is not supported\.") as raised:
            await world.call("SetQueueAttributes", QueueUrl=fifo, Attributes={"FifoQueue": "false"})
        assert raised.value.code == "InvalidAttributeValue"

    play(body)


def test_one_kind_of_encryption(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue(KmsMasterKeyId="key")
        assert await world.attribute(url, "SqsManagedSseEnabled") == "false"
        with pytest.raises(AwsError, match="You can use one type") as raised:
            await world.call(
                "SetQueueAttributes",
                QueueUrl=url,
                Attributes={"KmsMasterKeyId": "key", "SqsManagedSseEnabled": "true"},
            )
        assert raised.value.code == "InvalidAttributeName"

    play(body)


def test_permissions_are_statements_of_the_policy(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        given = {
            "QueueUrl": url,
            "Label": "them",
            "AWSAccountIds": ["111111111111"],
            "Actions": ["SendMessage"],
        }
        await world.call("AddPermission", **given)
        policy = json.loads(await world.attribute(url, "Policy") or "")
        assert policy["Id"] == f"{ARN}/SQSDefaultPolicy"
        assert policy["Statement"] == [
            {
                "Sid": "them",
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
                "Action": "SQS:SendMessage",
                "Resource": ARN,
            }
        ]
        with pytest.raises(AwsError, match=r"Reason: Already exists\."):
            await world.call("AddPermission", **given)
        await world.call("RemovePermission", QueueUrl=url, Label="them")
        assert await world.attribute(url, "Policy") is None
        with pytest.raises(AwsError, match="can't find label"):
            await world.call("RemovePermission", QueueUrl=url, Label="them")

    play(body)


def test_lists_tags_and_addresses(play: Play) -> None:
    async def body(world: World) -> None:
        urls = [await world.queue(name) for name in ("a1", "a2", "b1")]
        assert urls[0] == "http://localhost:4566/000000000000/a1"
        assert (await world.call("ListQueues"))["QueueUrls"] == urls
        page = await world.call("ListQueues", QueueNamePrefix="a", MaxResults=1)
        assert page["QueueUrls"] == urls[:1]
        rest = await world.call("ListQueues", QueueNamePrefix="a", NextToken=page["NextToken"])
        assert rest["QueueUrls"] == urls[1:2]
        assert (await world.call("GetQueueUrl", QueueName="b1"))["QueueUrl"] == urls[2]
        await world.call("TagQueue", QueueUrl=urls[0], Tags={"x": "1", "y": ""})
        await world.call("UntagQueue", QueueUrl=urls[0], TagKeys=["x"])
        assert (await world.call("ListQueueTags", QueueUrl=urls[0]))["Tags"] == {"y": ""}
        for form in (
            "https://sqs.us-east-1.amazonaws.com/000000000000/a1",
            "http://sqs.us-east-1.localhost:4566/000000000000/a1",
        ):
            assert (await world.attribute(form, "QueueArn") or "").endswith(":a1")
        for unknown, code in (
            ("http://localhost:4566/111111111111/a1", "AWS.SimpleQueueService.NonExistentQueue"),
            ("a1", "InvalidAddress"),
        ):
            with pytest.raises(AwsError) as raised:
                await world.send(unknown)
            assert raised.value.code == code

    play(body)
