"""WebSocket APIs of API Gateway: who is connected, and the way from handshake to disconnect (facts 3.1 to 3.20)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.aws.errors import NotEmulatedError
from sandbox.context import Address, Receive, Sandbox, Scope, Send, WebSocketDisconnect
from sandbox.services import account_throttle
from sandbox.services.api_websocket.call import Call
from sandbox.services.api_websocket.connection import Connection
from sandbox.services.api_websocket.errors import IntegrationError
from sandbox.services.api_websocket.events import headers_of_disconnect
from sandbox.services.api_websocket.handshakes import Handshakes
from sandbox.services.api_websocket.integrations import Integrations
from sandbox.services.api_websocket.management import Management
from sandbox.services.api_websocket.messages import Messages
from sandbox.services.api_websocket.throttle import Buckets
from sandbox.services.exchange import Exchange
from sandbox.services.realtime import Lifetime

if TYPE_CHECKING:
    from sandbox.control.resources import V2Throttle

_HOST = re.compile(
    r"(?P<id>[a-z0-9]+)\.execute-api\.(?:(?P<region>[a-z]+(?:-[a-z0-9]+)+)\.)?(?:amazonaws\.com|localhost)"
)
# What DISCONNECT events say for a close without words of its own.
_REASONS = {1005: "Client-side close frame status not set"}
_CLOSED_BY_DELETE = "Connection Closed Normally"


class WebSocketApiService:
    """Answers ``wss://<id>.execute-api.<region>.amazonaws.com/<stage>`` and ``https://.../<stage>/@connections/<id>``.

    The host is that of every kind of API; :meth:`owns` tells whether an id is a WebSocket API.
    """

    name = "api_websocket"

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._connections: dict[str, Connection] = {}
        self.buckets = Buckets()
        self.integrations = Integrations()
        self._handshakes = Handshakes(sandbox, self)
        self._messages = Messages(sandbox, self)
        self._management = Management(sandbox, self)

    def match(self, address: Address) -> Mapping[str, str] | None:
        """``{"api_id", "region"}`` for an execute-api host; the region is empty when the host has none."""
        found = _HOST.fullmatch(address.host)
        return {"api_id": found["id"], "region": found["region"] or ""} if found else None

    async def owns(self, api_id: str) -> bool:
        """Whether the id is a WebSocket API."""
        return await self._sandbox.control.resources.v2_protocol(api_id) == "WEBSOCKET"

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Close all connections, with "service restart" (fact 3.7), and forget them."""
        for connection in tuple(self._connections.values()):
            if connection.lifetime is not None:
                connection.lifetime.stop()
            connection.socket.close(1012)
        self._connections.clear()
        self.buckets = Buckets()
        await self.integrations.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = bytes(scope.get("raw_path") or str(scope["path"]).encode())
        path = raw.partition(b"?")[0].decode("latin-1")
        if scope["type"] != "websocket":
            request_id = self._sandbox.ids.uuid()
            async with Exchange(self._sandbox, self.name, request_id, scope, receive, send) as exchange:
                await self._management.answer(exchange, scope, path)
            return
        connection = await self._handshakes.open(scope, path)
        if connection is not None:
            await self._live(connection)

    # -- a connection's life

    async def _live(self, connection: Connection) -> None:
        limits, timeline = self._sandbox.limits, self._sandbox.timeline
        connection.lifetime = Lifetime(
            float(limits.value("api_websocket.idle_timeout")),
            float(limits.value("api_websocket.duration")),
            lambda _: self._expire(connection),
        )
        self._connections[connection.id] = connection
        timeline.record(self.name, "connected", connection.id, api=connection.api_id, stage=connection.stage)
        try:
            await self._messages.receive(connection)
        except WebSocketDisconnect as end:
            if self._connections.pop(connection.id, None) is None:
                return  # the sandbox ends
            self._ended(connection, end)
        finally:
            connection.lifetime.stop()
            self._connections.pop(connection.id, None)

    def _expire(self, connection: Connection) -> None:
        limits = self._sandbox.limits
        code = int(limits.value("api_websocket.close.idle.code"))
        connection.socket.close(code, str(limits.value("api_websocket.close.idle.reason")))

    def _ended(self, connection: Connection, end: WebSocketDisconnect) -> None:
        reason = end.reason or _REASONS.get(end.code, "")
        if end.by == "server" and end.code == 1000:
            reason = _CLOSED_BY_DELETE
        self._sandbox.timeline.record(
            self.name, "disconnected", connection.id, code=end.code, reason=reason, by=end.by
        )
        self._sandbox.spawn(self._disconnect(connection, end.code, reason), f"$disconnect of {connection.id}")

    async def _disconnect(self, connection: Connection, code: int, reason: str) -> None:
        """The ``$disconnect`` route, whose answer nobody waits for."""
        sandbox = self._sandbox
        api = await sandbox.control.resources.v2_api(connection.api_id, connection.stage)
        route = api.routes.get("$disconnect") if api else None
        if api is None or route is None:
            return
        call = Call(
            sandbox,
            connection,
            api,
            "DISCONNECT",
            "$disconnect",
            sandbox.ids.base64(16),
            int(sandbox.clock.epoch() * 1000),
            route=route,
            headers=headers_of_disconnect(connection.domain),
            disconnect=(code, reason),
        )
        try:
            await self.integrations.run(call)
        except (IntegrationError, NotEmulatedError) as failure:
            sandbox.timeline.record(
                self.name, "failed", connection.id, type="DISCONNECT", reason=str(failure)
            )

    # -- what the parts share

    def connection(self, api_id: str, stage: str, connection_id: str) -> Connection | None:
        """An open connection of a stage."""
        found = self._connections.get(connection_id)
        if found is None or (found.api_id, found.stage) != (api_id, stage) or found.socket.closed:
            return None
        return found

    def send(self, connection: Connection, text: str) -> None:
        """Send a message to a client. Half a surrogate pair, which only JSON can hold, becomes ``?``."""
        data = text.encode("utf-8", "replace")
        self.touch(connection)
        connection.socket.send(data.decode())
        self._sandbox.timeline.record(
            self.name, "sent", connection.id, bytes=len(data), connection=connection.id
        )

    def touch(self, connection: Connection) -> None:
        """Something was said, by either side."""
        connection.active_ms = int(self._sandbox.clock.epoch() * 1000)
        if connection.lifetime is not None:
            connection.lifetime.touch()

    def account_token(self) -> bool:
        """Take a token of the account's bucket (facts 1.9, 3.18)."""
        return account_throttle.take(self._sandbox)

    def connect_token(self) -> bool:
        """Take a token for a new connection (fact 3.8); the burst is one second's worth (UNSOURCED)."""
        rate = float(self._sandbox.limits.value("api_websocket.connect_rate"))
        return self.buckets.take(("connect",), rate, rate)

    def bounds(self, throttle: V2Throttle) -> tuple[float, float]:
        """Rate and burst of a route or stage; what it leaves out is the account's."""
        rate, burst = account_throttle.bounds(self._sandbox)
        return (
            rate if throttle.rate is None else float(throttle.rate),
            burst if throttle.burst is None else float(throttle.burst),
        )
