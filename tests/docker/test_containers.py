"""The sandbox in a container, used as a test of a user's would."""

from __future__ import annotations

import socket
import subprocess
import uuid
from pathlib import Path
from typing import Any

import boto3
import pytest

from sandbox.testing import ContainerError, SandboxContainer
from tests.docker.needs import skip_without_images

skip_without_images()
pytestmark = pytest.mark.docker
SCENARIOS = Path(__file__).parents[2] / "scenarios"
ALLOWED = {"authorization": "Bearer let-me-in"}


def arrivals(container: SandboxContainer, url: str) -> list[bytes]:
    """The pieces in which an answer comes."""
    with (
        container.handle.http() as client,
        client.stream("POST", url, headers=ALLOWED, json={"prompt": "hello"}) as answer,
    ):
        assert answer.status_code == 200
        return list(answer.iter_raw())


@pytest.mark.parametrize("which", ["NodeUrl", "PythonUrl"])
def test_functions_stream_out_of_the_container(sandbox_container: SandboxContainer, which: str) -> None:
    handle = sandbox_container.handle
    handle.model.configure(profile="fast")
    outputs = handle.deploy(SCENARIOS / "function_url_streaming" / "template.yaml")
    assert f":{sandbox_container.port}/" in outputs[which]
    pieces = arrivals(sandbox_container, outputs[which])
    assert len(pieces) > 100
    assert b"".join(pieces).rstrip().endswith(b"[DONE]")


def test_it_is_nobody_special_in_there(sandbox_container: SandboxContainer) -> None:
    held = sandbox_container.exec(["sh", "-c", "id -u; grep CapEff /proc/self/status"])
    assert held.output.split() == [b"10001", b"CapEff:", b"0000000000000000"]


def test_it_listens_on_this_machine_alone(sandbox_container: SandboxContainer) -> None:
    wrapped: Any = sandbox_container.get_wrapped_container()
    wrapped.reload()
    bound = wrapped.attrs["NetworkSettings"]["Ports"][f"{sandbox_container.port}/tcp"]
    assert [one["HostIp"] for one in bound] == ["127.0.0.1"]


def test_before_localstack_in_another_container(
    sandbox_before_localstack: SandboxContainer, localstack_container: Any
) -> None:
    name = f"queue-{uuid.uuid4().hex}"
    ours = sandbox_before_localstack.handle.client("sqs")
    url = ours.create_queue(QueueName=name)["QueueUrl"]
    assert url == f"{sandbox_before_localstack.endpoint}/000000000000/{name}"
    theirs = boto3.client(
        "sqs",
        endpoint_url=localstack_container.get_url(),
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    there = theirs.get_queue_url(QueueName=name)["QueueUrl"]
    ours.send_message(QueueUrl=url, MessageBody="hello")
    (message,) = theirs.receive_message(QueueUrl=there, WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == "hello"


def test_a_dead_backend_is_told_with_the_containers_own_words() -> None:
    with pytest.raises(ContainerError, match=r"LocalStack at http://127\.0\.0\.1:9 does not answer"):
        SandboxContainer(localstack_url="http://127.0.0.1:9").start()


def test_stopping_it_leaves_no_container_and_no_port() -> None:
    with SandboxContainer() as container:
        wrapped: Any = container.get_wrapped_container()
        found = wrapped.id
        assert container.handle.status()["ready"]
    left = subprocess.run(["docker", "ps", "-aq", "--no-trunc"], capture_output=True, text=True, check=True)
    assert found not in left.stdout.split()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", container.port), 5)
