"""The ``http`` client: httpx, reading the answer as it arrives and never waiting for more."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

import httpx
from pydantic import Field, model_validator

from sandbox.stories.base import Strict
from sandbox.stories.clients.base import ClientBase, Stage
from sandbox.stories.clients.signing import Sign, sign
from sandbox.stories.clients.wire import SandboxTransport, Teller, error_kind
from sandbox.stories.expectations import TextMatch
from sandbox.stories.matching import mismatch
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


class Poll(Strict):
    """Ask again and again."""

    every: Duration = Field(description="From the end of an answer to the next request.")
    until: Until
    give_up_after: Duration = Field(600.0, description="Counted from the first request.")


class HttpClient(ClientBase):
    """Sends HTTP requests: one, ``repeat`` in a row, or as a ``poll``."""

    kind: Literal["http"] = "http"
    method: Method = "GET"
    url: str = Field(min_length=1, description="May hold ${outputs.Name}, ${endpoint}, ${region}.")
    headers: dict[str, str] = Field(default_factory=dict)
    json_: Any = Field(None, alias="json", description="A body that is sent as JSON.")
    body: str | GeneratedBody | None = Field(None, description="A body as text, or generated: {size: 7MB}.")
    sign: Sign | None = Field(None, description="aws_iam: Signature Version 4.")
    http2: bool = Field(False, description="HTTP/2 with prior knowledge.")
    timeout: Duration | None = Field(None, description="The client's own limit for a whole request.")
    disconnect_after: Duration | None = Field(
        None, description="The client leaves so long after the request."
    )
    repeat: int = Field(1, ge=1)
    every: Duration = Field(0.0, description="Between repeated requests.")
    poll: Poll | None = None
    copies: int = Field(1, ge=1, le=1000, description="So many at once, each like this one.")

    @model_validator(mode="after")
    def _fits(self) -> HttpClient:
        given = self.model_fields_set
        for one, other in (("json_", "body"), ("repeat", "poll"), ("timeout", "disconnect_after")):
            if one in given and other in given:
                raise ValueError(f"give {one.rstrip('_')} or {other}, not both")
        return self

    async def play(self, stage: Stage) -> None:
        """Send everything; several copies at once."""
        names = [self.name] if self.copies == 1 else [f"{self.name}/{n + 1}" for n in range(self.copies)]
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(self._play(stage, Teller(stage, name)))

    async def _play(self, stage: Stage, teller: Teller) -> None:
        async def before_send(request: httpx.Request) -> None:
            if self.sign is not None:
                sign(request, self.sign, stage.region)
            teller.request_sent(request.method, str(request.url))

        transport = SandboxTransport(stage, before_send, http2=self.http2)
        started = stage.clock.now()
        async with httpx.AsyncClient(transport=transport, timeout=None, follow_redirects=False) as client:
            for number in range(self.repeat):
                if number:
                    await asyncio.sleep(self.every)
                status, body = await self._request(stage, client, teller)
            while self.poll is not None and not self._satisfied(self.poll, status, body):
                if stage.clock.now() + self.poll.every - started > self.poll.give_up_after:
                    return
                await asyncio.sleep(self.poll.every)
                status, body = await self._request(stage, client, teller)

    def _satisfied(self, poll: Poll, status: int | None, body: bytes) -> bool:
        wanted = poll.until
        return (wanted.status is None or wanted.status == status) and (
            wanted.body is None or mismatch(wanted.body, body.decode("utf-8", "replace")) is None
        )

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

    async def _request(
        self, stage: Stage, client: httpx.AsyncClient, teller: Teller
    ) -> tuple[int | None, bytes]:
        """(status or ``None``, body) of one request."""
        body = bytearray()
        status: int | None = None
        request = self._build(stage, client)
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
        return status, bytes(body)
