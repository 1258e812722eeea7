"""What event source mappings are there, and the queues that they read: for the pollers, which are a data plane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class EventSource:
    """A mapping as it is now. ``epoch`` rises with each change of it."""

    uuid: str
    epoch: int
    source_arn: str
    function: str  # ARN, with a qualifier if it was given one
    batch_size: int
    window_s: int
    partial: bool  # ReportBatchItemFailures
    max_concurrency: int | None
    pollers: tuple[int, int] | None  # least and most of the provisioned mode
    filters: tuple[Mapping[str, Any], ...]  # patterns, parsed


class Inbox(Protocol):
    """A queue as its poller sees it."""

    fifo: bool
    born: float  # when the queue was made, in the sandbox's seconds

    def take(self, count: int) -> Sequence[Mapping[str, Any]]:
        """Receive up to ``count`` messages with all their attributes, as ``ReceiveMessage`` gives them."""
        ...

    def delete(self, receipt: str) -> None:
        """Delete a message; a receipt handle that is no longer good does nothing."""
        ...

    def ready(self) -> int:
        """Messages that could be received now."""
        ...

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Call the listener, at once, when a message may have become visible other than by the passing of time."""
        ...

    def next_change(self) -> float | None:
        """Seconds until a hidden message comes back; ``None``: none is hidden."""
        ...

    def awaited(self) -> bool:
        """Whether a hidden message is sure to be done with in the end.

        One that was never received is, and any whose queue has a dead-letter queue: for those time may move.
        """
        ...


class EventSources(Protocol):
    """The mappings that are enabled."""

    def enabled(self) -> Sequence[EventSource]:
        """All of them."""
        ...

    def inbox(self, arn: str) -> Inbox | None:
        """A queue; ``None`` when it does not exist."""
        ...

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Call the listener, at once, when mappings or queues came, went or changed; ``None``: no more."""
        ...
