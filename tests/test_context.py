"""What the parts of a sandbox share."""

from __future__ import annotations

import warnings
from datetime import date

from sandbox.aws.ids import IdSource
from sandbox.clock import Clock, run
from sandbox.context import Sandbox, Settings
from sandbox.limits import Limits
from sandbox.timeline import Timeline


def test_work_that_is_cancelled_before_it_began_leaves_nothing_behind() -> None:
    async def main(clock: Clock) -> list[bool]:
        box = Sandbox(Settings(), clock, Limits(date(2026, 1, 1)), Timeline(clock.now), IdSource(0))
        begun: list[bool] = []

        async def work() -> None:
            begun.append(True)

        task = box.spawn(work(), "work")
        task.cancel()
        await clock.settled()
        assert box.tasks == set()
        return begun

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(main, in_flight="test") == []
