"""The clients of AppSync: ``appsync`` for GraphQL APIs, ``appsync_events`` for Event APIs.

They send what Amplify sends: the header object among the subprotocols, one WebSocket for all subscriptions, mutations
by HTTP. A connection, a subscription or a publish over the WebSocket that is refused ends the client, as a failed
request.
"""

from __future__ import annotations

import asyncio
import json
import re
from abc import abstractmethod
from typing import Any, Literal

from pydantic import Field

from sandbox.stories.clients.appsync_auth import AppSyncAuth, as_subprotocol, compact
from sandbox.stories.clients.appsync_line import Line
from sandbox.stories.clients.appsync_moves import EventsMove, GraphqlMove
from sandbox.stories.clients.base import ClientBase, Stage, StoryFailedError
from sandbox.stories.clients.request import Step, captured, http_client, play_steps
from sandbox.stories.clients.wire import Teller
from sandbox.stories.matching import describe, mismatch, short

# Amplify, appsyncUrl.ts: an endpoint with AppSync's own name has another one for real time, a domain of one's own
# another path.
_OWN_NAME = re.compile(
    r"(https?://\w+\.)appsync-api(\.[\w-]+\.(?:amazonaws\.com|localhost)(?::\d+)?/graphql)"
)


class _AppSync(ClientBase):
    auth: AppSyncAuth = Field(description="{api_key: ...}, {token: ...} or {sign: aws_iam}")
    before: list[Step] = Field(
        default_factory=list, description="Requests before connecting, such as a login; not judged."
    )
    copies: int = Field(1, ge=1, le=2000, description="So many at once, each like this one; ${copy}: which.")

    async def play(self, stage: Stage) -> None:
        """Play all copies at once."""
        async with asyncio.TaskGroup() as group:
            for number, name in enumerate(self.names(self.copies), 1):
                known = stage.knowing({"copy": str(number)}, share=False)
                group.create_task(self._player(known, name).play())

    @abstractmethod
    def _player(self, stage: Stage, name: str) -> _Player: ...


class AppSyncClient(_AppSync):
    """Connects to the real-time endpoint of a GraphQL API and makes its moves; then it closes with 1000."""

    kind: Literal["appsync"]
    url: str = Field(min_length=1, description="The GraphQL endpoint: https://.../graphql.")
    moves: list[GraphqlMove] = Field(default_factory=list)

    def _player(self, stage: Stage, name: str) -> _Player:
        return _GraphqlPlayer(self, self.moves, stage, name, stage.fill(self.url))


class AppSyncEventsClient(_AppSync):
    """Connects to the real-time endpoint of an Event API and makes its moves; then it closes with 1000."""

    kind: Literal["appsync_events"]
    endpoint: str = Field(min_length=1, description="The HTTP host name: !GetAtt Api.Dns.Http.")
    realtime: str = Field(min_length=1, description="The real-time host name: !GetAtt Api.Dns.Realtime.")
    moves: list[EventsMove] = Field(default_factory=list)

    def _player(self, stage: Stage, name: str) -> _Player:
        return _EventsPlayer(self, self.moves, stage, name, f"http://{stage.fill(self.endpoint)}/event")


class _Player:
    """One client at its moves."""

    subprotocol: str

    def __init__(self, spec: _AppSync, moves: Any, stage: Stage, name: str, url: str) -> None:
        self._spec = spec
        self._moves = moves
        self._stage = stage
        self._name = name
        self._url = url
        self._teller = Teller(stage, name)
        self._line = Line(stage, self._teller)
        self._seen = 0
        self._count = 0

    async def play(self) -> None:
        if self._spec.before:
            teller = Teller(self._stage, f"{self._name} before")
            async with http_client(self._stage) as client:
                self._stage = await play_steps(self._spec.before, self._stage, client, teller)
        await self._connect()
        try:
            for move in self._moves:
                await self._next(move)
        finally:
            await self._line.close()

    async def _next(self, move: Any) -> None:
        if move.at is not None:
            await asyncio.sleep(max(0.0, self._stage.zero + move.at - self._stage.clock.now()))
        if move.reconnect:
            await self._line.close()
            await self._connect()
        elif self._line.open:
            await self._make(move)

    async def _connect(self) -> None:
        self._line, self._seen = Line(self._stage, self._teller), 0
        headers = self._spec.auth.headers(self._stage, self._url + self._suffix(), "{}")
        await self._line.connect(self._realtime(), [self.subprotocol, as_subprotocol(headers)])

    def _suffix(self) -> str:
        """What a signature's path has behind the endpoint's when a client connects."""
        return ""

    def _realtime(self) -> str:
        raise NotImplementedError

    async def _make(self, move: Any) -> None:
        match move.verb:
            case "subscribe":
                await self._subscribe(move.subscribe)
            case "stop":
                await self._line.ask(self._stop(move.stop), move.stop)
            case "expect":
                await self._expect(move)
            case "wait" | "until_closed":
                await self._wait(move)
            case "close":
                await self._line.close(move.close)
            case other:
                await getattr(self, f"_{other}")(move)

    def _id(self, given: str | None) -> str:
        self._count += 1
        return given or f"s{self._count}"

    async def _subscribe(self, wanted: Any) -> None:
        operation = self._id(wanted.id)
        answer = await self._line.ask(self._start(wanted, operation), operation)
        if answer is not None and answer["type"] not in ("start_ack", "subscribe_success"):
            await self._line.refuse(answer)

    def _start(self, wanted: Any, id: str) -> dict[str, Any]:
        raise NotImplementedError

    def _stop(self, id: str) -> dict[str, Any]:
        raise NotImplementedError

    def _headers(self, wanted: Any, body: str) -> dict[str, str]:
        return (wanted.auth or self._spec.auth).headers(self._stage, self._url, body)

    async def _post(self, wanted: Any, body: str, capture: dict[str, str]) -> None:
        """A request of its own, told as that of another client."""
        teller = Teller(self._stage, f"{self._name} request")
        headers = {"content-type": "application/json", **self._headers(wanted, body)}
        async with http_client(self._stage) as client:
            request = client.build_request("POST", self._url, content=body.encode(), headers=headers)
            request.extensions["story"] = (teller, None)
            answer = await client.send(request)
            teller.response_started(answer.status_code, dict(answer.headers))
            teller.received(answer.content)
            teller.completed()
        known = captured(capture, answer.text, f"{self._name} asked and got {answer.status_code}")
        self._stage = self._stage.knowing(known)

    async def _wait(self, move: Any) -> None:
        limit = move.within if move.until_closed else move.wait or 0.0
        try:
            async with asyncio.timeout(limit):
                await self._line.ended()
        except TimeoutError:
            if move.until_closed:
                raise StoryFailedError(f"{self._name}: not closed within {limit:g} s") from None

    async def _expect(self, move: Any) -> None:
        line = self._line
        try:
            async with asyncio.timeout(move.within):
                while await line.news(self._seen):
                    message = line.messages[self._seen]
                    self._seen += 1
                    if mismatch(move.expect, message) is None:
                        known = captured(move.capture, message, f"{self._name} got a message")
                        self._stage = self._stage.knowing(known)
                        return
        except TimeoutError:
            last = short(line.messages[-1]) if line.messages else "nothing"
            told = f"no message with {describe(move.expect)} within {move.within:g} s; the last one: {last}"
            raise StoryFailedError(f"{self._name}: {told}") from None


class _GraphqlPlayer(_Player):
    subprotocol = "graphql-ws"

    def _suffix(self) -> str:
        return "/connect"

    def _realtime(self) -> str:
        found = _OWN_NAME.fullmatch(self._url)
        url = f"{found[1]}appsync-realtime-api{found[2]}" if found else f"{self._url}/realtime"
        return url.replace("https://", "wss://").replace("http://", "ws://")

    def _start(self, wanted: Any, id: str) -> dict[str, Any]:
        data = compact(self._document(wanted))
        extensions = {"authorization": self._headers(wanted, data)}
        return {"id": id, "type": "start", "payload": {"data": data, "extensions": extensions}}

    def _stop(self, id: str) -> dict[str, Any]:
        return {"id": id, "type": "stop"}

    async def _ask(self, move: GraphqlMove) -> None:
        assert move.ask is not None
        await self._post(move.ask, compact(self._document(move.ask)), move.capture)

    def _document(self, wanted: Any) -> dict[str, Any]:
        return {"query": self._stage.fill(wanted.query), "variables": self._stage.fill_all(wanted.variables)}


class _EventsPlayer(_Player):
    subprotocol = "aws-appsync-event-ws"

    def _realtime(self) -> str:
        assert isinstance(self._spec, AppSyncEventsClient)
        return f"ws://{self._stage.fill(self._spec.realtime)}/event/realtime"

    def _start(self, wanted: Any, id: str) -> dict[str, Any]:
        asked = {"channel": self._stage.fill(wanted.channel)}
        return {
            "type": "subscribe",
            "id": id,
            **asked,
            "authorization": self._headers(wanted, compact(asked)),
        }

    def _stop(self, id: str) -> dict[str, Any]:
        return {"type": "unsubscribe", "id": id}

    async def _publish(self, move: EventsMove) -> None:
        wanted = move.publish
        assert wanted is not None
        events = [json.dumps(self._stage.fill_all(event), ensure_ascii=False) for event in wanted.events]
        if wanted.generated is not None:
            events.append(json.dumps(wanted.generated.bytes().decode()))
        document = {"channel": self._stage.fill(wanted.channel), "events": events}
        if wanted.over == "http":
            await self._post(wanted, compact(document), move.capture)
            return
        operation = self._id(None)
        frame: dict[str, Any] = {"type": "publish", "id": operation, **document}
        frame["authorization"] = self._headers(wanted, compact(document))
        answer = await self._line.ask(frame, operation)
        if answer is not None and answer["type"] != "publish_success":
            await self._line.refuse(answer)
