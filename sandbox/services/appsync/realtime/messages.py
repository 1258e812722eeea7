"""What a client says on its connection, and what it is answered (facts 5.8, 5.9)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sandbox.aws import json_text
from sandbox.aws.errors import NotEmulatedError
from sandbox.services.appsync.realtime import frames, subscribing
from sandbox.services.appsync.realtime.connection import Connection, Subscription
from sandbox.services.appsync.realtime.subscribing import SubscribeError
from sandbox.services.realtime import messages

if TYPE_CHECKING:
    from sandbox.services.appsync.engine import Engine


log = logging.getLogger(__name__)


class Messages:
    """Handles the messages of all connections."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def receive(self, connection: Connection) -> None:
        """Take messages until the connection ends: raises ``WebSocketDisconnect``."""
        async for body in messages(connection.socket):
            self._engine.sandbox.spawn(self._handle(connection, body), f"message of {connection.id}")

    async def _handle(self, connection: Connection, body: bytes) -> None:
        try:
            message = json_text.loads(body)
        except ValueError:
            message = None
        if not isinstance(message, Mapping):
            message = {}
        kind, id_ = message.get("type"), message.get("id")
        self._note(connection, "message_received", type=str(kind), bytes=len(body))
        if kind == "connection_init":
            self._acknowledge(connection)
        elif kind == "start":
            await self._start(connection, id_, message.get("payload"))
        elif kind == "stop":
            self._stop(connection, id_)
        else:
            self._fault(connection, id_, "UnsupportedOperation", f"Unknown message type: {kind}")

    def _fault(self, connection: Connection, id: Any, type: str, message: str) -> None:
        """A message that is none of the protocol's; the words are UNSOURCED."""
        told = {"errorType": type, "message": message, "errorCode": 400}
        self._say(connection, frames.error(id if isinstance(id, str) else None, [told]))

    def _acknowledge(self, connection: Connection) -> None:
        timeout = float(self._engine.sandbox.limits.value("appsync.keep_alive.timeout"))
        self._say(connection, frames.connection_ack(timeout))
        if connection.timers is not None:
            connection.timers.keep_alive()

    async def _start(self, connection: Connection, name: Any, payload: Any) -> None:
        if not isinstance(name, str):
            self._fault(connection, None, "BadRequestException", "The message has no id.")
            return
        if (refusal := self._crowded(connection, name)) is not None:
            self._refuse(connection, name, [refusal])
            return
        connection.starting[name] = False
        try:
            made = await self._subscription(connection, name, payload)
        finally:
            stopped = connection.starting.pop(name)
        if made is None or stopped or connection.socket.closed:
            return
        # Nothing is delivered before the client knows (fact 5.11).
        self._say(connection, frames.start_ack(name))
        deaf_for = self._engine.sandbox.anomalies.deaf_after_ack("appsync")
        made.deaf_until = asyncio.get_running_loop().time() + deaf_for
        connection.subscriptions[name] = made
        self._engine.subscriptions.add(made)
        self._note(connection, "subscribed", subscription=name, field=made.field)

    async def _subscription(self, connection: Connection, id: str, payload: Any) -> Subscription | None:
        """A subscription that may stand now; ``None`` when the client was told why it may not."""
        try:
            made = await subscribing.subscribe(self._engine, connection, id, payload)
            await subscribing.delay(self._engine)
        except SubscribeError as failure:
            self._refuse(connection, id, failure.errors)
        except NotEmulatedError as failure:
            self._refuse(connection, id, [{"errorType": failure.code, "message": failure.message}])
        except Exception:  # a fault of the sandbox's own: the client must not wait for ever
            log.exception("a subscription of %s failed", connection.id)
            told = "The sandbox failed; its log says how."
            self._refuse(connection, id, [{"errorType": "InternalFailure", "message": told}])
        else:
            return made
        return None

    def _crowded(self, connection: Connection, id: str) -> Mapping[str, Any] | None:
        if id in connection.subscriptions or id in connection.starting:
            word = "DuplicatedOperationError"
            return {"errorType": word, "message": word, "errorCode": 409}
        if connection.busy >= int(self._engine.sandbox.limits.value("appsync.subscriptions_per_connection")):
            word = "MaxSubscriptionsReachedError"
            return {"errorType": word, "message": word, "errorCode": 400}
        return None

    def _stop(self, connection: Connection, id: Any) -> None:
        made = connection.subscriptions.get(id) if isinstance(id, str) else None
        if made is not None:
            self._engine.end(made, "stopped")
        elif isinstance(id, str) and id in connection.starting:
            connection.starting[id] = True
            self._say(connection, frames.complete(id))
        else:
            self._fault(connection, id, "UnknownOperationError", f"Unknown operation id {id}")

    def _refuse(self, connection: Connection, id: str, errors: Sequence[Mapping[str, Any]]) -> None:
        reason = "; ".join(str(error.get("message")) for error in errors)
        self._note(connection, "subscribe_refused", subscription=id, reason=reason)
        self._say(connection, frames.error(id, errors))

    def _say(self, connection: Connection, text: str) -> None:
        self._engine.say(connection, text)

    def _note(self, connection: Connection, name: str, **data: Any) -> None:
        self._engine.sandbox.timeline.record("appsync", name, connection.id, **data)
