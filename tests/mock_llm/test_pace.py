"""Schedules are exact, and drawn from their seed alone."""

from __future__ import annotations

import itertools
import statistics
from dataclasses import replace
from fractions import Fraction

import pytest

from mock_llm.pace import SECOND, Jitter, Profile, schedule
from mock_llm.profiles import load_profiles

STEADY = Profile("steady", first_token=100_000, gap=Fraction(100_000), tokens=400)


def seconds(profile: Profile, count: int = 400, seed: int = 0) -> list[float]:
    return [offset / SECOND for offset in schedule(profile, count, seed).offsets]


def test_instants_are_the_floats_of_their_decimals() -> None:
    due = seconds(STEADY)
    assert due[0] == 0.1
    assert due[2] == 0.3
    assert due[288] == 28.9
    assert due[399] == 40.0


def test_gaps_that_are_no_whole_microseconds_do_not_add_up_their_rounding() -> None:
    due = schedule(replace(STEADY, first_token=0, gap=Fraction(SECOND, 3)), 3001, 0).offsets
    assert due[:4] == (0, 333_333, 666_667, 1_000_000)
    assert due[3000] == 1000 * SECOND


def test_slow_profile_ends_after_exactly_40_seconds() -> None:
    slow = load_profiles()["slow"]
    assert seconds(slow, slow.tokens)[-1] == 40.0


def test_bursts_leave_when_their_first_token_is_due() -> None:
    assert seconds(replace(STEADY, burst=3), 7) == [0.1, 0.1, 0.1, 0.4, 0.4, 0.4, 0.7]


def test_stall_moves_all_later_tokens() -> None:
    assert seconds(replace(STEADY, stall_after=2, stall=35 * SECOND), 4) == [0.1, 0.2, 35.3, 35.4]


def test_stall_for_ever_leaves_the_tokens_before_it() -> None:
    stalled = schedule(replace(STEADY, stall_after=2, stall=None), 4, 0)
    assert stalled.offsets == (100_000, 200_000)
    assert stalled.hangs


def test_answer_shorter_than_the_stall_does_not_hang() -> None:
    assert not schedule(replace(STEADY, stall_after=4, stall=None), 4, 0).hangs


@pytest.mark.parametrize(
    ("jitter", "golden"),
    [
        (Jitter("uniform", 0.5), (100000, 213943, 266444, 343947, 416268)),
        (Jitter("lognormal", 0.5), (100000, 278669, 373051, 434441, 651875)),
        (Jitter("exponential"), (100000, 202006, 204539, 236701, 261960)),
    ],
)
def test_jitter_of_a_seed_is_the_same_for_ever(jitter: Jitter, golden: tuple[int, ...]) -> None:
    assert schedule(replace(STEADY, jitter=jitter), 5, 42).offsets == golden


@pytest.mark.parametrize(
    ("jitter", "deviation"),
    [(Jitter("uniform", 0.5), 0.5 / 3**0.5), (Jitter("lognormal", 0.5), 0.533), (Jitter("exponential"), 1)],
)
def test_jitter_has_the_mean_and_spread_of_its_distribution(jitter: Jitter, deviation: float) -> None:
    due = seconds(replace(STEADY, jitter=jitter), 20_001, seed=1)
    gaps = [(later - earlier) / 0.1 for earlier, later in itertools.pairwise(due)]
    assert statistics.mean(gaps) == pytest.approx(1, abs=0.02)
    assert statistics.pstdev(gaps) == pytest.approx(deviation, rel=0.03)
    assert min(gaps) >= 0


def test_first_token_is_on_time_whatever_the_jitter() -> None:
    assert {seconds(replace(STEADY, jitter=Jitter("exponential")), 3, seed)[0] for seed in range(5)} == {0.1}
