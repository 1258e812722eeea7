"""Messages of a client: put together from frames, routed, answered (facts 3.4 to 3.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.aws.errors import NotEmulatedError
from sandbox.context import Sandbox
from sandbox.services.api_websocket import errors, integrations, selection, validation
from sandbox.services.api_websocket.call import Call
from sandbox.services.api_websocket.connection import Connection
from sandbox.services.api_websocket.errors import IntegrationError

if TYPE_CHECKING:
    from sandbox.control.resources import V2Api
    from sandbox.services.api_websocket.service import WebSocketApiService


class Messages:
    """Handles the messages of all connections, each at once: AWS does not wait for the one before."""

    def __init__(self, sandbox: Sandbox, service: WebSocketApiService) -> None:
        self._sandbox = sandbox
        self._service = service

    async def receive(self, connection: Connection) -> None:
        """Take frames until the connection ends: raises ``WebSocketDisconnect``."""
        socket = connection.socket
        parts: list[bytes] = []
        while True:
            frame = await socket.receive()
            if frame.opcode in ("ping", "pong"):
                continue  # not traffic in the idle timeout's sense
            self._service.touch(connection)
            if frame.opcode == "binary":
                socket.close(int(self._sandbox.limits.value("api_websocket.close.binary.code")))
                continue
            parts.append(frame.data)
            if frame.fin:
                body, parts = b"".join(parts).decode(), []
                self._sandbox.spawn(self._handle(connection, body), f"message of {connection.id}")

    async def _handle(self, connection: Connection, body: str) -> None:
        request_id, message_id = self._sandbox.ids.base64(16), self._sandbox.ids.base64(16)
        resources = self._sandbox.control.resources
        api = await resources.v2_api(connection.api_id, connection.stage)
        try:
            key = selection.route_key(api.route_selection, body, api.routes) if api else None
        except NotEmulatedError as error:
            self._say(connection, errors.other_frame(error.message, connection.id, request_id))
            return
        self._note(connection, "message_received", route=key, bytes=len(body.encode()), request=request_id)
        if api is not None and not self._allowed(connection, api, key):
            code = int(self._sandbox.limits.value("api_websocket.close.throttled.code"))
            connection.socket.close(code)
            return
        ids = {"connectionId": connection.id, "requestId": request_id}
        if api is None or key is None:
            self._fail(connection, "no route takes the message", "forbidden", ids)
            return
        call = Call(
            self._sandbox,
            connection,
            api,
            "MESSAGE",
            key,
            request_id,
            int(self._sandbox.clock.epoch() * 1000),
            route=api.routes[key],
            message_id=message_id,
            body=body,
        )
        await self._answer(call, ids | {"messageId": message_id})

    async def _answer(self, call: Call, ids: dict[str, str]) -> None:
        connection = call.connection
        try:
            if (problem := validation.problem(call)) is not None:
                self._fail(connection, problem, "validation", ids)
                return
            outcome = await self._service.integrations.run(call)
            text = integrations.reply(call, outcome)
        except IntegrationError as failure:
            self._fail(connection, str(failure), failure.frame, ids)
            return
        except NotEmulatedError as error:
            self._note(connection, "failed", type="NOT_EMULATED", reason=error.message)
            self._say(connection, errors.other_frame(error.message, connection.id, call.request_id))
            return
        if text is not None:
            if text:
                self._say(connection, text)
        elif not 200 <= outcome.status <= 299:
            self._fail(connection, f"the integration answered {outcome.status}", "integration", ids)

    def _allowed(self, connection: Connection, api: V2Api, key: str | None) -> bool:
        """Takes a token of the account's bucket and of the route's, or the stage's, when it has one."""
        throttle = api.route_throttle.get(key or "", api.default_throttle)
        if throttle.rate is not None or throttle.burst is not None:
            name = (connection.api_id, connection.stage, key or "")
            if not self._service.buckets.take(name, *self._service.bounds(throttle)):
                return False
        return self._service.account_token()

    def _fail(self, connection: Connection, reason: str, frame: str, ids: dict[str, str]) -> None:
        self._note(connection, "failed", type=frame.upper(), reason=reason)
        self._say(connection, errors.frame(self._sandbox.limits, frame, **ids))

    def _say(self, connection: Connection, text: str) -> None:
        if not connection.socket.closed:
            self._service.send(connection, text)

    def _note(self, connection: Connection, name: str, **data: object) -> None:
        self._sandbox.timeline.record(self._service.name, name, connection.id, **data)
