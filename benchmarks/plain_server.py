"""The least that can be written in Python to stream tokens at a pace: what the mock model is measured against.

No HTTP parser, no JSON, no text of its own, one timer a token. ``python -m benchmarks.plain_server PORT`` reads
how many tokens, the first one's instant and the rate from the mock model's headers and believes them.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Any

HEADER = re.compile(rb"x-mock-llm-(tokens|first-token|rate): ([0-9.a-z]+)")
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
EVENT = (
    b'data: {"id":"chatcmpl-plain00000000000000000000000000","object":"chat.completion.chunk","created":1735689600,'
    b'"model":"m","service_tier":"default","system_fingerprint":"fp_plainserve","choices":[{"index":0,"delta":'
    b'{"content":" word"},"logprobs":null,"finish_reason":null}]}\n\n'
)
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
END = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


class Plain(asyncio.Protocol):
    """One connection, one stream."""

    def connection_made(self, transport: Any) -> None:
        """A client came."""
        self.transport = transport
        self.loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """Its request: the headers come in one piece from a client that sends it in one."""
        told = dict(HEADER.findall(data))
        if not told:
            return
        self.left, first = int(told[b"tokens"]), float(told[b"first-token"])
        self.gap = 1 / float(told[b"rate"])
        self.due = self.loop.time() + first
        self.transport.write(HEAD)
        self.loop.call_at(self.due, self.token)

    def token(self) -> None:
        """One token leaves, and the next is due."""
        while self.left and (not self.gap or self.due <= self.loop.time()):
            self.transport.write(CHUNK)
            self.left -= 1
            self.due += self.gap
        if self.left:
            self.loop.call_at(self.due, self.token)
        else:
            self.transport.write(END)
            self.transport.close()


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Plain, "127.0.0.1", port, backlog=2048)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        import uvloop

        factory = uvloop.new_event_loop
    except ImportError:
        factory = asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
