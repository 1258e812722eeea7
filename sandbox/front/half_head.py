"""A client that stops in the middle of a request's head: whom it was for, and for how long those wait.

Nobody is asked before a head is whole. A service that does not wait for ever for the rest says so by
:class:`~sandbox.context.Impatient`; it is found when the request line and the line with the host are there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sandbox.context import Refusal, Scope

Finder = Callable[[Scope], Refusal | None]


class HalfHead:
    """The head of which a connection has received a part. ``find``: who would answer a scope, if he is impatient."""

    def __init__(self, find: Finder, transport: asyncio.Transport, scheme: str) -> None:
        self._find = find
        self._transport = transport
        self._scheme = scheme
        self._received = b""
        self._timer: asyncio.TimerHandle | None = None

    def received(self, data: bytes) -> None:
        """More of it; the silence begins anew."""
        self.close()
        self._received += data
        scope = _scope(self._received, self._scheme)
        refusal = self._find(scope) if scope is not None else None
        if refusal is not None:
            self._timer = asyncio.get_running_loop().call_later(refusal.after, self._refuse, refusal)

    def _refuse(self, refusal: Refusal) -> None:
        status, phrase, headers, body = refusal.answer()
        more = [("content-length", str(len(body))), ("connection", "close")]
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in [*headers, *more])]
        self._transport.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        self._transport.close()

    def close(self) -> None:
        """It is whole, or its connection ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _scope(head: bytes, scheme: str) -> Scope | None:
    """What is known so far, as in an ASGI scope; ``None`` while the request line is not whole."""
    request, *lines = head.split(b"\r\n")[:-1] or [b""]
    words = request.split(b" ")
    if len(words) != 3:
        return None
    path, _, query = words[1].partition(b"?")
    pairs = [line.partition(b":") for line in lines]
    return {
        "type": "http",
        "scheme": scheme,
        "method": words[0].decode("latin-1"),
        "path": path.decode("latin-1"),
        "raw_path": path,
        "query_string": query,
        "headers": [(name.strip().lower(), value.strip()) for name, _, value in pairs],
    }
