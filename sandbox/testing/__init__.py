"""For tests of your own that want the sandbox in a container: ``SandboxContainer`` and fixtures (testcontainers).

Needs the extra ``containers``: ``pip install 'genai-streaming-sandbox[containers]'``, and a Docker engine. Without
either use the ``sandbox`` fixture, which runs the sandbox as a process.
"""

from sandbox.testing.containers import (
    IMAGE,
    LOCALSTACK_IMAGE,
    ContainerError,
    SandboxContainer,
    localstack_container,
)

__all__ = ["IMAGE", "LOCALSTACK_IMAGE", "ContainerError", "SandboxContainer", "localstack_container"]
