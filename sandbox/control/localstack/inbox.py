"""A queue that LocalStack holds, as Lambda's poller sees it: long polls, as AWS's own pollers make them.

Only on the real clock: on the virtual one queues are the sandbox's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox

WAIT_S = 20  # of a long poll: the longest that there is
RETRY_S = 5.0  # after an error: a queue that is gone, a LocalStack that is
_MOST = 10  # messages of a ReceiveMessage


class RemoteInbox:
    """Implements ``sandbox.control.event_sources.Inbox``.

    At most one receive's messages wait here; the next is made when they were taken.
    """

    born = 0.0  # a queue that is made again under its name is polled on

    def __init__(self, sandbox: Sandbox, arn: str) -> None:
        self._sandbox = sandbox
        self._name = arn.rpartition(":")[2]
        self.fifo = arn.endswith(".fifo")
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._wanted = asyncio.Event()
        self._listener: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Receive from now on, and tell of it; ``None``: no more."""
        self._listener = listener
        if listener is None:
            if self._task is not None:
                self._task.cancel()
                self._task = None
        elif self._task is None:
            self._wanted.set()
            self._task = asyncio.get_running_loop().create_task(
                self._receive(), name=f"polls of {self._name}"
            )

    async def _receive(self) -> None:
        while True:
            await self._wanted.wait()
            try:
                found = await self._sandbox.control.call(
                    "sqs",
                    "ReceiveMessage",
                    QueueUrl=await self._url(),
                    MaxNumberOfMessages=_MOST,
                    WaitTimeSeconds=WAIT_S,
                    MessageSystemAttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
            except AwsError as error:
                self._tell("poll_failed", error)
                await asyncio.sleep(RETRY_S)
                continue
            self._waiting.extend(found.get("Messages", ()))
            if self._waiting:
                self._wanted.clear()
                if self._listener is not None:
                    self._listener()

    async def _url(self) -> str:
        return str((await self._sandbox.control.call("sqs", "GetQueueUrl", QueueName=self._name))["QueueUrl"])

    def take(self, count: int) -> Sequence[Mapping[str, Any]]:
        """Up to ``count`` of the messages that were received."""
        taken = [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]
        if not self._waiting:
            self._wanted.set()
        return taken

    def delete(self, receipt: str) -> None:
        """Delete a message, in the background."""
        self._sandbox.spawn(self._delete(receipt), f"deletion of a message of {self._name}")

    async def _delete(self, receipt: str) -> None:
        try:
            await self._sandbox.control.call(
                "sqs", "DeleteMessage", QueueUrl=await self._url(), ReceiptHandle=receipt
            )
        except AwsError as error:
            self._tell("delete_failed", error)

    def _tell(self, name: str, error: AwsError) -> None:
        self._sandbox.timeline.record("event_source", name, queue=self._name, error=str(error))

    def ready(self) -> int:
        """Messages that were received and wait here."""
        return len(self._waiting)

    def next_change(self) -> float | None:
        """LocalStack tells when a message comes back."""
        return None

    def awaited(self) -> bool:
        """Time moves by itself on the real clock."""
        return False
