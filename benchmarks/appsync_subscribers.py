"""On the real clock: one mutation of a GraphQL API to 1,000 subscribers, each on a connection of its own.

The clients are a process of their own. Measured is the time from the first byte of the mutation's POST to the frame
at each client, and to the mutation's own answer."""

from __future__ import annotations

import asyncio
import base64
import json
import statistics
import sys
from asyncio.subprocess import PIPE
from time import perf_counter
from urllib.parse import urlsplit

import sandbox.clock
from benchmarks.websocket_client import open_websocket
from sandbox.app import open_sandbox

SUBSCRIBERS, ROUNDS = 1000, 5
SCHEMA = b"""
type Message { room: ID! text: String index: Int }
type Query { none: String }
type Mutation { send(room: ID!, text: String, index: Int): Message }
type Subscription { onSend(room: ID!): Message @aws_subscribe(mutations: ["send"]) }
"""
CODE = """
export function request(ctx) { return { payload: ctx.args }; }
export function response(ctx) { return ctx.result; }
"""
START = "subscription S($room: ID!) { onSend(room: $room) { text index } }"
SEND = (
    "mutation M($index: Int, $text: String) { send(room: 1, text: $text, index: $index) { room text index } }"
)


async def create_api(box) -> tuple[str, str]:
    """An API whose mutation gives its arguments back: the first label of its host, and a key."""

    async def call(operation: str, **more) -> dict:
        return await box.control.call("appsync", operation, **more)

    made = (await call("CreateGraphqlApi", name="b", authenticationType="API_KEY"))["graphqlApi"]
    api = made["apiId"]
    await call("StartSchemaCreation", apiId=api, definition=SCHEMA)
    await call("CreateDataSource", apiId=api, name="none", type="NONE")
    runtime = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
    field = {"typeName": "Mutation", "fieldName": "send"}
    await call("CreateResolver", apiId=api, **field, dataSourceName="none", code=CODE, runtime=runtime)
    key = (await call("CreateApiKey", apiId=api))["apiKey"]["id"]
    return urlsplit(made["uris"]["GRAPHQL"]).hostname.partition(".")[0], key


async def measure(clock) -> None:
    async with open_sandbox(clock) as box:
        api, key = await create_api(box)
        await report("benchmarks.appsync_subscribers", box, api, key)


async def report(module: str, box, api: str, key: str) -> None:
    """Run a module's clients in a process of their own and print what they measured."""
    arguments = (sys.executable, "-m", module, str(box.settings.port), api, key)
    clients = await asyncio.create_subprocess_exec(*arguments, stdout=PIPE, limit=2**24)
    results = json.loads(await clients.stdout.readline())
    await clients.wait()
    for name, times in results.items():
        times.sort()
        middle, high = statistics.median(times) * 1000, times[int(len(times) * 0.99)] * 1000
        print(f"{name}: p50 {middle:.1f} ms, p99 {high:.1f} ms ({len(times):,} measured)")


class Clients:
    """The other process: many subscribers, and who publishes."""

    def __init__(self, port: int, api: str, key: str) -> None:
        self.port, self.path = port, f"/_aws/appsync/{api}/graphql"
        self.auth = {"host": f"{api}.appsync-api.us-east-1.amazonaws.com", "x-api-key": key}
        self.arrived: list[float] = []
        self.all_there = asyncio.Event()
        self.kept: list = []

    async def open(self) -> None:
        header = base64.b64encode(json.dumps(self.auth).encode()).decode()
        reader, writer = await open_websocket(
            self.port, f"{self.path}?header={header}&payload=e30=", "graphql-ws"
        )
        self.say(writer, {"type": "connection_init"})
        data = json.dumps({"query": START, "variables": {"room": 1}})
        payload = {"data": data, "extensions": {"authorization": self.auth}}
        self.say(writer, {"id": "1", "type": "start", "payload": payload})
        while b"start_ack" not in await frame(reader):
            pass
        self.kept.append((asyncio.create_task(self.listen(reader)), writer))

    def say(self, writer: asyncio.StreamWriter, message: dict) -> None:
        data = json.dumps(message).encode()
        writer.write(b"\x81\xfe" + len(data).to_bytes(2, "big") + b"\0\0\0\0" + data)

    async def listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            if b'"data"' in await frame(reader):
                self.arrived.append(perf_counter())
                if len(self.arrived) == SUBSCRIBERS:
                    self.all_there.set()

    async def publish(self, index: int) -> tuple[float, list[float]]:
        return await self.post({"query": SEND, "variables": {"index": index, "text": "t" * 40}})

    async def post(self, message: dict) -> tuple[float, list[float]]:
        """POST a message: seconds to its own answer, and to the frame at each subscriber."""
        self.arrived.clear()
        self.all_there.clear()
        body = json.dumps(message).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        began = perf_counter()
        writer.write(
            f"POST {self.path} HTTP/1.1\r\nHost: localhost\r\nx-api-key: {self.auth['x-api-key']}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        answered = perf_counter() - began
        assert b" 200 " in head, head
        await self.all_there.wait()
        writer.close()
        return answered, [at - began for at in self.arrived]

    async def run(self) -> None:
        for _ in range(SUBSCRIBERS):
            await self.open()
        first = (await self.publish(0))[1]  # what is compiled once is compiled
        answers, frames = [], []
        for index in range(1, ROUNDS + 1):
            answered, arrived = await self.publish(index)
            answers.append(answered)
            frames += arrived
        results = {
            f"the first mutation to {SUBSCRIBERS:,} subscribers": first,
            "later ones": frames,
            "their own answers": answers,
        }
        print(json.dumps(results), flush=True)


async def frame(reader: asyncio.StreamReader) -> bytes:
    _, length = await reader.readexactly(2)
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2), "big")
    return await reader.readexactly(length)


def main() -> None:
    sandbox.clock.run(measure, "real")


if __name__ == "__main__":
    asyncio.run(Clients(int(sys.argv[1]), sys.argv[2], sys.argv[3]).run())
