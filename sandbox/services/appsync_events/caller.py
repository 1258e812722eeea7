"""Who calls an Event API, as its handlers see it (``ctx.identity``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from sandbox.control.appsync import AuthType

Operation = Literal["EVENT_CONNECT", "EVENT_SUBSCRIBE", "EVENT_PUBLISH"]
ACTIONS: Mapping[Operation, str] = {
    "EVENT_CONNECT": "appsync:EventConnect",
    "EVENT_SUBSCRIBE": "appsync:EventSubscribe",
    "EVENT_PUBLISH": "appsync:EventPublish",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller wants to do, in Lambda authorizers' and IAM's words."""

    operation: Operation
    modes: Sequence[AuthType]
    namespace: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller that was let in. ``identity``: ``None`` for an API key."""

    mode: AuthType
    identity: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
