"""``ReceiveMessage`` with its long poll, and what a receiver does with a message then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.control.shims.call import Call, Handler
from sandbox.control.shims.sqs.batches import each, entries
from sandbox.control.shims.sqs.digest import md5_of_attributes
from sandbox.control.shims.sqs.errors import invalid_parameter, missing_parameter
from sandbox.control.shims.sqs.fifo import FifoQueue
from sandbox.control.shims.sqs.message import Delivery
from sandbox.control.shims.sqs.queue import Queue
from sandbox.control.shims.sqs.queues import required
from sandbox.control.shims.sqs.state import State

_ALL = ("All", ".*", "*")


class Receiving:
    """Operations of consumers."""

    def __init__(self, state: State) -> None:
        self._state = state

    def handlers(self) -> Mapping[str, Handler]:
        """By operation."""
        return {
            "ReceiveMessage": self.receive,
            "DeleteMessage": self.delete,
            "DeleteMessageBatch": self.delete_batch,
            "ChangeMessageVisibility": self.change,
            "ChangeMessageVisibilityBatch": self.change_batch,
        }

    async def receive(self, call: Call) -> Mapping[str, Any]:
        """``ReceiveMessage``: at once when there are messages, else up to ``WaitTimeSeconds`` later."""
        queue, params = self._state.of(call), call.params
        wait_s = self._number(params, "WaitTimeSeconds", 0, self._state.limit("sqs.wait.max"))
        count = self._number(params, "MaxNumberOfMessages", 1, self._state.limit("sqs.batch"))
        visibility = self._number(params, "VisibilityTimeout", 0, self._state.limit("sqs.visibility.max"))
        attempt = params.get("ReceiveRequestAttemptId")

        def look() -> list[Delivery]:
            if attempt and isinstance(queue, FifoQueue):
                return queue.take_again(attempt, count or 1, visibility)
            return queue.take(count or 1, visibility)

        if wait_s is None:
            wait_s = queue.attributes.number("ReceiveMessageWaitTimeSeconds")
        given = await self._wait(queue, look, wait_s)
        return {"Messages": [shown(one, params) for one in given]} if given else {}

    def _number(self, params: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
        value = params.get(name)
        if value is None:
            return None
        if not least <= int(value) <= most:
            reason = f"Must be between {least} and {most}, if provided."
            if name == "WaitTimeSeconds":  # LocalStack's words
                reason = f"Must be >= {least} and <= {most}, if provided."
            raise invalid_parameter(name, value, reason)
        return int(value)

    async def _wait(self, queue: Queue, look: Callable[[], list[Delivery]], wait_s: int) -> list[Delivery]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        given = look()
        if given or not wait_s:
            return given
        with self._state.sandbox.clock.in_flight("sqs long poll"):
            while not given and loop.time() < deadline and self._state.by_arn(queue.arn) is queue:
                change, back_in = queue.changed(), queue.next_change()
                until = deadline if back_in is None else min(deadline, loop.time() + back_in)
                try:
                    async with asyncio.timeout_at(until):
                        await asyncio.shield(change)  # others wait for it too
                except TimeoutError:
                    pass
                given = look()
        return given

    async def delete(self, call: Call) -> None:
        """``DeleteMessage``."""
        self._state.of(call).delete(required(call, "ReceiptHandle"))

    async def delete_batch(self, call: Call) -> Mapping[str, Any]:
        """``DeleteMessageBatch``."""
        queue = self._state.of(call)
        given = entries(call, self._state.limit("sqs.batch"))
        return each(given, lambda entry: queue.delete(str(entry.get("ReceiptHandle"))))

    async def change(self, call: Call) -> None:
        """``ChangeMessageVisibility``."""
        queue = self._state.of(call)
        handle = required(call, "ReceiptHandle")
        queue.change_visibility(handle, int(required(call, "VisibilityTimeout")))

    async def change_batch(self, call: Call) -> Mapping[str, Any]:
        """``ChangeMessageVisibilityBatch``."""
        queue = self._state.of(call)

        def change(entry: Mapping[str, Any]) -> None:
            if entry.get("VisibilityTimeout") is None:
                raise missing_parameter("VisibilityTimeout")
            queue.change_visibility(str(entry.get("ReceiptHandle")), int(entry["VisibilityTimeout"]))

        return each(entries(call, self._state.limit("sqs.batch")), change)


def shown(one: Delivery, params: Mapping[str, Any]) -> dict[str, Any]:
    """A message as ``ReceiveMessage`` gives it: system and message attributes only as far as they were asked for."""
    message = one.message
    made: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": one.receipt,
        "MD5OfBody": message.md5,
        "Body": message.body,
    }
    wanted = [*(params.get("MessageSystemAttributeNames") or ()), *(params.get("AttributeNames") or ())]
    system = {k: v for k, v in message.system.items() if "All" in wanted or k in wanted}
    if system:
        made["Attributes"] = system
    attributes = _asked_for(message.attributes, params.get("MessageAttributeNames") or ())
    if attributes:
        made["MessageAttributes"] = attributes
        made["MD5OfMessageAttributes"] = md5_of_attributes(attributes)
    return made


def _asked_for(attributes: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    if any(name in _ALL for name in names):
        return dict(attributes)
    prefixes = tuple(name.removesuffix(".*") for name in names if name.endswith(".*"))
    return {k: v for k, v in attributes.items() if k in names or (prefixes and k.startswith(prefixes))}
