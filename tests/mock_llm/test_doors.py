"""Requests that come together are let in one by one."""

from __future__ import annotations

import asyncio

from mock_llm.doors import CROWD, Doors


def turns(count: int) -> list[int]:
    """In which turn of the loop each of ``count`` requests was let in."""

    async def main() -> list[int]:
        loop, doors, turn, let_in = asyncio.get_running_loop(), Doors(), [0], []

        def tick() -> None:
            turn[0] += 1
            if len(let_in) < count:
                loop.call_soon(tick)

        async def come() -> None:
            await doors.enter(loop)
            let_in.append(turn[0])

        loop.call_soon(tick)
        await asyncio.gather(*(come() for _ in range(count)))
        return let_in

    return asyncio.run(main())


def test_one_in_a_turn() -> None:
    seen = turns(20)
    assert len(set(seen)) == 20
    assert seen == sorted(seen)


def test_more_when_many_wait() -> None:
    seen = turns(CROWD * 4)
    assert max(seen.count(turn) for turn in seen) == 4
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
