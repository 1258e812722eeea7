"""Putting the sandbox together: :func:`open_sandbox` starts one on the running loop and ends it without a trace."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any, Literal

from sandbox.aws.ids import IdSource
from sandbox.clock import Clock
from sandbox.context import Sandbox, Settings
from sandbox.front.admin import Admin
from sandbox.front.app import Front
from sandbox.front.certificates import Certificates
from sandbox.front.http1 import Http1
from sandbox.front.http2 import Http2
from sandbox.front.listener import Listener, bind
from sandbox.limits import Limits
from sandbox.scratch import scratch
from sandbox.services import registry
from sandbox.timeline import Timeline

CERTIFICATES = "SANDBOX_CERTIFICATES"


@asynccontextmanager
async def open_sandbox(
    clock: Clock,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    as_of: date | None = None,
    seed: int = 0,
    region: str = "us-east-1",
    data_dir: Path | None = None,
    overrides: dict[str, Any] | None = None,
    localstack_url: str | None = None,
    tasks: Literal["process", "docker"] = "process",
) -> AsyncIterator[Sandbox]:
    """A running sandbox. ``port`` 0: a free one. ``as_of``: the day whose rules hold, default the clock's day.

    ``data_dir``: where the environments' files go; a temporary folder, removed at the end, when ``None``.
    ``localstack_url``: a LocalStack that is asked for the services that it has.
    ``tasks``: what tasks of ECS are; ``docker`` wants an engine and the real clock.
    Raises ``OSError`` when the port cannot be listened on, ``BackendError`` when there is no LocalStack or no engine.
    """
    _allow_many_files()
    listening = bind(host, port)
    with scratch(data_dir) as folder:
        settings = Settings(
            host,
            listening.getsockname()[1],
            region,
            seed=seed,
            data_dir=folder,
            localstack_url=localstack_url,
            tasks=tasks,
        )
        day = as_of or clock.utcnow().date()
        limits = Limits(day, overrides=overrides) if overrides else Limits(day)
        sandbox = Sandbox(settings, clock, limits, Timeline(clock.now), IdSource(seed))
        async with _serving(sandbox, listening):
            yield sandbox


@asynccontextmanager
async def _serving(sandbox: Sandbox, listening: socket.socket) -> AsyncIterator[None]:
    folder = sandbox.settings.data_dir
    certificates = Certificates(_certificate_folder(folder / "certificates"))
    certificates.prepare()
    for name in (certificates.ca, certificates.bundle):
        shutil.copy(name, folder / name.name)
    _furnish(sandbox)
    control: Any = sandbox.control
    try:
        await control.connect()  # before anybody is answered
    except BaseException:
        await control.stop()
        raise
    front = Front(sandbox, sandbox.model, Admin(sandbox, lambda: _reset(sandbox), certificates.ca))
    listener = Listener(listening, Http1(front), Http2(front), certificates, sandbox.clock)
    sandbox.listen = listener.also
    try:
        for service in sandbox.services.running():
            await service.start()
        yield
    finally:
        await listener.close()
        for service in reversed(sandbox.services.running()):
            await service.stop()
        await _end_tasks(sandbox)
        await control.stop()


def _allow_many_files() -> None:
    """Raise the soft limit of open files: a stream takes two sockets, a watched thread two files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _certificate_folder(fallback: Path) -> Path:
    """One authority for all sandboxes of a user, so that it has to be trusted once.

    ``fallback`` where the user has no folder for it that can be written.
    """
    if CERTIFICATES in os.environ:
        return Path(os.environ[CERTIFICATES])
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    kept = cache / "genai-streaming-sandbox" / "certificates"
    try:
        kept.mkdir(parents=True, exist_ok=True)
    except OSError:
        return fallback
    return kept if os.access(kept, os.W_OK) else fallback


def _furnish(sandbox: Sandbox) -> None:
    """Give the sandbox its control plane, mock model and services."""
    from mock_llm.app import create_app
    from mock_llm.settings import Settings as ModelSettings
    from sandbox.control import create_control

    def observe(event: str, stream: str, data: Any) -> None:
        sandbox.timeline.record("model", event, stream, **data)

    sandbox.control = create_control(sandbox)
    model_settings = ModelSettings(seed=sandbox.settings.seed, epoch=sandbox.clock.epoch)
    sandbox.model = create_app(model_settings, observe=observe)
    registry.furnish(sandbox)
    lambda_: Any = sandbox.services["lambda"]
    sandbox.lambda_ = lambda_


async def _reset(sandbox: Sandbox) -> None:
    """Forget every resource, environment and event; the clock goes on."""
    for service in reversed(sandbox.services.running()):
        await service.stop()
    await _end_tasks(sandbox)
    control: Any = sandbox.control
    await control.reset()
    sandbox.shared.clear()
    sandbox.model.reset()
    sandbox.anomalies.reset()
    sandbox.timeline.clear()
    for service in sandbox.services.running():
        await service.start()


async def _end_tasks(sandbox: Sandbox) -> None:
    tasks = tuple(sandbox.tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
