"""A clock that runs N times as fast as the machine's, in the loop and in processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.clock import Clock, run, scale_of
from sandbox.services.lambda_.runtimes.node import bundled_node

SCALE = "scaled:100"
# Real seconds that a busy machine may be late with something; the sleeps here are so long that it does not matter.
LATE_S = 3.0

PYTHON = """
import datetime, select, socket, threading, time
begin, date = time.monotonic(), datetime.datetime.now()
time.sleep(50)
one, other = socket.socketpair()
select.select([one], [], [], 50)
threading.Event().wait(50)
print(time.monotonic() - begin, (datetime.datetime.now() - date).total_seconds(), time.time(), flush=True)
"""
NODE = """
const begin = performance.now(), date = Date.now();
setTimeout(() => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50_000);
  console.log((performance.now() - begin) / 1000, (Date.now() - date) / 1000, Date.now() / 1000);
}, 100_000);
"""


@pytest.mark.parametrize(("text", "scale"), [("real", 1), ("scaled:50", 50), ("scaled:0.5", 0.5)])
def test_clocks_have_a_scale(text, scale):
    assert scale_of(text) == scale


@pytest.mark.parametrize(
    "text",
    ["scaled", "scaled:", "scaled:x", "scaled:0", "scaled:-1", "scaled:nan", "scaled:1001", "", "wall"],
)
def test_what_is_no_clock_is_told(text):
    with pytest.raises(ValueError, match="it is real, virtual or scaled:N"):
        scale_of(text)


def test_sleeps_take_the_hundredth_part():
    async def main(clock: Clock) -> float:
        assert clock.kind == SCALE
        begin = clock.now()
        await asyncio.sleep(100)
        await clock.advance(50)
        return clock.now() - begin

    begin = time.monotonic()
    passed = run(main, SCALE)
    real = time.monotonic() - begin
    assert 150 <= passed <= 150 + 100 * LATE_S
    assert real >= passed / 100  # no jump


def test_timers_fire_in_their_order_and_time_goes_on_while_nothing_is_in_flight():
    async def main(clock: Clock) -> list[str]:
        seen: list[str] = []
        loop = asyncio.get_running_loop()
        for name, seconds in (("late", 30.0), ("early", 10.0), ("middle", 20.0)):
            loop.call_later(seconds, seen.append, name)
        await asyncio.sleep(40)
        return seen

    assert run(main, SCALE) == ["early", "middle", "late"]


def _node() -> str:
    found = bundled_node()
    assert found is not None
    return str(Path(found[0]) / "bin" / "node")


@pytest.mark.parametrize(
    ("runtime", "command"),
    [("python", [sys.executable, "-c", PYTHON]), ("node", ["node", "-e", NODE])],
    ids=["python", "node"],
)
def test_processes_sleep_and_read_the_time_on_the_same_clock(runtime, command):
    async def main(clock: Clock) -> tuple[float, list[float], float, float]:
        environment = {**os.environ, **clock.environment(runtime, base=os.environ)}
        begin, epoch = clock.now(), clock.epoch()
        argv = [_node() if command[0] == "node" else command[0], *command[1:]]
        process = await asyncio.create_subprocess_exec(*argv, env=environment, stdout=subprocess.PIPE)
        output, _ = await process.communicate()
        return clock.now() - begin, [float(word) for word in output.split()], epoch, clock.epoch()

    whole, (monotonic, date, its_date), before, after = run(main, SCALE)
    assert 149 <= monotonic <= whole  # a tick of a millisecond is 0.1 s here
    assert date == pytest.approx(monotonic, abs=1)
    assert before + 149 <= its_date <= after
    assert whole <= 150 + 100 * 2 * LATE_S
