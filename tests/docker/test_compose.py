"""``docker compose up --wait``: one environment for clients on this machine and in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.docker.needs import skip_without_images
from tests.docker.stack import Stack, running

skip_without_images()
pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


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
