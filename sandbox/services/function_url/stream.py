"""A streamed answer: the function's chunks are sent as they come, after its prelude when it writes one.

Recorded from AWS: a function that ends without a byte gets 200, ``application/octet-stream``, chunked
(github.com/middyjs/middy, issue 1189); bytes announced as a prelude that have no delimiter get 502
(github.com/aws/aws-lambda-nodejs-runtime-interface-client, issue 97).
"""

from __future__ import annotations

from sandbox.aws.http_integration import CONTENT_TYPE, Prelude, PreludeError, PreludeReader
from sandbox.context import StreamedInvocation
from sandbox.limits import Limits
from sandbox.services.exchange import HOP_BY_HOP, Exchange
from sandbox.services.function_url import errors
from sandbox.services.function_url.answer import remapped

DEFAULT_TYPE = "application/octet-stream"


async def relay(
    stream: StreamedInvocation, exchange: Exchange, limits: Limits, own_headers: list[tuple[str, str]]
) -> None:
    """Send the stream. Raises ``Refusal`` before the first byte, ``ConnectionAbort`` after it."""
    await stream.started()
    plain = stream.content_type.partition(";")[0].strip().lower() != CONTENT_TYPE
    reader = PreludeReader()
    async for chunk in stream:
        if exchange.gone:
            return  # the function runs on
        if not exchange.started:
            head = _plain(stream.content_type, chunk) if plain else _prelude(reader, chunk, limits)
            if head is None:
                continue
            prelude, chunk = head
            await exchange.start(prelude.status, [*_kept(prelude), *own_headers])
        await exchange.write(chunk)
    await _finish(stream, exchange, limits, own_headers, empty=plain or reader.empty)


async def _finish(
    stream: StreamedInvocation,
    exchange: Exchange,
    limits: Limits,
    own_headers: list[tuple[str, str]],
    *,
    empty: bool,
) -> None:
    failure = stream.complete.error_code if stream.complete else None
    if not exchange.started:
        if failure or not empty:
            raise errors.function_failed(limits)
        await exchange.start(200, [("Content-Type", DEFAULT_TYPE), *own_headers])
    elif failure:
        raise exchange.cut(failure)
    await exchange.end()


def _plain(content_type: str, chunk: bytes) -> tuple[Prelude, bytes]:
    return Prelude(200, (("Content-Type", content_type or DEFAULT_TYPE),)), chunk


def _prelude(reader: PreludeReader, chunk: bytes, limits: Limits) -> tuple[Prelude, bytes] | None:
    try:
        return reader.feed(chunk)
    except PreludeError:
        raise errors.function_failed(limits) from None


def _kept(prelude: Prelude) -> list[tuple[str, str]]:
    """The function's headers without those that only the connection may set."""
    dropped = HOP_BY_HOP | {"content-length"}
    headers = remapped([(n, v) for n, v in prelude.headers if n.lower() not in dropped])
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.insert(0, ("Content-Type", DEFAULT_TYPE))
    return headers
