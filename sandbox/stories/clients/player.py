"""What clients that stay connected have in common: how they are copied, and how one goes through its moves."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

from pydantic import Field

from sandbox.stories.clients.base import ClientBase, Stage, StoryFailedError
from sandbox.stories.clients.request import Step, captured, http_client, play_steps
from sandbox.stories.clients.wire import Teller
from sandbox.stories.matching import describe, mismatch, short
from sandbox.stories.units import Duration


class Line(Protocol):
    """A connection, open or over, with what has come on it."""

    @property
    def open(self) -> bool:
        """Whether messages can still come."""
        ...

    @property
    def messages(self) -> Sequence[Any]:
        """What has come: texts, or objects with a ``text``."""
        ...

    async def news(self, seen: int) -> bool:
        """Wait until there are more messages than ``seen``; ``False``: none will come."""
        ...

    async def ended(self) -> None:
        """Wait until the other side has closed."""
        ...


LineT = TypeVar("LineT", bound=Line)


class ConnectedClient(ClientBase):
    """A client that connects, makes its moves and leaves."""

    before: list[Step] = Field(
        default_factory=list, description="Requests before connecting, such as a login; not judged."
    )
    copies: int = Field(1, ge=1, le=2000, description="So many at once, each like this one; ${copy}: which.")
    apart: Duration = Field(0.0, description="Between the start of one copy and that of the next.")

    async def play(self, stage: Stage) -> None:
        """Play all copies; one that cannot be played says which it is."""
        async with asyncio.TaskGroup() as group:
            for number, name in enumerate(self.names(self.copies)):
                known = stage.knowing({"copy": str(number + 1)}, share=False)
                group.create_task(self._copy(known, name, number * self.apart), name=name)

    async def _copy(self, stage: Stage, name: str, after: float) -> None:
        if after:
            await asyncio.sleep(after)
        await self.player(stage, name).play()

    @abstractmethod
    def player(self, stage: Stage, name: str) -> Player[Any]:
        """Who plays a copy of that name."""


class Player(ABC, Generic[LineT]):
    """One client at its moves; a protocol says how it connects, leaves, and makes a move of its own."""

    def __init__(self, spec: ConnectedClient, moves: Sequence[Any], stage: Stage, name: str) -> None:
        self._before, self._moves = spec.before, moves
        self._stage = stage
        self._name = name
        self._teller = Teller(stage, name)
        self._line: LineT | None = None
        self._seen = 0

    @abstractmethod
    async def connect(self) -> LineT:
        """A new connection, or the refusal of one."""

    @abstractmethod
    async def leave(self, line: LineT) -> None:
        """End the connection as the protocol has it; nothing happens when it is over."""

    @abstractmethod
    async def make(self, line: LineT, move: Any) -> None:
        """A move of the protocol's own, on an open connection."""

    async def play(self) -> None:
        """What is asked before, the connection, all moves, the end."""
        if self._before:
            teller = Teller(self._stage, f"{self._name} before")
            async with http_client(self._stage) as client:
                self._stage = await play_steps(self._before, self._stage, client, teller)
        try:
            await self._connect()
            for move in self._moves:
                await self._next(move)
        finally:
            await self._leave()

    async def _connect(self) -> None:
        self._line, self._seen = None, 0
        self._line = await self.connect()

    async def _leave(self) -> None:
        if self._line is not None:
            await self.leave(self._line)

    async def _next(self, move: Any) -> None:
        if move.at is not None:
            await asyncio.sleep(max(0.0, self._stage.zero + move.at - self._stage.clock.now()))
        if move.reconnect:
            await self._leave()
            await self._connect()
        elif self._line is not None and self._line.open:
            match move.verb:
                case "expect":
                    await self._expect(self._line, move)
                case "wait" | "until_closed":
                    await self._wait(self._line, move)
                case _:
                    await self.make(self._line, move)

    async def _wait(self, line: LineT, move: Any) -> None:
        limit = move.within if move.until_closed else move.wait
        try:
            async with asyncio.timeout(limit):
                await line.ended()
        except TimeoutError:
            if move.until_closed:
                raise StoryFailedError(f"{self._name}: not closed within {limit:g} s") from None

    async def _expect(self, line: LineT, move: Any) -> None:
        """Read until a message is as the move wants it."""
        try:
            async with asyncio.timeout(move.within):
                while await line.news(self._seen):
                    message = line.messages[self._seen]
                    self._seen += 1
                    if self.fits(move, message):
                        known = captured(move.capture, _text(message), f"{self._name} got a message")
                        self._stage = self._stage.knowing(known)
                        return
        except TimeoutError:
            last = short(_text(line.messages[-1])) if line.messages else "nothing"
            told = f"no message with {describe(move.expect)} within {move.within:g} s; the last one: {last}"
            raise StoryFailedError(f"{self._name}: {told}") from None

    def fits(self, move: Any, message: Any) -> bool:
        """Whether a message is the one that a move waits for."""
        return mismatch(move.expect, _text(message)) is None


def _text(message: Any) -> str:
    return message if isinstance(message, str) else str(message.text)
