"""Fixtures of the tests that need a Docker engine."""

from sandbox.testing.fixtures import (
    container_network,
    docker_engine,
    localstack_container,
    sandbox_before_localstack,
    sandbox_container,
)

__all__ = [
    "container_network",
    "docker_engine",
    "localstack_container",
    "sandbox_before_localstack",
    "sandbox_container",
]
