from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

from sandbox.clock import Clock, run
from tests.clock.conftest import NODE

COMPUTE = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass\n"
SLEEP = "import time; time.sleep(1000)"


@asynccontextmanager
async def started(
    program: str, *, environment: dict[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        stdout=-1,
        start_new_session=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()  # and its pipe is read to the end, else the transport stays open


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


def test_time_waits_for_a_process_that_computes() -> None:
    async def main(clock: Clock) -> list[float]:
        timer = asyncio.get_running_loop().create_task(asyncio.sleep(5))
        async with started(COMPUTE.format(0.2) + "print('done', flush=True)\n" + SLEEP) as process:
            clock.watch(process.pid)
            await line(process)
            seen = [clock.now()]
            await timer
            return [*seen, clock.now()]

    assert run(main, in_flight="test") == [0.0, 5.0]


def test_time_waits_for_threads_and_grandchildren() -> None:
    start = "import os, subprocess, sys\nsubprocess.Popen([sys.executable, '-c', os.environ[{!r}]]{})\n"
    programs = {
        "CHILD": start.format("GRANDCHILD", ", start_new_session=True"),
        "GRANDCHILD": COMPUTE.format(0.1) + "print('grandchild', flush=True)",
        "THREAD": COMPUTE.format(0.2) + "print('thread', flush=True)",
    }
    program = (
        start.format("CHILD", "")
        + "import threading\nthreading.Thread(target=exec, args=[os.environ['THREAD']]).start()"
    )

    async def main(clock: Clock) -> list[tuple[float, str]]:
        asyncio.get_running_loop().call_later(1, lambda: None)
        async with started(program, environment=programs) as process:
            clock.watch(process.pid)
            return sorted([(clock.now(), await line(process)) for _ in range(2)])

    assert run(main, in_flight="test") == [(0.0, "grandchild"), (0.0, "thread")]


def test_unwatched_process_is_not_waited_for() -> None:
    async def main(clock: Clock) -> float:
        async with started(COMPUTE.format(0.3) + "print('done', flush=True)") as process:
            clock.watch(process.pid)
            clock.unwatch(process.pid)
            await asyncio.sleep(5)
            return clock.now()

    assert run(main, in_flight="test") == 5.0


def test_ended_processes_are_forgotten() -> None:
    async def main(clock: Clock) -> list[int]:
        async with started("pass") as process:
            clock.watch(process.pid)
            await process.wait()
            await asyncio.sleep(1)
        return clock.watched()

    assert run(main, in_flight="test") == []


def test_gone_process_can_be_watched_and_unwatched() -> None:
    async def main(clock: Clock) -> float:
        async with started("pass") as process:
            await process.wait()
            clock.watch(process.pid)
            await asyncio.sleep(1)
            clock.unwatch(process.pid)
        return clock.now()

    assert run(main, in_flight="test") == 1.0


def test_frozen_group_holds_nothing_and_goes_on_after_the_thaw() -> None:
    program = "print('ready', flush=True)\n" + COMPUTE.format(0.2) + "print('done', flush=True)\n" + SLEEP

    async def main(clock: Clock) -> list[float]:
        seen = []
        async with started(program) as process:
            clock.watch(process.pid)
            await line(process)
            os.killpg(process.pid, signal.SIGSTOP)
            clock.freeze(process.pid)
            await asyncio.sleep(100)
            seen.append(clock.now())
            timer = asyncio.get_running_loop().create_task(asyncio.sleep(5))
            os.killpg(process.pid, signal.SIGCONT)
            clock.thaw(process.pid)
            await line(process)
            seen.append(clock.now())
            await timer
            return [*seen, clock.now()]

    assert run(main, in_flight="test") == [100.0, 100.0, 105.0]


def test_sleeper_thawed_late_wakes_at_once_at_the_virtual_now() -> None:
    program = """
import time
print("ready", flush=True)
time.sleep(40)
print(time.monotonic(), flush=True)
time.sleep(1)
print(time.monotonic(), flush=True)
"""

    async def main(clock: Clock) -> list[tuple[float, str]]:
        seen = []
        async with started(program, environment=clock.environment("python")) as process:
            clock.watch(process.pid)
            await line(process)
            await clock.settled()
            os.killpg(process.pid, signal.SIGSTOP)
            clock.freeze(process.pid)
            await asyncio.sleep(100)
            os.killpg(process.pid, signal.SIGCONT)
            clock.thaw(process.pid)
            for _ in range(2):
                text = await line(process)
                seen.append((clock.now(), text))
        return seen

    assert run(main, in_flight="test") == [(100.0, "1100.0"), (101.0, "1101.0")]


def test_endless_computation_has_time_follow_after_the_patience(caplog: pytest.LogCaptureFixture) -> None:
    async def main(clock: Clock) -> float:
        clock.set_patience(0.1)
        async with started("while True: pass") as process:
            clock.watch(process.pid)
            await asyncio.sleep(0.2)
            return clock.now()

    assert run(main, in_flight="test") == 0.2
    assert "time follows it" in caplog.text


def test_short_sleeps_without_end_have_time_follow_too() -> None:
    naps = (
        "import ctypes\nlibc = ctypes.CDLL(None)\nprint('ready', flush=True)\nwhile True: libc.usleep(1000)"
    )

    async def main(clock: Clock) -> float:
        clock.set_patience(0.1)
        async with started(naps) as process:
            clock.watch(process.pid)
            await line(process)
            await asyncio.sleep(0.2)
            return clock.now()

    assert run(main, in_flight="test") == 0.2


def test_many_that_compute_in_turn_try_no_patience(caplog: pytest.LogCaptureFixture) -> None:
    """All together compute longer than the patience, and there is no instant at which all sleep."""
    program = COMPUTE.format(0.3) + "print('done', flush=True)\n" + COMPUTE.format(60)

    async def main(clock: Clock) -> float:
        clock.set_patience(1)
        due, last = asyncio.create_task(asyncio.sleep(100)), None
        async with AsyncExitStack() as stack:
            for _ in range(5):
                process = await stack.enter_async_context(started(program))
                clock.watch(process.pid)
                if last is not None:
                    clock.unwatch(last)
                    os.kill(last, signal.SIGKILL)
                last = process.pid
                await line(process)
            seen = clock.now()
        due.cancel()
        return seen

    assert run(main, in_flight="test") == 0.0
    assert caplog.text == ""


def test_time_passes_a_frozen_process_that_looks_at_it_by_itself() -> None:
    program = """
console.log('ready')
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 40000)
console.log(performance.now())
"""

    async def main(clock: Clock) -> list[object]:
        node = clock.environment("node")
        process = await asyncio.create_subprocess_exec(
            NODE, "-e", program, stdout=-1, env={**os.environ, **node}, start_new_session=True
        )
        clock.watch(process.pid)
        await line(process)
        await clock.settled()
        os.killpg(process.pid, signal.SIGSTOP)
        clock.freeze(process.pid)
        await asyncio.sleep(100)
        os.killpg(process.pid, signal.SIGCONT)
        clock.thaw(process.pid)
        text = await line(process)
        await process.communicate()
        return [clock.now(), text]

    assert run(main, in_flight="test") == [100.0, "100000"]


def test_memory_of_the_whole_group_counts() -> None:
    program = """
import subprocess, sys
grow = "x = b'x' * 60_000_000; print('ready', flush=True); input()"
child = subprocess.Popen([sys.executable, "-c", grow], stdin=-1)
x = b"x" * 60_000_000
child.wait()
"""

    @asynccontextmanager
    async def watched(
        clock: Clock, limit: int
    ) -> AsyncIterator[tuple[asyncio.subprocess.Process, list[float]]]:
        exceeded: list[float] = []
        async with started(program) as process:
            clock.watch(process.pid)
            clock.on_memory(process.pid, limit, lambda: exceeded.append(clock.now()))
            await line(process)
            await asyncio.sleep(1)
            yield process, exceeded

    async def main(clock: Clock) -> None:
        async with watched(clock, 110_000_000) as (process, exceeded):
            assert exceeded == [0.0]
            assert clock.memory(process.pid) > 120_000_000
        async with watched(clock, 400_000_000) as (_, exceeded):
            assert exceeded == []

    run(main, in_flight="test")


def test_memory_on_the_real_clock() -> None:
    async def main(clock: Clock) -> None:
        exceeded = asyncio.Event()
        async with started("x = b'x' * 60_000_000; print('ready', flush=True); " + SLEEP) as process:
            clock.on_memory(process.pid, 50_000_000, exceeded.set)
            await exceeded.wait()
            assert clock.memory(process.pid) > 50_000_000

    run(main, kind="real")


def test_own_threads_can_be_watched() -> None:
    async def main(clock: Clock) -> list[float]:
        seen: list[float] = []
        stop = threading.Event()

        def work() -> None:
            end = time.thread_time() + 0.2
            while time.thread_time() < end:
                pass
            seen.append(clock.now())
            stop.wait()

        thread = threading.Thread(target=work)
        thread.start()
        clock.watch(os.getpid())
        await asyncio.sleep(3)
        stop.set()
        clock.unwatch(os.getpid())
        thread.join()
        return [*seen, clock.now()]

    assert run(main, in_flight="test") == [0.0, 3.0]


def test_freezing_group_is_waited_for_until_it_is_stopped() -> None:
    async def main(clock: Clock) -> float:
        timer = asyncio.get_running_loop().create_task(asyncio.sleep(5))
        async with started(COMPUTE.format(0.2) + "print('done', flush=True)\n" + SLEEP) as process:
            clock.watch(process.pid)
            clock.freeze(process.pid)  # and no signal was sent, or it did not arrive yet
            await line(process)
            seen = clock.now()
            await timer
        return seen

    assert run(main, in_flight="test") == 0.0


def test_advance_waits_for_what_a_process_does_at_its_last_instant() -> None:
    program = "import time; print('ready', flush=True); time.sleep(10); print('woken', flush=True)"

    async def main(clock: Clock) -> tuple[float, bool]:
        async with started(program, environment=clock.environment("python")) as process:
            clock.watch(process.pid)
            await line(process)
            await clock.settled()
            woken = asyncio.get_running_loop().create_task(line(process))
            await clock.advance(10)
            return clock.now(), woken.done()

    assert run(main) == (10.0, True)
