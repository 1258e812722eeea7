"""One event of a connection on its way through the gateway: ``$connect``, a message, ``$disconnect``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from sandbox.context import Sandbox
from sandbox.services.api_websocket.connection import Connection

if TYPE_CHECKING:
    from sandbox.control.resources import V2Api, V2Integration, V2Route

Pairs = list[tuple[str, str]]
EventType = Literal["CONNECT", "MESSAGE", "DISCONNECT"]


@dataclass(slots=True)
class Outcome:
    """What an integration answered. ``body`` is ``None`` when it gave none; names of headers are in lower case."""

    status: int
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """A request to a route. ``request_id`` is the ``extendedRequestId`` as well: AWS gives both the same value."""

    sandbox: Sandbox
    connection: Connection
    api: V2Api
    event_type: EventType
    route_key: str
    request_id: str
    at_ms: int
    route: V2Route | None = None
    message_id: str | None = None
    body: str | None = None
    headers: Pairs = field(default_factory=list)  # of CONNECT and DISCONNECT
    query: Pairs = field(default_factory=list)  # of CONNECT
    disconnect: tuple[int, str] | None = None

    @property
    def integration(self) -> V2Integration | None:
        """The route's integration."""
        return self.route.integration if self.route else None

    def arn(self) -> str:
        """The route as IAM and the policies of functions name it."""
        connection = self.connection
        account = self.sandbox.settings.account
        where = f"{connection.api_id}/{connection.stage}/{self.route_key}"
        return f"arn:aws:execute-api:{connection.region}:{account}:{where}"

    def context(self) -> dict[str, Any]:
        """``requestContext`` of the event, members in AWS's order; templates know it as ``$context``."""
        connection = self.connection
        at = datetime.fromtimestamp(self.at_ms / 1000, UTC)
        context: dict[str, Any] = {"routeKey": self.route_key}
        if self.disconnect is not None:
            context["disconnectStatusCode"] = self.disconnect[0]
        if connection.authorizer is not None:
            context["authorizer"] = dict(connection.authorizer)
        if self.message_id is not None:
            context["messageId"] = self.message_id
        context |= {
            "eventType": self.event_type,
            "extendedRequestId": self.request_id,
            "requestTime": f"{at:%d/%b/%Y:%H:%M:%S +0000}",
            "messageDirection": "IN",
        }
        if self.disconnect is not None:
            context["disconnectReason"] = self.disconnect[1]
        return context | {
            "stage": connection.stage,
            "connectedAt": connection.connected_ms,
            "requestTimeEpoch": self.at_ms,
            "identity": connection.identity(),
            "requestId": self.request_id,
            "domainName": connection.domain,
            "connectionId": connection.id,
            "apiId": connection.api_id,
        }
