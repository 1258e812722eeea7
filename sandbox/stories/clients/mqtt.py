"""The ``mqtt`` client: MQTT over a WebSocket to IoT Core."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

from pydantic import Field

from sandbox.services.iot.mqtt import packets as p
from sandbox.stories.base import Strict
from sandbox.stories.clients.base import ClientBase, Stage, StoryFailedError
from sandbox.stories.clients.mqtt_auth import Auth
from sandbox.stories.clients.mqtt_line import Line
from sandbox.stories.clients.mqtt_moves import MqttMove, Publication
from sandbox.stories.clients.request import Step, captured, http_client, play_steps
from sandbox.stories.clients.wire import Teller
from sandbox.stories.matching import describe, mismatch, short
from sandbox.stories.units import Duration

_LEVELS = {"3.1.1": p.V311, "5": p.V5}


class Will(Strict):
    """What the broker publishes when the client goes without a word."""

    topic: str
    payload: str = ""
    qos: int = Field(0, ge=0, le=2)
    retain: bool = False


class MqttClient(ClientBase):
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
    before: list[Step] = Field(
        default_factory=list, description="Requests before connecting, such as a login; not judged."
    )
    moves: list[MqttMove] = Field(default_factory=list)
    copies: int = Field(1, ge=1, le=2000, description="So many at once, each like this one; ${copy}: which.")

    async def play(self, stage: Stage) -> None:
        """Play all copies at once."""
        async with asyncio.TaskGroup() as group:
            for number, name in enumerate(self.names(self.copies), 1):
                known = stage.knowing({"copy": str(number)}, share=False)
                group.create_task(_Player(self, known, name).play())


class _Player:
    """One client at its moves."""

    def __init__(self, spec: MqttClient, stage: Stage, name: str) -> None:
        self._spec = spec
        self._stage = stage
        self._name = name
        self._teller = Teller(stage, name)
        self._line: Line | None = None
        self._seen = 0

    async def play(self) -> None:
        if self._spec.before:
            teller = Teller(self._stage, f"{self._name} before")
            async with http_client(self._stage) as client:
                self._stage = await play_steps(self._spec.before, self._stage, client, teller)
        line = await self._connect()
        try:
            for move in self._spec.moves:
                line = await self._next(line, move)
        finally:
            await line.disconnect()

    async def _next(self, line: Line, move: MqttMove) -> Line:
        if move.at is not None:
            await asyncio.sleep(max(0.0, self._stage.zero + move.at - self._stage.clock.now()))
        if move.reconnect:
            await line.disconnect()
            return await self._connect()
        if line.open:
            await self._make(line, move)
        return line

    async def _connect(self) -> Line:
        spec, self._seen = self._spec, 0
        host = self._stage.fill(spec.endpoint)
        shown = await spec.auth.show(self._stage, host, Teller(self._stage, f"{self._name} credentials"))
        line = Line(self._stage, self._teller, self._packet(shown.username, shown.password), spec.pings)
        url = f"wss://{host}/mqtt" + (f"?{shown.query}" if shown.query else "")
        await line.start(url, shown.headers, spec.subprotocols)
        return line

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

    async def _make(self, line: Line, move: MqttMove) -> None:
        match move.verb:
            case "subscribe":
                await line.subscribe(self._filters(move.subscribe), move.qos)
            case "unsubscribe":
                await line.unsubscribe(self._filters(move.unsubscribe))
            case "publish":
                await self._publish(line, move.publish)
            case "expect":
                await self._expect(line, move)
            case "wait" | "until_closed":
                await self._wait(line, move)
            case "send_text":
                await line.send_text(self._stage.fill(move.send_text or ""))
            case "disconnect":
                await line.disconnect()
            case "drop":
                await line.drop()

    async def _wait(self, line: Line, move: MqttMove) -> None:
        limit = move.within if move.until_closed else move.wait or 0.0
        if not await self._until_closed(line, limit) and move.until_closed:
            raise StoryFailedError(f"{self._name}: not closed within {limit:g} s")

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

    async def _until_closed(self, line: Line, limit: float) -> bool:
        try:
            async with asyncio.timeout(limit):
                await line.ended()
        except TimeoutError:
            return False
        return True

    async def _expect(self, line: Line, move: MqttMove) -> None:
        wanted = move.expect
        assert wanted is not None
        topic = None if move.topic is None else self._stage.fill(move.topic)
        try:
            async with asyncio.timeout(move.within):
                while await line.news(self._seen):
                    message = line.messages[self._seen]
                    self._seen += 1
                    if topic in (None, message.topic) and mismatch(wanted, message.text) is None:
                        known = captured(move.capture, message.text, f"{self._name} got a message")
                        self._stage = self._stage.knowing(known)
                        return
        except TimeoutError:
            last = short(line.messages[-1].text) if line.messages else "nothing"
            told = f"no message with {describe(wanted)} within {move.within:g} s; the last one: {last}"
            raise StoryFailedError(f"{self._name}: {told}") from None


def _payload(wanted: Publication, stage: Stage) -> bytes:
    if wanted.generated is not None:
        return wanted.generated.bytes()
    value = stage.fill_all(wanted.payload)
    return value.encode() if isinstance(value, str) else json.dumps(value, ensure_ascii=False).encode()
