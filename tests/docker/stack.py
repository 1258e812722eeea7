"""The services of docker-compose.yml as the tests hold them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.stories.handle import SandboxHandle
from sandbox.testing.containers import free_port

ROOT = Path(__file__).parents[2]
PROJECT = f"sandbox-compose-test-{os.getpid()}"  # another run of the tests may be under way


class Stack:
    """The services, under a name and on ports of their own. ``tasks``: of ECS, as containers of the engine."""

    def __init__(self, *, tasks: bool = False) -> None:
        self._files = ["--file", "docker-compose.yml"]
        self._files += ["--file", "docker-compose.tasks.yml"] if tasks else []
        self.ports = {name: free_port() for name in ("SANDBOX_PORT", "LOCALSTACK_PORT", "MOCK_LLM_PORT")}

    def compose(self, *arguments: str) -> str:
        """What a command of compose writes."""
        done = subprocess.run(
            [
                "docker",
                "compose",
                *self._files,
                "--project-name",
                PROJECT,
                "--profile",
                "workshop",
                *arguments,
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "DOCKER_GID": str(Path("/var/run/docker.sock").stat().st_gid),
                **{name: str(port) for name, port in self.ports.items()},
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    @property
    def sandbox(self) -> SandboxHandle:
        """The sandbox as clients on this machine see it."""
        return SandboxHandle(f"http://127.0.0.1:{self.ports['SANDBOX_PORT']}")


@contextmanager
def running(made: Stack, *services: str) -> Iterator[Stack]:
    """Started, and ended without a trace."""
    made.compose("up", "--wait", "--no-build", *services)
    try:
        yield made
    finally:
        made.compose("down", "--volumes", "--timeout", "10")
        left = subprocess.run(
            ["docker", "ps", "-aq", "--filter", f"name={PROJECT}"], capture_output=True, check=True
        )
        assert left.stdout == b""
