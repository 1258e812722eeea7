"""A sandbox, or the mock model alone, in a process of its own, as a test holds it."""

from __future__ import annotations

import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from mock_llm.ledger import Request
from sandbox.aws.session import NO_PROXIES, bare_session
from sandbox.aws.tls import public_authorities
from sandbox.clock import ClockKind
from sandbox.timeline import Event

START_S = 60.0  # an empty machine needs about one second
_STOP_S = 10.0
_PLAIN: dict[str, Any] = {"trust_env": False, "verify": False}  # requests to http:// on this machine
_CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


class StartError(Exception):
    """A process did not become ready; the message holds what it said."""


class Background:
    """A process that tells on its standard output where it listens."""

    def __init__(self, arguments: Sequence[str]) -> None:
        """Start ``python -m <arguments>`` and wait until it is ready; raises :class:`StartError`."""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        try:
            self.url = self._ready(arguments)
        except StartError:
            self.stop()
            raise

    def _ready(self, arguments: Sequence[str]) -> str:
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], START_S)
        line = self._process.stdout.readline().decode() if readable else ""
        found = [word.strip("()") for word in line.split() if word.startswith("http://")]
        if found:
            return found[0]
        why = line + self.log() if readable else f"not ready within {START_S:g} s\n{self.log()}"
        raise StartError(f"{' '.join(arguments)} did not start: {why.strip() or 'it said nothing'}")

    def log(self) -> str:
        """What it wrote to its standard error."""
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()


class MockModel:
    """The mock model: addresses for clients, ``configure`` for its pace, ``requests`` for what clients did.

    ``base_url``: of OpenAI's API; ``url``: of Anthropic's, and of Bedrock's runtime where the model is alone.
    """

    def __init__(self, base_url: str, configure_url: str) -> None:
        self.base_url = base_url
        self.url = base_url.removesuffix("/v1")
        self._configure_url = configure_url

    def configure(self, **told: Any) -> None:
        """Set how later requests are answered, in place of what was set before: ``configure(profile="slow",
        tokens=100)``; also ``rules``, ``quota``, ``fault``. ``ValueError``: why not.
        """
        answer = httpx.post(self._configure_url, json=told, **_PLAIN)
        if answer.is_error:
            raise ValueError(answer.text)

    def requests(self) -> list[Request]:
        """What clients did, oldest first."""
        answer = httpx.get(f"{self.url}/_mock/requests", **_PLAIN)
        return [Request(**row) for row in answer.raise_for_status().json()["requests"]]

    def forget_requests(self) -> None:
        """Begin the list of requests anew."""
        httpx.delete(f"{self.url}/_mock/requests", **_PLAIN).raise_for_status()

    def reset(self) -> None:
        """Forget what was configured and what clients did."""
        httpx.post(f"{self.url}/_mock/reset", **_PLAIN).raise_for_status()


class Routed(httpx.HTTPTransport):
    """Leads requests for AWS's own host names to the sandbox, the ``Host`` header as the client wrote it."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(trust_env=False, verify=public_authorities())
        self._endpoint = httpx.URL(endpoint)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request."""
        if request.url.host.endswith((".amazonaws.com", ".on.aws", ".api.aws", ".localhost")):
            port = self._endpoint.port
            request.url = request.url.copy_with(scheme="http", host=self._endpoint.host, port=port)
        return super().handle_request(request)


class SandboxHandle:
    """A running sandbox. ``endpoint``: its address, for ``AWS_ENDPOINT_URL`` and the like."""

    region = "us-east-1"

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.model = MockModel(f"{endpoint}/_llm/v1", f"{endpoint}/_sandbox/model")

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of this sandbox: ``client("lambda")``. It does not retry unless told to."""
        config = Config(retries={"total_max_attempts": 1}, read_timeout=None, proxies=NO_PROXIES)
        config = config.merge(options.pop("config", None) or Config())
        given = {"region_name": self.region, "endpoint_url": self.endpoint, **_CREDENTIALS, **options}
        return boto3.session.Session(botocore_session=bare_session()).client(service, config=config, **given)

    def http(self, **options: Any) -> httpx.Client:
        """An httpx client for which AWS's host names (those in a stack's outputs) lead here. No timeout."""
        return httpx.Client(**{"transport": Routed(self.endpoint), "timeout": None, **options})

    def deploy(
        self, template: str | Path, *, stack: str | None = None, parameters: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Deploy a CloudFormation or SAM template; the stack's outputs."""
        from sandbox.control.cloudformation.deploy import deploy_remote

        path = Path(template)
        name = stack or path.resolve().parent.name.replace("_", "-")
        return dict(deploy_remote(self.endpoint, path, name, dict(parameters or {})))

    def advance(self, seconds: float) -> float:
        """Let time pass on the virtual clock although nothing is in flight; the sandbox's new time."""
        return float(self._post("clock/advance", {"seconds": seconds})["now"])

    def timeline(self, after: int = 0) -> list[Event]:
        """What happened, in order; ``after``: leave out so many events."""
        answer = httpx.get(
            f"{self.endpoint}/_sandbox/timeline", params={"after": after}, timeout=None, **_PLAIN
        )
        return [Event(**row) for row in answer.raise_for_status().json()["events"]]

    def status(self) -> dict[str, Any]:
        """Clock, date, ports, what is in flight."""
        answer = httpx.get(f"{self.endpoint}/_sandbox/status", timeout=None, **_PLAIN)
        return dict(answer.raise_for_status().json())

    def reset(self) -> None:
        """Forget every resource, environment and event."""
        self._post("reset", {})

    def _post(self, page: str, document: Mapping[str, Any]) -> dict[str, Any]:
        answer = httpx.post(f"{self.endpoint}/_sandbox/{page}", json=document, timeout=None, **_PLAIN)
        if answer.is_error:
            raise ValueError(answer.text)
        return dict(answer.json())


class Sandboxes:
    """Running sandboxes by clock, day and backend: started when first asked for, then used again after a reset."""

    def __init__(self) -> None:
        self._running: dict[tuple[ClockKind, date | None, str], Background] = {}

    def get(self, clock: ClockKind, as_of: date | None, backend: str = "moto") -> SandboxHandle:
        """A sandbox that holds nothing (LocalStack may); raises :class:`StartError`."""
        background = self._running.get((clock, as_of, backend))
        if background is not None:
            handle = SandboxHandle(background.url)
            handle.reset()
            return handle
        arguments = ["sandbox", "up", "--port", "0", "--clock", clock, "--backend", backend]
        background = Background([*arguments, *([] if as_of is None else ["--as-of", as_of.isoformat()])])
        self._running[clock, as_of, backend] = background
        return SandboxHandle(background.url)

    def stop(self) -> None:
        """End them all."""
        for background in self._running.values():
            background.stop()
        self._running.clear()
