"""``$connect`` (fact 3.15): the upgrade waits until the route's integration has answered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from sandbox.auth import SignedRequest
from sandbox.aws.errors import NotEmulatedError
from sandbox.context import Sandbox, Scope, WebSocketDisconnect
from sandbox.services.api_websocket import access, errors, events
from sandbox.services.api_websocket.call import Call
from sandbox.services.api_websocket.connection import Connection
from sandbox.services.api_websocket.errors import IntegrationError, Refusal
from sandbox.services.exchange import client_ip

if TYPE_CHECKING:
    from sandbox.services.api_websocket.service import WebSocketApiService

_PATH = re.compile(r"/(?P<stage>[^/]+)/?")


class Handshakes:
    """Lets clients in or not."""

    def __init__(self, sandbox: Sandbox, service: WebSocketApiService) -> None:
        self._sandbox = sandbox
        self._service = service

    async def open(self, scope: Scope, path: str) -> Connection | None:
        """The connection of a client that was let in; ``None`` when it was refused or has gone."""
        connection = self._new(scope)
        request_id = self._sandbox.ids.base64(16)
        try:
            subprotocol = await self._connect(connection, scope, path, request_id)
        except Refusal as refusal:
            await self._refuse(connection, refusal, request_id)
            return None
        limits = self._sandbox.limits
        try:
            await connection.socket.accept(
                subprotocol,
                max_frame=int(limits.value("api_websocket.frame")),
                max_message=int(limits.value("api_websocket.message")),
            )
        except WebSocketDisconnect:
            return None  # it did not wait
        return connection

    def _new(self, scope: Scope) -> Connection:
        sandbox = self._sandbox
        api_id, region = scope["aws"]["api_id"], scope["aws"]["region"] or sandbox.settings.region
        now = int(sandbox.clock.epoch() * 1000)
        agent = next((v.decode("latin-1") for n, v in scope["headers"] if n == b"user-agent"), None)
        return Connection(
            id=sandbox.ids.base64(16),
            api_id=api_id,
            stage="",
            region=region,
            domain=f"{api_id}.execute-api.{region}.amazonaws.com",
            socket=scope["websocket"],
            source_ip=client_ip(scope),
            user_agent=agent,
            connected_ms=now,
            active_ms=now,
        )

    async def _connect(self, connection: Connection, scope: Scope, path: str, request_id: str) -> str | None:
        """The subprotocol that the integration chose. Raises :class:`Refusal`."""
        found = _PATH.fullmatch(path)
        connection.stage = unquote(found["stage"]) if found else ""
        api = await self._sandbox.control.resources.v2_api(connection.api_id, connection.stage)
        if found is None or api is None or api.protocol != "WEBSOCKET":
            raise errors.forbidden(f"{connection.api_id} has nothing at {path}")
        if not self._service.connect_token():
            limits = self._sandbox.limits
            status = int(limits.value("api_websocket.error.connect_rate.status"))
            raise Refusal(status, "Too Many Requests", "TooManyRequestsException", "connections a second")
        call = Call(
            self._sandbox,
            connection,
            api,
            "CONNECT",
            "$connect",
            request_id,
            connection.connected_ms,
            route=api.routes.get("$connect"),
            headers=self._headers(scope, connection),
            query=parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True),
        )
        if call.route is None:
            return None
        try:
            await access.check(call, SignedRequest.from_scope(scope, b""), self._service.buckets)
            return await self._integrate(call)
        except NotEmulatedError as error:
            raise Refusal(error.status, error.message, error.code, error.message) from error

    def _headers(self, scope: Scope, connection: Connection) -> list[tuple[str, str]]:
        sent = scope.get("sent_headers") or scope["headers"]
        sandbox = self._sandbox
        trace_id = f"Root=1-{int(sandbox.clock.epoch()):08x}-{sandbox.ids.hex(24)}"
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in sent]
        return events.headers_of_connect(pairs, connection.domain, connection.source_ip, trace_id)

    async def _integrate(self, call: Call) -> str | None:
        try:
            outcome = await self._service.integrations.run(call)
        except IntegrationError as failure:
            raise Refusal(
                failure.status, "Internal server error", "InternalServerErrorException", str(failure)
            ) from failure
        if not 200 <= outcome.status <= 299:
            reason = f"the $connect integration answered {outcome.status}"
            type_ = "ForbiddenException" if outcome.status == 403 else ""
            raise Refusal(outcome.status, "Forbidden" if outcome.status == 403 else "", type_, reason)
        return outcome.headers.get("sec-websocket-protocol")

    async def _refuse(self, connection: Connection, refusal: Refusal, request_id: str) -> None:
        self._sandbox.timeline.record(
            self._service.name,
            "connect_refused",
            connection.id,
            status=refusal.status,
            reason=refusal.reason or refusal.message,
        )
        headers = [("x-amzn-RequestId", self._sandbox.ids.uuid()), ("x-amz-apigw-id", request_id)]
        if refusal.type:
            headers.append(("x-amzn-ErrorType", refusal.type))
        body = b""
        if refusal.message:
            headers.append(("Content-Type", "application/json"))
            body = errors.other_frame(refusal.message, connection.id, request_id).encode()
        await connection.socket.reject(refusal.status, headers, body)
