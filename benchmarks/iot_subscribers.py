"""On the real clock: one publish to 1,000 MQTT subscribers of one topic, from the first byte of the request (iot-data
over HTTP) to the packet at each of them; how long until 1,000 have connected and subscribed, and their memory.

The clients are a process of their own, so that the memory is the sandbox's alone. The first publish, at which the
policies of all subscribers are looked at, is told apart."""

from __future__ import annotations

import asyncio
import json
import statistics
import struct
import sys
from asyncio.subprocess import PIPE
from time import perf_counter

import sandbox.clock
from benchmarks.websocket_client import open_websocket
from benchmarks.websocket_connections import resident
from sandbox.app import open_sandbox

SUBSCRIBERS, ROUNDS, TOPIC = 1000, 20, "room/all/answer"


async def measure(clock) -> None:
    raised = {"iot.account.connect": 1_000_000, "iot.account.subscriptions": 1_000_000}
    async with open_sandbox(clock, overrides=raised) as box:
        arguments = (sys.executable, "-m", "benchmarks.iot_subscribers", str(box.settings.port))
        clients = await asyncio.create_subprocess_exec(*arguments, stdin=PIPE, stdout=PIPE, limit=2**24)
        await clients.stdout.readline()  # one is there: what is loaded once is loaded
        before, began = resident(), perf_counter()
        clients.stdin.write(b"\n")
        await clients.stdout.readline()
        took, used = perf_counter() - began, resident() - before
        each = used / (SUBSCRIBERS - 1) / 1024
        print(f"{SUBSCRIBERS:,} subscribers there after {took:.1f} s: {each:.1f} KB each")
        clients.stdin.write(b"\n")
        rounds = json.loads(await clients.stdout.readline())
        await clients.wait()
    first, *rounds = rounds
    times = sorted(time for one in rounds for time in one)
    lasts = sorted(max(one) for one in rounds)
    middle, high = statistics.median(times) * 1000, times[int(len(times) * 0.99)] * 1000
    print(
        f"one publish to {SUBSCRIBERS:,} subscribers, {len(rounds)} times: p50 {middle:.1f} ms, p99 {high:.1f} ms "
        f"from the request to the packet; the last one has it after {statistics.median(lasts) * 1000:.1f} ms, "
        f"the very first time after {max(first) * 1000:.1f} ms"
    )


class Clients:
    """The other process: subscribers as plain sockets, and who publishes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.arrived: list[float] = []
        self.all_there = asyncio.Event()
        self.kept: list = []

    async def open(self, number: int) -> None:
        reader, writer = await open_websocket(self.port, f"/mqtt?{self.query()}", "mqtt")
        name = b"s%d" % number
        connect = b"\x00\x04MQTT\x04\x02\x04\xb0" + struct.pack("!H", len(name)) + name
        topic = TOPIC.encode()
        subscribe = b"\x00\x01" + struct.pack("!H", len(topic)) + topic + b"\x00"
        for first, body in ((0x10, connect), (0x82, subscribe)):
            writer.write(frame(bytes((first, len(body))) + body))
            await read_frame(reader)
        self.kept.append((asyncio.create_task(self.listen(reader)), writer))

    def query(self) -> str:
        from botocore.auth import SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        request = AWSRequest("GET", "http://localhost/mqtt")
        SigV4QueryAuth(Credentials("test", "test"), "iotdevicegateway", "us-east-1").add_auth(request)
        return request.url.partition("?")[2]

    async def listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            await read_frame(reader)
            self.arrived.append(perf_counter())
            if len(self.arrived) == SUBSCRIBERS:
                self.all_there.set()

    def publish(self) -> bytes:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        body = b'{"token": " word"}'
        path = f"/topics/{TOPIC.replace('/', '%2F')}"
        request = AWSRequest("POST", f"http://127.0.0.1:{self.port}{path}?qos=0", data=body)
        SigV4Auth(Credentials("test", "test"), "iotdata", "us-east-1").add_auth(request)
        head = [f"POST {path}?qos=0 HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in request.headers.items()]
        return "\r\n".join([*head, "", ""]).encode() + body

    async def run(self) -> None:
        lines = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        await self.open(0)
        print(flush=True)
        await lines.readline()
        for number in range(1, SUBSCRIBERS):
            await self.open(number)
        print(flush=True)
        await lines.readline()
        rounds = []
        for _ in range(ROUNDS):
            rounds.append(await self.round())
            await asyncio.sleep(0.05)
        print(json.dumps(rounds), flush=True)

    async def round(self) -> list[float]:
        self.arrived.clear()
        self.all_there.clear()
        request = self.publish()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        sent = perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head, head
        await self.all_there.wait()
        writer.close()
        return [at - sent for at in self.arrived]


def frame(data: bytes) -> bytes:
    """A masked binary frame of less than 126 bytes; the mask is nought."""
    return bytes((0x82, 0x80 | len(data))) + bytes(4) + data


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """The payload of a short frame."""
    _, length = await reader.readexactly(2)
    assert length < 126
    return await reader.readexactly(length)


def main() -> None:
    sandbox.clock.run(measure, "real")


if __name__ == "__main__":
    asyncio.run(Clients(int(sys.argv[1])).run())
