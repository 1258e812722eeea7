"""The management API: ``POST``, ``GET``, ``DELETE`` of ``/{stage}/@connections/{connectionId}`` (facts 3.18 to 3.20).

Answers by botocore's model of apigatewaymanagementapi 2018-11-29. A 410 has no body (aws-sdk-js#3773, whose error
message is then the status, and georgeboot/laravel-echo-api-gateway#9, which finds no JSON in it). Who may not is told
in the words that many reports quote, with the account masked and ``{connectionId}`` standing in the resource.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sandbox.auth import SignedRequest, authorize, verify
from sandbox.aws.errors import AwsError
from sandbox.context import Sandbox, Scope
from sandbox.services.api_websocket.connection import Connection
from sandbox.services.exchange import BodyTooLargeError, ClientGoneError, Exchange

if TYPE_CHECKING:
    from sandbox.services.api_websocket.service import WebSocketApiService

_PATH = re.compile(r"/(?P<stage>[^/]+)/(?:@|%40)connections/(?P<id>[^/]+)/?")
Answer = tuple[int, bytes]


class Management:
    """Answers the HTTP requests to a WebSocket API's host."""

    def __init__(self, sandbox: Sandbox, service: WebSocketApiService) -> None:
        self._sandbox = sandbox
        self._service = service

    async def answer(self, exchange: Exchange, scope: Scope, path: str) -> None:
        """Read the request and answer it."""
        status, body, headers = 0, b"", [("x-amzn-RequestId", exchange.id)]
        try:
            status, body = await self._act(exchange, scope, path)
        except ClientGoneError:
            return
        except AwsError as error:
            status = error.status
            headers.append(("x-amzn-ErrorType", error.code))
            if error.message:
                # Who may not is told with a capital letter (public reports).
                key = "Message" if error.code == "AccessDeniedException" else "message"
                body = json.dumps({key: error.message}, separators=(",", ":")).encode()
        if body:
            headers.append(("Content-Type", "application/json"))
        await exchange.answer(status, headers, body)

    async def _act(self, exchange: Exchange, scope: Scope, path: str) -> Answer:
        limits = self._sandbox.limits
        try:
            body = await exchange.read(int(limits.value("api_websocket.message")))
        except BodyTooLargeError:
            status = int(limits.value("api_websocket.management.error.too_large.status"))
            text = str(limits.value("api_websocket.management.error.too_large.message"))
            raise AwsError(status, "PayloadTooLargeException", text) from None
        found = _PATH.fullmatch(path)
        method = str(scope["method"])
        if found is None or method not in ("POST", "GET", "DELETE"):
            raise AwsError(403, "ForbiddenException", "Forbidden")
        stage, connection_id = unquote(found["stage"]), unquote(found["id"])
        await self._check(scope, body, method, stage, connection_id)
        if not self._service.account_token():
            raise self._limit_exceeded()
        connection = self._service.connection(scope["aws"]["api_id"], stage, connection_id)
        if connection is None:
            status = int(limits.value("api_websocket.management.error.gone.status"))
            raise AwsError(status, "GoneException", "")
        if method == "POST":
            return self._post(connection, body)
        return self._get(connection) if method == "GET" else self._delete(connection)

    async def _check(self, scope: Scope, body: bytes, method: str, stage: str, connection_id: str) -> None:
        """Who signed, and may they? Then: is there such a stage?"""
        sandbox, api_id = self._sandbox, scope["aws"]["api_id"]
        region = scope["aws"]["region"] or sandbox.settings.region
        signed = SignedRequest.from_scope(scope, body)
        caller = await verify(signed, "execute-api", region, sandbox.control.secret_for, sandbox.clock)
        account = sandbox.settings.account
        arn = f"arn:aws:execute-api:{region}:{account}:{api_id}/{stage}/{method}/@connections/"
        if not authorize(caller, "execute-api:ManageConnections", arn + connection_id):
            resource = arn.replace(f":{account}:", f":********{account[-4:]}:") + "{connectionId}"
            action = "execute-api:ManageConnections"
            text = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}"
            raise AwsError(403, "AccessDeniedException", text)
        if await sandbox.control.resources.v2_api(api_id, stage) is None:
            raise AwsError(403, "ForbiddenException", "Forbidden")

    def _post(self, connection: Connection, body: bytes) -> Answer:
        limits = self._sandbox.limits
        if connection.socket.buffered + len(body) > int(limits.value("api_websocket.client_buffer")):
            raise self._limit_exceeded()
        self._sandbox.timeline.record(
            self._service.name, "posted", connection.id, connection=connection.id, bytes=len(body)
        )
        self._service.send(connection, body.decode("utf-8", "replace"))
        return int(limits.value("api_websocket.management.post.status")), b""

    def _get(self, connection: Connection) -> Answer:
        shape = {
            "connectedAt": _iso(connection.connected_ms),
            "identity": {
                "sourceIp": connection.source_ip,
                "userAgent": connection.user_agent or "",
            },
            "lastActiveAt": _iso(connection.active_ms),
        }
        return 200, json.dumps(shape, separators=(",", ":")).encode()

    def _delete(self, connection: Connection) -> Answer:
        limits = self._sandbox.limits
        connection.socket.close(int(limits.value("api_websocket.management.delete.close_code")), "")
        return int(limits.value("api_websocket.management.delete.status")), b""

    def _limit_exceeded(self) -> AwsError:
        status = int(self._sandbox.limits.value("api_websocket.management.error.limit.status"))
        return AwsError(status, "LimitExceededException", "")


def _iso(milliseconds: int) -> str:
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
