"""uvicorn's protocol for HTTP/1.1, which lets an application write the chunks of a stream itself, and reset it."""

from __future__ import annotations

import socket
import struct
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mock_llm.direct import EXTENSION
from mock_llm.wire import RESET


class DirectProtocol(HttpToolsProtocol):
    """Offers the extensions :data:`~mock_llm.direct.EXTENSION` and :data:`~mock_llm.wire.RESET`."""

    def on_headers_complete(self) -> None:
        """A request's headers are known."""
        super().on_headers_complete()
        scope: Any = self.scope
        if scope.get("method") == "POST":  # only streams are worth it
            scope["extensions"] = {EXTENSION: CycleWriter(self.cycle), RESET: partial(reset, self.transport)}


def reset(transport: Any) -> None:
    """Close a connection as a machine does that knows nothing of it (RST, where else it would be FIN).

    What has not left yet is thrown away.
    """
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class CycleWriter:
    """The body of one of uvicorn's answers (a :class:`~mock_llm.direct.Writer`)."""

    __slots__ = ("_cycle", "_flow", "_transport")

    def __init__(self, cycle: Any) -> None:
        self._cycle = cycle
        self._flow = cycle.flow
        self._transport = cycle.transport

    @property
    def chunked(self) -> bool:
        """Whether status and headers have left, and the body is one of chunks."""
        return bool(self._cycle.response_started and self._cycle.chunked_encoding)

    def write(self, data: bytes) -> None:
        """Send bytes; nowhere once the connection is being closed, of which the application hears a moment later."""
        if not self._transport.is_closing():  # uvloop's would raise
            self._transport.write(data)

    @property
    def paused(self) -> bool:
        """Whether buffers are full."""
        return bool(self._flow.write_paused)

    async def drain(self) -> None:
        """Return when they are not, or the connection was lost."""
        await self._flow.drain()
