"""Which of the model's tokens reached a client, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.stories.answer import Piece
from sandbox.stories.trace import ClientRequest, ModelAnswer, Trace, once

_PLACES = 50  # where in a text the answer may start
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Arrival:
    """The answer of the model that a client got, and the instants at which its tokens came.

    Tokens come in order: the first ``count`` have instants.
    """

    answer: ModelAnswer
    instants: tuple[float, ...]

    @property
    def count(self) -> int:
        """How many tokens came."""
        return len(self.instants)

    @property
    def delay(self) -> float | None:
        """The longest time from the model's schedule to the client; ``None`` when no token came."""
        return round(max(self.lags), 9) if self.instants else None

    @property
    def lags(self) -> list[float]:
        """From the model to the client, of each token that came."""
        return [at - made for at, made in zip(self.instants, self.answer.made, strict=False)]


@once
def arrival(trace: Trace, client: str) -> Arrival | None:
    """What of the model's words reached a client; ``None`` when the model was not asked since it started.

    Of several answers of the model it is the one of which most arrived; among those the one that explains the
    arrivals best (no token before the model made it, then the least delay). If nothing arrived it is the answer that
    the client's last request led to, or else one of its earlier ones.
    """
    requests = trace.requests(client)
    if not requests:
        return None
    together = trace.heard(client)
    heard = [together] if together else [one for one in (request.words() for request in requests) if one]
    found = [
        Arrival(answer, _instants(answer.tokens, heard) if answer.tokens else _whole(answer, requests[-1]))
        for answer in trace.answers
    ]
    arrived = [one for one in found if one.count]
    if arrived:
        return min(arrived, key=lambda one: (-one.count, _misfit(one)))
    since = [
        [one for one in found if _follows(one.answer, request)] for request in (requests[-1], requests[0])
    ]
    return next((one for answers in since for one in answers), None)


def _misfit(one: Arrival) -> tuple[bool, float]:
    return min(one.lags) < -_SLACK, max(one.lags)


def _follows(answer: ModelAnswer, request: ClientRequest) -> bool:
    return answer.asked_at >= request.sent_at - _SLACK


def _whole(answer: ModelAnswer, request: ClientRequest) -> tuple[float, ...]:
    """An answer that the model was asked for whole has no tokens in the timeline: it came if words came after it."""
    after = [at for at, word in request.words() if word and answer.made and at >= answer.made[-1] - _SLACK]
    well = request.end == "completed" and request.status is not None and request.status < 400
    return (after[-1],) * len(answer.made) if after and well else ()


def _instants(tokens: Sequence[Piece], heard: Sequence[Sequence[Piece]]) -> tuple[float, ...]:
    """For each token that came, the first instant at which any answer held it (polls repeat)."""
    best: list[float] = []
    for pieces in heard:
        for n, at in enumerate(_in_one(tokens, pieces)):
            if n < len(best):
                best[n] = min(best[n], at)
            else:
                best.append(at)
    return tuple(best)


def _in_one(tokens: Sequence[Piece], pieces: Sequence[Piece]) -> list[float]:
    whole = "".join(text for _, text in tokens)
    text = "".join(text for _, text in pieces)
    if not whole.strip() or not text:
        return []
    trimmed = len(whole) - len(whole.lstrip())
    start = _place(text, whole.lstrip())
    matched = _common(text, start, whole.lstrip()) + trimmed if start >= 0 else 0
    return _instants_of(tokens, matched, trimmed, start, pieces)


def _instants_of(
    tokens: Sequence[Piece], matched: int, trimmed: int, start: int, pieces: Sequence[Piece]
) -> list[float]:
    instants: list[float] = []
    position, piece, reach = 0, 0, len(pieces[0][1])
    said = len("".join(token for _, token in tokens).rstrip())  # a handler may have trimmed the text's end
    for _, token in tokens:
        needed = min(position + len(token), said)
        if needed > matched:
            break
        while reach < start + needed - trimmed:
            piece += 1
            reach += len(pieces[piece][1])
        instants.append(pieces[piece][0])
        position += len(token)
    return instants


def _place(text: str, whole: str) -> int:
    """Where in ``text`` the longest beginning of ``whole`` stands; -1 when not even its first word does."""
    head = whole.split(maxsplit=1)[0]
    best, best_length, start = -1, 0, text.find(head)
    for _ in range(_PLACES):
        if start < 0:
            break
        length = _common(text, start, whole)
        if length > best_length:
            best, best_length = start, length
        start = text.find(head, start + 1)
    return best


def _common(text: str, start: int, whole: str) -> int:
    """Length of the common beginning of ``text[start:]`` and ``whole``."""
    low, high = 0, min(len(whole), len(text) - start)
    while low < high:
        middle = (low + high + 1) // 2
        if text.startswith(whole[:middle], start):
            low = middle
        else:
            high = middle - 1
    return low
