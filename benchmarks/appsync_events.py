"""On the real clock: one publish to a channel of an Event API with 1,000 subscribers, each on its own connection.

The clients are a process of their own. Measured is the time from the first byte of the publish's POST to the frame at
each client, and to the publish's own answer."""

from __future__ import annotations

import asyncio
import base64
import json
import sys

import sandbox.clock
from benchmarks.appsync_subscribers import ROUNDS, SUBSCRIBERS, Clients, frame, report
from benchmarks.websocket_client import open_websocket
from sandbox.app import open_sandbox

KEY = {"authType": "API_KEY"}
CONFIG = {
    "authProviders": [KEY],
    "connectionAuthModes": [KEY],
    "defaultPublishAuthModes": [KEY],
    "defaultSubscribeAuthModes": [KEY],
}


async def create_api(box) -> tuple[str, str]:
    """An Event API with the namespace ``b``: the first label of its host, and a key."""
    api = (await box.control.call("appsync", "CreateApi", name="b", eventConfig=CONFIG))["api"]
    await box.control.call("appsync", "CreateChannelNamespace", apiId=api["apiId"], name="b")
    key = (await box.control.call("appsync", "CreateApiKey", apiId=api["apiId"]))["apiKey"]["id"]
    return api["dns"]["HTTP"].partition(".")[0], key


async def measure(clock) -> None:
    async with open_sandbox(clock) as box:
        api, key = await create_api(box)
        await report("benchmarks.appsync_events", box, api, key)


class EventClients(Clients):
    """The other process: many subscribers, and who publishes."""

    def __init__(self, port: int, api: str, key: str) -> None:
        super().__init__(port, api, key)
        self.path = f"/_aws/appsync/{api}/event"

    async def open(self) -> None:
        header = base64.urlsafe_b64encode(json.dumps(self.auth).encode()).decode().rstrip("=")
        reader, writer = await open_websocket(
            self.port, f"{self.path}/realtime", f"aws-appsync-event-ws, header-{header}"
        )
        self.say(writer, {"type": "connection_init"})
        self.say(writer, {"type": "subscribe", "id": "1", "channel": "/b/room", "authorization": self.auth})
        while b"subscribe_success" not in await frame(reader):
            pass
        self.kept.append((asyncio.create_task(self.listen(reader)), writer))

    async def publish(self, index: int) -> tuple[float, list[float]]:
        event = json.dumps({"index": index, "text": "t" * 40})
        return await self.post({"channel": "/b/room", "events": [event]})

    async def run(self) -> None:
        for _ in range(SUBSCRIBERS):
            await self.open()
        answers, frames = [], []
        for index in range(ROUNDS):
            answered, arrived = await self.publish(index)
            answers.append(answered)
            frames += arrived
        results = {f"one publish to {SUBSCRIBERS:,} subscribers": frames, "its own answer": answers}
        print(json.dumps(results), flush=True)


def main() -> None:
    sandbox.clock.run(measure, "real")


if __name__ == "__main__":
    asyncio.run(EventClients(int(sys.argv[1]), sys.argv[2], sys.argv[3]).run())
