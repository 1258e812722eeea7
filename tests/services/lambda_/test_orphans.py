"""A sandbox that is killed leaves no process behind, not even a frozen one or one that left its group."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SANDBOX = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from lambda_support import in_sandbox
CODE = '''
import os, subprocess
child = subprocess.Popen(["sleep", "1000"])
daemon = subprocess.Popen(["sleep", "1000"], start_new_session=True)
def handler(e, c):
    print(os.getpid(), child.pid, daemon.pid, flush=True)
    if e: import time; time.sleep(1000)
'''
async def main(world):
    world.function(code=CODE, timeout_s=900)
    await world.invoke(payload=b"0")
    await world.rest()  # one environment frozen, two at work
    for _ in range(2):
        asyncio.ensure_future(world.invoke(payload=b"1"))
    while len(world.events("log")) < 3:
        await asyncio.sleep(0.01)
    print(*(e.data["line"] for e in world.events("log")), flush=True)
    await asyncio.sleep(1000)
in_sandbox(main, Path({folder!r}), kind="real")
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_sandbox(tmp_path, number):
    script = SANDBOX.format(here=str(Path(__file__).parent), folder=str(tmp_path))
    sandbox = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert sandbox.stdout is not None
    pids = [int(pid) for pid in sandbox.stdout.readline().split()]
    assert len(pids) == 9
    assert all(alive(pid) for pid in pids)
    sandbox.send_signal(number)
    sandbox.wait()
    for _ in range(500):
        if not any(alive(pid) for pid in pids):
            return
        time.sleep(0.01)
    raise AssertionError(f"still alive: {[pid for pid in pids if alive(pid)]}")
