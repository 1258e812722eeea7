"""A function that never ends is killed at its timeout of 900 s, on the virtual clock, in a real process."""

from __future__ import annotations

from statistics import median
from time import perf_counter

import sandbox.clock
from benchmarks.fixture import create_function
from sandbox.app import open_sandbox
from sandbox.context import Invocation

RUNS = 10
CODE = {
    "python3.11": "import time\ndef handler(event, context):\n    time.sleep(10_000)\n",
    "nodejs24.x": "export const handler = () => new Promise((done) => setTimeout(done, 10_000_000));\n",
}


async def once(clock, runtime: str) -> tuple[float, float, str]:
    async with open_sandbox(clock) as box:
        await create_function(box, "stuck", CODE[runtime], runtime=runtime, timeout=900)
        begin, wall = clock.now(), perf_counter()
        result = await box.invoke(Invocation("stuck", b"{}"))
        return clock.now() - begin, perf_counter() - wall, result.payload.decode()


def main() -> None:
    print(f"{'runtime':12} {'virtual s':>12} {'wall s median':>13} {'max':>6}  payload (cold start included)")
    for runtime in CODE:
        rows = [sandbox.clock.run(lambda clock, runtime=runtime: once(clock, runtime)) for _ in range(RUNS)]
        walls = sorted(row[1] for row in rows)
        virtual = "/".join(sorted({f"{row[0]:.6f}" for row in rows}))
        print(f"{runtime:12} {virtual:>12} {median(walls):13.3f} {walls[-1]:6.3f}  {rows[0][2]}")
