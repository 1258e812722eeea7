"""What a sandbox that is ended or killed leaves running: nothing, is what the tests of services want to see."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path


def outlive(script: str, count: int, number: signal.Signals) -> list[int]:
    """Run a script that starts a sandbox and prints the ids of ``count`` processes of it in a line, and signal it.

    The processes that are still there five seconds after its end.
    """
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        pids = [int(pid) for pid in sandbox.stdout.readline().split()]
        assert len(pids) == count
        assert all(_alive(pid) for pid in pids)
        sandbox.send_signal(number)
        sandbox.wait()
    for _ in range(500):
        if not any(_alive(pid) for pid in pids):
            break
        time.sleep(0.01)
    return [pid for pid in pids if _alive(pid)]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
