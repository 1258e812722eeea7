"""The ``polling`` client: it posts a job, asks for news of it again and again, and puts the pieces together."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

import httpx
from pydantic import Field

from sandbox.stories.clients.base import ClientBase, Stage
from sandbox.stories.clients.request import Answer, HttpRequest, Step, Until, http_client
from sandbox.stories.clients.wire import Teller
from sandbox.stories.units import Duration

_BAD = 400


class Ask(HttpRequest):
    """The request for news: ``${job}`` is what was captured, ``${seen}`` how many characters are here already."""


class PollingClient(ClientBase):
    """Posts a job and polls for its text until it is done, lost, refused, or nobody wants to wait any more.

    Short polling asks ``every`` second; long polling asks again at once (``every: 0s``), since the server waits.
    """

    kind: Literal["polling"]
    post: Step = Field(description="Starts the job; what it captures is known to `ask`.")
    ask: Ask
    every: Duration = Field(
        1.0, description="From the end of an answer to the next request; 0s: long polling."
    )
    first: Duration | None = Field(
        None, description="From the post's answer to the first request; default: `every`."
    )
    until: Until = Field(description="The answer that says that the job is done.")
    text: str = Field("text", description="Where a JSON answer has the text: `text`, `job.text`.")
    new: bool = Field(True, description="An answer has only what is new; false: all of the text so far.")
    lost: Until = Field(Until(status=404), description="The answer that says that nobody knows the job.")
    tolerate: int = Field(0, ge=0, description="So many such answers in a row are asked again.")
    retry: bool = Field(False, description="Go on after an error (status 4xx or 5xx, a broken connection).")
    cookies: bool = Field(False, description="Send back the cookies that answers set, as browsers do.")
    give_up_after: Duration = Field(600.0, description="Counted from the post.")
    copies: int = Field(1, ge=1, le=1000, description="So many at once, each like this one.")

    async def play(self, stage: Stage) -> None:
        """Post and poll; several copies at once."""
        async with asyncio.TaskGroup() as group:
            for name in self.names(self.copies):
                group.create_task(self._play(stage, Teller(stage, name)))

    async def _play(self, stage: Stage, teller: Teller) -> None:
        async with http_client(stage) as client:
            if not self.cookies:
                client.event_hooks["response"].append(_forget(client))
            began = stage.clock.now()
            stage = stage.knowing(await self.post.play(stage, client, teller), share=False)
            await self._poll(stage, client, teller, began)

    async def _poll(self, stage: Stage, client: httpx.AsyncClient, teller: Teller, began: float) -> None:
        heard, unknown = "", 0
        pause = self.every if self.first is None else self.first
        while stage.clock.now() + pause - began <= self.give_up_after:
            await asyncio.sleep(pause)
            pause = self.every
            answer = await self.ask.send(
                stage.knowing({"seen": str(len(heard))}, share=False), client, teller
            )
            if answer.status is not None and self.lost.holds(answer):
                unknown += 1
                if unknown > self.tolerate:
                    teller.note("job_lost", status=answer.status)
                    return
                continue
            unknown = 0
            heard += self._take(answer, heard, teller)
            failed = answer.status is None or answer.status >= _BAD
            if self.until.holds(answer) or (failed and not self.retry):
                return

    def _take(self, answer: Answer, heard: str, teller: Teller) -> str:
        """What an answer brought that was not there yet."""
        text = _text_of(answer, self.text)
        piece = text if self.new else text[len(heard) :]
        if piece:
            teller.note("heard", text=piece)
        return piece


def _text_of(answer: Answer, path: str) -> str:
    """The text in a JSON answer; empty when there is none."""
    if answer.status is None or answer.status >= _BAD:
        return ""
    try:
        found: Any = json.loads(answer.text)
    except ValueError:
        return ""
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def _forget(client: httpx.AsyncClient) -> Any:
    async def forget(_: httpx.Response) -> None:
        client.cookies.clear()

    return forget
