"""The ``http`` client: one request, repeated, polled, or by many at once."""

from __future__ import annotations

import asyncio
from typing import Literal

from pydantic import Field

from sandbox.stories.clients.base import ClientBase, Stage
from sandbox.stories.clients.request import HttpRequest, Step, http_client, play_steps
from sandbox.stories.clients.wire import Teller
from sandbox.stories.units import Duration


class HttpClient(ClientBase, HttpRequest):
    """Sends HTTP requests: one, ``repeat`` in a row, or as a ``poll``."""

    kind: Literal["http"] = "http"
    http2: bool = Field(False, description="HTTP/2 with prior knowledge.")
    repeat: int = Field(1, ge=1)
    every: Duration = Field(0.0, description="Between repeated requests.")
    copies: int = Field(1, ge=1, le=1000, description="So many at once, each like this one.")

    async def play(self, stage: Stage) -> None:
        """Send everything; several copies at once."""
        async with asyncio.TaskGroup() as group:
            for name in self.names(self.copies):
                group.create_task(self._play(stage, Teller(stage, name)))

    async def _play(self, stage: Stage, teller: Teller) -> None:
        async with http_client(stage, http2=self.http2) as client:
            for number in range(self.repeat):
                if number:
                    await asyncio.sleep(self.every)
                await self.ask(stage, client, teller)


class StepsClient(ClientBase):
    """Sends different requests one after the other; a later one may use what an earlier answer said."""

    kind: Literal["steps"]
    steps: list[Step] = Field(min_length=1)
    copies: int = Field(1, ge=1, le=1000, description="So many at once, each like this one.")

    async def play(self, stage: Stage) -> None:
        """Send them in order; several copies at once."""
        async with asyncio.TaskGroup() as group:
            for name in self.names(self.copies):
                group.create_task(self._play(stage, Teller(stage, name)))

    async def _play(self, stage: Stage, teller: Teller) -> None:
        async with http_client(stage) as client:
            await play_steps(self.steps, stage, client, teller)
