"""However a sandbox ends, nothing of it stays: no process, frozen or not, no port, no file that says it runs."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.stories.handle import SandboxHandle

HANDLER = """
import subprocess
child = subprocess.Popen(["sleep", "1000"])
daemon = subprocess.Popen(["sleep", "1000"], start_new_session=True)
def handler(event, context):
    return 1
"""
WAITS = "import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True).wait()"
ROLE = "arn:aws:iam::000000000000:role/r"


def marked(mark: str) -> dict[int, str]:
    """The processes that have a word among their variables: their states by id."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if mark.encode() in (entry / "environ").read_bytes():
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                found[int(entry.name)] = state
        except OSError:
            continue
    return {pid: state for pid, state in found.items() if state != "Z"}


def fill(endpoint: str, mark: str) -> None:
    """A function whose environment is frozen now, with a child and a daemon, and a task that runs with one."""
    handle = SandboxHandle(endpoint)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", HANDLER)
    functions = handle.client("lambda")
    functions.create_function(
        FunctionName="f",
        Runtime="python{}.{}".format(*sys.version_info[:2]),
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {"MARK": mark}},
    )
    assert functions.invoke(FunctionName="f")["Payload"].read() == b"1"
    tasks = handle.client("ecs")
    tasks.create_cluster()
    made = tasks.register_task_definition(
        family="t",
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        requiresCompatibilities=["FARGATE"],
        containerDefinitions=[
            {
                "name": "c",
                "image": "python:3",
                "command": ["python3", "-c", WAITS],
                "environment": [{"name": "MARK", "value": mark}],
            }
        ],
    )
    tasks.run_task(taskDefinition=made["taskDefinition"]["taskDefinitionArn"])


def until(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether it holds within so many seconds."""
    for _ in range(int(seconds * 50)):
        if holds():
            return True
        time.sleep(0.02)
    return holds()


@pytest.mark.parametrize("end", ["down", "SIGINT", "SIGKILL"])
def test_nothing_stays(tmp_path: Path, end: str) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    mark = uuid.uuid4().hex
    up = [sys.executable, "-m", "sandbox", "up", "--port", "0"]
    with subprocess.Popen(up, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as sandbox:
        assert sandbox.stdout is not None
        endpoint = sandbox.stdout.readline().decode().split()[-1]
        port = int(endpoint.rpartition(":")[2])
        fill(endpoint, mark)
        assert until(lambda: len(marked(mark)) >= 5, 20), marked(mark)
        assert until(lambda: "T" in marked(mark).values(), 5), "no environment is frozen"
        before = marked(mark)
        if end == "down":
            down = [sys.executable, "-m", "sandbox", "down", "--port", str(port)]
            assert subprocess.run(down, env=environment, check=False, capture_output=True).returncode == 0
        else:
            sandbox.send_signal(signal.Signals[end])
        sandbox.wait(30)
        assert until(lambda: not marked(mark), 10), f"of {before} there is still {marked(mark)}"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)
    if end != "SIGKILL":  # what a killed one leaves in its folders, the next one sweeps away
        left = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert not left
