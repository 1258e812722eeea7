"""An echo behind the sandbox's WebSocket layer, for Autobahn's fuzzing client; run it, then ``wstest`` against it.

``wstest`` is in ``autobahntestsuite`` 0.8.2, which needs Python 2.7::

    python2.7 -m pip install --target py2 autobahntestsuite==0.8.2 && touch py2/zope/__init__.py
    python tools/autobahn.py --limits            # prints the address; without --limits: frames of any size
    PYTHONPATH=py2 python2.7 -m autobahntestsuite.wstest -m fuzzingclient -s spec.json

``spec.json``: ``{"outdir": "report", "servers": [{"agent": "sandbox", "url": "ws://127.0.0.1:9001"}],
"cases": ["*"], "exclude-cases": [], "exclude-agent-cases": {}}``. What came of it: README.md of
``sandbox/services/api_websocket``.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from sandbox import clock as clocks  # noqa: E402
from sandbox.context import Receive, Scope, Send, WebSocketDisconnect  # noqa: E402
from sandbox.front.certificates import Certificates  # noqa: E402
from sandbox.front.http1 import Http1  # noqa: E402
from sandbox.front.http2 import Http2  # noqa: E402
from sandbox.front.listener import Listener, bind  # noqa: E402

ANY_SIZE: dict[str, Any] = {"max_message": None}
OF_AWS: dict[str, Any] = {"max_frame": 32 * 1024, "max_message": 128 * 1024}  # facts 3.4, 3.5


async def echo(limits: dict[str, Any], scope: Scope) -> None:
    """Send each message back."""
    socket = scope["websocket"]
    await socket.accept(None, [], **limits)
    parts: list[bytes] = []
    kind = ""
    try:
        while True:
            frame = await socket.receive()
            if frame.opcode in ("ping", "pong"):
                continue
            parts.append(frame.data)
            kind = kind if frame.opcode == "continuation" else frame.opcode
            if frame.fin:
                data, parts = b"".join(parts), []
                socket.send(data.decode() if kind == "text" else data)
    except WebSocketDisconnect:
        return


async def serve(clock: clocks.Clock, port: int, limits: dict[str, Any]) -> None:
    """Listen until the program is stopped."""

    async def service(scope: Scope, receive: Receive, send: Send) -> None:
        await echo(limits, scope)

    with tempfile.TemporaryDirectory() as folder:
        certificates = Certificates(Path(folder))
        certificates.prepare()
        listener = Listener(bind("127.0.0.1", port), Http1(service), Http2(service), certificates, clock)
        print(f"ws://127.0.0.1:{listener.port}", flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            await listener.close()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="An echo for Autobahn's fuzzing client.")
    parser.add_argument("--port", type=int, default=9001)
    parser.add_argument(
        "--limits", action="store_true", help="API Gateway's: 32 KB a frame, 128 KB a message"
    )
    given = parser.parse_args()
    limits = OF_AWS if given.limits else ANY_SIZE
    clocks.run(lambda clock: serve(clock, given.port, limits), "real")


if __name__ == "__main__":
    main()
