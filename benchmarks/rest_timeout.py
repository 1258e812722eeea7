"""A REST API cuts a slow function at 29 s, on the virtual clock, with a real Lambda process: how long it takes
in wall time, and whether 50 runs give 50 identical timelines, idle and with both cores busy."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from contextlib import contextmanager
from statistics import median
from time import perf_counter

import httpx

import sandbox.clock
from benchmarks.fixture import create_function, create_rest_api
from sandbox.app import open_sandbox

RUNS = 50
HANDLER = """
import json, os, urllib.request

def handler(event, context):
    body = json.dumps({"model": "mock-slow", "messages": [{"role": "user", "content": "hi"}]}).encode()
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"] + "/chat/completions", body, {"content-type": "application/json"}
    )
    return {"statusCode": 200, "body": urllib.request.urlopen(request).read().decode()}
"""


@contextmanager
def busy(loops: int):
    """Keep ``loops`` processes spinning meanwhile."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def fingerprint(events: list) -> str:
    text = json.dumps(
        [(e.at, e.source, e.name, {k: v for k, v in e.data.items() if k != "line"}) for e in events]
    )
    return hashlib.sha256(text.encode()).hexdigest()


async def once(clock) -> tuple[float, float, int, str]:
    """Cold request, then a warm one: (virtual s, wall s, status, fingerprint of the warm one's timeline)."""
    async with open_sandbox(clock) as box:
        await create_function(box, "slow", HANDLER, timeout=60)
        url = await create_rest_api(box, "slow")
        async with httpx.AsyncClient(timeout=None, trust_env=False) as client:
            with clock.in_flight("benchmark"):
                await client.get(url)
                await clock.advance(60)  # the first invocation runs on after its 504
                box.timeline.clear()
                begin, wall = clock.now(), perf_counter()
                answer = await client.get(url)
                took, wall = clock.now() - begin, perf_counter() - wall
                return took, wall, answer.status_code, fingerprint(list(box.timeline))


def main() -> None:
    print(
        f"{'cores':12} {'runs':>4} {'status':>6} {'virtual s':>14} {'wall s median':>13} {'max':>6} {'timelines':>9}"
    )
    for name, loops in (("idle", 0), ("both busy", 2)):
        with busy(loops):
            rows = [sandbox.clock.run(once) for _ in range(RUNS)]
        virtual = {f"{row[0]:.9f}" for row in rows}
        walls = sorted(row[1] for row in rows)
        statuses = {row[2] for row in rows}
        print(
            f"{name:12} {RUNS:4} {'/'.join(map(str, statuses)):>6} {'/'.join(sorted(virtual)):>14}"
            f" {median(walls):13.3f} {walls[-1]:6.3f} {len({row[3] for row in rows}):9}"
        )
