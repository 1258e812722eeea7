"""``SendMessage`` and ``SendMessageBatch``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.sqs.batches import each, entries
from sandbox.control.shims.sqs.bodies import check_attributes, check_body, check_id, check_size, trace_of
from sandbox.control.shims.sqs.digest import md5_of, md5_of_attributes, size_of
from sandbox.control.shims.sqs.errors import SqsError, invalid_parameter, invalid_value, missing_parameter
from sandbox.control.shims.sqs.fifo import FifoQueue
from sandbox.control.shims.sqs.message import Message
from sandbox.control.shims.sqs.queue import Queue
from sandbox.control.shims.sqs.state import State

_NO_DEDUPLICATION = (
    "The queue should either have ContentBasedDeduplication enabled or "
    "MessageDeduplicationId provided explicitly"
)
_NOT_OF_THIS_TYPE = "The request include parameter that is not valid for this queue type."


class Sending:
    """Operations that bring messages."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {"SendMessage": self.send, "SendMessageBatch": self.send_batch}

    async def send(self, call: Call) -> Mapping[str, Any]:
        """``SendMessage``."""
        queue = self._state.of(call)
        return self.put(queue, call.params)

    async def send_batch(self, call: Call) -> Mapping[str, Any]:
        """``SendMessageBatch``: one message may fail while others are sent."""
        queue = self._state.of(call)
        given = entries(call, self._state.limit("sqs.batch"))
        if queue.fifo:
            for entry in given:
                _check_fifo(
                    queue, entry, invalid_value("The request must contain the parameter MessageGroupId.")
                )
        size = sum(size_of(e.get("MessageBody") or "", e.get("MessageAttributes") or {}) for e in given)
        most = self._state.limit("sqs.message")
        if size > most:
            text = f"Batch requests cannot be longer than {most} bytes. You have sent {size} bytes."
            raise SqsError("BatchRequestTooLong", text)
        return each(given, lambda entry: self.put(queue, entry))

    def put(self, queue: Queue, params: Mapping[str, Any]) -> dict[str, Any]:
        """Send one message; the members of ``SendMessageResult``. Raises ``SqsError``."""
        body = check_body(params.get("MessageBody"))
        attributes, system = (
            params.get("MessageAttributes") or {},
            params.get("MessageSystemAttributes") or {},
        )
        check_attributes(attributes)
        check_size(size_of(body, attributes), queue.attributes.number("MaximumMessageSize"))
        group, deduplication = params.get("MessageGroupId"), params.get("MessageDeduplicationId")
        check_id("MessageGroupId", group)
        check_id("MessageDeduplicationId", deduplication)
        message = Message(
            id=self._state.sandbox.ids.uuid(),
            body=body,
            md5=md5_of(body),
            attributes=dict(attributes),
            sender=self._state.sandbox.settings.account,
            sent=self._state.sandbox.clock.epoch(),
            trace=trace_of(system),
            group=group,
            deduplication=deduplication,
        )
        message = self._into(queue, message, params)
        result = {
            "MessageId": message.id,
            "MD5OfMessageBody": message.md5,
            "MD5OfMessageAttributes": md5_of_attributes(attributes),
            "MD5OfMessageSystemAttributes": md5_of_attributes(system),
            "SequenceNumber": message.sequence,
        }
        return {name: value for name, value in result.items() if value is not None}

    def _into(self, queue: Queue, message: Message, params: Mapping[str, Any]) -> Message:
        """The message that is in the queue then: a FIFO queue may have it already."""
        delay = params.get("DelaySeconds")
        if isinstance(queue, FifoQueue):
            _check_fifo(queue, params, missing_parameter("MessageGroupId"))
            if delay:
                raise invalid_parameter("DelaySeconds", delay, _NOT_OF_THIS_TYPE)
            if message.deduplication is None:
                message.deduplication = hashlib.sha256(message.body.encode()).hexdigest()
            assert message.group is not None
            twin = queue.twin(message.deduplication, message.group)
            if twin is not None:
                return twin
        else:
            self._check_standard(message)
        queue.put(message, self._delay(queue, delay))
        return message

    def _check_standard(self, message: Message) -> None:
        if message.deduplication is not None:
            raise invalid_parameter("MessageDeduplicationId", message.deduplication, _NOT_OF_THIS_TYPE)
        if message.group is not None and not self._state.sandbox.limits.available("sqs.fair"):
            raise invalid_parameter("MessageGroupId", message.group, _NOT_OF_THIS_TYPE)

    def _delay(self, queue: Queue, delay: int | None) -> int:
        if delay is None:
            return queue.attributes.number("DelaySeconds")
        most = self._state.limit("sqs.delay.max")
        if not 0 <= delay <= most:  # the reason as users quote it
            raise invalid_parameter("DelaySeconds", delay, f"DelaySeconds must be >= 0 and <= {most}.")
        return delay


def _check_fifo(queue: Queue, params: Mapping[str, Any], no_group: SqsError) -> None:
    if not params.get("MessageGroupId"):
        raise no_group
    if not params.get("MessageDeduplicationId") and not queue.attributes.content_based:
        raise invalid_value(_NO_DEDUPLICATION)
