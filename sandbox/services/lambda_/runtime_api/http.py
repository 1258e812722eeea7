"""A small HTTP/1.1 server on h11: keep-alive, pipelining, chunked bodies read as they come, and their trailers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import h11

MAX_HEAD = 2 * 1024 * 1024  # runtimes send stack traces of up to 1 MB in a header
READ_SIZE = 64 * 1024


class TruncatedRequestError(Exception):
    """The client closed the connection in the middle of a request's body."""


class Request:
    """One request. The body is read by iterating once; ``trailers`` are known after that."""

    def __init__(self, connection: Connection, head: h11.Request) -> None:
        self.method = head.method.decode()
        self.path = head.target.decode().partition("?")[0]
        self.headers: dict[str, str] = {k.decode(): v.decode("latin-1") for k, v in head.headers}
        self.trailers: dict[str, str] = {}
        self.answered = False
        self._connection = connection

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives; raises :class:`TruncatedRequestError`."""
        while True:
            event = await self._connection.next_event()
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self.trailers = {k.decode(): v.decode("latin-1") for k, v in event.headers}
                return
            else:
                raise TruncatedRequestError

    @property
    def abandoned(self) -> bool:
        """Whether the client has gone away, as one does that waits for a limited time only."""
        return self._connection.at_end

    async def body(self) -> bytes:
        """The whole body."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def answer(
        self,
        status: int,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> None:
        """Send the answer."""
        self.answered = True
        await self._connection.send(status, body, {"Content-Type": content_type, **(headers or {})})

    async def answer_json(self, status: int, value: object, headers: Mapping[str, str] | None = None) -> None:
        """Send a JSON answer, with the line end that the service puts after it."""
        text = json.dumps(value, separators=(",", ":"))
        await self.answer(status, text.encode() + b"\n", headers)

    async def accepted(self) -> None:
        """202, what the service says when it took something over."""
        await self.answer_json(202, {"status": "OK"})

    async def refuse(self, status: int, type_: str, message: str) -> None:
        """An error in the Runtime API's shape."""
        await self.answer_json(status, {"errorMessage": message, "errorType": type_})


Handler = Callable[[Request], Awaitable[None]]


class Connection:
    """One client connection: reads requests one after the other and hands them to a handler."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
        self._reader = reader
        self._writer = writer
        self._handler = handler
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)

    @property
    def at_end(self) -> bool:
        """Whether the client has closed its side."""
        return self._reader.at_eof()

    async def next_event(self) -> h11.Event | type[h11.PAUSED]:
        """The next event of the request under way; a broken connection reads as ``ConnectionClosed``."""
        while True:
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError:
                return h11.ConnectionClosed()
            if event is h11.NEED_DATA:
                try:
                    self._h11.receive_data(await self._reader.read(READ_SIZE))
                except ConnectionError:
                    return h11.ConnectionClosed()
                continue
            return event  # type: ignore[return-value]

    async def send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Write a whole answer in one piece."""
        items = [(k.encode(), v.encode("utf-8", "replace")) for k, v in headers.items()]
        items.append((b"Content-Length", str(len(body)).encode()))
        out = self._h11.send(h11.Response(status_code=status, headers=items)) or b""
        if body:
            out += self._h11.send(h11.Data(data=body)) or b""
        out += self._h11.send(h11.EndOfMessage()) or b""
        self._writer.write(out)
        await self._writer.drain()

    async def serve(self) -> None:
        """Serve until the client goes away."""
        try:
            while True:
                event = await self.next_event()
                if not isinstance(event, h11.Request):
                    return
                request = Request(self, event)
                await self._handler(request)
                if not request.answered or not await self._finish():
                    return
        except (ConnectionError, TruncatedRequestError):
            return  # the process is gone or broke off: its exit tells the rest
        finally:
            self._writer.close()

    async def _finish(self) -> bool:
        """Read what is left of the request; whether the connection can take another one."""
        while self._h11.their_state is h11.SEND_BODY:
            if isinstance(await self.next_event(), h11.ConnectionClosed):
                return False
        if self._h11.our_state is not h11.DONE or self._h11.their_state is not h11.DONE:
            return False
        self._h11.start_next_cycle()
        return True


class Server:
    """A loopback server on an ephemeral port."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.address = ""  # host:port once started

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=READ_SIZE)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await Connection(reader, writer, self._handler).serve()
        except asyncio.CancelledError:
            pass  # the environment ends: nobody waits for this connection
        finally:
            self._tasks.discard(task)

    def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
