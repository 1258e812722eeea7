"""Inside a process of the sandbox, AWS's names reach the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from sandbox.clock import Clock, ClockKind, run
from tests.clock.conftest import Lines, say

PYTHON = """
import http.client, socket, urllib.request, asyncio
get = lambda url: urllib.request.urlopen(url, timeout=5).read().decode()
print(get("http://abc.execute-api.us-east-1.amazonaws.com/x"))
print(get("http://only.this/x"))
for name in ("Lambda.Amazonaws.com.", b"lambda.amazonaws.com"):
    print(socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)[0][4][1] != 80, socket.gethostbyname(name))
s = socket.socket(); s.connect(("s3.amazonaws.com", 80)); print(s.getpeername()[0])
port = socket.getaddrinfo("s3.amazonaws.com", "http")[0][4][1]
print(port != 80, socket.getaddrinfo("s3.amazonaws.com", 22)[0][4][1])
print(socket.gethostbyname("localhost"), socket.getaddrinfo("127.0.0.1", 80)[0][4])
async def main():
    reader, writer = await asyncio.open_connection("s3.amazonaws.com", 80)
    print(writer.get_extra_info("peername")[0])
asyncio.run(main())
"""
NODE = """
import http from 'node:http'
import net from 'node:net'
import dns from 'node:dns'
import { lookup } from 'node:dns/promises'
const text = async (url) => (await fetch(url)).text()
console.log(await text('http://abc.execute-api.us-east-1.amazonaws.com/x'))
console.log(await text('http://only.this/x'))
console.log(await new Promise((resolve) => http.get('http://S3.amazonaws.com/x', (answer) => {
  answer.on('data', (data) => resolve(String(data)))
})))
console.log(await new Promise((resolve) => {
  const socket = net.connect(80, 's3.amazonaws.com', () => { resolve(socket.remoteAddress); socket.destroy() })
}))
console.log((await lookup('x.amazonaws.com')).address)
dns.lookup('x.amazonaws.com.', { all: true }, (error, found) => console.log(found[0].address))
"""


async def _host(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        writer.close()
        return
    host = next(line for line in head.splitlines() if line.lower().startswith("host:")).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(host), host))
    writer.close()


def _said(kind: ClockKind, runtime: str, program: str) -> list[str]:
    async def main(clock: Clock) -> Lines:
        server = await asyncio.start_server(_host, "127.0.0.1", 0)
        names: Mapping[str, object] = {
            "suffixes": [".amazonaws.com"],
            "exact": ["only.this"],
            "host": "127.0.0.1",
            "ports": {"80": server.sockets[0].getsockname()[1]},
        }
        return await say(clock, program, runtime=runtime, names=names)

    return [text for _, text in run(main, kind=kind, in_flight="test")]


@pytest.mark.parametrize("kind", ["virtual", "real"])
def test_python(kind: ClockKind) -> None:
    assert _said(kind, "python", PYTHON) == [
        "Host: abc.execute-api.us-east-1.amazonaws.com",
        "Host: only.this",
        "True 127.0.0.1",
        "True 127.0.0.1",
        "127.0.0.1",
        "True 22",
        "127.0.0.1 ('127.0.0.1', 80)",
        "127.0.0.1",
    ]


@pytest.mark.parametrize("kind", ["virtual", "real"])
def test_node(kind: ClockKind) -> None:
    assert _said(kind, "node", NODE) == [
        "host: abc.execute-api.us-east-1.amazonaws.com",
        "host: only.this",
        "Host: s3.amazonaws.com",
        "127.0.0.1",
        "127.0.0.1",
        "127.0.0.1",
    ]
