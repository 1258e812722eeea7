from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading

import pytest

from sandbox.clock import Clock, run
from sandbox.clock.clients import socket_inode

CLIENT = """
import socket, sys, time
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
for _ in range(4):
    end = time.process_time() + 0.02
    while time.process_time() < end: pass
    connection.sendall(b"?")
    connection.recv(1)
"""


async def serve(clock: Clock, host: str, seen: list[float], with_local: bool) -> int:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer, local = writer.get_extra_info("peername")[:2], writer.get_extra_info("sockname")[:2]
        clock.client_connected(peer, local if with_local else None)
        with clock.in_flight("answer"):
            while await reader.read(1):
                seen.append(clock.now())
                await asyncio.sleep(1)
                writer.write(b"!")
        clock.client_disconnected(peer)
        writer.close()

    server = await asyncio.start_server(answer, host, 0)
    return int(server.sockets[0].getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("with_local", [True, False])
def test_client_in_another_process_is_found_waited_for_and_dropped(host: str, with_local: bool) -> None:
    async def main(clock: Clock) -> tuple[list[float], list[int]]:
        seen: list[float] = []
        port = await serve(clock, host, seen, with_local)
        client = await asyncio.create_subprocess_exec(sys.executable, "-c", CLIENT, host, str(port))
        ticks = asyncio.get_running_loop().create_task(_tick())
        await client.wait()
        await clock.settled()
        ticks.cancel()
        return seen, clock.watched()

    assert run(main) == ([0.0, 1.0, 2.0, 3.0], [])


async def _tick() -> None:
    while True:  # noqa: ASYNC110 - timers that would race away if the client were not waited for
        await asyncio.sleep(0.01)


def test_client_that_was_killed_holds_nothing() -> None:
    async def main(clock: Clock) -> tuple[float, list[int]]:
        seen: list[float] = []
        port = await serve(clock, "127.0.0.1", seen, True)
        client = await asyncio.create_subprocess_exec(sys.executable, "-c", CLIENT, "127.0.0.1", str(port))
        while not seen:  # noqa: ASYNC110
            await asyncio.sleep(0)
        client.kill()
        await client.wait()
        with clock.in_flight("later"):
            await asyncio.sleep(10)
        return clock.now(), clock.watched()

    assert run(main) == (10.0, [])


def test_client_of_our_own_loop_is_not_watched() -> None:
    async def main(clock: Clock) -> list[int]:
        port = await serve(clock, "127.0.0.1", [], True)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"?")
        await reader.readexactly(1)
        watched = clock.watched()
        writer.close()
        return watched

    assert run(main) == []


def test_client_in_a_thread_of_ours_is_waited_for() -> None:
    async def main(clock: Clock) -> list[float]:
        seen: list[float] = []
        port = await serve(clock, "127.0.0.1", seen, True)

        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def client() -> None:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                for _ in range(3):
                    sum(range(300_000))
                    connection.sendall(b"?")
                    connection.recv(1)
            loop.call_soon_threadsafe(ended.set)

        thread = threading.Thread(target=client)
        thread.start()
        ticks = asyncio.get_running_loop().create_task(_tick())
        await ended.wait()
        ticks.cancel()
        thread.join()
        return seen

    assert run(main) == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_socket_inode_by_both_ways(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.create_server((host, 0), family=family) as server,
        socket.create_connection(server.getsockname()[:2]) as client,
    ):
        expected = os.fstat(client.fileno()).st_ino
        own, other = client.getsockname()[:2], server.getsockname()[:2]
        assert socket_inode(own, other) == expected
        assert socket_inode(own, None) == expected
    assert socket_inode(("127.0.0.1", 1), ("127.0.0.1", 2)) == 0
    assert socket_inode(("127.0.0.1", 1), None) == 0
