"""The clients of AppSync: ``appsync`` for GraphQL APIs, ``appsync_events`` for Event APIs.

They send what Amplify sends: the header object among the subprotocols, one WebSocket for all subscriptions, mutations
by HTTP. A connection, a subscription or a publish over the WebSocket that is refused ends the client, as a failed
request.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from pydantic import Field

from sandbox.stories.clients.appsync_auth import AppSyncAuth, as_subprotocol, compact
from sandbox.stories.clients.appsync_line import Line
from sandbox.stories.clients.appsync_moves import EventsMove, GraphqlMove
from sandbox.stories.clients.base import Stage
from sandbox.stories.clients.player import ConnectedClient, Player
from sandbox.stories.clients.request import captured, http_client
from sandbox.stories.clients.wire import Teller

# Amplify, appsyncUrl.ts: an endpoint with AppSync's own name has another one for real time, a domain of one's own
# another path.
_OWN_NAME = re.compile(
    r"(https?://\w+\.)appsync-api(\.[\w-]+\.(?:amazonaws\.com|localhost)(?::\d+)?/graphql)"
)


class _AppSync(ConnectedClient):
    auth: AppSyncAuth = Field(description="{api_key: ...}, {token: ...} or {sign: aws_iam}")


class AppSyncClient(_AppSync):
    """Connects to the real-time endpoint of a GraphQL API and makes its moves; then it closes with 1000."""

    kind: Literal["appsync"]
    url: str = Field(min_length=1, description="The GraphQL endpoint: https://.../graphql.")
    moves: list[GraphqlMove] = Field(default_factory=list)

    def player(self, stage: Stage, name: str) -> _Player:
        """Who plays a copy of that name."""
        return _GraphqlPlayer(self, self.moves, stage, name, stage.fill(self.url))


class AppSyncEventsClient(_AppSync):
    """Connects to the real-time endpoint of an Event API and makes its moves; then it closes with 1000."""

    kind: Literal["appsync_events"]
    endpoint: str = Field(min_length=1, description="The HTTP host name: !GetAtt Api.Dns.Http.")
    realtime: str = Field(min_length=1, description="The real-time host name: !GetAtt Api.Dns.Realtime.")
    moves: list[EventsMove] = Field(default_factory=list)

    def player(self, stage: Stage, name: str) -> _Player:
        """Who plays a copy of that name."""
        return _EventsPlayer(self, self.moves, stage, name, f"http://{stage.fill(self.endpoint)}/event")


class _Player(Player[Line]):
    subprotocol: str

    def __init__(self, spec: _AppSync, moves: Any, stage: Stage, name: str, url: str) -> None:
        super().__init__(spec, moves, stage, name)
        self._spec = spec
        self._url = url
        self._count = 0

    async def connect(self) -> Line:
        """Open it with the header object among the subprotocols; wait until it is acknowledged."""
        line = Line(self._stage, self._teller)
        headers = self._spec.auth.headers(self._stage, self._url + self._suffix(), "{}")
        await line.connect(self._realtime(), [self.subprotocol, as_subprotocol(headers)])
        return line

    async def leave(self, line: Line) -> None:
        """Close with 1000."""
        await line.close()

    def _suffix(self) -> str:
        """What a signature's path has behind the endpoint's when a client connects."""
        return ""

    def _realtime(self) -> str:
        raise NotImplementedError

    async def make(self, line: Line, move: Any) -> None:
        """Subscribe, stop or close, or what the kind of API has besides."""
        match move.verb:
            case "subscribe":
                await self._subscribe(line, move.subscribe)
            case "stop":
                await line.ask(self._stop(move.stop), move.stop)
            case "close":
                await line.close(move.close)
            case other:
                await getattr(self, f"_{other}")(line, move)

    def _id(self, given: str | None) -> str:
        self._count += 1
        return given or f"s{self._count}"

    async def _subscribe(self, line: Line, wanted: Any) -> None:
        operation = self._id(wanted.id)
        answer = await line.ask(self._start(wanted, operation), operation)
        if answer is not None and answer["type"] not in ("start_ack", "subscribe_success"):
            await line.refuse(answer)

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

    async def _ask(self, line: Line, move: GraphqlMove) -> None:
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

    async def _publish(self, line: Line, move: EventsMove) -> None:
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
        answer = await line.ask(frame, operation)
        if answer is not None and answer["type"] != "publish_success":
            await line.refuse(answer)
