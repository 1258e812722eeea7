"""One HTTP request of a story: its words, and sending it with httpx, reading the answer as it arrives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import httpx
from pydantic import Field, model_validator

from sandbox.stories.base import Strict
from sandbox.stories.clients.base import Stage, StoryFailedError
from sandbox.stories.clients.signing import Sign, sign
from sandbox.stories.clients.wire import SandboxTransport, Teller, error_kind
from sandbox.stories.expectations import TextMatch
from sandbox.stories.matching import mismatch, short
from sandbox.stories.units import Duration, Size

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


class GeneratedBody(Strict):
    """A body of a size: ``fill`` repeated and cut."""

    size: Size
    fill: str = Field("x", min_length=1)

    def bytes(self) -> bytes:
        """The body."""
        unit = self.fill.encode()
        return (unit * (self.size // len(unit) + 1))[: self.size]


class Until(Strict):
    """When polling is over; everything given must hold."""

    status: int | None = None
    body: str | TextMatch | None = None

    def holds(self, answer: Answer) -> bool:
        """Whether an answer is the awaited one."""
        return (self.status is None or self.status == answer.status) and (
            self.body is None or mismatch(self.body, answer.text) is None
        )


class Poll(Strict):
    """Ask again and again."""

    every: Duration = Field(description="From the end of an answer to the next request.")
    until: Until
    give_up_after: Duration = Field(600.0, description="Counted from the first request.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request; ``status`` is ``None`` when no status line came."""

    status: int | None
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


class HttpRequest(Strict):
    """The words of one request, sent once or as a ``poll``."""

    method: Method = "GET"
    url: str = Field(min_length=1, description="May hold ${outputs.Name}, ${endpoint}, ${region}, captures.")
    headers: dict[str, str] = Field(default_factory=dict)
    json_: Any = Field(None, alias="json", description="A body that is sent as JSON.")
    body: str | GeneratedBody | None = Field(None, description="A body as text, or generated: {size: 7MB}.")
    sign: Sign | None = Field(None, description="aws_iam: Signature Version 4.")
    timeout: Duration | None = Field(None, description="The client's own limit for a whole request.")
    disconnect_after: Duration | None = Field(
        None, description="The client leaves so long after the request."
    )
    poll: Poll | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> HttpRequest:
        for one, other in (("json_", "body"), ("repeat", "poll"), ("timeout", "disconnect_after")):
            if one in self.model_fields_set and other in self.model_fields_set:
                raise ValueError(f"give {one.rstrip('_')} or {other}, not both")
        return self

    async def ask(self, stage: Stage, client: httpx.AsyncClient, teller: Teller) -> Answer:
        """Send it, again and again if it polls; the last answer."""
        started = stage.clock.now()
        answer = await self.send(stage, client, teller)
        while self.poll is not None and not self.poll.until.holds(answer):
            if stage.clock.now() + self.poll.every - started > self.poll.give_up_after:
                return answer
            await asyncio.sleep(self.poll.every)
            answer = await self.send(stage, client, teller)
        return answer

    async def send(self, stage: Stage, client: httpx.AsyncClient, teller: Teller) -> Answer:
        """Send it once. What goes wrong is told to the timeline."""
        body = bytearray()
        status: int | None = None
        request = self._build(stage, client)
        request.extensions["story"] = (teller, self.sign)
        limit = self.timeout if self.timeout is not None else self.disconnect_after
        try:
            async with asyncio.timeout(limit):
                response = await client.send(request, stream=True)
                try:
                    status = response.status_code
                    teller.response_started(status, dict(response.headers))
                    async for chunk in response.aiter_raw():
                        teller.received(chunk)
                        body += chunk
                finally:
                    await response.aclose()
        except TimeoutError:
            if self.disconnect_after is None:
                teller.failed("timeout", f"no complete answer within {self.timeout} s")
            else:
                teller.disconnected()
        except (httpx.HTTPError, httpx.StreamError) as error:
            teller.failed(error_kind(error, teller.answered), f"{type(error).__name__}: {error}")
        else:
            teller.completed()
        return Answer(status, bytes(body))

    def _build(self, stage: Stage, client: httpx.AsyncClient) -> httpx.Request:
        headers = {"accept": "*/*", "accept-encoding": "identity", "user-agent": f"httpx/{httpx.__version__}"}
        headers |= {name.lower(): stage.fill(value) for name, value in self.headers.items()}
        content: bytes | None = None
        if isinstance(self.body, GeneratedBody):
            content = self.body.bytes()
        elif self.body is not None:
            content = stage.fill(self.body).encode()
        elif "json_" in self.model_fields_set:
            content = json.dumps(stage.fill_all(self.json_), ensure_ascii=False).encode()
            headers.setdefault("content-type", "application/json")
        return client.build_request(self.method, stage.fill(self.url), headers=headers, content=content)


def http_client(stage: Stage, *, http2: bool = False) -> httpx.AsyncClient:
    """A client whose requests lead to the sandbox, are signed if they want it, and are told when they leave."""
    before_send: Callable[[httpx.Request], Awaitable[None]] = _Leaving(stage)
    transport = SandboxTransport(stage, before_send, http2=http2)
    return httpx.AsyncClient(transport=transport, timeout=None, follow_redirects=False)


class _Leaving:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def __call__(self, request: httpx.Request) -> None:
        teller, how = request.extensions["story"]
        if how is not None:
            sign(request, how, self._stage.region)
        teller.request_sent(request.method, str(request.url))


class Step(HttpRequest):
    """One of several requests in a row."""

    wait: Duration = Field(0.0, description="Before it, after the answer of the one before.")
    capture: dict[str, str] = Field(
        default_factory=dict,
        description="Names for parts of the JSON answer, as `job: id` or `first: items[0].text`: ${job} later.",
    )

    async def play(self, stage: Stage, client: httpx.AsyncClient, teller: Teller) -> dict[str, str]:
        """Send it; what was captured. Raises ``StoryFailedError`` when a part is not there."""
        await asyncio.sleep(self.wait)
        answer = await self.ask(stage, client, teller)
        return captured(
            self.capture, answer.text, f"{teller.client}: {self.method} {self.url} answered {answer.status}"
        )


async def play_steps(steps: list[Step], stage: Stage, client: httpx.AsyncClient, teller: Teller) -> Stage:
    """Play requests in a row; the stage with everything that they captured."""
    for step in steps:
        stage = stage.knowing(await step.play(stage, client, teller))
    return stage


def captured(wanted: dict[str, str], text: str, source: str) -> dict[str, str]:
    """Parts of a JSON text by name. Raises ``StoryFailedError`` naming ``source``."""
    if not wanted:
        return {}
    try:
        value = json.loads(text)
    except ValueError:
        raise StoryFailedError(f"{source}, which is not JSON: {short(text)}") from None
    return {name: _part(value, path, source) for name, path in wanted.items()}


def _part(value: Any, path: str, source: str) -> str:
    found = value
    for step in path.replace("[", ".").replace("]", "").split("."):
        if isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        elif isinstance(found, dict) and step in found:
            found = found[step]
        else:
            raise StoryFailedError(f"{source}, without {path!r}: {short(json.dumps(value))}")
    return found if isinstance(found, str) else json.dumps(found)
