"""Whether the messages of a broadcast kept to the model's text: gaps, repetitions, messages that overtook others.

A service that pushes messages may lose the first of them, or one in the middle, or send one twice. ``tokens`` counts
from the beginning and stops at the first gap; this looks at each message by itself and finds its place in the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.stories.trace import ModelAnswer, Trace, once

_AHEAD = 8  # messages that must fit together for a place to be believed at once


@dataclass(frozen=True, slots=True)
class Order:
    """What came, in numbers.

    ``missing``: tokens that never came; ``gaps``: in how many runs; ``repeated``: messages whose tokens had all come
    before; ``overtaken``: messages that came after one of later tokens, for the first time.
    """

    missing: int = 0
    gaps: int = 0
    repeated: int = 0
    overtaken: int = 0
    came: int = 0  # tokens, wherever in the text


@once
def order(trace: Trace, client: str) -> Order | None:
    """Of the answer of which most came, in messages; ``None``: the client got no messages or asked no model."""
    texts = [
        text for request in trace.requests(client) if request.messages for _, text in request.words() if text
    ]
    found = [_of(answer, texts) for answer in trace.answers if answer.tokens]
    if not texts or not found:
        return None
    return max(found, key=lambda one: one.came)


def _of(answer: ModelAnswer, texts: Sequence[str]) -> Order:
    whole = "".join(text for _, text in answer.tokens)
    ranges = _ranges(whole, texts)
    covered = bytearray(len(whole))
    repeated = overtaken = reach = 0
    for start, end in ranges:
        if all(covered[start:end]):
            repeated += 1
            continue
        overtaken += start < reach
        reach = max(reach, end)
        covered[start:end] = b"\x01" * (end - start)
    here = _tokens(answer, covered)
    gaps = sum(not now and (n == 0 or here[n - 1]) for n, now in enumerate(here))
    return Order(here.count(False), gaps, repeated, overtaken, here.count(True))


def _ranges(whole: str, texts: Sequence[str]) -> list[tuple[int, int]]:
    """Where each message's words stand: behind those before it, or else later, or else earlier."""
    ranges, position = [], 0
    for n, text in enumerate(texts):
        start = position if whole.startswith(text, position) else _found(whole, texts[n:], position)
        if start >= 0:
            ranges.append((start, start + len(text)))
            position = start + len(text)
    return ranges


def _found(whole: str, texts: Sequence[str], position: int) -> int:
    """A place for the first text, at best one where those that follow fit as well; -1: there is none.

    A short word occurs in many places.
    """
    for count in (_AHEAD, 3, 2, 1):
        piece = "".join(texts[:count])
        for start in (whole.find(piece, position), whole.find(piece)):
            if start >= 0:
                return start
    return -1


def _tokens(answer: ModelAnswer, covered: bytearray) -> list[bool]:
    here, position = [], 0
    for _, text in answer.tokens:
        here.append(all(covered[position : position + len(text)]))
        position += len(text)
    return here
