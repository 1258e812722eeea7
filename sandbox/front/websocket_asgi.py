"""ASGI's WebSocket messages over a connection of frames, for applications that know nothing of frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.context import WebSocketDisconnect

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from sandbox.front.websocket import WebSocketConnection


class Asgi:
    """``receive`` and ``send`` of an ASGI application, with the extension ``websocket.http.response``."""

    __slots__ = ("_body", "_connection", "_refusal", "_told")

    def __init__(self, connection: WebSocketConnection) -> None:
        self._connection = connection
        self._told = False
        self._refusal: tuple[int, list[tuple[str, str]]] | None = None
        self._body = b""

    async def receive(self) -> MutableMapping[str, Any]:
        """The next message: ``websocket.connect`` first."""
        if not self._told:
            self._told = True
            return {"type": "websocket.connect"}
        try:
            return await self._message()
        except WebSocketDisconnect as end:
            return {"type": "websocket.disconnect", "code": end.code, "reason": end.reason}

    async def _message(self) -> MutableMapping[str, Any]:
        parts: list[bytes] = []
        text = False
        while True:
            frame = await self._connection.receive()
            if frame.opcode in ("ping", "pong"):
                continue
            if frame.opcode != "continuation":
                text = frame.opcode == "text"
            parts.append(frame.data)
            if frame.fin:
                data = b"".join(parts)
                return {"type": "websocket.receive", "text": data.decode()} if text else _binary(data)

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Carry out what the application wants."""
        kind = message["type"]
        if kind == "websocket.accept":
            await self._connection.accept(message.get("subprotocol"), _texts(message.get("headers", ())))
        elif kind == "websocket.send":
            text = message.get("text")
            self._connection.send(text if text is not None else message["bytes"])
            await self._connection.drain()
        elif kind == "websocket.close":
            await self._close(message)
        elif kind == "websocket.http.response.start":
            self._refusal = (message["status"], _texts(message.get("headers", ())))
        elif kind == "websocket.http.response.body" and self._refusal is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._connection.reject(*self._refusal, self._body)
        else:
            raise RuntimeError(f"a WebSocket has no message {kind!r} here")

    async def _close(self, message: MutableMapping[str, Any]) -> None:
        if self._connection.accepted:
            self._connection.close(message.get("code", 1000), message.get("reason") or "")
        else:
            await self._connection.reject(403)  # ASGI: closing before accepting


def _binary(data: bytes) -> MutableMapping[str, Any]:
    return {"type": "websocket.receive", "bytes": data}


def _texts(headers: Any) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
