"""Messages: sizes, attributes, batches, receipt handles, limits, and a queue at its worst."""

from __future__ import annotations

import asyncio
import base64
from datetime import date

import pytest

from sandbox.aws.errors import AwsError
from tests.control.sqs.conftest import Play, World


@pytest.mark.fact("8.2")
@pytest.mark.parametrize(("as_of", "most"), [(date(2025, 8, 3), 262_144), (date(2025, 8, 4), 1_048_576)])
def test_a_message_has_a_mebibyte_at_most(play: Play, as_of: date, most: int) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        assert await world.attribute(url, "MaximumMessageSize") == str(most)
        await world.send(url, "x" * most)
        with pytest.raises(AwsError, match=f"Message must be shorter than {most} bytes") as raised:
            await world.send(url, "x" * (most - 8), MessageAttributes={"a": text("12")})
        assert raised.value.code == "InvalidParameterValue"

    play(body, as_of)


def text(value: str, kind: str = "String") -> dict[str, str]:
    return {"DataType": kind, "StringValue": value}


@pytest.mark.fact("8.2")
def test_a_batch_is_as_long_together_and_a_queue_may_take_less(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        entries = [{"Id": str(n), "MessageBody": "x" * 524_288} for n in range(2)]
        assert len((await world.call("SendMessageBatch", QueueUrl=url, Entries=entries))["Successful"]) == 2
        entries.append({"Id": "2", "MessageBody": "x"})
        with pytest.raises(AwsError, match=r"longer than 1048576 bytes\. You have sent 1048577") as raised:
            await world.call("SendMessageBatch", QueueUrl=url, Entries=entries)
        assert raised.value.code == "AWS.SimpleQueueService.BatchRequestTooLong"
        small = await world.queue("small", MaximumMessageSize=1024)
        mixed = [{"Id": "a", "MessageBody": "x" * 1025}, {"Id": "b", "MessageBody": "x" * 1024}]
        answer = await world.call("SendMessageBatch", QueueUrl=small, Entries=mixed)
        assert [one["Id"] for one in answer["Successful"]] == ["b"]
        (failed,) = answer["Failed"]
        assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("a", "InvalidParameterValue", True)
        with pytest.raises(AwsError, match="MaximumMessageSize"):
            await world.queue("tiny", MaximumMessageSize=1023)

    play(body)


@pytest.mark.fact("8.6")
@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([str(n) for n in range(11)], "TooManyEntriesInBatchRequest"),
        (["a", "a"], "BatchEntryIdsNotDistinct"),
        (["a:b"], "InvalidBatchEntryId"),
        (["x" * 81], "InvalidBatchEntryId"),
    ],
)
def test_a_batch_that_cannot_be(play: Play, ids: list[str], code: str) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        for operation, member in (
            ("SendMessageBatch", {"MessageBody": "m"}),
            ("DeleteMessageBatch", {"ReceiptHandle": "h"}),
            ("ChangeMessageVisibilityBatch", {"ReceiptHandle": "h", "VisibilityTimeout": 1}),
        ):
            with pytest.raises(AwsError) as raised:
                await world.call(operation, QueueUrl=url, Entries=[{"Id": one, **member} for one in ids])
            assert raised.value.code == f"AWS.SimpleQueueService.{code}"

    play(body)


def test_batches_of_deletions_and_changes_tell_what_failed(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.send(url, "a")
        await world.send(url, "b")
        handles = [message["ReceiptHandle"] for message in await world.receive(url)]
        changed = await world.call(
            "ChangeMessageVisibilityBatch",
            QueueUrl=url,
            Entries=[
                {"Id": "a", "ReceiptHandle": handles[0], "VisibilityTimeout": 5},
                {"Id": "b", "ReceiptHandle": handles[1], "VisibilityTimeout": 43_201},
            ],
        )
        assert [one["Id"] for one in changed["Successful"]] == ["a"]
        assert [one["Id"] for one in changed["Failed"]] == ["b"]
        deleted = await world.call(
            "DeleteMessageBatch",
            QueueUrl=url,
            Entries=[{"Id": "b", "ReceiptHandle": handles[1]}, {"Id": "x", "ReceiptHandle": "garbage"}],
        )
        assert [one["Id"] for one in deleted["Successful"]] == ["b"]
        assert deleted["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
        assert await world.bodies(url, WaitTimeSeconds=20) == ["a"]
        assert world.now == 5

    play(body)


def test_receipt_handles(play: Play) -> None:
    async def body(world: World) -> None:
        url, other = await world.queue(), await world.queue("other")
        await world.send(url)
        (first,) = await world.receive(url, VisibilityTimeout=0)
        (second,) = await world.receive(url)
        for bad in ("garbage", base64.b64encode(b"x" * 40).decode()):
            with pytest.raises(AwsError, match="is not a valid receipt handle") as raised:
                await world.call("DeleteMessage", QueueUrl=url, ReceiptHandle=bad)
            assert (raised.value.status, raised.value.code) == (404, "ReceiptHandleIsInvalid")
        with pytest.raises(AwsError, match="is not a valid receipt handle"):
            await world.call("DeleteMessage", QueueUrl=other, ReceiptHandle=second["ReceiptHandle"])
        for message in (first, second, second):  # an older handle of a standard queue does as well
            await world.call("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        await asyncio.sleep(31)
        assert await world.receive(url) == []
        with pytest.raises(AwsError, match="Message does not exist"):
            await world.call(
                "ChangeMessageVisibility",
                QueueUrl=url,
                ReceiptHandle=second["ReceiptHandle"],
                VisibilityTimeout=1,
            )

    play(body)


@pytest.mark.parametrize(
    ("names", "found", "digest"),
    [
        ([], None, None),
        (["All"], {"Hello", "General", "Help.Me"}, "4c360f3fdafd970e05fae2f149d997f5"),
        ([".*"], {"Hello", "General", "Help.Me"}, "4c360f3fdafd970e05fae2f149d997f5"),
        (["Hello", "General", "none"], {"Hello", "General"}, "fca026605781cb4126a1e9044df24232"),
        (["Hel.*"], {"Hello", "Help.Me"}, "83fee93c1bcd8b9a5a923ffacdc636c7"),
        (["none"], None, None),
    ],
)
def test_attributes_as_asked_for_with_the_digests_that_aws_gave(
    play: Play, names: list[str], found: set[str] | None, digest: str | None
) -> None:
    """The digests: LocalStack's recording on AWS of 2023-11-14."""

    async def body(world: World) -> None:
        url = await world.queue()
        given = {"Help.Me": text("Me"), "Hello": text("There"), "General": text("Kenobi")}
        sent = await world.send(url, "msg", MessageAttributes=given)
        assert sent["MD5OfMessageAttributes"] == "4c360f3fdafd970e05fae2f149d997f5"
        assert sent["MD5OfMessageBody"] == "6e2baaf3b97dbeef01c0043275f9a0e7"
        (message,) = await world.receive(url, MessageAttributeNames=names)
        assert (set(message["MessageAttributes"]) if "MessageAttributes" in message else None) == found
        assert message.get("MD5OfMessageAttributes") == digest

    play(body)


def test_a_binary_attributes_digest(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        value = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01"
        given = {"attr1": {"DataType": "Binary", "BinaryValue": value}}
        await world.send(url, "test", MessageAttributes=given)
        (message,) = await world.receive(url, MessageAttributeNames=["All"])
        assert message["MessageAttributes"]["attr1"]["BinaryValue"] == value
        assert message["MD5OfMessageAttributes"] == "8cbe4db156db8a94db8b801b7addb984"

    play(body)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"a": text("")}, "Message (user) attribute 'a' must contain a non-empty value of type 'String'."),
        ({"a": text("x", "Text")}, "has an invalid message attribute type"),
        ({"a": text("x", "Number")}, "Can't cast the value"),
        ({"a": {"DataType": "Binary"}}, "non-empty value of type 'Binary'"),
        ({"AWS.a": text("x")}, "attribute name 'AWS.a' is invalid"),
        ({str(n): text("x") for n in range(11)}, "exceeds the allowed maximum"),
    ],
)
def test_attributes_that_cannot_be(play: Play, attributes: dict[str, dict[str, str]], reason: str) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        with pytest.raises(AwsError) as raised:
            await world.send(url, MessageAttributes=attributes)
        assert raised.value.code == "InvalidParameterValue"
        assert reason in raised.value.message

    play(body)


def test_a_body_has_characters_of_xml_only(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        await world.send(url, "\t\n\r ä \U0001f600")
        with pytest.raises(AwsError, match="Invalid characters") as raised:
            await world.send(url, "a\x00b")
        assert raised.value.code == "InvalidMessageContents"
        with pytest.raises(AwsError, match="MessageBody"):
            await world.send(url, "")

    play(body)


def test_the_trace_header_is_a_system_attribute(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        sent = await world.send(
            url, MessageSystemAttributes={"AWSTraceHeader": text("Root=1-5759e988-bd862e3")}
        )
        assert sent["MD5OfMessageSystemAttributes"]
        (message,) = await world.receive(url, MessageSystemAttributeNames=["AWSTraceHeader"])
        assert message["Attributes"] == {"AWSTraceHeader": "Root=1-5759e988-bd862e3"}

    play(body)


@pytest.mark.fact("8.6")
def test_a_receive_gives_ten_at_most(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        for n in range(12):
            await world.send(url, str(n))
        assert await world.bodies(url) == [str(n) for n in range(10)]
        with pytest.raises(AwsError, match=r"Must be between 1 and 10, if provided\.") as raised:
            await world.receive(url, 11)
        assert raised.value.code == "InvalidParameterValue"

    play(body)


@pytest.mark.fact("8.4")
def test_too_many_in_flight_are_an_error(play: Play) -> None:
    async def body(world: World) -> None:
        world.sandbox.limits.override("sqs.in_flight.standard", 2)
        url = await world.queue()
        for n in range(3):
            await world.send(url, str(n))
        messages = await world.receive(url, 2)
        with pytest.raises(AwsError) as raised:
            await world.receive(url)
        assert (raised.value.status, raised.value.code) == (403, "OverLimit")
        await world.call("DeleteMessage", QueueUrl=url, ReceiptHandle=messages[0]["ReceiptHandle"])
        assert await world.bodies(url) == ["2"]

    play(body)


@pytest.mark.fact("8.5")
def test_a_standard_queue_gives_messages_twice_and_out_of_order_when_it_is_told_to(play: Play) -> None:
    async def body(world: World) -> list[str]:
        url = await world.queue()
        for n in range(20):
            await world.send(url, str(n))
        world.sandbox.anomalies.configure(duplicates=0.3, reordered=0.5, services=["sqs"])
        got: list[str] = []
        while found := await world.bodies(url):
            got += found
        return got

    first = play(body)
    assert sorted(set(first), key=int) == [str(n) for n in range(20)]
    assert len(first) > 20
    assert first != sorted(first, key=int)
    assert play(body) == first  # seeded


@pytest.mark.fact("8.5")
def test_a_noisy_group_of_a_standard_queue_lets_the_others_first(play: Play) -> None:
    async def body(world: World) -> None:
        world.sandbox.limits.overrides["sqs.fair.in_flight"] = 3
        url = await world.queue()
        for n in range(6):
            await world.send(url, f"a{n}", MessageGroupId="a")
        await world.send(url, "b0", MessageGroupId="b")
        assert await world.bodies(url, 3) == ["a0", "a1", "a2"]
        assert await world.bodies(url, 2) == ["b0", "a3"]

    play(body)


@pytest.mark.fact("8.5")
def test_before_fair_queues_a_standard_queue_took_no_group(play: Play) -> None:
    async def body(world: World) -> None:
        url = await world.queue()
        with pytest.raises(AwsError, match="not valid for this queue type"):
            await world.send(url, MessageGroupId="a")

    play(body, date(2025, 7, 20))
