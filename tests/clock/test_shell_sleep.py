from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from sandbox.clock.shell_sleep import seconds
from tests.clock.conftest import Lines


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["2"], 2),
        (["0.5s"], 0.5),
        (["1.5m"], 90),
        (["1h", "1m"], 3660),
        (["1d"], 86400),
        (["infinity"], math.inf),
    ],
)
def test_arguments(arguments: list[str], expected: float) -> None:
    assert seconds(arguments) == expected


@pytest.mark.parametrize("arguments", [["x"], ["-1"], ["nan"], [""], ["1y"]])
def test_wrong_arguments(arguments: list[str]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        seconds(arguments)


def test_shell_script_sleeps_in_virtual_time(lines_of: Callable[..., Lines]) -> None:
    program = "echo start; sleep 40; echo later; sleep 1.5m & sleep 2; echo two; wait; echo end; "
    program += "sleep x || echo refused $?"
    lines = lines_of(program, runtime="other")
    assert lines[:4] == [(0.0, "start"), (40.0, "later"), (42.0, "two"), (130.0, "end")]
    assert "sleep: invalid time interval" in lines[4][1]
    assert lines[-1] == (130.0, "refused 1")
