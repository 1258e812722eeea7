"""The mock model behind uvicorn."""

from __future__ import annotations

import gc
import socket
import sys
from collections.abc import Awaitable, Callable

import uvicorn

from mock_llm.http2 import EitherProtocol
from mock_llm.wire import Receive, Scope, Send

Application = Callable[[Scope, Receive, Send], Awaitable[None]]
DOORWAYS = 16


def listen(host: str, port: int, app: Application, title: str = "mock_llm listens on") -> int:
    """Serve until interrupted; the exit code. Says where it listens once it does."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        lifespan="off",
        log_level="warning",
        access_log=False,
        ws="none",
        proxy_headers=False,  # who asks does not matter
        http=EitherProtocol,
        timeout_graceful_shutdown=1,  # a stalled answer would keep it up for ever
    )
    try:
        sockets = _doorways(host, port)
    except OSError as error:
        print(f"mock-llm: cannot listen on {host}:{port}: {error.strerror}", file=sys.stderr)
        return 1
    server = _Server(config, title)
    rarely_collect()
    try:
        server.run(sockets)
    except KeyboardInterrupt:  # uvicorn has stopped in order, and passes the signal on
        return 0
    return 0 if server.started else 1


def _doorways(host: str, port: int) -> list[socket.socket]:
    """The listening socket, several times: libuv accepts one connection of each in a turn of the loop."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
    except OSError:
        listening.close()
        raise
    return [listening, *(listening.dup() for _ in range(DOORWAYS - 1))]


def rarely_collect() -> None:
    """Keep the garbage collector from making every stream wait while it looks at what never goes.

    A full collection takes some 20 ms, a whole gap between tokens. What is loaded is no garbage, and answers leave
    few cycles behind. Of what is new it looks at little at a time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 200, 100)


class _Server(uvicorn.Server):
    """Says where it listens once it does (port 0: the one that it was given)."""

    def __init__(self, config: uvicorn.Config, title: str) -> None:
        super().__init__(config)
        self._title = title

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            print(_welcome(self._title, url), flush=True)


def _welcome(title: str, url: str) -> str:
    clients = (
        ("OpenAI", f"OPENAI_BASE_URL={url}/v1"),
        ("Anthropic", f"ANTHROPIC_BASE_URL={url}"),
        ("Bedrock", f"AWS_ENDPOINT_URL_BEDROCK_RUNTIME={url}"),
    )
    return "\n".join((f"{title} {url}", *(f"  {name:<10} {setting}" for name, setting in clients)))
