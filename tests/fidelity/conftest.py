"""A whole sandbox on virtual time for proofs of single rows: real processes, sockets and clients."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
import pytest

from sandbox.app import open_sandbox
from sandbox.clock import Clock, run
from sandbox.context import Invocation, InvocationResult, Sandbox
from sandbox.timeline import Event

PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
NODE = "nodejs24.x"
ROLE = "arn:aws:iam::000000000000:role/any"


@dataclass
class World:
    """A running sandbox and short words for what the proofs do with it."""

    sandbox: Sandbox
    clock: Clock
    http: httpx.AsyncClient

    async def aws(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """An AWS API call. Raises ``AwsError``."""
        return await self.sandbox.control.call(service, operation, **params)

    async def python(self, name: str, source: str, **config: Any) -> None:
        """A function with this ``app.py``; the handler is ``app.handler``."""
        await self._function(name, PYTHON, "app.handler", "app.py", source, config)

    async def node(self, name: str, source: str, **config: Any) -> None:
        """A function with this ``index.mjs``; the handler is ``index.handler``."""
        await self._function(name, NODE, "index.handler", "index.mjs", source, config)

    async def _function(
        self, name: str, runtime: str, handler: str, file: str, source: str, config: dict[str, Any]
    ) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(file, source)
        code = {"ZipFile": packed.getvalue()}
        basics = {"FunctionName": name, "Runtime": runtime, "Handler": handler, "Role": ROLE, "Code": code}
        await self.aws("lambda", "CreateFunction", **basics, **config)

    async def invoke(self, name: str, payload: bytes = b"{}", **options: Any) -> InvocationResult:
        """Run a function."""
        return await self.sandbox.invoke(Invocation(name, payload, **options))

    async def url(
        self, name: str, mode: str = "BUFFERED", auth: str = "NONE", invoke_permission: bool = True
    ) -> str:
        """A Function URL of a function, with the permissions of a public one. The path-style address."""
        made = await self.aws(
            "lambda", "CreateFunctionUrlConfig", FunctionName=name, AuthType=auth, InvokeMode=mode
        )
        await self.aws(
            "lambda",
            "AddPermission",
            FunctionName=name,
            StatementId="url",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType=auth,
        )
        if invoke_permission:
            await self.aws(
                "lambda",
                "AddPermission",
                FunctionName=name,
                StatementId="invoke",
                Action="lambda:InvokeFunction",
                Principal="*",
                InvokedViaFunctionUrl=True,
            )
        url_id = httpx.URL(made["FunctionUrl"]).host.partition(".")[0]
        return f"{self.sandbox.endpoint}/_aws/lambda-url/{url_id}/"

    async def arrivals(self, url: str, **request: Any) -> list[tuple[float, bytes]]:
        """A streamed answer: what came, and how many seconds after the request."""
        began, pieces = self.clock.now(), []
        async with self.http.stream("POST", url, **request) as answer:
            async for piece in answer.aiter_raw():
                pieces.append((self.clock.now() - began, piece))
        return pieces

    def events(self, name: str, source: str = "lambda") -> list[Event]:
        """What happened, by name."""
        return list(self.sandbox.timeline.select(source, name))


Play = Callable[..., None]


@pytest.fixture
def play() -> Play:
    """``play(main, as_of=..., overrides=...)`` runs ``main(world)`` on a new sandbox and virtual time."""

    def player(main: Callable[[World], Awaitable[None]], **options: Any) -> None:
        async def whole(clock: Clock) -> None:
            async with open_sandbox(clock, **options) as sandbox, httpx.AsyncClient(timeout=None) as http:
                await main(World(sandbox, clock, http))

        run(whole)

    return player


DAY: Callable[[str], date] = date.fromisoformat
