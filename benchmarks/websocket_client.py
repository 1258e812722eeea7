"""The opening handshake of a WebSocket by hand, for clients that then read frames as plain bytes (RFC 6455, 4.1)."""

from __future__ import annotations

import asyncio
import base64
import os


async def open_websocket(
    port: int, target: str, protocols: str = ""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket to the sandbox on this machine. ``protocols``: what ``Sec-WebSocket-Protocol`` offers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [
        f"GET {target} HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        *([f"Sec-WebSocket-Protocol: {protocols}"] if protocols else []),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer
