"""HTTP/2 with prior knowledge beside HTTP/1.1 on one port, told by the first bytes: hypercorn's protocol.

The AWS SDK for JavaScript opens Bedrock's runtime so. hypercorn takes a tenth of a second to import: only who speaks
HTTP/2 pays it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from mock_llm.http1 import DirectProtocol

PREFACE = b"PRI * HTTP/2.0"
READ = 2**16


class EitherProtocol(DirectProtocol):
    """uvicorn's protocol, which hands a connection over when it begins as HTTP/2 does (RFC 9113 section 3.4)."""

    _begun = False

    def data_received(self, data: bytes) -> None:
        """Bytes of the client."""
        if self._begun or not data.startswith(PREFACE):
            self._begun = True
            super().data_received(data)
            return
        self.connections.discard(self)
        transport: Any = self.transport
        protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=READ), self._connected)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(data)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(serve(self.config.loaded_app, reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def serve(app: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a connection's requests until either side ends it."""
    from hypercorn.asyncio.task_group import TaskGroup
    from hypercorn.asyncio.worker_context import WorkerContext
    from hypercorn.config import Config
    from hypercorn.events import Closed, RawData
    from hypercorn.typing import ConnectionState
    from hypercorn.utils import wrap_app

    from mock_llm.http2_connection import Connection

    async def send(event: Any) -> None:
        if isinstance(event, RawData):
            writer.write(event.data)
            await writer.drain()
        elif isinstance(event, Closed):
            writer.close()

    config = Config()
    config.include_server_header, config.accesslog, config.errorlog = False, None, None
    client, server = (writer.get_extra_info(name)[:2] for name in ("peername", "sockname"))
    wrapped = wrap_app(app, wsgi_max_body_size=0, mode="asgi")
    try:
        async with TaskGroup(asyncio.get_running_loop()) as tasks:
            state = ConnectionState({})
            protocol = Connection(
                wrapped, config, WorkerContext(None), tasks, state, False, client, server, send
            )
            await protocol.initiate()
            while data := await reader.read(READ):
                await protocol.handle(RawData(data))
            await protocol.handle(Closed())
    except ConnectionError:
        pass  # the client has gone; its streams were told by ``Closed``
    finally:
        writer.close()
