"""moto lives on the sandbox's clock: its dates, SQS's waits and its hidden messages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from sandbox.clock import Clock, run
from sandbox.context import Sandbox
from tests.control.helpers import make_sandbox

START = datetime(2024, 5, 1, 10, tzinfo=UTC)
T = TypeVar("T")


def on_virtual_time(body: Callable[[Sandbox], Awaitable[T]]) -> T:
    """Run ``body`` on the virtual clock, that starts at ``START``, with time free to move."""

    async def main(clock: Clock) -> T:
        with clock.in_flight("test"):
            return await body(make_sandbox(clock))

    return run(main, "virtual", START)


async def queue_url(sandbox: Sandbox, **attributes: str) -> str:
    made = await sandbox.control.call("sqs", "CreateQueue", QueueName="q", Attributes=attributes)
    return str(made["QueueUrl"])


def test_an_empty_long_poll_ends_at_its_deadline() -> None:
    async def body(sandbox: Sandbox) -> tuple[float, dict[str, Any]]:
        url = await queue_url(sandbox)
        before = sandbox.clock.now()
        answer = await sandbox.control.call("sqs", "ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20)
        return sandbox.clock.now() - before, answer

    waited, answer = on_virtual_time(body)
    assert waited == 20
    assert "Messages" not in answer


def test_the_queues_own_wait_counts_when_the_request_has_none() -> None:
    async def body(sandbox: Sandbox) -> tuple[float, float]:
        url = await queue_url(sandbox, ReceiveMessageWaitTimeSeconds="7")
        before = sandbox.clock.now()
        await sandbox.control.call("sqs", "ReceiveMessage", QueueUrl=url)
        middle = sandbox.clock.now()
        await sandbox.control.call("sqs", "ReceiveMessage", QueueUrl=url, WaitTimeSeconds=0)
        return middle - before, sandbox.clock.now() - middle

    assert on_virtual_time(body) == (7, 0)


def test_a_send_ends_all_long_polls_that_it_can() -> None:
    async def body(sandbox: Sandbox) -> list[tuple[float, int]]:
        url, call = await queue_url(sandbox), sandbox.control.call

        async def poll(wait_s: int) -> tuple[float, int]:
            answer = await call("sqs", "ReceiveMessage", QueueUrl=url, WaitTimeSeconds=wait_s)
            return sandbox.clock.now() - before, len(answer.get("Messages", ()))

        before = sandbox.clock.now()
        polls = [asyncio.create_task(poll(20)), asyncio.create_task(poll(15))]
        await asyncio.sleep(4.5)
        await call("sqs", "SendMessage", QueueUrl=url, MessageBody="one")
        return sorted(await asyncio.gather(*polls))

    first, second = on_virtual_time(body)
    assert first == (4.5, 1)
    assert second[0] in (15, 20)
    assert second[1] == 0


def test_a_hidden_message_comes_back_when_its_visibility_timeout_ends() -> None:
    async def body(sandbox: Sandbox) -> tuple[float, int]:
        url, call = await queue_url(sandbox), sandbox.control.call
        await call("sqs", "SendMessage", QueueUrl=url, MessageBody="one")
        before = sandbox.clock.now()
        await call("sqs", "ReceiveMessage", QueueUrl=url, VisibilityTimeout=12)
        again = await call("sqs", "ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20)
        return sandbox.clock.now() - before, len(again["Messages"])

    waited, count = on_virtual_time(body)
    assert count == 1
    assert 12 <= waited <= 12.01  # moto counts whole milliseconds


def test_a_delayed_message() -> None:
    async def body(sandbox: Sandbox) -> float:
        url, call = await queue_url(sandbox), sandbox.control.call
        before = sandbox.clock.now()
        await call("sqs", "SendMessage", QueueUrl=url, MessageBody="later", DelaySeconds=5)
        answer = await call("sqs", "ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20)
        assert len(answer["Messages"]) == 1
        return sandbox.clock.now() - before

    assert 5 <= on_virtual_time(body) <= 5.01


def test_dates_are_the_sandboxs() -> None:
    async def body(sandbox: Sandbox) -> list[datetime]:
        call = sandbox.control.call
        await asyncio.sleep(3600)
        await call("s3", "CreateBucket", Bucket="models")
        buckets = await call("s3", "ListBuckets")
        role = await call("iam", "CreateRole", RoleName="r", AssumeRolePolicyDocument="{}")
        await call("logs", "CreateLogGroup", logGroupName="g")
        groups = await call("logs", "DescribeLogGroups")
        secret = await call("secretsmanager", "CreateSecret", Name="s", SecretString="x")
        described = await call("secretsmanager", "DescribeSecret", SecretId=secret["ARN"])
        table = await call(
            "dynamodb",
            "CreateTable",
            TableName="t",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        session = await call("sts", "AssumeRole", RoleArn=role["Role"]["Arn"], RoleSessionName="session")
        return [
            buckets["Buckets"][0]["CreationDate"],
            role["Role"]["CreateDate"],
            datetime.fromtimestamp(groups["logGroups"][0]["creationTime"] / 1000, UTC),
            described["CreatedDate"],
            table["TableDescription"]["CreationDateTime"],
            session["Credentials"]["Expiration"],
        ]

    *made, expires = [instant.astimezone(UTC).replace(microsecond=0) for instant in on_virtual_time(body)]
    assert made == [datetime(2024, 5, 1, 11, tzinfo=UTC)] * 5
    assert expires == datetime(2024, 5, 1, 12, tzinfo=UTC)


def test_two_runs_give_the_same_identifiers() -> None:
    async def body(sandbox: Sandbox) -> list[str]:
        call = sandbox.control.call
        api = await call("apigateway", "CreateRestApi", name="x")
        url = await queue_url(sandbox)
        sent = await call("sqs", "SendMessage", QueueUrl=url, MessageBody="m")
        role = await call("iam", "CreateRole", RoleName="r", AssumeRolePolicyDocument="{}")
        return [api["id"], sent["MessageId"], role["Role"]["RoleId"]]

    assert on_virtual_time(body) == on_virtual_time(body)
