"""FIFO queues: order within a group, one batch of a group in flight at a time, no message twice in five minutes."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterator, Mapping

from sandbox.control.shims.sqs.attributes import Attributes
from sandbox.control.shims.sqs.errors import invalid_parameter
from sandbox.control.shims.sqs.message import Delivery, Message
from sandbox.control.shims.sqs.queue import Orderly, Queue, Surroundings

_FIRST_SEQUENCE = 18849496460467696128  # 20 digits that grow, as AWS's do
_SEQUENCE_STEP = 256


class FifoQueue(Queue):
    """A queue whose name ends in ``.fifo``."""

    fifo = True

    def __init__(
        self, name: str, arn: str, attributes: Attributes, tags: Mapping[str, str], around: Surroundings
    ) -> None:
        super().__init__(name, arn, attributes, tags, around)
        self._oddities = Orderly()
        self._sent: OrderedDict[tuple[str, str], tuple[float, Message]] = OrderedDict()
        self._lines: dict[
            str, list[int]
        ] = {}  # of each group a heap of orders; one that is gone is passed over
        self._attempts: dict[str, tuple[float, list[Delivery]]] = {}
        self._sequence = _FIRST_SEQUENCE

    def twin(self, deduplication: str, group: str) -> Message | None:
        """The message of the last five minutes that has this de-duplication id."""
        now = self._around.now()
        while self._sent and next(iter(self._sent.values()))[0] <= now:  # the oldest comes first
            self._sent.popitem(last=False)
        found = self._sent.get(self._key(deduplication, group))
        return found[1] if found else None

    def _key(self, deduplication: str, group: str) -> tuple[str, str]:
        by_group = self.attributes.text("DeduplicationScope") == "messageGroup"
        return (deduplication, group if by_group else "")

    def put(self, message: Message, delay_s: int, *, moved: bool = False) -> None:
        """Take a message; its sequence number is given here."""
        assert message.group is not None
        assert message.deduplication is not None
        self._sequence += _SEQUENCE_STEP
        message.sequence = str(self._sequence)
        until = self._around.now() + self._around.limit("sqs.fifo.deduplication")
        key = self._key(message.deduplication, message.group)
        self._sent.pop(key, None)  # to the end, where the newest are
        self._sent[key] = (until, message)
        super().put(message, delay_s, moved=moved)

    def take(self, count: int, visibility_s: int | None = None) -> list[Delivery]:
        """As of a standard queue; with too many in flight there are none, and no error."""
        self.catch_up()
        if len(self._in_flight) >= self._around.limit("sqs.in_flight.fifo"):
            return []
        return super().take(count, visibility_s)

    def take_again(self, attempt: str, count: int, visibility_s: int | None) -> list[Delivery]:
        """A receive that is a retry of another one by its attempt id: the same messages, hidden anew.

        Not once one of them was deleted, came back or had its visibility changed.
        """
        now = self._around.now()
        until, given = self._attempts.get(attempt, (0.0, []))
        if now < until and given and all(self._still(one) for one in given):
            for one in given:
                hide_s = self.attributes.number("VisibilityTimeout") if visibility_s is None else visibility_s
                self._hide(one.message, hide_s)
            return given
        given = self.take(count, visibility_s)
        if given:
            self._attempts[attempt] = (now + self._around.limit("sqs.fifo.deduplication"), given)
        return given

    def _still(self, one: Delivery) -> bool:
        return one.message in self._in_flight and one.message.receipt == one.receipt

    def _candidates(self) -> Iterator[Message]:
        """As many of the group with the oldest message as there are, then the next group's (AWS's order)."""
        blocked = {message.group for message in self._in_flight}
        first_delayed: dict[str | None, int] = {}
        for message in self._delayed:
            first_delayed[message.group] = min(message.order, first_delayed.get(message.group, message.order))
        heads = sorted(
            (order, group) for group in list(self._lines) if (order := self._head(group)) is not None
        )
        for _, group in heads:
            end = first_delayed.get(group)
            while group not in blocked and (order := self._head(group)) is not None:
                if end is not None and order > end:
                    break
                yield self._ready.pop(order)

    def _head(self, group: str) -> int | None:
        """Order of a group's oldest ready message."""
        line = self._lines[group]
        while line and line[0] not in self._ready:
            heapq.heappop(line)
        if not line:
            del self._lines[group]
            return None
        return line[0]

    def _make_ready(self, message: Message) -> None:
        super()._make_ready(message)
        assert message.group is not None
        heapq.heappush(self._lines.setdefault(message.group, []), message.order)

    def _found(self, handle: str) -> Message | None:
        message = super()._found(handle)
        if message is not None:
            self.catch_up()
            if message not in self._in_flight or message.receipt != handle:
                raise invalid_parameter("ReceiptHandle", handle, "The receipt handle has expired.")
        return message
