"""The sandbox and LocalStack as testcontainers.

A sandbox listens inside its container on the port that this machine sees: the addresses that it gives out (Function
URLs, queues, stack outputs) carry it, and lead to it from both sides.
"""

from __future__ import annotations

import socket
from datetime import date
from typing import Any

from sandbox.clock import ClockKind
from sandbox.stories.handle import SandboxHandle

try:
    from testcontainers.community.localstack import LocalStackContainer
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.network import Network
    from testcontainers.core.wait_strategies import HttpWaitStrategy
except ImportError as error:  # an extra: most tests need no container
    raise ImportError(
        "sandbox.testing needs testcontainers: pip install 'genai-streaming-sandbox[containers]'"
    ) from error

IMAGE = "genai-streaming-sandbox"
LOCALSTACK_IMAGE = "localstack/localstack:4.14.0"  # the last one that needs no token
START_S = 60
LOCALSTACK_START_S = 180  # a busy machine: the first call alone may take a minute
LOOPBACK = "127.0.0.1"
_STATUS = "/_sandbox/status"


class ContainerError(Exception):
    """A container did not become ready; the message holds what it said."""


class SandboxContainer(DockerContainer):  # type: ignore[misc, unused-ignore]
    """The sandbox in a container, for ``with``: ``SandboxContainer().handle.client("lambda")``.

    ``localstack_url``: a LocalStack as the container reaches it (see :func:`localstack_container`). ``host``: the
    address of the engine's machine at which it is asked; ``port``: there, a free one by default.

    On the virtual clock time does not wait for clients outside the container: expect no exact instants of them.
    """

    def __init__(
        self,
        image: str = IMAGE,
        *,
        clock: ClockKind = "real",
        as_of: date | None = None,
        localstack_url: str | None = None,
        host: str = LOOPBACK,
        port: int = 0,
        network: Network | None = None,
        **options: Any,
    ) -> None:
        super().__init__(image, network=network, **options)
        self.host = host
        self.port = port or free_port()
        command = ["up", "--host", "0.0.0.0", "--port", str(self.port), "--clock", clock]
        command += ["--as-of", as_of.isoformat()] if as_of else []
        command += ["--backend", f"localstack={localstack_url}"] if localstack_url else []
        self.with_command(command)
        ports: dict[str, Any] = self.ports
        ports[f"{self.port}/tcp"] = (host, self.port)
        self.with_kwargs(init=True, cap_drop=["ALL"], security_opt=["no-new-privileges:true"])

    def start(self) -> SandboxContainer:
        """Start it and wait until it answers. Raises :class:`ContainerError`."""
        super().start()
        second = HttpWaitStrategy(self.port, _STATUS).with_startup_timeout(1)
        for _ in range(START_S):
            try:
                second.wait_until_ready(self)
                return self
            except TimeoutError:
                self.reload()
                if self.status != "running":
                    break
        out, err = self.get_logs()
        status = self.status
        self.stop()
        said = (out + err).decode("utf-8", "replace").strip()
        raise ContainerError(f"{self.image} did not become ready ({status}): {said}")

    @property
    def endpoint(self) -> str:
        """Its address, for ``AWS_ENDPOINT_URL``."""
        return f"http://{self.host}:{self.port}"

    def get_container_host_ip(self) -> str:
        """Where its port is bound."""
        return self.host

    def stop(self, force: bool = True, delete_volume: bool = True) -> None:
        """Remove it; nothing happens the second time."""
        super().stop(force, delete_volume)
        self._container = None

    @property
    def handle(self) -> SandboxHandle:
        """Clients, deployments, timeline: what the ``sandbox`` fixture gives."""
        return SandboxHandle(self.endpoint)


class LocalStack(LocalStackContainer):  # type: ignore[misc, unused-ignore]
    """LocalStack, which is ready when it answers a real call: it says so before it can."""

    def start(self, timeout: float = LOCALSTACK_START_S) -> LocalStack:
        """Start it and wait. Raises ``TimeoutError``."""
        scope = "Credential=test/20260101/us-east-1/sts/aws4_request"
        self.waiting_for(
            HttpWaitStrategy(self.edge_port, "/")
            .with_method("POST")
            .with_header("Authorization", f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0")
            .with_header("Content-Type", "application/x-www-form-urlencoded")
            .with_body("Action=GetCallerIdentity&Version=2011-06-15")
            .with_startup_timeout(int(timeout))
        )
        try:
            DockerContainer.start(self)
        except TimeoutError:
            self.stop()
            raise
        return self


def localstack_container(network: Network | None = None, image: str = LOCALSTACK_IMAGE) -> LocalStack:
    """LocalStack, not started. Containers of ``network`` reach it as ``http://localstack:4566``."""
    container = LocalStack(image, region_name="us-east-1")
    for name in ("DISABLE_EVENTS", "SKIP_SSL_CERT_DOWNLOAD"):
        container.with_env(name, "1")
    container.with_env("DNS_ADDRESS", "0")
    if network is not None:
        container.with_network(network).with_network_aliases("localstack")
    return container


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
