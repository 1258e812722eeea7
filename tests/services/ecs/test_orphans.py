"""A sandbox that is killed leaves no task behind, not even what left its group."""

from __future__ import annotations

import signal

import pytest

from tests.services.orphans import outlive

SANDBOX = """
import asyncio
from sandbox.app import open_sandbox
from sandbox.clock import run
CODE = '''
import os, subprocess, time
child = subprocess.Popen(["sleep", "1000"])
daemon = subprocess.Popen(["sleep", "1000"], start_new_session=True)
print(os.getpid(), child.pid, daemon.pid, flush=True)
time.sleep(1000)
'''
async def main(clock):
    async with open_sandbox(clock) as sandbox:
        call = sandbox.control.call
        await call("ecs", "CreateCluster")
        container = {"name": "app", "image": "python:3", "command": ["python3", "-c", CODE]}
        task = {"family": "f", "networkMode": "awsvpc", "cpu": "256", "memory": "512"}
        await call("ecs", "RegisterTaskDefinition", **task, containerDefinitions=[container])
        await call("ecs", "CreateService", serviceName="s", taskDefinition="f", desiredCount=2)
        lines = []
        while len(lines) < 2:
            await asyncio.sleep(0.01)
            lines = [e.data["line"] for e in sandbox.timeline if (e.source, e.name) == ("ecs", "log")]
        print(*lines, flush=True)
        await asyncio.sleep(1000)
run(main, kind="real")
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_sandbox(number: signal.Signals) -> None:
    assert outlive(SANDBOX, 6, number) == []
