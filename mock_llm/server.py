"""The mock model behind uvicorn."""

from __future__ import annotations

import uvicorn

from mock_llm.app import create_app
from mock_llm.http2 import EitherProtocol
from mock_llm.settings import Settings


def listen(host: str, port: int, settings: Settings) -> int:
    """Serve until interrupted; the exit code. Says where it listens once it does."""
    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        lifespan="off",
        log_level="warning",
        access_log=False,
        ws="none",
        http=EitherProtocol,
        timeout_graceful_shutdown=1,  # a stalled answer would keep it up for ever
    )
    server = _Server(config)
    try:
        server.run()
    except KeyboardInterrupt:  # uvicorn has stopped in order, and passes the signal on
        return 0
    return 0 if server.started else 1


class _Server(uvicorn.Server):
    """Says where it listens once it does (port 0: the one that it was given)."""

    def _log_started_message(self, listeners: object) -> None:
        for server in self.servers:
            for sock in server.sockets:
                host, port = sock.getsockname()[:2]
                print(
                    _welcome(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"),
                    flush=True,
                )


def _welcome(url: str) -> str:
    clients = (
        ("OpenAI", f"OPENAI_BASE_URL={url}/v1"),
        ("Anthropic", f"ANTHROPIC_BASE_URL={url}"),
        ("Bedrock", f"AWS_ENDPOINT_URL_BEDROCK_RUNTIME={url}"),
    )
    return "\n".join(
        (f"mock_llm listens on {url}", *(f"  {name:<10} {setting}" for name, setting in clients))
    )
