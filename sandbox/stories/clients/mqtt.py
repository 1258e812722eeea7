"""The ``mqtt`` client: MQTT over a WebSocket to IoT Core."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

from pydantic import Field

from sandbox.services.iot.mqtt import packets as p
from sandbox.stories.base import Strict
from sandbox.stories.clients.base import Stage
from sandbox.stories.clients.mqtt_auth import Auth
from sandbox.stories.clients.mqtt_line import Line, Received
from sandbox.stories.clients.mqtt_moves import MqttMove, Publication
from sandbox.stories.clients.player import ConnectedClient, Player
from sandbox.stories.clients.wire import Teller
from sandbox.stories.units import Duration

_LEVELS = {"3.1.1": p.V311, "5": p.V5}


class Will(Strict):
    """What the broker publishes when the client goes without a word."""

    topic: str
    payload: str = ""
    qos: int = Field(0, ge=0, le=2)
    retain: bool = False


class MqttClient(ConnectedClient):
    """Connects, makes its moves, then leaves with a DISCONNECT."""

    kind: Literal["mqtt"]
    endpoint: str = Field(min_length=1, description="The host name that DescribeEndpoint gives.")
    client_id: str = Field("", description="Default: the client's name in the story.")
    protocol: Literal["3.1.1", "5"] = "3.1.1"
    auth: Auth = Field(description="{kind: sigv4 | cognito | custom | none, ...}")
    subprotocols: list[str] = Field(default_factory=lambda: ["mqtt"])
    clean: bool = Field(True, description="Clean session, or clean start.")
    session_expiry: Duration | None = Field(None, description="Of MQTT 5.")
    keep_alive: Duration = Field(60.0, description="Whole seconds.")
    pings: bool = Field(True, description="Whether it pings when nothing is said; without it is dropped.")
    will: Will | None = None
    properties: dict[str, Any] = Field(default_factory=dict, description="Others of CONNECT, of MQTT 5.")
    moves: list[MqttMove] = Field(default_factory=list)

    def player(self, stage: Stage, name: str) -> _Player:
        """Who plays a copy of that name."""
        return _Player(self, stage, name)


class _Player(Player[Line]):
    def __init__(self, spec: MqttClient, stage: Stage, name: str) -> None:
        super().__init__(spec, spec.moves, stage, name)
        self._spec = spec

    async def connect(self) -> Line:
        """Show who it is, open the WebSocket and send CONNECT."""
        spec = self._spec
        host = self._stage.fill(spec.endpoint)
        shown = await spec.auth.show(self._stage, host, Teller(self._stage, f"{self._name} credentials"))
        line = Line(self._stage, self._teller, self._packet(shown.username, shown.password), spec.pings)
        url = f"wss://{host}/mqtt" + (f"?{shown.query}" if shown.query else "")
        await line.start(url, shown.headers, spec.subprotocols)
        return line

    async def leave(self, line: Line) -> None:
        """Send DISCONNECT."""
        await line.disconnect()

    def _packet(self, username: str | None, password: str | None) -> p.Connect:
        spec, fill = self._spec, self._stage.fill
        level = _LEVELS[spec.protocol]
        properties = dict(spec.properties)
        if spec.session_expiry is not None:
            properties["session_expiry_interval"] = int(spec.session_expiry)
        will = spec.will
        return p.Connect(
            fill(spec.client_id) if spec.client_id else self._name.replace("/", "-"),
            level,
            spec.clean,
            int(spec.keep_alive),
            username,
            None if password is None else password.encode(),
            None
            if will is None
            else p.Will(fill(will.topic), fill(will.payload).encode(), will.qos, will.retain),
            properties,
        )

    async def make(self, line: Line, move: MqttMove) -> None:
        """Subscribe, publish, or go."""
        match move.verb:
            case "subscribe":
                await line.subscribe(self._filters(move.subscribe), move.qos)
            case "unsubscribe":
                await line.unsubscribe(self._filters(move.unsubscribe))
            case "publish":
                await self._publish(line, move.publish)
            case "send_text":
                await line.send_text(self._stage.fill(move.send_text or ""))
            case "disconnect":
                await line.disconnect()
            case "drop":
                await line.drop()

    def _filters(self, given: str | list[str] | None) -> list[str]:
        return [self._stage.fill(one) for one in ([given] if isinstance(given, str) else given or [])]

    async def _publish(self, line: Line, wanted: Publication | None) -> None:
        assert wanted is not None
        for number in range(wanted.times):
            if number and wanted.every:
                await asyncio.sleep(wanted.every)
            if not line.open:
                return
            stage = self._stage.knowing({"n": str(number)}, share=False)
            properties = {
                name: [tuple(pair) for pair in value] if name == "user_property" else value
                for name, value in wanted.properties.items()
            }
            packet = p.Publish(
                stage.fill(wanted.topic),
                _payload(wanted, stage),
                wanted.qos,
                wanted.retain,
                properties=properties,
            )
            await line.publish(packet)

    def fits(self, move: MqttMove, message: Received) -> bool:
        """Whether its topic, where one is named, and its text are those that the move waits for."""
        topic = None if move.topic is None else self._stage.fill(move.topic)
        return topic in (None, message.topic) and super().fits(move, message)


def _payload(wanted: Publication, stage: Stage) -> bytes:
    if wanted.generated is not None:
        return wanted.generated.bytes()
    value = stage.fill_all(wanted.payload)
    return value.encode() if isinstance(value, str) else json.dumps(value, ensure_ascii=False).encode()
