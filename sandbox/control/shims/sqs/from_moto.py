"""Messages that moto's services send to queues: topics, event rules and buckets know moto's own SQS only."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.shims.sqs.policy import Sender, may_send, sender_of
from sandbox.control.shims.sqs.queue import Queue
from sandbox.control.shims.sqs.sending import Sending
from sandbox.control.shims.sqs.state import State

log = logging.getLogger(__name__)

Loop = asyncio.AbstractEventLoop


class Bridge:
    """Where moto's messages go. moto's classes are one a process, so the newest bridge is the one in use."""

    current: Bridge | None = None

    def __init__(self, state: State, sending: Sending) -> None:
        self._state = state
        self._sending = sending
        self._loop: Loop | None = None

    def adopt(self) -> Callable[[], None]:
        """What makes moto send here, to be run in moto's thread."""
        self._loop = asyncio.get_running_loop()
        Bridge.current = self
        return _patch

    def send(self, region: str, name: str, sender: Sender | None, params: Mapping[str, Any]) -> None:
        """Send a message, from moto's thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._send, region, name, sender, params)

    def _send(self, region: str, name: str, sender: Sender | None, params: Mapping[str, Any]) -> None:
        account = self._state.sandbox.settings.account
        try:
            queue = self._state.named(region, name)
            if sender is not None and not may_send(queue, sender, account):
                reason = f"The queue's policy does not let {sender.service} send for {sender.source}."
                raise AwsError(403, "AccessDenied", reason)
            self._sending.put(queue, params)
        except AwsError as error:  # AWS's services lose what a queue refuses, too; here the timeline shows it
            self._state.sandbox.timeline.record("sqs", "message_refused", "", queue=name, error=str(error))

    def queue(self, region: str, name: str) -> Queue | None:
        """A queue, for moto to look at."""
        return self._state.region(region).queues.get(name)


def _patch() -> None:
    from moto.sqs import models
    from moto.sqs.exceptions import QueueDoesNotExist

    def send_message(self: Any, queue_name: str, message_body: str, *_: Any, **given: Any) -> None:
        names = {
            "message_attributes": "MessageAttributes",
            "delay_seconds": "DelaySeconds",
            "deduplication_id": "MessageDeduplicationId",
            "group_id": "MessageGroupId",
        }
        params = {names[k]: v for k, v in given.items() if k in names and v is not None}
        assert Bridge.current is not None
        sender = sender_of(sys._getframe(1))
        Bridge.current.send(self.region_name, queue_name, sender, {**params, "MessageBody": message_body})

    def get_queue(self: Any, queue_name: str) -> Any:
        assert Bridge.current is not None
        queue = Bridge.current.queue(self.region_name, queue_name)
        if queue is None:
            raise QueueDoesNotExist
        return _Seen(queue)

    def get_queue_attributes(self: Any, queue_name: str, attribute_names: list[str]) -> dict[str, str]:
        queue: Any = get_queue(self, queue_name)
        return {"ContentBasedDeduplication": str(queue.content_based).lower()}

    backend: Any = models.SQSBackend
    backend.send_message = send_message
    backend.get_queue = get_queue
    backend.get_queue_attributes = get_queue_attributes


class _Seen:
    """What moto's services read of a queue."""

    def __init__(self, queue: Queue) -> None:
        self.fifo_queue = queue.fifo
        self.content_based = queue.attributes.content_based
