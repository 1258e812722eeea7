"""Servers that write little at a time: the kernel does not keep it back for an acknowledgement in its own time."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from sandbox.clock import Clock, run
from tests.clock.conftest import NODE

PYTHON_SERVER = """
import socket, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
connection, _ = server.accept()
for _ in range(30):
    connection.recv(100)
    connection.sendall(b"pong\\n")
connection.recv(100)
for _ in range(10):
    connection.sendall(b"size\\n")
    connection.sendall(b"token\\n")
    time.sleep(1)
"""
NODE_SERVER = """
const server = require('net').createServer((connection) => {
  let asked = 0
  connection.on('data', () => {
    if (++asked <= 30) return connection.write('pong\\n')
    let told = 0
    const tell = () => {
      connection.write('size\\n')
      connection.write('token\\n')
      if (++told < 10) setTimeout(tell, 1000)
      else { connection.end(); server.close() }
    }
    tell()
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
"""
COMMANDS = {"python": [sys.executable, "-c", PYTHON_SERVER], "node": [NODE, "-e", NODE_SERVER]}


@pytest.mark.parametrize("runtime", COMMANDS)
def test_what_a_server_writes_piece_by_piece_comes_at_its_instant(runtime: str) -> None:
    """After some questions and answers on one connection the kernel acknowledges late, in its own time."""

    async def main(clock: Clock) -> list[float]:
        process = await asyncio.create_subprocess_exec(
            *COMMANDS[runtime], stdout=-1, env={**os.environ, **clock.environment(runtime)}
        )
        clock.watch(process.pid)
        assert process.stdout is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", int(await process.stdout.readline()))
        for _ in range(30):
            writer.write(b"ping\n")
            await reader.readline()
        writer.write(b"tell\n")
        seen = []
        while line := await reader.readline():
            if line == b"token\n":
                seen.append(clock.now())
        writer.close()
        await process.communicate()
        return seen

    assert run(main, in_flight="test") == [float(second) for second in range(10)]
