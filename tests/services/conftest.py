"""A sandbox whose functions and resources are scripted, for the tests of the edges."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox import clock as clocks
from sandbox.auth import Credential
from sandbox.aws.ids import IdSource
from sandbox.context import Invocation, InvocationResult, InvokeComplete, Sandbox, Settings
from sandbox.limits import Limits
from sandbox.timeline import Timeline

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


class Resources:
    """What exists, by id."""

    def __init__(self) -> None:
        self.urls: dict[str, Any] = {}
        self.apis: dict[tuple[str, str], Any] = {}
        self.v2: dict[tuple[str, str], Any] = {}
        self.policies: dict[tuple[str, str | None], Any] = {}
        self.keys: dict[str, Any] = {}
        self.plans: tuple[Any, ...] = ()
        self.quota: dict[str, int] = {}

    async def function_url(self, url_id: str) -> Any:
        return self.urls.get(url_id)

    async def function_policy(self, name: str, qualifier: str | None = None) -> Any:
        return self.policies.get((name, qualifier), ())

    async def rest_api(self, api_id: str, stage: str) -> Any:
        return self.apis.get((api_id, stage))

    async def api_key(self, value: str) -> Any:
        return self.keys.get(value)

    async def usage_plans(self, api_id: str, stage: str) -> Any:
        return self.plans

    async def use_quota(self, plan_id: str, key_id: str) -> bool:
        self.quota[plan_id] = self.quota.get(plan_id, 1_000_000) - 1
        return self.quota[plan_id] >= 0

    async def v2_api(self, api_id: str, stage: str) -> Any:
        return self.v2.get((api_id, stage))

    async def v2_protocol(self, api_id: str) -> Any:
        return next((api.protocol for (known, _), api in self.v2.items() if known == api_id), None)

    async def rest_api_exists(self, api_id: str) -> bool:
        return any(known == api_id for known, _ in self.apis)


class Control:
    def __init__(self) -> None:
        self.resources = Resources()
        self.credentials: dict[str, Credential] = {}
        self.keys: dict[str, Any] = {}  # issuer -> JWKs

    async def secret_for(self, access_key: str) -> Credential | None:
        return self.credentials.get(access_key)

    async def issuer_keys(self, issuer: str) -> Any:
        return self.keys.get(issuer)


@dataclass
class Stream:
    """A scripted stream: (seconds to wait, bytes) and how it ends."""

    steps: list[tuple[float, bytes]]
    complete_with: InvokeComplete
    content_type: str = "application/octet-stream"
    request_id: str = "r"
    executed_version: str = "$LATEST"
    complete: InvokeComplete | None = None
    produced: list[tuple[float, bytes]] = field(default_factory=list)

    async def started(self) -> None:
        pass

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for delay, data in self.steps:
            if delay:
                await asyncio.sleep(delay)
            yield data
        self.complete = self.complete_with


class Functions:
    """The Lambda service: ``answer`` and ``stream`` are set by the test."""

    def __init__(self) -> None:
        self.invocations: list[Invocation] = []
        self.answer: Callable[[Invocation], Awaitable[InvocationResult]] = self._nothing
        self.stream: Callable[[Invocation], Awaitable[Stream]] = self._no_stream

    async def _nothing(self, invocation: Invocation) -> InvocationResult:
        raise AssertionError(f"{invocation.function} was invoked")

    async def _no_stream(self, invocation: Invocation) -> Stream:
        raise AssertionError(f"{invocation.function} was invoked")

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        self.invocations.append(invocation)
        return await self.answer(invocation)

    async def invoke_stream(self, invocation: Invocation) -> Stream:
        self.invocations.append(invocation)
        return await self.stream(invocation)

    def returns(self, payload: bytes, after: float = 0.0, error: str | None = None) -> None:
        async def answer(invocation: Invocation) -> InvocationResult:
            await asyncio.sleep(after)
            return InvocationResult(200, payload, error, "$LATEST", "r")

        self.answer = answer

    def streams(self, *steps: tuple[float, bytes], kind: str, error: str | None = None) -> None:
        async def stream(invocation: Invocation) -> Stream:
            return Stream(list(steps), InvokeComplete(error), kind)

        self.stream = stream

    def raises(self, error: Exception) -> None:
        async def fail(invocation: Invocation) -> Any:
            raise error

        self.answer = self.stream = fail


@dataclass
class Reply:
    """What an ASGI application sent. ``chunks``: (instant, bytes) of each body message that has some."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    started_at: float | None = None
    ended_at: float | None = None

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.chunks)

    def header(self, name: str) -> str | None:
        return next((v for n, v in self.headers if n == name.lower()), None)

    def all(self, name: str) -> list[str]:
        return [v for n, v in self.headers if n == name.lower()]


def new_sandbox(clock: clocks.Clock, as_of: date = date(2026, 11, 24)) -> Any:
    sandbox = Sandbox(Settings(), clock, Limits(as_of), Timeline(clock.now), IdSource(0))
    sandbox.control = Control()  # type: ignore[assignment]
    sandbox.lambda_ = Functions()
    return sandbox


async def request(
    service: Any,
    clock: clocks.Clock,
    host: str,
    path: str = "/",
    method: str = "GET",
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    body: bytes = b"",
    gone_after: float | None = None,
    scope: dict[str, Any] | None = None,
) -> Reply:
    """Send a request through ``match`` to the service; errors of the application come out."""
    from sandbox.context import Address

    raw, _, query = path.partition("?")
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    pairs = [("host", host), *pairs]
    parameters = service.match(Address(method, host, raw, query, dict(pairs)))
    assert parameters is not None
    full: MutableMapping[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": raw,
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "headers": [(n.lower().encode(), v.encode()) for n, v in pairs],
        "client": ("127.0.0.1", 5000),
        "aws": parameters,
        **(scope or {}),
    }
    reply = Reply()
    pending = [body[i : i + 1_000_000] for i in range(0, len(body), 1_000_000)] or [b""]

    async def receive() -> MutableMapping[str, Any]:
        if pending:
            part = pending.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(pending)}
        if gone_after is None:
            await asyncio.Event().wait()
        else:
            await asyncio.sleep(gone_after)
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            reply.status, reply.started_at = message["status"], clock.now()
            reply.headers = [(n.decode(), v.decode()) for n, v in message["headers"]]
            return
        if message.get("body"):
            reply.chunks.append((round(clock.now(), 6), message["body"]))
        if not message.get("more_body", False):
            reply.ended_at = round(clock.now(), 6)

    with clock.in_flight("test"):
        try:
            await service(full, receive, send)
        except BaseException as error:
            error.reply = reply  # type: ignore[attr-defined]
            raise
    return reply


def run(main: Callable[[clocks.Clock], Any]) -> Any:
    """On the virtual clock, from a known date."""
    return clocks.run(main, start=START)


@pytest.fixture
def edge() -> SimpleNamespace:
    return SimpleNamespace(START=START, new_sandbox=new_sandbox, request=request, run=run)
