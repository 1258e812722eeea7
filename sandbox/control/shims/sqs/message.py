"""A message of a queue. No behaviour beyond what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, eq=False)
class Message:
    """A message, from the moment it was sent.

    Instants ``..._at`` count in the sandbox's seconds, ``sent`` and ``first_received`` since 1970.
    """

    id: str
    body: str
    md5: str
    attributes: dict[str, Any]
    sender: str
    sent: float
    trace: str | None = None
    group: str | None = None
    deduplication: str | None = None
    sequence: str | None = None
    source: str | None = None  # of a dead letter: the ARN of the queue that it comes from
    order: int = 0
    visible_at: float = 0.0
    received_at: float | None = None
    received: int = 0
    first_received: float | None = None
    receipt: str | None = None  # the newest
    receipts: list[str] = field(default_factory=list)
    gone: bool = False

    @property
    def system(self) -> dict[str, str]:
        """Its system attributes, by AWS's names."""
        texts = {
            "SenderId": self.sender,
            "SentTimestamp": str(int(self.sent * 1000)),
            "ApproximateReceiveCount": str(self.received),
            "ApproximateFirstReceiveTimestamp": str(int((self.first_received or 0) * 1000)),
            "SequenceNumber": self.sequence,
            "MessageDeduplicationId": self.deduplication,
            "MessageGroupId": self.group,
            "AWSTraceHeader": self.trace,
            "DeadLetterQueueSourceArn": self.source,
        }
        return {name: text for name, text in texts.items() if text is not None}


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as one receive gave it."""

    message: Message
    receipt: str
