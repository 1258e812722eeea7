"""A queue that LocalStack holds, polled: what is asked when, and what an error does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.clock import Clock, run
from sandbox.control.localstack.inbox import RETRY_S, WAIT_S, RemoteInbox
from tests.control.helpers import make_sandbox

ARN = "arn:aws:sqs:us-east-1:000000000000:jobs"


class FakeControl:
    """SQS with one queue. ``arrivals``: what receives bring, one after the other; then they wait for ever."""

    def __init__(self, *arrivals: list[str] | AwsError) -> None:
        self.arrivals = list(arrivals)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def call(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        if operation == "GetQueueUrl":
            return {"QueueUrl": f"http://queue/{params['QueueName']}"}
        self.asked.append((operation, params))
        if operation != "ReceiveMessage":
            return {}
        if not self.arrivals:
            await asyncio.Event().wait()
        found = self.arrivals.pop(0)
        if isinstance(found, AwsError):
            raise found
        return {"Messages": [{"MessageId": one} for one in found]} if found else {}

    def receives(self) -> int:
        return [name for name, _ in self.asked].count("ReceiveMessage")


def polled(control: FakeControl, body: Callable[[RemoteInbox, list[int]], Awaitable[None]]) -> None:
    """Run with an inbox that is listened to; ``told``: how many messages were ready each time it told."""

    async def main(clock: Clock) -> None:
        sandbox = make_sandbox(clock)
        sandbox.control = control  # type: ignore[assignment]
        inbox = RemoteInbox(sandbox, ARN)
        told: list[int] = []
        inbox.listen(lambda: told.append(inbox.ready()))
        with clock.in_flight("test"):
            await asyncio.sleep(1)
            await body(inbox, told)
        inbox.listen(None)

    run(main)


def test_the_next_receive_is_made_when_all_messages_were_taken() -> None:
    control = FakeControl(["a", "b", "c"], ["d"])

    async def body(inbox: RemoteInbox, told: list[int]) -> None:
        assert (told, control.receives()) == ([3], 1)
        assert [one["MessageId"] for one in inbox.take(2)] == ["a", "b"]
        await asyncio.sleep(1)
        assert control.receives() == 1
        assert [one["MessageId"] for one in inbox.take(10)] == ["c"]
        await asyncio.sleep(1)
        assert (told, control.receives()) == ([3, 1], 2)
        assert inbox.take(10)[0]["MessageId"] == "d"
        assert inbox.take(10) == []

    polled(control, body)
    assert control.asked[0][1]["WaitTimeSeconds"] == WAIT_S


def test_an_empty_receive_is_followed_by_another() -> None:
    control = FakeControl([], [], ["a"])

    async def body(inbox: RemoteInbox, told: list[int]) -> None:
        assert (told, control.receives()) == ([1], 3)

    polled(control, body)


def test_after_an_error_it_waits() -> None:
    control = FakeControl(AwsError(503, "ServiceUnavailable", "gone"), ["a"])

    async def body(inbox: RemoteInbox, told: list[int]) -> None:
        assert (told, control.receives()) == ([], 1)
        await asyncio.sleep(RETRY_S - 1.5)
        assert control.receives() == 1
        await asyncio.sleep(1)
        assert (told, control.receives()) == ([1], 2)

    polled(control, body)


def test_what_is_done_is_deleted_in_the_background() -> None:
    control = FakeControl(["a"])

    async def body(inbox: RemoteInbox, told: list[int]) -> None:
        inbox.delete("receipt")
        await asyncio.sleep(1)
        assert control.asked[-1] == (
            "DeleteMessage",
            {"QueueUrl": "http://queue/jobs", "ReceiptHandle": "receipt"},
        )

    polled(control, body)


def test_nobody_who_listens_means_no_more_receives() -> None:
    control = FakeControl(["a"], ["b"])

    async def body(inbox: RemoteInbox, told: list[int]) -> None:
        inbox.listen(None)
        inbox.take(10)
        await asyncio.sleep(100)
        assert control.receives() == 1

    polled(control, body)
