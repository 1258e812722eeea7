"""What the parts of the service share: access, handlers, subscriptions, and the way to a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.context import Sandbox, Scope, WebSocketDisconnect
from sandbox.services.appsync_events import frames
from sandbox.services.appsync_events.access import Access
from sandbox.services.appsync_events.handlers import Handlers
from sandbox.services.appsync_events.realtime import Realtime
from sandbox.services.appsync_events.subscriptions import Connection, Subscriptions
from sandbox.services.exchange import client_ip

if TYPE_CHECKING:
    from sandbox.control.appsync import EventApi
    from sandbox.services.appsync_events.errors import RefusedError

NAME = "appsync_events"


class Engine:
    """Serves all Event APIs."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.access = Access(sandbox)
        self.handlers = Handlers(sandbox)
        self.subscriptions = Subscriptions()
        self._realtime = Realtime(self)
        self._connections: set[Connection] = set()

    async def api(self, name: str) -> EventApi | None:
        """An Event API by the first label of its host, or by a custom domain."""
        return await find(self.sandbox, name)

    async def connection(self, api: EventApi, scope: Scope, domain: str, sent_path: str) -> None:
        """A client's WebSocket, from its handshake to its end."""
        source_ip = client_ip(scope)
        connection = Connection(
            self.sandbox.ids.uuid(), scope["aws"]["api_id"], scope["websocket"], source_ip, domain, sent_path
        )
        refusal = await self._realtime.admit(api, connection, scope)
        subprotocol = str(self.sandbox.limits.value("appsync_events.subprotocol"))
        offered = subprotocol in scope["subprotocols"]
        try:
            await connection.socket.accept(subprotocol if offered else None)
        except WebSocketDisconnect:
            return  # it did not wait
        if refusal is not None:
            await self._refuse(connection, refusal)
            return
        self.note("connected", connection.id, api=api.id)
        self._connections.add(connection)
        try:
            await self._realtime.receive(connection)
        except WebSocketDisconnect as end:
            self.note("disconnected", connection.id, code=end.code, reason=end.reason, by=end.by)
        finally:
            self._end(connection)

    async def _refuse(self, connection: Connection, refusal: RefusedError) -> None:
        """The client is told why on the open connection, which its next word closes (how AWS closes is UNSOURCED)."""
        self.note("connect_refused", connection.id, status=refusal.status, reason=str(refusal))
        self.say(connection, frames.connection_error(refusal.errors()))
        try:
            while (await connection.socket.receive()).opcode in ("ping", "pong"):
                pass
        except WebSocketDisconnect:
            return
        connection.socket.close(1008)

    def say(self, connection: Connection, text: str, **data: Any) -> None:
        """Send a frame to a client."""
        if connection.socket.closed:
            return
        connection.socket.send(text)
        self.note("sent", connection.id, bytes=len(text.encode()), **data)

    def note(self, name: str, id: str, **data: Any) -> None:
        """An entry of the timeline."""
        self.sandbox.timeline.record(NAME, name, id, **data)

    def _end(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if connection.keep_alive is not None:
            connection.keep_alive.stop()
        for made in connection.subscriptions.values():
            self.subscriptions.remove(made)
        connection.subscriptions.clear()

    def close(self) -> None:
        """Close all connections."""
        for connection in tuple(self._connections):
            connection.socket.close(1001)
            self._end(connection)


async def find(sandbox: Sandbox, name: str) -> EventApi | None:
    """An Event API by the first label of its host, or by a custom domain."""
    appsync = sandbox.control.resources.appsync
    found = await appsync.event_api(name)
    if found is None and "." in name:
        owner = await appsync.domain(name)
        found = await appsync.event_api(owner) if owner else None
    return found
