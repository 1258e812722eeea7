"""``python -m mock_llm``: the mock model alone, on the real clock."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from mock_llm.app import create_app
from mock_llm.profiles import ProfileError, load_profiles
from mock_llm.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted. Exit code 2 when an option cannot be."""
    options = _parser().parse_args(arguments)
    try:
        profiles = load_profiles()
        if options.profiles is not None:
            profiles |= load_profiles(options.profiles)
        # The one place that reads a wall clock: alone, the model lives in real time.
        settings = Settings(
            options.profile, options.seed, options.require_key, epoch=time.time, profiles=profiles
        )
    except ProfileError as error:
        print(f"mock_llm: {error}", file=sys.stderr)
        return 2
    return _serve(options.host, options.port, settings)


def _serve(host: str, port: int, settings: Settings) -> int:
    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        lifespan="off",
        log_level="warning",
        access_log=False,
        ws="none",
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mock_llm", description="A deterministic, slow mock model."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8001, help="port, 0 for any free one (default: %(default)s)"
    )
    parser.add_argument("--profile", default="typical", help="pace of models with no profile of their own")
    parser.add_argument("--profiles", type=Path, metavar="FILE", help="TOML file with more profiles")
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of all texts and paces (default: %(default)s)"
    )
    parser.add_argument("--require-key", action="store_true", help="refuse requests that carry no key")
    return parser


if __name__ == "__main__":
    sys.exit(main())
