"""On the real clock: 2,000 WebSocket connections open at once on one sandbox (memory for each), and how long a push
to each of 1,000 of them takes, from the first byte of the POST to @connections to the frame at the client.

The clients are a process of their own, so that the memory is the sandbox's alone."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from time import perf_counter
from urllib.parse import quote

import sandbox.clock
from benchmarks.websocket_client import open_websocket
from sandbox.app import open_sandbox

CONNECTIONS, PUSHED, AT_ONCE = 2000, 1000, 10
DATA = b'{"token": %d}'


def resident() -> int:
    """Bytes of this process in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def create_api(box) -> str:
    """A WebSocket API with nothing behind it; its id."""

    async def call(operation: str, **more) -> dict:
        return await box.control.call("apigatewayv2", operation, **more)

    selection = "$request.body.action"
    made = await call("CreateApi", Name="b", ProtocolType="WEBSOCKET", RouteSelectionExpression=selection)
    api = made["ApiId"]
    integration = await call("CreateIntegration", ApiId=api, IntegrationType="MOCK")
    target = f"integrations/{integration['IntegrationId']}"
    await call("CreateRoute", ApiId=api, RouteKey="$default", Target=target)
    deployed = await call("CreateDeployment", ApiId=api)
    await call("CreateStage", ApiId=api, StageName="prod", DeploymentId=deployed["DeploymentId"])
    return api


async def measure(clock) -> None:
    async with open_sandbox(clock, overrides={"api_websocket.connect_rate": 1_000_000}) as box:
        api = await create_api(box)
        arguments = (sys.executable, "-m", "benchmarks.websocket_connections", str(box.settings.port), api)
        clients = await asyncio.create_subprocess_exec(*arguments, stdin=PIPE, stdout=PIPE, limit=2**20)
        await clients.stdout.readline()  # one connection is open: what is loaded once is loaded
        before, began = resident(), perf_counter()
        clients.stdin.write(b"\n")
        await clients.stdout.readline()
        took = perf_counter() - began
        used = resident() - before
        ids = [event.id for event in box.timeline.select("api_websocket", "connected")]
        print(f"{len(ids):,} connections open after {took:.1f} s: {used / (len(ids) - 1) / 1024:.1f} KB each")
        clients.stdin.write(json.dumps(ids[:PUSHED]).encode() + b"\n")
        times = sorted(json.loads(await clients.stdout.readline()))
        await clients.wait()
    middle, high = statistics.median(times) * 1000, times[int(len(times) * 0.99)] * 1000
    print(
        f"push to {len(times):,} connections, {AT_ONCE} posts at a time: "
        f"p50 {middle:.1f} ms, p99 {high:.1f} ms from the POST to the frame"
    )


class Clients:
    """The other process: many clients, and who posts to them."""

    def __init__(self, port: int, api: str) -> None:
        self.port, self.path = port, f"/_aws/execute-api/{api}/prod"
        self.arrived: dict[int, float] = {}
        self.all_there = asyncio.Event()
        self.kept: list = []

    async def open(self) -> None:
        reader, writer = await open_websocket(self.port, self.path)
        self.kept.append((asyncio.create_task(self.listen(reader)), writer))

    async def listen(self, reader: asyncio.StreamReader) -> None:
        _, length = await reader.readexactly(2)
        number = json.loads(await reader.readexactly(length))["token"]
        self.arrived[number] = perf_counter()
        if len(self.arrived) == PUSHED:
            self.all_there.set()

    def signed(self, connection_id: str, number: int) -> bytes:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        path = f"{self.path}/@connections/{quote(connection_id, safe='')}"
        body = DATA % number
        request = AWSRequest("POST", f"http://127.0.0.1:{self.port}{path}", data=body)
        SigV4Auth(Credentials("test", "test"), "execute-api", "us-east-1").add_auth(request)
        head = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in request.headers.items()]
        return "\r\n".join([*head, "", ""]).encode() + body

    async def post(self, requests: list[tuple[int, bytes]], sent: dict[int, float]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while requests:
            number, request = requests.pop()
            sent[number] = perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 200 " in head, head
        writer.close()

    async def run(self) -> None:
        lines = asyncio.StreamReader(limit=2**20)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        await self.open()
        print(flush=True)
        await lines.readline()
        for _ in range(CONNECTIONS - 1):
            await self.open()
        print(flush=True)
        ids = json.loads(await lines.readline())
        requests = [(number, self.signed(id_, number)) for number, id_ in enumerate(ids)]
        sent: dict[int, float] = {}
        await asyncio.gather(*(self.post(requests, sent) for _ in range(AT_ONCE)))
        await self.all_there.wait()
        print(json.dumps([self.arrived[number] - at for number, at in sent.items()]), flush=True)


def main() -> None:
    sandbox.clock.run(measure, "real")


if __name__ == "__main__":
    asyncio.run(Clients(int(sys.argv[1]), sys.argv[2]).run())
