"""A sandbox with an in-memory control plane, so that Lambda is tested alone."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from sandbox import clock as clocks
from sandbox.aws.ids import IdSource
from sandbox.clock import Clock
from sandbox.context import Invocation, InvocationResult, Sandbox, Settings
from sandbox.control.resources import FunctionConfig
from sandbox.limits import Limits
from sandbox.services.lambda_ import LambdaService
from sandbox.timeline import Timeline

T = TypeVar("T")
START = datetime(2026, 11, 24, 12, tzinfo=UTC)
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


@dataclass
class FakeResources:
    functions: dict[str, FunctionConfig] = field(default_factory=dict)
    concurrency: int = 1000

    async def function(self, name: str, qualifier: str | None = None) -> FunctionConfig | None:
        name, _, inner = name.rpartition(":function:")[2].partition(":")
        found = self.functions.get(f"{name}:{qualifier or inner}") or self.functions.get(name)
        return (
            found if found and (not (qualifier or inner) or found.version == (qualifier or inner)) else None
        )

    async def account_concurrency(self) -> int:
        return self.concurrency


@dataclass
class FakeControl:
    resources: FakeResources = field(default_factory=FakeResources)
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def call(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        self.calls.append((service, operation, params))
        return self.answers.get(operation, {})

    def logged(self) -> list[str]:
        """The messages that CloudWatch Logs got."""
        return [
            event["message"]
            for service, operation, params in self.calls
            if operation == "PutLogEvents"
            for event in params["logEvents"]
        ]


def zipped(files: dict[str, str | bytes], executable: tuple[str, ...] = ()) -> bytes:
    """A zip of files by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o100755 if name in executable else 0o100644) << 16
            archive.writestr(info, content)
    return buffer.getvalue()


@dataclass
class World:
    """The sandbox under test."""

    sandbox: Sandbox
    control: FakeControl
    service: LambdaService

    def function(self, name: str = "f", **changes: Any) -> FunctionConfig:
        """Create or change a function: Python code by default."""
        code = changes.pop("code", None)
        old = self.control.resources.functions.get(name)
        config = old or FunctionConfig(
            name=name, arn=ARN + name, version="$LATEST", revision="1", runtime="python3.11", handler="index.handler",
            role="arn:aws:iam::000000000000:role/r", timeout_s=3, memory_mb=256, ephemeral_storage_mb=512,
            environment={}, code_zip=b"", layers=(), architecture="x86_64", reserved_concurrency=None,
            log_group=f"/aws/lambda/{name}",
        )  # fmt: skip
        if code is not None:
            runtime = changes.get("runtime", config.runtime)
            changes["code_zip"] = code if isinstance(code, bytes) else zipped({_FILES[runtime[:6]]: code})
        config = replace(config, **changes, revision=self.sandbox.ids.uuid())
        self.control.resources.functions[name] = config
        return config

    async def invoke(self, name: str = "f", payload: bytes = b"{}", **more: Any) -> InvocationResult:
        return await self.service.invoke(Invocation(name, payload, **more))

    async def rest(self) -> None:
        """Wait until everything in the background has ended."""
        while self.sandbox.tasks:
            await asyncio.gather(*self.sandbox.tasks)

    def events(self, name: str) -> list[Any]:
        return list(self.sandbox.timeline.select("lambda", name))


_FILES = {"python": "index.py", "nodejs": "index.mjs"}


def in_sandbox(
    main: Callable[[World], Awaitable[T]],
    tmp_path: Path,
    kind: clocks.ClockKind = "virtual",
    as_of: date = date(2026, 11, 24),
) -> T:
    """Run ``main`` with a started Lambda service."""

    async def body(clock: Clock) -> T:
        control = FakeControl()
        sandbox = Sandbox(Settings(data_dir=tmp_path), clock, Limits(as_of), Timeline(clock.now), IdSource(0))
        sandbox.control = control  # type: ignore[assignment]
        service = LambdaService(sandbox)
        sandbox.lambda_ = service
        await service.start()
        try:
            with clock.in_flight("test"):
                return await main(World(sandbox, control, service))
        finally:
            await service.stop()
            await asyncio.gather(*sandbox.tasks, return_exceptions=True)

    return clocks.run(body, kind, START)
