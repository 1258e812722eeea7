"""One invocation on its way through an environment."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.services.lambda_.channel import Bandwidth, ResponseChannel


@dataclass(slots=True)
class ResponseLimits:
    """What a response may be. ``buffered`` and ``streamed``: bytes; the message has ``{limit}`` and ``{size}``."""

    buffered: int
    streamed: int
    error_type: str
    message: str


@dataclass(slots=True)
class Execution:
    """What the runtime is given and where its response goes. ``deadline_ms``: epoch, on the sandbox's clock."""

    request_id: str
    payload: bytes
    arn: str  # as invoked
    trace_id: str
    client_context: str | None  # JSON
    limits: ResponseLimits
    bandwidth: Bandwidth | None = None  # only for a caller that takes a stream
    deadline_ms: int = 0
    channel: ResponseChannel = field(default_factory=ResponseChannel)

    @property
    def streamed(self) -> bool:
        """Whether the caller takes the response as a stream."""
        return self.bandwidth is not None
