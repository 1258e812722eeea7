from __future__ import annotations

import asyncio
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from sandbox.clock import Clock, run


def test_starts_at_zero_and_at_the_given_date() -> None:
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)

    async def main(clock: Clock) -> tuple[float, datetime, float]:
        return clock.now(), clock.utcnow(), asyncio.get_running_loop().time()

    assert run(main, start=start) == (0.0, start, 0.0)


def test_timer_fires_at_its_exact_instant() -> None:
    async def main(clock: Clock) -> list[float]:
        seen = []
        for delay in (29.0, 0.1, 0.7, 900.0, 1e-9, 86400.0 * 200):
            due = clock.now() + delay
            await asyncio.sleep(delay)
            assert clock.now() == due
            seen.append(clock.now())
        return seen

    assert run(main, in_flight="test")[:2] == [29.0, 29.1]


def test_timers_one_float_apart_fire_apart() -> None:
    first = 1000.0
    second = math.nextafter(first, math.inf)

    async def main(clock: Clock) -> list[float]:
        loop = asyncio.get_running_loop()
        seen: list[float] = []
        for instant in (second, first):
            loop.call_at(instant, lambda: seen.append(loop.time()))
        await asyncio.sleep(1001)
        return seen

    assert run(main, in_flight="test") == [first, second]


def test_timeout_cuts_off_exactly() -> None:
    async def main(clock: Clock) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(29):
                await asyncio.Event().wait()
        return clock.now()

    assert run(main, in_flight="test") == 29.0


def test_cancelled_timer_moves_no_time() -> None:
    async def main(clock: Clock) -> float:
        loop = asyncio.get_running_loop()
        for delay in range(1, 300):
            loop.call_later(delay, print).cancel()
        await asyncio.sleep(300.5)
        return clock.now()

    assert run(main, in_flight="test") == 300.5


async def _really(seconds: float) -> None:
    """Give the loop real time while nothing of the clock is used: a thread ends it."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    threading.Thread(target=lambda: (time.sleep(seconds), loop.call_soon_threadsafe(done.set))).start()
    await done.wait()


def test_time_stands_still_while_nothing_is_in_flight() -> None:
    async def main(clock: Clock) -> list[float]:
        fired: list[float] = []
        asyncio.get_running_loop().call_later(5, lambda: fired.append(clock.now()))
        await _really(0.05)
        assert clock.now() == 0.0
        with clock.in_flight("request"):
            assert clock.in_flight_names() == ["request"]
            await asyncio.sleep(7)
        assert clock.in_flight_names() == []
        return [*fired, clock.now()]

    assert run(main) == [5.0, 7.0]


def test_idle_loop_does_not_spin() -> None:
    async def main(clock: Clock) -> float:
        asyncio.get_running_loop().call_later(5, print)
        before = time.thread_time()
        await _really(0.3)
        with clock.hold(), clock.in_flight("held"):
            await _really(0.3)
        return time.thread_time() - before

    assert run(main) < 0.1


def test_advance_fires_every_timer_on_the_way_and_no_later_one() -> None:
    async def main(clock: Clock) -> tuple[list[float], float]:
        seen: list[float] = []

        async def tick() -> None:
            while True:
                await asyncio.sleep(3)
                seen.append(clock.now())

        task = asyncio.get_running_loop().create_task(tick())
        await asyncio.sleep(0)
        reached = await clock.advance(9)
        await _really(0.02)
        task.cancel()
        return seen, reached

    assert run(main) == ([3.0, 6.0, 9.0], 9.0)


def test_advance_returns_after_all_that_happens_at_its_last_instant() -> None:
    async def main(clock: Clock) -> list[str]:
        seen: list[str] = []

        async def work() -> None:
            await asyncio.sleep(10)
            for _ in range(20):
                await asyncio.sleep(0)
            seen.append("worked")

        task = asyncio.get_running_loop().create_task(work())
        await asyncio.sleep(0)
        await clock.advance(10)
        seen.append("advanced")
        await task
        return seen

    assert run(main) == ["worked", "advanced"]


def test_two_advances_at_once_meet_their_own_instants() -> None:
    async def main(clock: Clock) -> list[float]:
        return await asyncio.gather(clock.advance(10), clock.advance(4), clock.advance(0))

    assert run(main) == [10.0, 4.0, 0.0]


@pytest.mark.parametrize("seconds", [-1.0, math.inf, math.nan])
def test_advance_refuses_what_is_no_duration(seconds: float) -> None:
    async def main(clock: Clock) -> None:
        await clock.advance(seconds)

    with pytest.raises(ValueError, match="cannot advance"):
        run(main)


def test_hold_stops_time() -> None:
    async def main(clock: Clock) -> float:
        with clock.hold("moto"):
            assert clock.hold_names() == ["moto"]
            sleeper = asyncio.get_running_loop().create_task(asyncio.sleep(5))
            await _really(0.05)
            assert clock.now() == 0.0
        await sleeper
        return clock.now()

    assert run(main, in_flight="test") == 5.0


def test_executor_holds_time_until_its_result_is_there() -> None:
    async def main(clock: Clock) -> list[float]:
        ticks = asyncio.get_running_loop().create_task(asyncio.sleep(1))
        await asyncio.sleep(0)
        await asyncio.to_thread(time.sleep, 0.05)
        seen = [clock.now()]
        with ThreadPoolExecutor() as pool:
            await asyncio.get_running_loop().run_in_executor(pool, time.sleep, 0.02)
        seen.append(clock.now())
        await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)
        seen.append(clock.now())
        await ticks
        return seen

    assert run(main, in_flight="test") == [0.0, 0.0, 0.0]


def test_abandoned_executor_call_holds_time_until_it_ends() -> None:
    async def main(clock: Clock) -> tuple[float, bool]:
        ended = threading.Event()
        call = asyncio.get_running_loop().run_in_executor(None, lambda: (time.sleep(0.1), ended.set()))
        await _really(0.02)
        call.cancel()
        await asyncio.sleep(1)
        return clock.now(), ended.is_set()

    assert run(main, in_flight="test") == (1.0, True)


def test_failing_executor_call_lets_time_go_on() -> None:
    async def main(clock: Clock) -> float:
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 / 0)
        await asyncio.sleep(1)
        return clock.now()

    assert run(main, in_flight="test") == 1.0


def test_a_thread_can_wake_the_loop_without_time_moving() -> None:
    async def main(clock: Clock) -> float:
        await _really(0.05)
        return clock.now()

    assert run(main) == 0.0


def test_unknown_clock_is_refused() -> None:
    async def main(clock: Clock) -> None:
        raise AssertionError

    with pytest.raises(ValueError, match="no clock 'lunar'"):
        run(main, kind="lunar")  # type: ignore[arg-type]


def test_real_clock_has_the_same_interface() -> None:
    async def main(clock: Clock) -> list[str]:
        with clock.in_flight("request"), clock.hold():
            await asyncio.sleep(0.01)
            names = clock.in_flight_names()
        clock.watch(1)
        clock.freeze(1)
        clock.thaw(1)
        clock.unwatch(1)
        clock.client_connected(("127.0.0.1", 1))
        clock.client_disconnected(("127.0.0.1", 1))
        assert clock.environment("python") == {}
        assert await clock.advance(0.01) > 0
        await clock.settled()
        return names

    assert run(main, kind="real") == ["request"]


def test_a_timer_beyond_the_end_of_time_never_fires() -> None:
    async def main(clock: Clock) -> float:
        with clock.in_flight("a wait"):
            asyncio.get_running_loop().call_later(1e300, lambda: None)
            clock.environment("python")  # from now on others are shown the time
            loop, told = asyncio.get_running_loop(), asyncio.Event()
            threading.Timer(0.1, lambda: loop.call_soon_threadsafe(told.set)).start()
            await told.wait()
            await asyncio.sleep(1)
        with pytest.raises(ValueError, match="it ends 5000000000 s after the start"):
            await clock.advance(1e300)
        return clock.now()

    assert run(main) == 1.0
