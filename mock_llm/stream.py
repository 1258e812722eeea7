"""Frames leave at their due instants: an absolute schedule, one timer a stream, and a client that may go.

A frame is due at ``started + offset``, whatever the frames before it took: delays do not add up. A frame
that is late (the client reads slowly, the machine is busy) leaves at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any, NamedTuple

from mock_llm.direct import BREATH, play_directly, writer_of
from mock_llm.doors import pass_doors
from mock_llm.ledger import Request
from mock_llm.pace import FOREVER, due_at
from mock_llm.wire import Exchange, Headers

Observe = Callable[[str, str, Mapping[str, Any]], None]


class Frame(NamedTuple):
    """Bytes due ``offset`` microseconds after the request; ``text``: of the token in it, if there is one.

    ``fault``: the kind of what goes wrong with this frame, ``ends``: and whether the answer ends by it.
    """

    offset: int
    data: bytes
    text: str | None = None
    fault: str | None = None
    ends: bool = True


class DroppedError(Exception):
    """The connection is to be closed without an end of the answer."""


class ResetError(DroppedError):
    """The connection is to be reset."""


class Pacer:
    """Waits for instants after a start, and for a client that goes away, whichever comes first."""

    def __init__(self, exchange: Exchange) -> None:
        self.gone = False
        self._loop = exchange.loop
        self._start = exchange.started
        self._waiter: asyncio.Future[None] | None = None
        self._watch = self._loop.create_task(self._watch_client(exchange))

    async def until(self, offset: int) -> None:
        """Return when the instant has come, or the client has gone (then ``gone`` is set)."""
        if self.gone:
            return
        waiter, timer = self.wait(), None
        if offset != FOREVER:
            timer = self._loop.call_at(due_at(self._start, offset), _release, waiter)
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None and not waiter.done():
                timer.cancel()
        if self.gone and timer is not None:
            timer.cancel()

    def wait(self) -> asyncio.Future[None]:
        """What is done when the client has gone; the caller may be done with it before."""
        waiter = self._waiter = self._loop.create_future()
        return waiter

    def close(self) -> None:
        """Stop looking for the client."""
        self._watch.cancel()

    async def _watch_client(self, exchange: Exchange) -> None:
        while (await exchange.receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if self._waiter is not None:
            _release(self._waiter)


class Watched:
    """What one stream tells the observer, and how many tokens it has emitted."""

    def __init__(self, observe: Observe | None, stream: str, request: Request | None = None) -> None:
        self.tokens = 0
        self.failed = False
        self._request = request
        self._observe = observe
        self._stream = stream

    def __call__(self, name: str, data: Mapping[str, Any]) -> None:
        if self._observe is not None:
            self._observe(name, self._stream, data)

    def token(self, text: str) -> None:
        """A token left."""
        if self._observe is not None:
            self._observe("token_emitted", self._stream, {"index": self.tokens, "text": text})
        self.tokens += 1

    def faulted(self, kind: str, ends: bool = True) -> None:
        """Something went wrong, as it was told to; ``ends``: and that was the answer."""
        self.failed = self.failed or ends
        if self._request is not None:
            self._request.fault = kind
        self("faulted", {"kind": kind})

    def ended(self, gone: bool) -> None:
        """The answer is complete, or the client went before it was; nothing when a fault ended it."""
        if self._request is not None:
            self._request.tokens = self.tokens
            self._request.outcome = "client_gone" if gone else "faulted" if self.failed else "completed"
        if gone or not self.failed:
            self("client_gone" if gone else "completed", {"tokens": self.tokens})


async def play(
    exchange: Exchange,
    headers: Headers,
    frames: Iterable[Frame],
    watched: Watched,
    *,
    status: int = 200,
    headers_at: int | None = None,
) -> None:
    """Answer with the frames, each its own send.

    Status and headers leave with the first frame, or at ``headers_at`` microseconds when that is earlier.
    Tells ``token_emitted`` for every frame with a text, then ``completed``, or ``client_gone`` when the
    client left or the server gave the request up.
    """
    async with _following(exchange, watched) as pacer:
        left = iter(frames)
        first = next(left, None)
        opens = headers_at if first is None or headers_at is not None else first.offset
        await pacer.until(0 if opens is None else opens)
        if pacer.gone:
            return
        await exchange.start(status, headers)
        rest = chain([] if first is None else [first], left)
        writer = writer_of(exchange)
        if writer is not None:
            await play_directly(exchange, writer, rest, watched, pacer)
            await pass_doors(exchange.loop)
        else:
            await _play_by_asgi(exchange, rest, watched, pacer, reached=opens)
        if not pacer.gone:
            await exchange.send({"type": "http.response.body", "body": b""})


async def _play_by_asgi(
    exchange: Exchange, frames: Iterator[Frame], watched: Watched, pacer: Pacer, reached: int | None
) -> None:
    """Send each frame when it is due; the instant ``reached`` has come already."""
    ready = 0
    for offset, data, text, fault, ends in frames:
        if reached is None or offset > reached or offset == FOREVER:
            await pacer.until(offset)
            reached, ready = offset, 0
        elif (ready := ready + 1) % BREATH == 0:
            await asyncio.sleep(0)
        if pacer.gone:
            return
        if text is not None:
            watched.token(text)
        if fault is not None:
            watched.faulted(fault, ends)
        await exchange.send_part(offset, data)


async def wait_and_answer(
    exchange: Exchange,
    headers: Headers,
    offset: int,
    tokens: int,
    body: Callable[[], bytes],
    watched: Watched,
    status: int = 200,
) -> None:
    """Answer with a whole ``body()`` of ``tokens`` tokens at its instant.

    Tells as :func:`play`, but no tokens.
    """
    async with _following(exchange, watched) as pacer:
        await pacer.until(offset)
        if not pacer.gone:
            content = body()
            watched.tokens = tokens
            await exchange.respond(status, content, headers)


@asynccontextmanager
async def _following(exchange: Exchange, watched: Watched) -> AsyncIterator[Pacer]:
    """A pacer whose end is told to the observer.

    A send to a client that left may raise ``OSError`` (ASGI 2.4).
    """
    pacer = Pacer(exchange)
    try:
        yield pacer
    except OSError:
        pacer.gone = True
    except ResetError:
        exchange.reset()
    except DroppedError:
        pass  # the server closes a connection whose answer has no end
    except asyncio.CancelledError:
        watched.ended(gone=True)
        raise
    finally:
        pacer.close()
    watched.ended(pacer.gone)


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
