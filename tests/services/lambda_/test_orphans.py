"""A sandbox that is killed leaves no process behind, not even a frozen one or one that left its group."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.services.orphans import outlive

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


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_sandbox(tmp_path: Path, number: signal.Signals) -> None:
    script = SANDBOX.format(here=str(Path(__file__).parent), folder=str(tmp_path))
    assert outlive(script, 9, number) == []
