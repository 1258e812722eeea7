"""One connection to a real-time endpoint of AppSync, telling the timeline what it sees.

Both protocols begin with ``connection_init`` and answer each operation by its id. Only what subscribers are sent
counts as a message (its text is the event, or the value of the subscription's field); frames of the protocol are told
as frame_received(type, operation).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from sandbox.stories.clients.base import Stage
from sandbox.stories.clients.dialing import ABNORMAL, dial
from sandbox.stories.clients.wire import Teller

_SWITCHED = 101
_ANSWERS = ("start_ack", "complete", "error")
_SUFFIXES = ("_success", "_error")


class Line:
    """An open connection, or the refusal to open one."""

    def __init__(self, stage: Stage, teller: Teller) -> None:
        self._stage = stage
        self._teller = teller
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._leaving = False
        self.refused = False
        self.messages: list[str] = []

    @property
    def open(self) -> bool:
        """Whether messages can still come, as far as the client cares."""
        return self._reader is not None and not self._reader.done() and not self.refused

    async def connect(self, url: str, subprotocols: Sequence[str]) -> None:
        """Connect, say ``connection_init``, wait for the answer. A refusal is a failed request."""
        self._socket = await dial(self._stage, self._teller, url, {}, subprotocols)
        if self._socket is None:
            return
        self._reader = asyncio.create_task(self._read(self._socket))
        answer = await self.ask({"type": "connection_init"}, "connection_init")
        if answer is not None and answer["type"] == "connection_ack":
            self._teller.response_started(_SWITCHED, {})
        elif answer is not None:
            await self.refuse(answer)

    async def ask(self, frame: dict[str, Any], id: str) -> dict[str, Any] | None:
        """Send a frame and wait for the one that answers it; ``None``: the connection was closed."""
        assert self._socket is not None
        assert self._reader is not None
        waiting = self._waiting[id] = asyncio.get_running_loop().create_future()
        text = json.dumps(frame, ensure_ascii=False)
        own = urlsplit(self._stage.endpoint).netloc.rpartition(":")[1:]
        self._teller.message_sent(text.replace("".join(own), ""), None)  # two runs must look the same
        try:
            await self._socket.send(text)
        except ConnectionClosed:
            await self.ended()
        await asyncio.wait([waiting, self._reader], return_when=asyncio.FIRST_COMPLETED)
        self._waiting.pop(id, None)
        return waiting.result() if waiting.done() else None

    async def refuse(self, answer: dict[str, Any]) -> None:
        """An operation was turned down: the client gives up."""
        self.refused = True
        self._teller.failed("api error", _why(answer))
        await self.close()

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                self._take(json.loads(text))
        except ConnectionClosed:
            pass
        code, reason = socket.close_code or ABNORMAL, socket.close_reason or ""
        self._teller.connection_closed(code, reason, by_client=self._leaving)
        self._news.set()

    def _take(self, frame: dict[str, Any]) -> None:
        kind, operation = str(frame.get("type")), frame.get("id")
        if kind == "data":
            for text in _texts(frame):
                self.messages.append(self._teller.message([text.encode()]))
            self._news.set()
            return
        self._teller.note("frame_received", type=kind, operation=operation)
        waiting = self._waiting.get("connection_init" if kind.startswith("connection_") else str(operation))
        if waiting is not None and not waiting.done() and _answers(kind):
            waiting.set_result(frame)

    async def news(self, seen: int) -> bool:
        """Wait until there are more messages than ``seen``; ``False``: none will come."""
        while len(self.messages) <= seen and self.open:
            self._news.clear()
            await self._news.wait()
        return len(self.messages) > seen

    async def ended(self) -> None:
        """Wait until the other side has closed."""
        if self._reader is not None:
            await asyncio.wait([self._reader])

    async def close(self, code: int = 1000) -> None:
        """Leave; nothing happens on a closed connection."""
        if self._socket is None or self._reader is None or self._reader.done():
            return
        self._leaving = True
        await self._socket.close(code)
        await self.ended()


def _answers(kind: str) -> bool:
    return kind in _ANSWERS or kind.startswith("connection_") or kind.endswith(_SUFFIXES)


def _texts(frame: dict[str, Any]) -> list[str]:
    """What a ``data`` frame says: the values of a payload's fields, or an Event API's events."""
    if "event" in frame:
        return [str(event) for event in frame["event"]]
    payload = frame.get("payload") or {}
    data = payload.get("data") or {}
    found = [json.dumps(value, ensure_ascii=False) for value in data.values() if value is not None]
    if payload.get("errors"):
        found.append(json.dumps({"errors": payload["errors"]}, ensure_ascii=False))
    return found


def _why(answer: dict[str, Any]) -> str:
    errors = answer.get("errors") or (answer.get("payload") or {}).get("errors") or [{}]
    words = [errors[0].get("errorType"), errors[0].get("message")]
    return f"{answer.get('type')}: " + ": ".join(str(word) for word in words if word)
