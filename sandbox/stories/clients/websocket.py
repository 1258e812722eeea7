"""The ``websocket`` client: connects, then makes its moves."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import Field

from sandbox.stories.clients.base import Stage
from sandbox.stories.clients.connection import Connection
from sandbox.stories.clients.moves import Move
from sandbox.stories.clients.player import ConnectedClient, Player
from sandbox.stories.clients.signing import Sign, signed_headers
from sandbox.stories.units import Duration


class WebSocketClient(ConnectedClient):
    """Opens a WebSocket and makes its moves; then it closes with 1000."""

    kind: Literal["websocket"]
    url: str = Field(min_length=1, description="May hold ${outputs.Name}, ${endpoint}, ${region}, captures.")
    query: dict[str, str] = Field(default_factory=dict, description="Added to the address, percent-encoded.")
    headers: dict[str, str] = Field(default_factory=dict, description="Of the request that connects.")
    subprotocols: list[str] = Field(default_factory=list)
    sign: Sign | None = Field(None, description="aws_iam: Signature Version 4 on the request that connects.")
    moves: list[Move] = Field(default_factory=list)
    ping_every: Duration | None = Field(None, description="A ping this often, as long as it is connected.")

    def player(self, stage: Stage, name: str) -> _Player:
        """Who plays a copy of that name."""
        return _Player(self, stage, name)


class _Player(Player[Connection]):
    def __init__(self, spec: WebSocketClient, stage: Stage, name: str) -> None:
        super().__init__(spec, spec.moves, stage, name)
        self._spec = spec
        self._pinging: asyncio.Task[None] | None = None

    async def connect(self) -> Connection:
        """Open it; a refusal is told as the answer that it is."""
        spec, fill = self._spec, self._stage.fill
        line = Connection(self._stage, self._teller)
        query = urlencode({name: fill(value) for name, value in spec.query.items()})
        url = fill(spec.url)
        url += ("&" if "?" in url else "?") + query if query else ""
        headers = {name: fill(value) for name, value in spec.headers.items()}
        if spec.sign is not None:
            headers |= signed_headers("GET", url, spec.sign, self._stage.region)
        await line.connect(url, headers, [fill(one) for one in spec.subprotocols])
        if spec.ping_every is not None and line.open:
            self._pinging = asyncio.create_task(self._keep_pinging(line, spec.ping_every))
        return line

    async def _keep_pinging(self, line: Connection, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            await line.ping()

    async def leave(self, line: Connection) -> None:
        """Close with 1000."""
        if self._pinging is not None:
            self._pinging.cancel()
        await line.close()

    async def make(self, line: Connection, move: Move) -> None:
        """Send, ping or close."""
        match move.verb:
            case "send" | "send_generated":
                await line.send(self._message(move), move.frame_size)
            case "send_binary":
                await line.send(self._stage.fill(move.send_binary or "").encode())
            case "ping":
                await line.ping()
            case "close":
                await line.close(move.close or 1000)

    def _message(self, move: Move) -> str:
        if move.send_generated is not None:
            return move.send_generated.bytes().decode()
        value: Any = self._stage.fill_all(move.send)
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
