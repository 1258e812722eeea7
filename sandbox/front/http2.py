"""HTTP/2, by ALPN or with prior knowledge, on the sandbox's loop."""

from __future__ import annotations

import asyncio

from sandbox.front.app import Application


class Http2:
    """Makes a protocol for each HTTP/2 connection."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._connections: set[asyncio.Task[None]] = set()

    def protocol(self) -> asyncio.Protocol:
        """A protocol for a new connection."""
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), self._connected)

    async def close(self) -> None:
        """Close the connections; requests under way are cut."""
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from sandbox.front.http2_connection import serve

        task = asyncio.get_running_loop().create_task(serve(self._app, reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
