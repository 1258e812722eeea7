"""A control plane behind a real loopback socket, and unmodified boto3 clients of it."""

from __future__ import annotations

import asyncio
import io
import threading
import zipfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import boto3
import pytest
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.aws.ids import IdSource
from sandbox.clock import Clock, run
from sandbox.context import Sandbox, Settings
from sandbox.control import MotoControl, create_control
from sandbox.limits import Limits
from sandbox.timeline import Timeline

T = TypeVar("T")
ROLE = "arn:aws:iam::000000000000:role/service"


def make_sandbox(clock: Clock, as_of: date | None = None, **settings: Any) -> Sandbox:
    """A sandbox with a control plane and nothing else."""
    sandbox = Sandbox(
        Settings(**settings), clock, Limits(as_of or date(2026, 11, 24)), Timeline(clock.now), IdSource(7)
    )
    sandbox.control = create_control(sandbox)
    return sandbox


def zip_of(**files: str) -> bytes:
    """A zip; ``index_py="..."`` becomes ``index.py``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "."), text)
    return buffer.getvalue()


@dataclass
class Served:
    """A control plane that listens on loopback, in a loop of its own thread."""

    port: int
    loop: asyncio.AbstractEventLoop
    sandbox: Sandbox
    server: uvicorn.Server
    clients: dict[str, Any] = field(default_factory=dict)

    @property
    def control(self) -> MotoControl:
        control = self.sandbox.control
        assert isinstance(control, MotoControl)
        return control

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client as a user makes it: an endpoint, a Region, test/test."""
        if options or service not in self.clients:
            given: dict[str, Any] = {
                "endpoint_url": f"http://127.0.0.1:{self.port}",
                "region_name": "us-east-1",
                "aws_access_key_id": "test",
                "aws_secret_access_key": "test",
                "config": Config(retries={"total_max_attempts": 1}),
                **options,
            }
            client = boto3.client(service, **given)
            if options:
                return client
            self.clients[service] = client
        return self.clients[service]

    def ask(self, question: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the control plane's loop."""
        return asyncio.run_coroutine_threadsafe(question, self.loop).result(30)


def serve(as_of: date | None = None, start: datetime | None = None) -> tuple[Served, Callable[[], None]]:
    """Start a control plane in a thread; what was started, and how to end it."""
    ready = threading.Event()
    made: list[Served] = []

    async def main(clock: Clock) -> None:
        config = uvicorn.Config(app=app, port=0, lifespan="off", log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        sockets = [config.bind_socket()]
        port = sockets[0].getsockname()[1]
        sandbox = make_sandbox(clock, as_of, port=port)
        made.append(Served(port, asyncio.get_running_loop(), sandbox, server))
        ready.set()
        await server.serve(sockets=sockets)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await made[0].sandbox.control(scope, receive, send)

    thread = threading.Thread(
        target=lambda: run(main, "real", start or datetime(2026, 11, 24, 12, tzinfo=UTC))
    )
    thread.start()
    assert ready.wait(20)

    def end() -> None:
        made[0].server.should_exit = True
        thread.join(20)

    return made[0], end


def refused(call: Any, **parameters: Any) -> tuple[int, str, str]:
    """Status, code and message of a call that must fail."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    response = raised.value.response
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return status, response["Error"]["Code"], response["Error"]["Message"]


def lenient(served: Served) -> Any:
    """A Lambda client that leaves the judgement of parameters to the service."""
    return served.client(
        "lambda", config=Config(parameter_validation=False, retries={"total_max_attempts": 1})
    )


def create(client: Any, **changes: Any) -> dict[str, Any]:
    given = {
        "FunctionName": "chat",
        "Runtime": "nodejs24.x",
        "Handler": "index.handler",
        "Role": ROLE,
        "Code": {"ZipFile": zip_of(index_js="exports.handler = async () => 1")},
        **changes,
    }
    return client.create_function(**given)  # type: ignore[no-any-return]
