"""SQS on the virtual clock, asked by botocore's names."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest

from sandbox.clock import Clock, run
from sandbox.context import Sandbox
from tests.control.helpers import make_sandbox

START = datetime(2026, 11, 24, 10, tzinfo=UTC)


@dataclass
class World:
    """A sandbox whose time is free to move."""

    sandbox: Sandbox

    @property
    def now(self) -> float:
        """Seconds since its start."""
        return self.sandbox.clock.now()

    async def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """An SQS operation. Raises ``AwsError``."""
        return await self.sandbox.control.call("sqs", operation, **params)

    async def queue(self, name: str = "q", **attributes: object) -> str:
        """A new queue; dictionaries among its attributes become JSON."""
        given = {k: json.dumps(v) if isinstance(v, dict) else str(v) for k, v in attributes.items()}
        if name.endswith(".fifo"):
            given["FifoQueue"] = "true"
        return str((await self.call("CreateQueue", QueueName=name, Attributes=given))["QueueUrl"])

    async def send(self, url: str, body: str = "m", **params: Any) -> dict[str, Any]:
        """``SendMessage``."""
        return await self.call("SendMessage", QueueUrl=url, MessageBody=body, **params)

    async def receive(self, url: str, count: int = 10, **params: Any) -> list[dict[str, Any]]:
        """The messages of one ``ReceiveMessage``."""
        answer = await self.call("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=count, **params)
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    async def bodies(self, url: str, count: int = 10, **params: Any) -> list[str]:
        """Their bodies."""
        return [message["Body"] for message in await self.receive(url, count, **params)]

    async def attribute(self, url: str, name: str) -> str | None:
        """One attribute of a queue."""
        answer = await self.call("GetQueueAttributes", QueueUrl=url, AttributeNames=[name])
        value: str | None = answer.get("Attributes", {}).get(name)
        return value


Play = Callable[..., Any]


@pytest.fixture
def play() -> Play:
    """``play(body)`` runs ``body(world)`` on virtual time."""

    def player(body: Callable[[World], Awaitable[Any]], as_of: date | None = None) -> Any:
        async def main(clock: Clock) -> Any:
            with clock.in_flight("test"):
                return await body(World(make_sandbox(clock, as_of)))

        return run(main, "virtual", START)

    return player
