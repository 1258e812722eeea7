"""App Runner's services as they are wanted and as they are, shared by its API and its data plane."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.control.changes import Changes

Document = dict[str, Any]


@dataclass(slots=True, eq=False)
class Scaling:
    """An auto scaling configuration. ``info``: as ``DescribeAutoScalingConfiguration`` gives it."""

    arn: str
    info: Document

    @property
    def most_requests(self) -> int:
        return int(self.info["MaxConcurrency"])


@dataclass(slots=True, eq=False)
class Application:
    """A service. ``wanted``: what its data plane is to bring about, until it did."""

    arn: str
    id: str
    name: str
    url: str  # a host name
    info: Document  # as ``DescribeService`` gives it, without what stands beside it
    scaling: Scaling
    created: datetime
    updated: datetime
    status: str = "OPERATION_IN_PROGRESS"
    wanted: str | None = "RUNNING"  # RUNNING, PAUSED, DELETED
    operations: list[Document] = field(default_factory=list)  # newest first
    reason: str = ""
    tags: list[Document] = field(default_factory=list)

    @property
    def image(self) -> Document:
        found: Document = self.info["SourceConfiguration"]["ImageRepository"]
        return found


class Applications:
    """Everything that there is. ``changes``: told after every change."""

    def __init__(self) -> None:
        self.changes = Changes()
        self.services: dict[str, Application] = {}  # by ARN
        self.scalings: dict[str, Scaling] = {}  # by ARN

    def clear(self) -> None:
        """Forget everything."""
        self.services.clear()
        self.scalings.clear()
        self.changes.tell()

    def by_host(self, label: str) -> Application | None:
        """By the first label of its URL."""
        found = (one for one in self.services.values() if one.url.partition(".")[0] == label)
        return next((one for one in found if one.status != "DELETED"), None)
