"""The same program gives the same instants every time, also while others compete for the processors."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sandbox.clock import Clock, run
from tests.clock.conftest import NODE

PYTHON_WORKER = """
import http.client, os, time
api = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]))
def call(path, body=None):
    api.request("POST" if body else "GET", path, body)
    return api.getresponse().read().decode()
while True:
    tokens = call("/next")
    answer = call("/model?" + tokens)
    time.sleep(0.05)
    call("/done", answer)
"""
NODE_WORKER = """
const call = async (path, body) =>
  (await fetch(`http://127.0.0.1:${process.env.PORT}${path}`, { method: body ? 'POST' : 'GET', body })).text()
for (;;) {
  const answer = await call('/model?' + await call('/next'))
  await new Promise((resolve) => setTimeout(resolve, 50))
  await call('/done', answer)
}
"""


class Gateway:
    """Hands jobs to workers, plays the slow model to them, and cuts them off after 29 s."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: asyncio.Queue[int] = asyncio.Queue()
        self._done = asyncio.Event()
        self.events: list[tuple[float, str]] = []

    def note(self, what: str) -> None:
        self.events.append((round(self._clock.now(), 6), what))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                path = head.split()[1]
                length = head.partition("content-length:")[2].split()
                body = await reader.readexactly(int(length[0])) if length else b""
                self.note(f"{path} {len(body)}")
                writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                await self._answer(path, writer)
                writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        if path == "/next":
            text = str(await self._jobs.get())
            writer.write(b"%x\r\n%b\r\n" % (len(text), text.encode()))
        elif path == "/done":
            self._done.set()
        elif path.startswith("/model?"):
            for number in range(int(path.partition("?")[2])):
                await asyncio.sleep(0.1)
                token = b"token%d " % number
                writer.write(b"%x\r\n%b\r\n" % (len(token), token))

    async def job(self, tokens: int) -> list[tuple[float, str]]:
        """What happens until the worker asks for its next job, with the instants since the job began."""
        began = self._clock.now()
        self.events.clear()
        self._done.clear()
        self._jobs.put_nowait(tokens)
        try:
            async with asyncio.timeout(29):
                await self._done.wait()
            self.note("answered")
        except TimeoutError:
            self.note("timed out")
        await asyncio.sleep(10)
        return [(round(instant - began, 6), what) for instant, what in self.events]


def timelines(runtime: str, tokens: int, jobs: int) -> list[list[tuple[float, str]]]:
    """One worker process does some jobs: the timeline of each."""
    node = [NODE, "-e", f"(async () => {{ {NODE_WORKER} }})()"]
    command = node if runtime == "node" else [sys.executable, "-c", PYTHON_WORKER]

    async def main(clock: Clock) -> list[list[tuple[float, str]]]:
        gateway = Gateway(clock)
        server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
        environment = {
            **os.environ,
            **clock.environment("other", base=os.environ),
            "PORT": str(server.sockets[0].getsockname()[1]),
        }
        worker = await asyncio.create_subprocess_exec(*command, env=environment, stderr=subprocess.DEVNULL)
        clock.watch(worker.pid)
        with clock.in_flight("jobs"):
            found = [await gateway.job(tokens) for _ in range(jobs)]
        worker.kill()
        await worker.wait()
        return found

    return run(main)


@pytest.fixture(params=[0, 3], ids=["alone", "busy"])
def competitors(request: pytest.FixtureRequest) -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(request.param)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.usefixtures("competitors")
@pytest.mark.parametrize("runtime", ["python", "node"])
def test_twenty_runs_have_one_timeline(runtime: str) -> None:
    # Node's fetch waits a millisecond before it uses a connection again, so its first job differs.
    first, second, *others = timelines(runtime, 30, 21)
    assert first[0] == (0.0, "/next 0")
    late = 0.001 if runtime == "node" else 0
    assert [(instant, what.partition("?")[0]) for instant, what in second] == [
        (0.0, "/model"),
        (round(3.05 + late, 6), "/done 230"),
        (round(3.05 + late, 6), "answered"),
        (round(3.05 + 2 * late, 6), "/next 0"),
    ]
    assert all(other == second for other in others)


def test_timeout_at_29_seconds_exactly() -> None:
    [events] = timelines("python", 300, 1)
    assert [(instant, what.partition("?")[0]) for instant, what in events] == [
        (0.0, "/next 0"),
        (0.0, "/model"),
        (29.0, "timed out"),
        (30.05, "/done 2590"),
        (30.05, "/next 0"),
    ]
