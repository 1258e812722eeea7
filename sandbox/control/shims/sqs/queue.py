"""Queues: which message may be received when. Time is given in, nothing here waits or reads a clock of its own.

A message is ready, delayed (sent, not to be seen yet) or in flight (received and hidden). A heap of instants says
which hidden one comes back next, so no timer runs: whoever looks brings the queue up to its present first.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import heapq
import zlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from sandbox.aws.ids import IdSource
from sandbox.control.shims.sqs.attributes import Attributes
from sandbox.control.shims.sqs.errors import invalid_parameter, invalid_receipt, over_limit
from sandbox.control.shims.sqs.message import Delivery, Message

_SLACK_S = 1e-9  # instants are sums of floats
_NO_CHANGE = "Message does not exist or is not available for visibility timeout change."


class Oddities(Protocol):
    """What a standard queue may do to messages and AWS does rarely: when a story wants to see it."""

    def position(self, ready: int) -> int:
        """Which of the ready messages comes next; 0: the oldest."""
        ...

    def again(self) -> bool:
        """Whether a message that is delivered now stays visible, so that it is delivered once more."""
        ...


class Orderly:
    """Nothing odd happens."""

    def position(self, ready: int) -> int:
        """The oldest comes next."""
        return 0

    def again(self) -> bool:
        """Each delivery is the only one."""
        return False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a queue needs from outside. ``bury``: put a message into a dead-letter queue; whether that exists."""

    now: Callable[[], float]
    epoch: Callable[[], float]
    ids: IdSource
    limit: Callable[[str], int]
    bury: Callable[[Queue, Message, str], bool]
    note: Callable[[str, Queue, Message], None]
    oddities: Callable[[str], Oddities]


class Queue:
    """A standard queue."""

    fifo = False

    def __init__(
        self, name: str, arn: str, attributes: Attributes, tags: Mapping[str, str], around: Surroundings
    ) -> None:
        self.name = name
        self.arn = arn
        self.attributes = attributes
        self.tags = dict(tags)
        self.purged_at: float | None = None
        self.created = self.modified = around.epoch()
        self.born = around.now()
        self._around = around
        self._oddities = around.oddities(name)
        self._ready: OrderedDict[int, Message] = OrderedDict()  # by order; sorted when it must be
        self._sorted = True
        self._hidden: list[
            tuple[float, int, Message]
        ] = []  # a heap; an entry that is out of date is passed over
        self._delayed: set[Message] = set()
        self._in_flight: set[Message] = set()
        self._receipts: dict[str, Message] = {}
        self._ages: list[tuple[float, int, Message]] = []  # a heap: the one that was sent first is on top
        self._count = 0
        self.listeners: list[Callable[[], None]] = []
        self._change: asyncio.Future[None] | None = None

    # -- sending -----------------------------------------------------------------------------------

    def put(self, message: Message, delay_s: int, *, moved: bool = False) -> None:
        """Take a message; it can be received ``delay_s`` seconds from now. ``moved``: from another queue."""
        self._count += 1
        message.order = self._count
        heapq.heappush(self._ages, (message.sent, message.order, message))
        if delay_s:
            message.visible_at = self._around.now() + delay_s
            self._delayed.add(message)
            heapq.heappush(self._hidden, (message.visible_at, message.order, message))
        else:
            self._make_ready(message)
        if not moved:
            self._around.note("message_sent", self, message)
        self.wake()

    # -- receiving ---------------------------------------------------------------------------------

    def take(self, count: int, visibility_s: int | None = None) -> list[Delivery]:
        """Up to ``count`` messages, hidden from others for ``visibility_s`` (default: the queue's).

        Raises ``OverLimit`` when too many are in flight.
        """
        self.catch_up()
        if len(self._in_flight) >= self._around.limit("sqs.in_flight.standard"):
            raise over_limit()
        hide_s = self.attributes.number("VisibilityTimeout") if visibility_s is None else visibility_s
        chosen: list[Message] = []
        candidates = self._candidates()
        while len(chosen) < count:
            message = next(candidates, None)
            if message is None:
                break
            if not self._buried(message):
                chosen.append(message)
        return [self._deliver(message, hide_s) for message in chosen]

    def _candidates(self) -> Iterator[Message]:
        """Ready messages in the order in which they are to be given."""
        if not self._sorted:
            self._ready = OrderedDict(sorted(self._ready.items()))
            self._sorted = True
        noisy = self._noisy()
        while self._ready:
            place = self._oddities.position(len(self._ready))
            key = list(self._ready)[place] if place else next(iter(self._ready))
            if noisy and not place:
                key = next((k for k, m in self._ready.items() if m.group not in noisy), key)
            yield self._ready.pop(key)

    def _noisy(self) -> set[str]:
        """Groups that keep so many consumers busy that the messages of others come first (fair queues).

        AWS looks at the share of processing time too.
        """
        groups = Counter(message.group for message in self._in_flight if message.group is not None)
        limit = self._around.limit
        return {
            group
            for group, count in groups.items()
            if count >= limit("sqs.fair.in_flight")
            and count * 100 > limit("sqs.fair.share") * len(self._in_flight)
        }

    def _buried(self, message: Message) -> bool:
        """Whether it was received too often: then it is in the dead-letter queue now, if there is one."""
        redrive = self.attributes.redrive
        if redrive is None or message.received < redrive.max_receive_count:
            return False
        if not self._around.bury(self, message, redrive.target):
            return False
        self.forget(message, "message_dead_lettered")
        return True

    def _deliver(self, message: Message, hide_s: int) -> Delivery:
        now = self._around.now()
        message.received += 1
        message.received_at = now
        if message.first_received is None:
            message.first_received = self._around.epoch()
        message.receipt = self._new_receipt(message)
        message.receipts.append(message.receipt)
        self._receipts[message.receipt] = message
        self._hide(message, 0 if self._oddities.again() else hide_s)
        self._around.note("message_received", self, message)
        return Delivery(message, message.receipt)

    def _hide(self, message: Message, seconds: int) -> None:
        message.visible_at = self._around.now() + seconds
        if seconds:
            self._in_flight.add(message)
            heapq.heappush(self._hidden, (message.visible_at, message.order, message))
        else:
            self._in_flight.discard(message)
            self._make_ready(message)
            self.wake()

    def _make_ready(self, message: Message) -> None:
        if self._ready and message.order < next(reversed(self._ready)):
            self._sorted = False
        self._ready[message.order] = message

    # -- what a receiver says of a message -----------------------------------------------------------

    def delete(self, handle: str) -> None:
        """Delete by a receipt handle. One of a message that is gone already does nothing."""
        message = self._found(handle)
        if message is not None:
            self.forget(message, "message_deleted")
            self.wake()

    def change_visibility(self, handle: str, seconds: int) -> None:
        """Hide a message for another time, counted from now; 12 h after its receive it comes back at the latest."""
        self.catch_up()
        longest = self._around.limit("sqs.visibility.max")
        if not 0 <= seconds <= longest:
            raise invalid_parameter("VisibilityTimeout", seconds, f"Must be between 0 and {longest}.")
        message = self._found(handle)
        if message is None or message.receipt != handle:
            raise invalid_parameter("ReceiptHandle", handle, _NO_CHANGE)
        assert message.received_at is not None
        if self._around.now() + seconds - message.received_at > longest + _SLACK_S:
            reason = f"Total VisibilityTimeout for the message is beyond the limit [{longest} seconds]"
            raise invalid_parameter("VisibilityTimeout", seconds, reason)
        if message in self._in_flight:
            self._hide(message, seconds)

    def _found(self, handle: str) -> Message | None:
        if not _is_receipt(handle, self.arn):
            raise invalid_receipt(handle)
        return self._receipts.get(handle)

    def _new_receipt(self, message: Message) -> str:
        secret = self._around.ids.hex(32)
        return (
            "AQEB" + base64.b64encode(_mark(self.arn) + bytes.fromhex(secret) + message.id.encode()).decode()
        )

    # -- the present ---------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Let what came to be since the last look: hidden messages are back, old ones are gone."""
        now = self._around.now() + _SLACK_S
        while self._hidden and self._hidden[0][0] <= now:
            at, _, message = heapq.heappop(self._hidden)
            if message.gone or message.visible_at != at or not self._is_hidden(message):
                continue
            self._delayed.discard(message)
            self._in_flight.discard(message)
            self._make_ready(message)
        self._drop_old()

    def _is_hidden(self, message: Message) -> bool:
        return message in self._in_flight or message in self._delayed

    def _drop_old(self) -> None:
        oldest = self._around.epoch() - self.attributes.number("MessageRetentionPeriod") + _SLACK_S
        while self._ages and (self._ages[0][2].gone or self._ages[0][0] <= oldest):
            _, _, message = heapq.heappop(self._ages)
            if not message.gone:
                self.forget(message, "message_expired")

    def forget(self, message: Message, why: str) -> None:
        """A message is no more."""
        message.gone = True
        self._ready.pop(message.order, None)
        self._delayed.discard(message)
        self._in_flight.discard(message)
        for receipt in message.receipts:
            self._receipts.pop(receipt, None)
        self._around.note(why, self, message)

    def purge(self) -> None:
        """Forget all messages."""
        for message in [*self._ready.values(), *self._delayed, *self._in_flight]:
            self.forget(message, "message_purged")
        self._hidden.clear()

    def counts(self) -> tuple[int, int, int]:
        """Messages that are ready, in flight, delayed."""
        self.catch_up()
        return len(self._ready), len(self._in_flight), len(self._delayed)

    def all(self) -> list[Message]:
        """Every message that is not in flight, oldest first."""
        self.catch_up()
        return sorted([*self._ready.values(), *self._delayed], key=lambda one: one.order)

    def next_change(self) -> float | None:
        """Seconds until a hidden message comes back; ``None``: none is hidden."""
        while self._hidden:
            at, _, message = self._hidden[0]
            if not message.gone and message.visible_at == at and self._is_hidden(message):
                return max(0.0, at - self._around.now())
            heapq.heappop(self._hidden)
        return None

    def hidden(self) -> list[Message]:
        """Messages that are delayed or in flight."""
        return [*self._delayed, *self._in_flight]

    def changed(self) -> asyncio.Future[None]:
        """Done when a message may have become visible other than by the passing of time."""
        if self._change is None or self._change.done():
            self._change = asyncio.get_running_loop().create_future()
        return self._change

    def wake(self) -> None:
        """Let those who wait look again."""
        if self._change is not None and not self._change.done():
            self._change.set_result(None)
        for listener in self.listeners:
            listener()


def _mark(arn: str) -> bytes:
    return zlib.crc32(arn.encode()).to_bytes(4, "big")


def _is_receipt(handle: str, arn: str) -> bool:
    try:
        return handle.startswith("AQEB") and base64.b64decode(handle[4:], validate=True)[:4] == _mark(arn)
    except binascii.Error:
        return False
