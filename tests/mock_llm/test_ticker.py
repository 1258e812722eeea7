"""One timer calls all streams at their instants."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mock_llm.ticker import COARSE, Ticker, ticker_of


def test_steps_are_called_at_their_instants_in_the_order_in_which_they_came(jump: Any) -> None:
    async def main() -> list[tuple[str, float]]:
        loop, seen = asyncio.get_running_loop(), []
        ticker = ticker_of(loop)

        def steps(name: str, instants: list[float]) -> Any:
            def step(now: float) -> float | None:
                seen.append((name, now))
                return instants.pop(0) if instants else None

            return step

        ticker.at(0.3, steps("late", [0.5]))
        ticker.at(0.1, steps("early", [0.2, 0.3, 0.5]))
        await asyncio.sleep(1)
        return seen

    assert jump(main()) == [
        ("early", 0.1),
        ("early", 0.2),
        ("late", 0.3),
        ("early", 0.3),
        ("late", 0.5),
        ("early", 0.5),
    ]


def test_a_step_that_wants_more_at_once_lets_others_have_a_turn(jump: Any) -> None:
    async def main() -> list[str]:
        loop, seen = asyncio.get_running_loop(), []
        left = [3]

        def greedy(now: float) -> float | None:
            seen.append("greedy")
            left[0] -= 1
            loop.call_soon(seen.append, "loop")
            return now if left[0] else None

        ticker_of(loop).at(0.0, greedy)
        await asyncio.sleep(1)
        return seen

    assert jump(main()) == ["greedy", "loop", "greedy", "loop", "greedy", "loop"]


def test_a_step_that_fails_stops_nobody_else(jump: Any) -> None:
    async def main() -> list[float]:
        loop, seen = asyncio.get_running_loop(), []
        loop.set_exception_handler(lambda loop, context: None)

        def failing(now: float) -> float | None:
            raise ValueError

        def step(now: float) -> float | None:
            seen.append(now)
            return now + 0.5 if now < 1 else None

        ticker_of(loop).at(0.5, failing)
        ticker_of(loop).at(0.5, step)
        await asyncio.sleep(3)
        return seen

    assert jump(main()) == [0.5, 1.0]


def test_uvloop_calls_nobody_too_early() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        assert Ticker(loop)._late == COARSE
        early: list[float] = []
        done = loop.create_future()
        instants = [loop.time() + 0.0013 * number for number in range(1, 8)]

        def step(now: float) -> float | None:
            early.append(loop.time() - instants.pop(0))
            if instants:
                return instants[0]
            done.set_result(None)
            return None

        ticker_of(loop).at(instants[0], step)
        await done
        return early

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert min(runner.run(main())) >= 0
