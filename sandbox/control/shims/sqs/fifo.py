"""FIFO queues: order within a group, one batch of a group in flight at a time, no message twice in five minutes."""

from __future__ import annotations

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
        self._sent: dict[tuple[str, str], tuple[float, Message]] = {}
        self._attempts: dict[str, tuple[float, list[Delivery]]] = {}
        self._sequence = _FIRST_SEQUENCE

    def twin(self, deduplication: str, group: str) -> Message | None:
        """The message of the last five minutes that has this de-duplication id."""
        now = self._around.now()
        for key in [key for key, (until, _) in self._sent.items() if until <= now]:
            del self._sent[key]
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
        self._sent[self._key(message.deduplication, message.group)] = (until, message)
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
        groups: dict[str | None, list[Message]] = {}
        for order in sorted(self._ready):
            message = self._ready[order]
            if message.group not in blocked and order < first_delayed.get(message.group, order + 1):
                groups.setdefault(message.group, []).append(message)
        for messages in groups.values():
            for message in messages:
                del self._ready[message.order]
                yield message

    def _found(self, handle: str) -> Message | None:
        message = super()._found(handle)
        if message is not None:
            self.catch_up()
            if message not in self._in_flight or message.receipt != handle:
                raise invalid_parameter("ReceiptHandle", handle, "The receipt handle has expired.")
        return message
