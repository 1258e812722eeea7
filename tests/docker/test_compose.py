"""``docker compose up --wait``: one environment for clients on this machine and in it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.stories.handle import SandboxHandle
from sandbox.testing.containers import free_port
from tests.docker.needs import skip_without_images

skip_without_images()
pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
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


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """What ``make compose-up`` starts."""
    with running(Stack(), "sandbox", "mock-llm") as made:
        yield made


def test_all_are_healthy_and_open_to_this_machine_alone(stack: Stack) -> None:
    rows: list[dict[str, Any]] = []
    for line in stack.compose("ps", "--format", "json").splitlines():
        found = json.loads(line)
        rows += found if isinstance(found, list) else [found]
    assert {row["Service"]: row["Health"] for row in rows} == dict.fromkeys(
        ("localstack", "sandbox", "mock-llm"), "healthy"
    )
    published = [one for row in rows for one in row["Publishers"] if one["PublishedPort"]]
    assert {one["URL"] for one in published} == {"127.0.0.1"}


def test_a_queue_made_on_this_machine_is_localstacks(stack: Stack) -> None:
    sqs = stack.sandbox.client("sqs")
    url = sqs.create_queue(QueueName="from-the-host")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    backend = stack.sandbox.status()["backend"]
    assert backend["url"] == "http://localstack:4566"
    assert "sqs" in backend["localstack"]


def test_the_model_alone(stack: Stack) -> None:
    url = f"http://127.0.0.1:{stack.ports['MOCK_LLM_PORT']}/v1/models"
    assert httpx.get(url, trust_env=False).json()["data"]


def test_the_workshop_plays_stories_at_exact_instants(stack: Stack) -> None:
    told = stack.compose(
        "run", "--rm", "-T", "--no-deps", "workshop", "sandbox", "run", "--json", "slow-node", "slow-python"
    )
    results = {row["story"]: row for row in json.loads(told)}
    assert {row["ended_s"] for row in results.values()} == {29.0}
    assert all(row["passed"] and row["status"] == 504 for row in results.values())


def test_the_workshop_reaches_the_sandbox_by_its_name(stack: Stack) -> None:
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    told = stack.compose("run", "--rm", "-T", "--no-deps", "workshop", "python", "-c", program)
    assert told.strip() == "arn:aws:iam::000000000000:root"
