"""A queue as Lambda's poller sees it: ``sandbox.control.event_sources.Inbox``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.control.shims.sqs.queue import Queue
from sandbox.control.shims.sqs.receiving import shown

_EVERYTHING = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}


class QueueInbox:
    """One queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._listener: Callable[[], None] | None = None
        self.fifo = queue.fifo
        self.born = queue.born

    def take(self, count: int) -> Sequence[Mapping[str, Any]]:
        """Up to ``count`` messages; none when too many are in flight."""
        try:
            return [shown(one, _EVERYTHING) for one in self._queue.take(count)]
        except AwsError:  # OverLimit: AWS's poller waits until there is room
            return []

    def delete(self, receipt: str) -> None:
        """Delete a message. One of a FIFO queue whose receipt has expired stays, as on AWS."""
        try:
            self._queue.delete(receipt)
        except AwsError:
            return

    def ready(self) -> int:
        """Messages that are visible; of a FIFO queue also those whose group is blocked."""
        return self._queue.counts()[0]

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Call the listener when a message may have become visible; ``None``: no more."""
        if self._listener is not None:
            self._queue.listeners.remove(self._listener)
        self._listener = listener
        if listener is not None:
            self._queue.listeners.append(listener)

    def next_change(self) -> float | None:
        """Seconds until a hidden message comes back."""
        return self._queue.next_change()

    def awaited(self) -> bool:
        """Whether a hidden message is sure to be done with in the end."""
        redrive = self._queue.attributes.redrive is not None
        return any(redrive or message.received == 0 for message in self._queue.hidden())
