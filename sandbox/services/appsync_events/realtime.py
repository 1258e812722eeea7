"""The real-time endpoint (facts 5.21 to 5.24): handshake, and what a client says on its connection."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.anomalies import Line
from sandbox.auth import SignedRequest
from sandbox.aws import json_text
from sandbox.aws.errors import NotEmulatedError
from sandbox.services.appsync_auth import Credentials
from sandbox.services.appsync_events import channels, frames, publishing
from sandbox.services.appsync_events.caller import Asked
from sandbox.services.appsync_events.errors import RefusedError, bad_request
from sandbox.services.appsync_events.handlers import Occasion
from sandbox.services.appsync_events.subscriptions import Connection, Subscription
from sandbox.services.realtime import KeepAlive, messages

if TYPE_CHECKING:
    from sandbox.context import Scope
    from sandbox.control.appsync import EventApi
    from sandbox.services.appsync_events.engine import Engine

_HEADER = "header-"
_ENDPOINT = "/event"


class Realtime:
    """Handles the connections of all Event APIs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # -- the handshake

    async def admit(self, api: EventApi, connection: Connection, scope: Scope) -> RefusedError | None:
        """Why a client may not connect, or ``None``."""
        wanted = str(self._engine.sandbox.limits.value("appsync_events.subprotocol"))
        offered = list(scope["subprotocols"])
        try:
            if wanted not in offered:
                raise bad_request(f"The subprotocol {wanted} is missing: {', '.join(offered) or 'none'}")
            asked = Asked("EVENT_CONNECT", api.connection_auth)
            await self._engine.access.caller(api, asked, self._given(connection, _header(offered), {}))
        except RefusedError as refusal:
            return refusal
        except NotEmulatedError as error:
            return RefusedError(error.status, error.code, error.message)
        return None

    def _given(
        self, connection: Connection, headers: Mapping[str, str], signed: Mapping[str, Any]
    ) -> Credentials:
        """IAM's signature covers a POST to ``/event`` of the operation's own members (``{}`` to connect)."""
        paths = dict.fromkeys(
            (_ENDPOINT, connection.sent_path.removesuffix("/realtime"), connection.sent_path)
        )
        body, pairs = frames.compact(signed).encode(), tuple(headers.items())
        requests = [SignedRequest("POST", path, "", pairs, body) for path in paths]
        return Credentials(
            {name.lower(): value for name, value in headers.items()}, requests, connection.source_ip
        )

    # -- messages

    async def receive(self, connection: Connection) -> None:
        """Take messages until the connection ends: raises ``WebSocketDisconnect``."""
        async for body in messages(connection.socket):
            self._engine.sandbox.spawn(self._handle(connection, body), f"message of {connection.id}")

    async def _handle(self, connection: Connection, body: bytes) -> None:
        try:
            message = json_text.loads(body)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            message = {}
        kind, operation = message.get("type"), message.get("id")
        self._engine.note("message_received", connection.id, type=kind, bytes=len(body))
        if kind == "connection_init":
            self._acknowledge(connection)
        elif kind in ("subscribe", "publish", "unsubscribe"):
            await self._operate(connection, kind, operation, message)
        else:
            self._say(connection, frames.unsupported(kind, operation))

    def _acknowledge(self, connection: Connection) -> None:
        limits = self._engine.sandbox.limits
        self._say(connection, frames.connection_ack(float(limits.value("appsync_events.keep_alive.timeout"))))
        if connection.keep_alive is None:
            interval = float(limits.value("appsync_events.keep_alive.interval"))
            connection.keep_alive = KeepAlive(interval, lambda: self._say(connection, frames.KA))

    async def _operate(self, connection: Connection, kind: str, id: Any, message: dict[str, Any]) -> None:
        try:
            self._check_id(id)
            answer = await self._answer(connection, kind, str(id), message)
        except RefusedError as refusal:
            answer = frames.failure(kind, id, refusal.errors())
            self._engine.note(f"{kind}_refused", connection.id, operation=id, reason=str(refusal))
        except NotEmulatedError as error:
            told = RefusedError(error.status, error.code, error.message)
            answer = frames.failure(kind, id, told.errors())
        if answer:
            self._say(connection, answer)

    def _check_id(self, id: Any) -> None:
        pattern = str(self._engine.sandbox.limits.value("appsync_events.id.pattern"))
        if not isinstance(id, str) or re.fullmatch(pattern.replace("9-_+", "9_+-"), id) is None:
            raise bad_request(f"Invalid id: {id}")

    async def _answer(self, connection: Connection, kind: str, id: str, message: dict[str, Any]) -> str:
        if kind == "unsubscribe":
            return self._unsubscribe(connection, id)
        api = await self._engine.api(connection.endpoint)
        if api is None:
            raise RefusedError(404, "NotFoundException", "The API is gone.")
        if kind == "subscribe":
            return await self._subscribe(api, connection, id, message)
        if not self._engine.sandbox.limits.available("appsync_events.publish_over_websocket.available"):
            return frames.unsupported(kind, id)
        signed = {"channel": message.get("channel"), "events": message.get("events")}
        given = self._given(connection, _authorization(message), signed)
        result = await publishing.publish(self._engine, api, message, given, connection.domain, connection.id)
        return frames.published(id, result)

    async def _subscribe(
        self, api: EventApi, connection: Connection, id: str, message: dict[str, Any]
    ) -> str:
        if id in connection.subscriptions or id in connection.starting:
            word = "DuplicatedOperationError"  # as AppSync's GraphQL endpoint has it (fact 5.9)
            raise RefusedError(409, word, word)
        connection.starting.add(id)
        try:
            made = await self._subscription(api, connection, id, message)
            delay = self._engine.sandbox.anomalies.subscribe_delay("appsync_events")
            if delay:
                await asyncio.sleep(delay)
        finally:
            connection.starting.discard(id)
        if connection.socket.closed:
            return ""
        deaf_for = self._engine.sandbox.anomalies.deaf_after_ack("appsync_events")
        made.deaf_until = asyncio.get_running_loop().time() + deaf_for
        connection.subscriptions[id] = made
        self._engine.subscriptions.add(made)
        self._engine.note("subscribed", connection.id, operation=id, channel=made.channel.name)
        return frames.success("subscribe", id)

    async def _subscription(
        self, api: EventApi, connection: Connection, id: str, message: dict[str, Any]
    ) -> Subscription:
        channel = channels.parse(message.get("channel"), self._engine.sandbox.limits, pattern=True)
        namespace = publishing.namespace_of(api, channel)
        modes = namespace.subscribe_auth or api.subscribe_auth
        asked = Asked("EVENT_SUBSCRIBE", modes, namespace.name, channel.name)
        given = self._given(connection, _authorization(message), {"channel": message.get("channel")})
        caller = await self._engine.access.caller(api, asked, given)
        occasion = Occasion(api, namespace, channel, caller, connection.domain, connection.id)
        await self._engine.handlers.subscribe(occasion)
        line = Line(self._engine.sandbox.anomalies, "appsync_events", f"{connection.id}/{id}")
        return Subscription(id, connection, api.id, channel, line)

    def _unsubscribe(self, connection: Connection, id: str) -> str:
        made = connection.subscriptions.pop(id, None)
        if made is None:
            raise RefusedError(400, "UnknownOperationError", f"Unknown operation id {id}")
        self._engine.subscriptions.remove(made)
        self._engine.note("unsubscribed", connection.id, operation=id)
        return frames.success("unsubscribe", id)

    def _say(self, connection: Connection, text: str) -> None:
        self._engine.say(connection, text)


def _header(offered: list[str]) -> dict[str, str]:
    """The header object in the second subprotocol; empty without one. Raises ``RefusedError``."""
    text = next((one[len(_HEADER) :] for one in offered if one.startswith(_HEADER)), None)
    if text is None:
        return {}
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        value = json_text.loads(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True))
    except (ValueError, binascii.Error) as wrong:
        raise bad_request("The subprotocol header- is no base64 of a JSON object.") from wrong
    return _texts(value)


def _authorization(message: Mapping[str, Any]) -> dict[str, str]:
    return _texts(message.get("authorization") or {})


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise bad_request("The authorization is no object.")
    return {str(name): str(inner) for name, inner in value.items()}
