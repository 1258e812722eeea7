"""hypercorn's HTTP/2 connection, with what streams of a model need. Imported when the first such client comes."""

from __future__ import annotations

from typing import Any

from h2.connection import ConnectionState
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated
from hypercorn.protocol.events import StreamClosed
from hypercorn.protocol.h2 import H2Protocol


class Connection(H2Protocol):
    """A client's GOAWAY without an error ends no stream, and an answer that breaks off resets its stream."""

    async def _handle_events(self, events: list[Any]) -> None:
        for event in events:
            graceful = isinstance(event, ConnectionTerminated) and event.error_code == ErrorCodes.NO_ERROR
            if graceful and self.streams:  # RFC 9113 section 6.8; h2 would refuse to send more
                self.connection.state_machine.state = ConnectionState.SERVER_OPEN
            else:
                await super()._handle_events([event])

    async def stream_send(self, event: Any) -> None:
        """What the application sends."""
        buffer = self.stream_buffers.get(event.stream_id) if isinstance(event, StreamClosed) else None
        if buffer is not None and not buffer._complete:  # RFC 9113 section 8.1.1 wants RST_STREAM
            await buffer.drain()
            self.connection.reset_stream(event.stream_id, ErrorCodes.INTERNAL_ERROR)
            await self._flush()
            await buffer.close()
        await super().stream_send(event)
