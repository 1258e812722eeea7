"""One HTTP/2 connection: hypercorn's protocol. A module of its own, imported when the first one comes: hypercorn
takes a tenth of a second to import."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from h2.connection import ConnectionState as H2State
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived
from h2.events import Event as H2Event
from h2.exceptions import ProtocolError
from hpack import Decoder, HPACKError, OversizedHeaderListError
from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.events import StreamClosed, Trailers
from hypercorn.protocol.h2 import H2Protocol
from hypercorn.typing import ConnectionState
from hypercorn.utils import wrap_app

from sandbox.context import ConnectionAbort, Receive, Scope, Send
from sandbox.front.app import Application

READ = 2**16


async def serve(app: Application, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a connection's requests until either side ends it."""

    async def send(event: Event) -> None:
        if isinstance(event, RawData):
            writer.write(event.data)
            await writer.drain()
        elif isinstance(event, Closed):
            writer.close()

    try:
        async with TaskGroup(asyncio.get_running_loop()) as tasks:
            protocol = _Connection(
                wrap_app(_ending_on_abort(app), wsgi_max_body_size=0, mode="asgi"),
                _config(),
                WorkerContext(None),
                tasks,
                ConnectionState({}),
                writer.get_extra_info("ssl_object") is not None,
                writer.get_extra_info("peername")[:2],
                writer.get_extra_info("sockname")[:2],
                send,
            )
            try:
                with suppress(ConnectionError):  # a reset is an end like any other
                    await protocol.initiate()
                    while data := await reader.read(READ):
                        await protocol.handle(RawData(data))
            finally:
                await protocol.left()
    except* ConnectionError:
        pass  # a stream wrote to a client that has gone
    finally:
        writer.close()


def _config() -> Config:
    config = Config()
    config.include_date_header = False
    config.include_server_header = False
    config.accesslog = None
    config.errorlog = None
    return config


class _CompressionError(ProtocolError):
    error_code = ErrorCodes.COMPRESSION_ERROR


class _Decoder(Decoder):
    """Header blocks that cannot be decoded are errors of their own kind (RFC 9113 section 4.3), which h2 lacks."""

    def decode(self, data: bytes, raw: bool = False) -> Any:
        try:
            return super().decode(data, raw=raw)
        except OversizedHeaderListError:
            raise
        except HPACKError as error:
            raise _CompressionError(str(error)) from error


class _Connection(H2Protocol):
    """hypercorn's protocol, which resets a stream whose application ended before its body did.

    hypercorn forgets such a stream and the client waits for ever; RFC 9113 section 8.1.1 wants RST_STREAM.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        known = self.connection.decoder
        self.connection.decoder = _Decoder(known.max_header_list_size)

    async def _handle_events(self, events: list[H2Event]) -> None:
        """A client's GOAWAY without an error ends no stream: those under way go on (RFC 9113 section 6.8).

        The AWS SDK for JavaScript sends one with every event stream, as soon as its headers are there; hypercorn
        would close the connection, and h2 refuse to send more.
        """
        for event in events:
            graceful = isinstance(event, ConnectionTerminated) and event.error_code == ErrorCodes.NO_ERROR
            if graceful and self.streams:
                self.connection.state_machine.state = H2State.SERVER_OPEN
            elif isinstance(event, DataReceived) and event.stream_id not in self.streams:
                # The body of a request that is answered already: hypercorn would miss its stream and fail.
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                await self._flush()
            else:
                await super()._handle_events([event])

    async def left(self) -> None:
        """Tell the streams that the client has gone. What waits to be sent never will be: nobody waits for that."""
        await self.handle(Closed())
        for buffer in tuple(self.stream_buffers.values()):
            await buffer.close()

    async def stream_send(self, event: StreamEvent) -> None:
        if isinstance(event, Trailers) and not event.headers:
            return  # none came after all: the body's end is the stream's
        if isinstance(event, StreamClosed):
            buffer = self.stream_buffers.get(event.stream_id)
            if buffer is not None and not buffer._complete:
                await buffer.drain()
                self.connection.reset_stream(event.stream_id, ErrorCodes.INTERNAL_ERROR)
                await self._flush()
                await buffer.close()
        await super().stream_send(event)


def _ending_on_abort(app: Application) -> Any:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except ConnectionAbort:
            return  # without the end of the body: the protocol resets the stream

    return answer
