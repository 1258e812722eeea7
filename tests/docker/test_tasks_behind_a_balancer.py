"""The pattern ``alb_containers``, its tasks as containers: from template to tokens, and nothing left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import pytest

from sandbox.services.ecs.engine import owner as owners
from sandbox.stories.handle import SandboxHandle
from tests.docker.images import APPLICATION_BASE, OURS
from tests.docker.needs import skip_without_images
from tests.docker.stack import ROOT, Stack, running
from tests.docker.stand_in.build import IMAGE as LOCALSTACK
from tests.docker.tasks import inspected, made_by

skip_without_images(APPLICATION_BASE, OURS, LOCALSTACK)
pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]
TEMPLATE = ROOT / "scenarios" / "alb_containers" / "template.yaml"
SANDBOX = [sys.executable, "-m", "sandbox", "up", "--port", "0", "--tasks", "docker"]


def deployed(handle: SandboxHandle, tasks: int) -> dict[str, str]:
    """The outputs of the pattern's stack."""
    handle.model.configure(profile="fast")
    return handle.deploy(TEMPLATE, parameters={"Tasks": str(tasks)})


def pieces(handle: SandboxHandle, url: str) -> list[bytes]:
    """An answer as it comes."""
    with (
        handle.http(timeout=60) as client,
        client.stream("POST", f"{url}/chat", json={"prompt": "hello"}) as answer,
    ):
        assert answer.status_code == 200, answer.read()
        return list(answer.iter_raw())


def answering(handle: SandboxHandle) -> set[str]:
    """Private addresses of the tasks that run."""
    ecs = handle.client("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    arns = ecs.list_tasks(cluster=cluster)["taskArns"]
    described: list[dict[str, Any]] = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
    assert all(task["lastStatus"] == "RUNNING" for task in described)
    return {task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] for task in described}


def started() -> tuple[subprocess.Popen[str], SandboxHandle]:
    """A sandbox in a process of its own."""
    process = subprocess.Popen(SANDBOX, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, SandboxHandle(process.stdout.readline().split()[-1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["ended", "killed"])
def test_tokens_stream_out_of_containers_which_do_not_outlive_the_sandbox(number: signal.Signals) -> None:
    process, handle = started()
    owner = json.dumps(owners.process(process.pid))
    try:
        outputs = deployed(handle, 2)
        assert len(answering(handle)) == 2
        answer = pieces(handle, outputs["Url"])
        assert len(answer) > 50
        assert b"".join(answer).endswith(b"data: [DONE]\n\n")
    finally:
        process.send_signal(number)
        process.wait()
    if number == signal.SIGKILL:
        assert len(made_by(owners.OWNER, owner)) == 5  # two tasks of two containers, and their network
        process, _ = started()  # the next one removes them
        process.terminate()
        process.wait()
    assert made_by(owners.OWNER, owner) == []


def test_from_the_sandbox_in_a_container() -> None:
    with running(Stack(tasks=True), "sandbox") as stack:
        outputs = deployed(stack.sandbox, 1)
        assert len(answering(stack.sandbox)) == 1
        answer = pieces(stack.sandbox, outputs["Url"])
        assert len(answer) > 50
        assert b"".join(answer).endswith(b"data: [DONE]\n\n")
        owner = json.dumps(owners.container(inspected(stack.compose("ps", "-q", "sandbox").strip())))
        assert len(made_by(owners.OWNER, owner)) == 2
    assert made_by(owners.OWNER, owner) == []
