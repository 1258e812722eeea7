"""Every story on the virtual clock: wall time against the time that the stories tell."""

from __future__ import annotations

import json
import subprocess
import sys
from time import perf_counter


def main() -> None:
    begin = perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "run", "--json"], stdout=subprocess.PIPE, check=False
    )
    wall = perf_counter() - begin
    rows = json.loads(done.stdout)
    told = sum(row["ended_s"] or 0 for row in rows)
    slowest = max(rows, key=lambda row: row["wall_s"])
    passed = sum(row["passed"] for row in rows)
    print(
        f"{len(rows)} stories, {passed} passed, {wall:.2f} s wall for {told:.0f} s told: {told / wall:.0f} times"
    )
    print(f"slowest: {slowest['story']} {slowest['wall_s']:.2f} s")
