"""IoT Core: MQTT over WebSocket at ``wss://<prefix>-ats.iot.<region>.amazonaws.com/mqtt`` (fact 6.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.context import Address, Receive, Sandbox, Scope, Send, WebSocket, WebSocketDisconnect
from sandbox.services.iot import authorizers, http_publish
from sandbox.services.iot.broker import Broker
from sandbox.services.iot.data import Data
from sandbox.services.iot.handshake import open_socket
from sandbox.services.iot.link import Authenticate, Link
from sandbox.services.iot.message import Origin
from sandbox.services.iot.mqtt import MqttError
from sandbox.services.iot.rules import RulesEngine

_HOST = re.compile(
    r"(?:[a-z0-9]+(?:-ats)?)\.iot\.(?:(?P<region>[a-z]+(?:-[a-z0-9]+)+)\.)?(?:amazonaws\.com(?:\.cn)?|localhost)"
)
_OWN = frozenset(("localhost", "127.0.0.1", "::1", "sandbox", "host.docker.internal"))
PATH = "/mqtt"


class IotService:
    """The message broker behind its WebSocket endpoint, and behind the HTTP API (``iot-data``)."""

    name = "iot"

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._broker: Broker | None = None

    @property
    def broker(self) -> Broker:
        """The broker that runs now."""
        if self._broker is None:
            self._broker = Broker(self._sandbox)
            self._broker.listener = RulesEngine(self._broker)
        return self._broker

    async def data(
        self, operation: str, params: Mapping[str, Any], access_key: str | None
    ) -> dict[str, Any] | None:
        """See :class:`sandbox.context.IotDataPlane`."""
        if operation == "TestInvokeAuthorizer":
            return await authorizers.test(self._sandbox, params)
        return await Data(self.broker)(operation, params, access_key)

    def match(self, address: Address) -> Mapping[str, str] | None:
        """``{"region"}`` for ``/mqtt`` of an IoT endpoint, or of the sandbox itself when a WebSocket is wanted.

        Also for a publish by HTTP that a custom authorizer is to judge.
        """
        publish = http_publish.is_meant(address)
        if address.path != PATH and not publish:
            return None
        found = _HOST.fullmatch(address.host)
        if found is not None:
            return {"region": found["region"] or ""}
        wanted = publish or address.headers.get("upgrade", "").lower() == "websocket"
        return {"region": ""} if wanted and address.host in _OWN else None

    async def start(self) -> None:
        """Nothing to do: the broker begins with its first client."""

    async def stop(self) -> None:
        """Close all connections and forget everything."""
        broker, self._broker = self._broker, None
        if broker is not None:
            broker.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            if str(scope["path"]).startswith(http_publish.PREFIX):
                await http_publish.answer(self.broker, scope, receive, send)
                return
            raise AwsError(426, "UpgradeRequired", "MQTT is spoken here over a WebSocket.")
        authenticate = await open_socket(self._sandbox, scope)
        if authenticate is not None:
            await self._serve(scope, authenticate)

    async def _serve(self, scope: Scope, authenticate: Authenticate) -> None:
        socket: WebSocket = scope["websocket"]
        client: Any = scope.get("client")
        origin = Origin(source_ip=client[0] if client else "127.0.0.1")
        link = Link(self.broker, _Transport(socket), authenticate, origin)
        try:
            await self._read(socket, link)
        except WebSocketDisconnect as end:
            link.lost(said_goodbye=end.by == "client" and end.code != 1006)
        finally:
            link.lost(said_goodbye=False)  # whatever happened: nobody stays connected who is not

    async def _read(self, socket: WebSocket, link: Link) -> None:
        """Take frames until the connection ends: raises ``WebSocketDisconnect``."""
        while True:
            frame = await socket.receive()
            if frame.opcode in ("ping", "pong") or link.ended:
                continue
            with self._sandbox.clock.in_flight(f"MQTT of {link.client_id or link.id}"):
                if frame.opcode == "text":
                    link.fail(MqttError("a text frame: MQTT's are binary (MQTT 5, 6)"))
                else:
                    await link.receive(frame.data)


class _Transport:
    """A WebSocket as a link sees it: one packet in one binary frame."""

    __slots__ = ("_socket",)

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    def send(self, data: bytes) -> None:
        self._socket.send(data)

    def close(self) -> None:
        self._socket.close(
            1000, hang_up=True
        )  # the IoT SDKs answer no close frame, and wait for the stream's end
