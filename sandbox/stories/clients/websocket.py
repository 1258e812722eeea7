"""The ``websocket`` client: connects, then makes its moves."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import Field

from sandbox.stories.clients.base import ClientBase, Stage, StoryFailedError
from sandbox.stories.clients.connection import Connection
from sandbox.stories.clients.moves import Move
from sandbox.stories.clients.request import Step, captured, http_client, play_steps
from sandbox.stories.clients.signing import Sign, signed_headers
from sandbox.stories.clients.wire import Teller
from sandbox.stories.matching import describe, mismatch, short
from sandbox.stories.units import Duration


class WebSocketClient(ClientBase):
    """Opens a WebSocket and makes its moves; then it closes with 1000."""

    kind: Literal["websocket"]
    url: str = Field(min_length=1, description="May hold ${outputs.Name}, ${endpoint}, ${region}, captures.")
    query: dict[str, str] = Field(default_factory=dict, description="Added to the address, percent-encoded.")
    headers: dict[str, str] = Field(default_factory=dict, description="Of the request that connects.")
    subprotocols: list[str] = Field(default_factory=list)
    sign: Sign | None = Field(None, description="aws_iam: Signature Version 4 on the request that connects.")
    before: list[Step] = Field(
        default_factory=list, description="Requests before connecting, such as a login; not judged."
    )
    moves: list[Move] = Field(default_factory=list)
    ping_every: Duration | None = Field(None, description="A ping this often, as long as it is connected.")
    copies: int = Field(1, ge=1, le=2000, description="So many at once, each like this one; ${copy}: which.")

    async def play(self, stage: Stage) -> None:
        """Play all copies at once."""
        async with asyncio.TaskGroup() as group:
            for number, name in enumerate(self.names(self.copies), 1):
                known = stage.knowing({"copy": str(number)}, share=False)
                group.create_task(_Player(self, known, name).play())


class _Player:
    """One client at its moves."""

    def __init__(self, spec: WebSocketClient, stage: Stage, name: str) -> None:
        self._spec = spec
        self._stage = stage
        self._teller = Teller(stage, name)
        self._before = Teller(stage, f"{name} before")
        self._line = Connection(stage, self._teller)
        self._seen = 0
        self._pinging: asyncio.Task[None] | None = None

    async def play(self) -> None:
        if self._spec.before:
            async with http_client(self._stage) as client:
                self._stage = await play_steps(self._spec.before, self._stage, client, self._before)
        try:
            await self._connect()
            for move in self._spec.moves:
                await self._next(move)
        finally:
            await self._leave()

    async def _next(self, move: Move) -> None:
        if move.at is not None:
            await self._sleep_until(move.at)
        if move.reconnect:
            await self._leave()
            await self._connect()
        elif self._line.open:
            await self._make(move)

    async def _connect(self) -> None:
        self._line, self._seen = Connection(self._stage, self._teller), 0
        query = urlencode({name: self._stage.fill(value) for name, value in self._spec.query.items()})
        url = self._stage.fill(self._spec.url)
        url += ("&" if "?" in url else "?") + query if query else ""
        headers = {name: self._stage.fill(value) for name, value in self._spec.headers.items()}
        if self._spec.sign is not None:
            headers |= signed_headers("GET", url, self._spec.sign, self._stage.region)
        await self._line.connect(url, headers, [self._stage.fill(one) for one in self._spec.subprotocols])
        if self._spec.ping_every is not None and self._line.open:
            self._pinging = asyncio.create_task(self._keep_pinging(self._line, self._spec.ping_every))

    async def _keep_pinging(self, line: Connection, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            await line.ping()

    async def _leave(self) -> None:
        if self._pinging is not None:
            self._pinging.cancel()
        await self._line.close()

    async def _make(self, move: Move) -> None:
        line = self._line
        match move.verb:
            case "send" | "send_generated":
                await line.send(self._message(move), move.frame_size)
            case "send_binary":
                await line.send(self._stage.fill(move.send_binary or "").encode())
            case "ping":
                await line.ping()
            case "expect":
                await self._expect(move)
            case "wait":
                await self._until_closed(move.wait or 0.0)
            case "until_closed":
                if not await self._until_closed(move.within):
                    raise StoryFailedError(f"{self._spec.name}: not closed within {move.within:g} s")
            case "close":
                await line.close(move.close or 1000)

    def _message(self, move: Move) -> str:
        if move.send_generated is not None:
            return move.send_generated.bytes().decode()
        value: Any = self._stage.fill_all(move.send)
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    async def _until_closed(self, limit: float) -> bool:
        try:
            async with asyncio.timeout(limit):
                await self._line.ended()
        except TimeoutError:
            return False
        return True

    async def _sleep_until(self, instant: float) -> None:
        await asyncio.sleep(max(0.0, self._stage.zero + instant - self._stage.clock.now()))

    async def _expect(self, move: Move) -> None:
        wanted = move.expect
        assert wanted is not None
        try:
            async with asyncio.timeout(move.within):
                while await self._line.news(self._seen):
                    message = self._line.messages[self._seen]
                    self._seen += 1
                    if mismatch(wanted, message) is None:
                        known = captured(move.capture, message, f"{self._spec.name} got a message")
                        self._stage = self._stage.knowing(known)
                        return
        except TimeoutError:
            last = short(self._line.messages[-1]) if self._line.messages else "nothing"
            told = f"no message with {describe(wanted)} within {move.within:g} s; the last one: {last}"
            raise StoryFailedError(f"{self._spec.name}: {told}") from None
