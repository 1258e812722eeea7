"""An OpenID Connect issuer: its configuration and its key set, over HTTP."""

from __future__ import annotations

import asyncio
import json


class Issuer:
    """An issuer on loopback that counts how often its documents are read."""

    def __init__(self, key_set: bytes, status: int = 200, pause: float = 0) -> None:
        self.key_set, self.status, self.pause, self.asked = key_set, status, pause, 0
        self.url = ""

    async def __aenter__(self) -> Issuer:
        self.server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            path = line.split()[1]
            while (await reader.readline()).strip():
                pass
            self.asked += 1
            await asyncio.sleep(self.pause)
            body = self.key_set
            if path == b"/.well-known/openid-configuration":
                body = json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}).encode()
            writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (self.status, len(body)) + body)
        writer.close()
