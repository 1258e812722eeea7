"""When tokens are due: profiles, and the absolute schedule that follows from one.

All arithmetic is in whole microseconds and exact fractions, so an instant such as 28.9 s is the float 28.9
and the thousandth gap is as exact as the first: nothing is summed in floating point.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

SECOND = 1_000_000  # microseconds
FOREVER = -1  # an offset that never comes


@dataclass(frozen=True, slots=True)
class Jitter:
    """How gaps vary. Each gap is multiplied by a factor of mean 1 drawn from the distribution.

    ``none``; ``uniform`` in 1 ± spread (0 to 1); ``lognormal`` with sigma = spread; ``exponential`` (the
    gaps of a Poisson process; spread has no meaning).
    """

    kind: str = "none"
    spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Profile:
    """A model's pace. Times in microseconds.

    ``gap``: between tokens, 0 for none. ``burst``: tokens leave in groups of so many, each group when its
    first token is due. ``stall_after``: silence after so many tokens; ``stall`` its length, ``None`` for
    ever. ``headers``: when status and headers of a stream leave, ``None`` for with the first token. ``load``: by what
    part of itself each other answer in progress slows an answer that begins. ``thinking``: tokens of reasoning
    before an answer that reasons; ``None``: as many as the request leads to expect.
    """

    name: str
    about: str = ""
    source: str = ""
    first_token: int = 0
    gap: Fraction = Fraction(0)
    tokens: int = 100
    jitter: Jitter = Jitter()
    burst: int = 1
    stall_after: int | None = None
    stall: int | None = None
    headers: int | None = None
    load: Fraction = Fraction(0)
    thinking: int | None = None

    def under_load(self, others: int) -> Profile:
        """The pace while ``others`` answers are in progress: silence and gaps are longer by ``load`` for each."""
        if not self.load or not others:
            return self
        factor = 1 + self.load * others
        return replace(self, first_token=round(self.first_token * factor), gap=self.gap * factor)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Due instants in microseconds after the request; ``hangs``: no token after these ever comes."""

    offsets: tuple[int, ...]
    hangs: bool


def due_at(start: float, offset: int) -> float:
    """The loop's time at which something is due, ``offset`` microseconds after ``start``.

    To nanoseconds, so that 0.2 + 0.1 is due at 0.3 and not at 0.30000000000000004.
    """
    return round(start + offset / SECOND, 9)


def schedule(profile: Profile, count: int, seed: int) -> Schedule:
    """The due instants of ``count`` tokens of an answer whose pace is drawn from ``seed``."""
    offsets = _steady(profile, count) if profile.jitter.kind == "none" else _jittered(profile, count, seed)
    if profile.burst > 1:
        offsets = [offsets[index - index % profile.burst] for index in range(count)]
    after = profile.stall_after
    if after is None or after >= count:
        return Schedule(tuple(offsets), hangs=False)
    if profile.stall is None:
        return Schedule(tuple(offsets[:after]), hangs=True)
    late = [offset + profile.stall for offset in offsets[after:]]
    return Schedule((*offsets[:after], *late), hangs=False)


def _steady(profile: Profile, count: int) -> list[int]:
    top, bottom = profile.gap.numerator, profile.gap.denominator
    if bottom == 1 and top:
        return list(range(profile.first_token, profile.first_token + count * top, top))
    return [profile.first_token + (2 * index * top + bottom) // (2 * bottom) for index in range(count)]


def _jittered(profile: Profile, count: int, seed: int) -> list[int]:
    rng, gap, at = random.Random(seed), float(profile.gap), profile.first_token
    factor = DISTRIBUTIONS[profile.jitter.kind]
    offsets = []
    for _ in range(count):
        offsets.append(at)
        # Rounded to whole microseconds, so that the last bit of a platform's exp() does not show.
        at += round(gap * factor(rng, profile.jitter.spread))
    return offsets


def _uniform(rng: random.Random, spread: float) -> float:
    return 1.0 + spread * (2.0 * rng.random() - 1.0)


def _lognormal(rng: random.Random, sigma: float) -> float:
    # Box-Muller on random() alone: the one draw whose sequence Python promises to keep.
    radius = math.sqrt(-2.0 * math.log(1.0 - rng.random()))
    normal = radius * math.cos(2.0 * math.pi * rng.random())
    return math.exp(sigma * normal - sigma * sigma / 2.0)


def _exponential(rng: random.Random, _spread: float) -> float:
    return -math.log(1.0 - rng.random())


DISTRIBUTIONS: dict[str, Callable[[random.Random, float], float]] = {
    "uniform": _uniform,
    "lognormal": _lognormal,
    "exponential": _exponential,
}
