"""Requests that come together are let in one by one."""

from __future__ import annotations

import asyncio
from typing import Any

from mock_llm.doors import EACH, Doors, pass_doors


def turns(jump: Any, count: int, busy: float = 0.0) -> list[int]:
    """In which turn of the loop each of ``count`` requests was let in; a turn takes ``busy`` seconds."""

    async def main() -> list[int]:
        loop, doors, turn, let_in = asyncio.get_running_loop(), Doors(), [0], []

        def tick() -> None:
            turn[0] += 1
            loop._jumping.now += busy  # type: ignore[attr-defined]
            if len(let_in) < count:
                loop.call_soon(tick)

        async def come() -> None:
            await doors.enter(loop)
            let_in.append(turn[0])

        loop.call_soon(tick)
        await asyncio.gather(*(come() for _ in range(count)))
        return let_in

    return jump(main())  # type: ignore[no-any-return]


def test_one_in_a_turn(jump: Any) -> None:
    seen = turns(jump, 20)
    assert len(set(seen)) == 20
    assert seen == sorted(seen)


def test_more_when_turns_are_long(jump: Any) -> None:
    seen = turns(jump, 100, busy=10.1 * EACH)
    assert max(seen.count(turn) for turn in seen) == 10
    assert seen == sorted(seen)


def test_one_that_gave_up_does_not_keep_the_others_out() -> None:
    async def main() -> int:
        loop, doors = asyncio.get_running_loop(), Doors()
        tasks = [asyncio.create_task(doors.enter(loop)) for _ in range(4)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await doors.enter(loop)
        return sum(task.cancelled() for task in tasks)

    assert asyncio.run(asyncio.wait_for(main(), 5)) == 1


def test_a_loop_has_one_pair_of_doors() -> None:
    async def main() -> list[int]:
        loop, turn, passed = asyncio.get_running_loop(), [0], []

        def tick() -> None:
            turn[0] += 1
            loop.call_soon(tick)

        async def come() -> None:
            await pass_doors(loop)
            passed.append(turn[0])

        loop.call_soon(tick)
        await asyncio.gather(*(come() for _ in range(5)))
        return passed

    assert len(set(asyncio.run(main()))) == 5
