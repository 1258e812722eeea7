"""What the parts of the service share: access, handlers, data sources, subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.aws.appsync_schema import SchemaError
from sandbox.aws.errors import NotEmulatedError
from sandbox.context import WebSocketDisconnect
from sandbox.services.appsync import execution, http
from sandbox.services.appsync.access import Access
from sandbox.services.appsync.batches import Batches
from sandbox.services.appsync.errors import RequestRefused
from sandbox.services.appsync.mapping import Handlers
from sandbox.services.appsync.realtime import broadcast, frames, handshakes
from sandbox.services.appsync.realtime.connection import Connection, Subscription, Timers
from sandbox.services.appsync.realtime.handshakes import HandshakeRefused
from sandbox.services.appsync.realtime.messages import Messages
from sandbox.services.appsync.request import Request
from sandbox.services.appsync.schema import executable
from sandbox.services.appsync_sources import Sources
from sandbox.services.exchange import client_ip

if TYPE_CHECKING:
    from sandbox.context import Sandbox, Scope
    from sandbox.control.appsync import GraphqlApi
    from sandbox.services.appsync.caller import Caller

SOURCE = "appsync"


class Engine:
    """Everything that answers requests and connections of GraphQL APIs."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.access = Access(sandbox)
        self.handlers = Handlers(sandbox)
        self.sources = Sources()
        self.subscriptions = broadcast.Subscriptions()
        self._connections: dict[str, Connection] = {}
        self._messages = Messages(self)

    async def close(self) -> None:
        """End all connections, with "service restart"."""
        for connection in tuple(self._connections.values()):
            self._forget(connection)
            connection.socket.close(1012)
        await self.sources.close()

    def request(
        self,
        api: GraphqlApi,
        caller: Caller,
        headers: Mapping[str, str],
        domain: str | None,
        request_id: str | None = None,
    ) -> Request:
        """A new request of a caller. Raises ``RequestRefused`` when the API has no schema (UNSOURCED how)."""
        try:
            schema = executable(api.schema)
        except SchemaError as wrong:
            told = f"The API has no schema that can be used: {wrong}"
            raise RequestRefused(400, "BadRequestException", told) from wrong
        named = request_id or self.sandbox.ids.uuid()
        shared = self.sources, Batches()
        return Request(self.sandbox, api, schema, caller, named, headers, domain, *shared)

    async def answer(self, request: Request, query: execution.Query) -> dict[str, Any]:
        """Run a query or mutation and tell subscribers. Raises ``RequestRefused``."""
        answer = await execution.run(request, query, self.handlers)
        for mutation, tree in answer.mutated:
            broadcast.publish(self, request, mutation, tree)
        broadcast.invalidate(self, request)
        return answer.document

    # -- connections

    async def connection(self, api: GraphqlApi, scope: Scope, sent_path: str) -> None:
        """A client's connection, from its handshake to its end."""
        sandbox, socket = self.sandbox, scope["websocket"]
        wanted = str(sandbox.limits.value("appsync.subprotocol"))
        source_ip = client_ip(scope)
        headers = http.headers_of(scope)
        connection = Connection(
            sandbox.ids.uuid(), scope["aws"]["api_id"], socket, source_ip, headers, sent_path
        )
        refusal = await self._refusal(api, connection, scope, wanted)
        offered = scope["subprotocols"]
        try:
            await socket.accept(wanted if wanted in offered else None)
            if refusal is not None:
                sandbox.timeline.record(SOURCE, "connect_refused", connection.id, reason=str(refusal))
                socket.send(refusal.frame)
                await socket.receive()
                socket.close()
                return
            await self._live(connection)
        except WebSocketDisconnect as end:
            if connection.id in self._connections:
                self._forget(connection)
                sandbox.timeline.record(SOURCE, "disconnected", connection.id, code=end.code, by=end.by)

    async def _refusal(
        self, api: GraphqlApi, connection: Connection, scope: Scope, wanted: str
    ) -> HandshakeRefused | None:
        try:
            handshakes.check_subprotocol(scope["subprotocols"], wanted)
            given = handshakes.headers_of(scope)
            credentials = handshakes.credentials(
                given, connection.source_ip, connection.sent_path, "{}", "/connect"
            )
            await self.access.caller(api, credentials)
        except HandshakeRefused as refusal:
            return refusal
        except RequestRefused as refusal:
            return handshakes.refused(refusal)
        except NotEmulatedError as refusal:
            return handshakes.refused(RequestRefused(501, refusal.code, refusal.message))
        return None

    async def _live(self, connection: Connection) -> None:
        limits = self.sandbox.limits
        connection.timers = Timers(
            float(limits.value("appsync.keep_alive.interval")),
            float(limits.value("appsync.connection.lifetime")),
            lambda text: self.say(connection, text),
            lambda: connection.socket.close(1000),
        )
        self._connections[connection.id] = connection
        self.sandbox.timeline.record(SOURCE, "connected", connection.id, api=connection.api_id)
        try:
            await self._messages.receive(connection)
        finally:
            connection.timers.stop()

    def _forget(self, connection: Connection) -> None:
        self._connections.pop(connection.id, None)
        if connection.timers is not None:
            connection.timers.stop()
        for subscription in tuple(connection.subscriptions.values()):
            self.subscriptions.remove(subscription)
        connection.subscriptions.clear()

    # -- what subscribers are told

    def say(self, connection: Connection, text: str, size: int | None = None, **more: Any) -> None:
        """Send a frame; nothing happens when the connection has ended. ``size``: its bytes, when known."""
        if connection.socket.closed:
            return
        connection.socket.send(text)
        bytes_ = len(text.encode()) if size is None else size
        self.sandbox.timeline.record(SOURCE, "sent", connection.id, bytes=bytes_, **more)

    def end(self, subscription: Subscription, why: str) -> None:
        """A subscription ends and its client is told."""
        connection = subscription.connection
        connection.subscriptions.pop(subscription.id, None)
        self.subscriptions.remove(subscription)
        self.sandbox.timeline.record(
            SOURCE, "unsubscribed", connection.id, subscription=subscription.id, reason=why
        )
        self.say(connection, frames.complete(subscription.id))
