"""Fixtures for containers: ``pytest_plugins = ["sandbox.testing.fixtures"]`` in your ``conftest.py``.

Each is started once a session. Where no Docker engine answers, the tests that want one are skipped with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testcontainers.community.localstack import LocalStackContainer
    from testcontainers.core.network import Network

    from sandbox.testing.containers import SandboxContainer


def why_no_engine() -> str | None:
    """Why containers cannot be started; ``None`` when they can."""
    try:
        import docker
    except ImportError:
        return "testcontainers is not installed: pip install 'genai-streaming-sandbox[containers]'"
    try:
        client = docker.from_env(timeout=5)
        client.ping()
        client.close()
    except docker.errors.DockerException as error:
        return f"no Docker engine answers: {error}"
    return None


@pytest.fixture(scope="session")
def docker_engine() -> None:
    """Skips when no Docker engine answers."""
    reason = why_no_engine()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def container_network(docker_engine: None) -> Iterator[Network]:
    """A network of the session's own."""
    from testcontainers.core.network import Network

    with Network() as network:
        yield network


@pytest.fixture(scope="session")
def localstack_container(container_network: Network) -> Iterator[LocalStackContainer]:
    """LocalStack in a container."""
    from sandbox.testing.containers import localstack_container

    with localstack_container(container_network) as container:
        yield container


@pytest.fixture(scope="session")
def sandbox_container(docker_engine: None) -> Iterator[SandboxContainer]:
    """The sandbox in a container, alone, on the real clock."""
    from sandbox.testing.containers import SandboxContainer

    with SandboxContainer() as container:
        yield container


@pytest.fixture(scope="session")
def sandbox_before_localstack(
    container_network: Network, localstack_container: LocalStackContainer
) -> Iterator[SandboxContainer]:
    """The sandbox in a container before LocalStack in another."""
    from sandbox.testing.containers import SandboxContainer

    with SandboxContainer(network=container_network, localstack_url="http://localstack:4566") as container:
        yield container
