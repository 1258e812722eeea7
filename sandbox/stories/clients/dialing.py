"""How a story's client opens a WebSocket: the websockets library, with nothing of its own beside the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from sandbox.stories.clients.base import AWS_NAMES, Stage, StoryFailedError
from sandbox.stories.clients.wire import Teller
from sandbox.stories.expectations import ErrorKind

ABNORMAL = 1006


async def dial(
    stage: Stage, teller: Teller, url: str, headers: Mapping[str, str], subprotocols: Sequence[str]
) -> ClientConnection | None:
    """A connection that stands, or ``None``; told are the request and, without a connection, why there is none.

    A refusal is told as the HTTP answer that it is. Raises ``StoryFailedError`` for what is no address.
    """
    teller.request_sent("GET", url)
    address, where = _way(stage, url)
    try:
        return await connect(
            address,
            additional_headers=dict(headers),
            subprotocols=[Subprotocol(one) for one in subprotocols] or None,
            compression=None,
            proxy=None,
            open_timeout=None,
            ping_interval=None,
            close_timeout=10,
            max_size=None,
            **where,
        )
    except InvalidStatus as refused:
        answer = refused.response
        teller.response_started(answer.status_code, dict(answer.headers.raw_items()))
        if answer.body:
            teller.received(bytes(answer.body))
        teller.completed()
    except InvalidURI as error:
        raise StoryFailedError(f"{url} is no WebSocket address: {error}") from None
    except (InvalidHandshake, EOFError, OSError) as error:
        kind: ErrorKind = (
            "connection refused" if isinstance(error, ConnectionRefusedError) else "connection closed"
        )
        teller.failed(kind, f"{type(error).__name__}: {error}")
    return None


def switched(teller: Teller, socket: ClientConnection) -> None:
    """Tell the answer that opened it."""
    assert socket.response is not None
    teller.response_started(socket.response.status_code, dict(socket.response.headers.raw_items()))


def _way(stage: Stage, url: str) -> tuple[str, dict[str, Any]]:
    """Where to connect: AWS's names lead to the sandbox, without TLS; the Host header stays."""
    parts = urlsplit(url)
    if not (parts.hostname or "").endswith(AWS_NAMES):
        return url, {}
    to = urlsplit(stage.endpoint)
    return parts._replace(scheme="ws").geturl(), {"host": to.hostname, "port": to.port}
