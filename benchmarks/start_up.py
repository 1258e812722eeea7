"""`sandbox up`: from the start of the process until it answers, beside a bare `python -c pass`."""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median
from time import perf_counter

import httpx

RUNS = 7


def bare() -> float:
    begin = perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return perf_counter() - begin


def until_it_answers() -> float:
    begin = perf_counter()
    command = [sys.executable, "-m", "sandbox", "up", "--port", "0"]
    # As on a user's machine, where Python keeps what it compiled.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        endpoint = process.stdout.readline().split()[-1]
        httpx.get(f"{endpoint}/_sandbox/status", trust_env=False).raise_for_status()
        took = perf_counter() - begin
        process.terminate()
    return took


def main() -> None:
    until_it_answers()  # byte-compiles
    pairs = [(until_it_answers(), bare()) for _ in range(RUNS)]
    up, python = median(p[0] for p in pairs), median(p[1] for p in pairs)
    print(f"`sandbox up` answers after {up:.3f} s (median of {RUNS}, max {max(p[0] for p in pairs):.3f} s);")
    print(f"`python -c pass` takes {python:.3f} s: {up / python:.0f} times as long")
