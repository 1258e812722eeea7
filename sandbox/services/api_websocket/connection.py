"""A client's connection to a WebSocket API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.context import WebSocket
from sandbox.services.realtime import Lifetime


@dataclass(slots=True)
class Connection:
    """What is known about a client from its handshake on. ``domain``: the API's host as the client called it."""

    id: str
    api_id: str
    stage: str
    region: str
    domain: str
    socket: WebSocket
    source_ip: str
    user_agent: str | None
    connected_ms: int
    active_ms: int = 0
    authorizer: Mapping[str, Any] | None = None  # what requestContext.authorizer says
    lifetime: Lifetime | None = None  # facts 3.2, 3.3

    def identity(self) -> dict[str, str]:
        """``requestContext.identity``, which is also the management API's."""
        agent = {} if self.user_agent is None else {"userAgent": self.user_agent}
        return agent | {"sourceIp": self.source_ip}
