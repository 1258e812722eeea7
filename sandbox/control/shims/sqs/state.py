"""Every queue of every Region. Only touched on the loop."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sandbox.context import Sandbox
from sandbox.control.shims.call import Call
from sandbox.control.shims.sqs.attributes import Attributes, allowed_sources
from sandbox.control.shims.sqs.errors import (
    SqsError,
    invalid_address,
    invalid_parameter,
    invalid_value,
    no_queue,
)
from sandbox.control.shims.sqs.fifo import FifoQueue
from sandbox.control.shims.sqs.message import Message
from sandbox.control.shims.sqs.oddities import Seeded
from sandbox.control.shims.sqs.queue import Queue, Surroundings

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_FIFO_NAME = re.compile(r"(?=.{1,80}$)[A-Za-z0-9_-]{1,75}\.fifo")
DELETED_RECENTLY_S = 60  # botocore 1.44.5, sqs DeleteQueue


@dataclass(slots=True)
class Region:
    """The queues of a Region by name, and when names became free."""

    name: str
    queues: dict[str, Queue] = field(default_factory=dict)
    deleted: dict[str, float] = field(default_factory=dict)


class State:
    """The queues."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.on_change: Callable[[], None] = lambda: None  # called when a queue came or went
        self._regions: dict[str, Region] = {}

    def reset(self) -> None:
        """Forget every queue."""
        self._regions.clear()

    def limit(self, name: str) -> int:
        """A number of AWS's."""
        return int(self.sandbox.limits.value(name))

    def region(self, name: str) -> Region:
        """A Region by its name."""
        return self._regions.setdefault(name, Region(name))

    def queues(self) -> Iterable[Queue]:
        """All of them."""
        return [queue for region in self._regions.values() for queue in region.queues.values()]

    # -- finding -----------------------------------------------------------------------------------

    def by_arn(self, arn: str) -> Queue | None:
        """A queue by its ARN."""
        parts = arn.split(":")
        if len(parts) != 6 or parts[2] != "sqs" or parts[4] != self.sandbox.settings.account:
            return None
        return self.region(parts[3]).queues.get(parts[5])

    def of(self, call: Call) -> Queue:
        """The queue that a call is about: by ``QueueUrl``, or by the address that it was sent to.

        Raises ``InvalidAddress``, ``QueueDoesNotExist``.
        """
        url = call.params.get("QueueUrl") or call.request.url
        try:
            path = urlsplit(url).path
        except ValueError:  # no URL at all: http://[
            raise invalid_address(url) from None
        *_, account, name = ["", "", *path.strip("/").split("/")]
        if not account:
            raise invalid_address(url)
        return self.named(call.target.region, name, account)

    def named(self, region: str, name: str, account: str | None = None) -> Queue:
        """A queue by its name. Raises ``QueueDoesNotExist``."""
        queue = self.region(region).queues.get(name)
        if queue is None or account not in (None, self.sandbox.settings.account):
            raise no_queue()
        return queue

    def url(self, call: Call, queue: Queue) -> str:
        """A queue's address, at the host that was asked."""
        return f"{call.request.scheme}://{call.request.host}/{self.sandbox.settings.account}/{queue.name}"

    # -- making ------------------------------------------------------------------------------------

    def create(self, region: Region, name: str, given: Mapping[str, str], tags: Mapping[str, str]) -> Queue:
        """A new queue. Raises ``SqsError``."""
        attributes = Attributes(given, self.limit)
        _check_name(name, attributes.fifo)
        self._check_deleted(region, name)
        arn = f"arn:aws:sqs:{region.name}:{self.sandbox.settings.account}:{name}"
        self.check_redrive(attributes, arn)
        kind = FifoQueue if attributes.fifo else Queue
        queue = kind(name, arn, attributes, tags, self._surroundings())
        region.queues[name] = queue
        self.on_change()
        return queue

    def _check_deleted(self, region: Region, name: str) -> None:
        since = self.sandbox.clock.now() - region.deleted.get(name, float("-inf"))
        if since < DELETED_RECENTLY_S:
            text = "You must wait 60 seconds after deleting a queue before you can create another with the same name."
            raise SqsError("QueueDeletedRecently", text)

    def check_redrive(self, attributes: Attributes, arn: str) -> None:
        """Whether messages may go where the redrive policy says. Raises ``InvalidParameterValue``."""
        redrive = attributes.redrive
        if redrive is None:
            return
        target, reason = self.by_arn(redrive.target), ""
        if target is None:
            reason = "Dead letter target does not exist."
        elif target.fifo != attributes.fifo:
            reason = "Dead-letter queue must be same type of queue as the source."
        elif not _may_come(target, arn):  # the text is UNSOURCED
            reason = "The dead-letter queue's redrive allow policy does not allow this source queue."
        if reason:
            raise invalid_parameter("RedrivePolicy", attributes.text("RedrivePolicy"), reason)

    def delete(self, region: Region, queue: Queue) -> None:
        """A queue and its messages are no more."""
        queue.purge()
        del region.queues[queue.name]
        region.deleted[queue.name] = self.sandbox.clock.now()
        queue.wake()
        self.on_change()

    def _surroundings(self) -> Surroundings:
        clock = self.sandbox.clock
        return Surroundings(
            now=clock.now,
            epoch=clock.epoch,
            ids=self.sandbox.ids,
            limit=self.limit,
            bury=self._bury,
            note=self._note,
            oddities=lambda name: Seeded(self.sandbox.anomalies, name),
        )

    # -- what queues do to each other --------------------------------------------------------------

    def _bury(self, source: Queue, message: Message, target: str) -> bool:
        found = self.by_arn(target)
        if found is None:
            return False
        self.move(message, found, source.arn)
        return True

    def move(self, message: Message, target: Queue, source: str | None) -> Message:
        """Put a message into another queue, as what it is (id, body, attributes, and when it was sent)."""
        moved = Message(
            id=message.id,
            body=message.body,
            md5=message.md5,
            attributes=message.attributes,
            sender=message.sender,
            sent=message.sent,
            trace=message.trace,
            group=message.group,
            deduplication=message.deduplication,
            source=source,
            received=message.received if source else 0,
        )
        target.put(moved, 0, moved=True)
        return moved

    def _note(self, what: str, queue: Queue, message: Message) -> None:
        data: dict[str, object] = {"queue": queue.name}
        if what == "message_sent":
            data["bytes"] = len(message.body.encode())
        if what == "message_received":
            data["count"] = message.received
        self.sandbox.timeline.record("sqs", what, message.id, **data)


def _check_name(name: str, fifo: bool) -> None:
    if fifo and not _FIFO_NAME.fullmatch(name):
        raise invalid_value(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end "
            "with .fifo suffix and be 1 to 80 in length."
        )
    if not fifo and not _NAME.fullmatch(name):
        raise invalid_value(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )


def _may_come(target: Queue, source: str) -> bool:
    policy = target.attributes.text("RedriveAllowPolicy")
    allowed = allowed_sources(policy) if policy else None
    return allowed is None or source in allowed
