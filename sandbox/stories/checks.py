"""Whether a story showed what it expects; every expectation that failed, with what was seen instead."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.stories.event_checks import check_events
from sandbox.stories.expectations import AfterClient, ClientExpect, StoryExpect, TextMatch
from sandbox.stories.matching import describe, mismatch
from sandbox.stories.model import Story
from sandbox.stories.outcome import Outcome, outcome
from sandbox.stories.trace import Trace
from sandbox.stories.units import Amount, format_duration

SANDBOX = "sandbox"  # the field of a failure that is not the story's but the sandbox's own
_VIRTUAL_TOLERANCE = 1e-6
_INSTANTS = ("started_at", "first_byte_at", "first_token_at", "last_token_at", "ended_at", "delay_per_token")
_COUNTS = (
    *("tokens", "instants", "requests", "messages"),
    *("missing", "gaps", "repeated", "overtaken"),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that did not hold. ``at``: the instant around which to look at the timeline."""

    field: str
    expected: str
    actual: str
    at: float | None = None
    line: int | None = None  # of the story's file

    def __str__(self) -> str:
        if not self.expected:
            return f"{self.field}: {self.actual}"
        return f"{self.field}: expected {self.expected}, but {self.actual}"


@dataclass(frozen=True, slots=True)
class _Case:
    trace: Trace
    seen: Outcome
    prefix: str
    tolerance: float


def check(story: Story, trace: Trace, *, scale: float = math.inf) -> list[Failure]:
    """All failures of a story. ``scale``: of the clock on which it was played (:func:`sandbox.clock.scale_of`).

    On a real or scaled one instants have a tolerance, in real seconds.
    """
    real = scale < math.inf
    tolerance = story.real_tolerance * scale if real else _VIRTUAL_TOLERANCE
    failures: list[Failure] = []
    for client in _copies(trace, story.watched):
        case = _Case(trace, outcome(trace, client), "expect", tolerance)
        failures += _check_client(story.expect, case)
    whole = _Case(trace, outcome(trace, _copies(trace, story.watched)[0]), "expect", tolerance)
    failures += _check_story(story.expect, whole)
    for n, spec in enumerate(story.clients):
        if spec.expect is None:
            continue
        for client in _copies(trace, spec.name):
            case = _Case(trace, outcome(trace, client), f"clients[{n}].expect", tolerance)
            failures += _check_client(spec.expect, case)
    return failures


def _copies(trace: Trace, name: str) -> list[str]:
    found = [client for client in trace.clients if client == name or client.rpartition("/")[0] == name]
    return found or [name]


def _check_client(expect: ClientExpect, case: _Case) -> Iterator[Failure]:
    seen, at = case.seen, case.seen.ended_at
    if expect.verdict is not None and expect.verdict != seen.verdict:
        yield Failure(f"{case.prefix}.verdict", expect.verdict, f"it is {seen.verdict!r}", at)
    if expect.status is not None and expect.status != seen.status:
        told = "no status line came" if seen.status is None else f"it is {seen.status}"
        yield Failure(f"{case.prefix}.status", str(expect.status), told, at)
    if expect.error is not None and expect.error != (seen.error or "none"):
        told = f"it is {seen.error} ({seen.error_text})" if seen.error else "there was no error"
        yield Failure(f"{case.prefix}.error", expect.error, told, at)
    for name in ("close_code", "close_reason"):
        wanted, found = getattr(expect, name), getattr(seen, name)
        if wanted is not None and wanted != found:
            yield Failure(f"{case.prefix}.{name}", repr(wanted), f"it is {found!r}", at)
    yield from _check_texts(expect, case)
    for field in (*_INSTANTS, *_COUNTS):
        amount: Amount | None = getattr(expect, field)
        if field == "instants" and case.tolerance > _VIRTUAL_TOLERANCE:
            continue  # on the real clock two tokens may be read at once
        actual = getattr(seen, field)
        slack, show = (0.0, str) if field in _COUNTS else (case.tolerance, format_duration)
        if amount is not None and not amount.allows(actual, slack):
            near = actual if field in _INSTANTS and field != "delay_per_token" else at
            yield Failure(f"{case.prefix}.{field}", _say(amount, show), f"it is {show(actual)}", near)


def _check_texts(expect: ClientExpect, case: _Case) -> Iterator[Failure]:
    seen, at = case.seen, case.seen.ended_at
    if expect.body is not None and (problem := mismatch(expect.body, seen.body, seen.size)) is not None:
        yield Failure(f"{case.prefix}.body", describe(expect.body), problem, at)
    if (
        expect.error_text is not None
        and (problem := mismatch(expect.error_text, seen.error_text)) is not None
    ):
        yield Failure(f"{case.prefix}.error_text", describe(expect.error_text), problem, at)
    headers = seen.headers or {}
    for name, wanted in (expect.headers or {}).items():
        problem = _header_problem(wanted, headers.get(name.lower()))
        if problem is not None:
            yield Failure(f"{case.prefix}.headers.{name}", describe(wanted), problem, at)


def _header_problem(wanted: str | TextMatch | None, actual: str | None) -> str | None:
    if actual is None:
        return None if wanted is None else "it is absent"
    return f"it is {actual!r}" if wanted is None else mismatch(wanted, actual)


def _say(amount: Amount, show: Callable[[float | None], str]) -> str:
    if amount.never:
        return "never"
    if amount.low == amount.high:
        return f"exactly {show(amount.low)}"
    bounds = [] if amount.low is None else [f"at least {show(amount.low)}"]
    return " and ".join(bounds + ([] if amount.high is None else [f"at most {show(amount.high)}"]))


def _check_story(expect: StoryExpect, case: _Case) -> Iterator[Failure]:
    runs = case.trace.invocations
    counts = {
        "invocations": len(runs),
        "cold_starts": sum(run.cold for run in runs),
        "model_calls": len(case.trace.answers),
    }
    for field, actual in counts.items():
        yield from _amount(f"{case.prefix}.{field}", getattr(expect, field), actual, case.seen.ended_at)
    billed = sum(run.billed_ms for run in runs)
    yield from _billed(f"{case.prefix}.billed", expect.billed, billed, case)
    if expect.after_client is not None:
        yield from _check_after(expect.after_client, case)
    for name, wanted, told in check_events(expect, case.trace, case.tolerance):
        yield Failure(f"{case.prefix}.{name}", wanted, told, case.seen.ended_at)


def _amount(field: str, wanted: Amount | None, actual: int, at: float | None) -> Iterator[Failure]:
    if wanted is not None and not wanted.allows(actual):
        yield Failure(field, _say(wanted, str), f"there were {actual}", at)


def _billed(field: str, wanted: Amount | None, actual: int, case: _Case) -> Iterator[Failure]:
    slack = 0.0 if case.tolerance == _VIRTUAL_TOLERANCE else case.tolerance * 1000
    if wanted is not None and not wanted.allows(actual, slack):
        yield Failure(
            field, _say(wanted, lambda ms: f"{ms:g} ms"), f"{actual} ms were billed", case.seen.ended_at
        )


def _check_after(after: AfterClient, case: _Case) -> Iterator[Failure]:
    prefix, end = f"{case.prefix}.after_client", case.seen.ended_at
    if end is None:
        yield Failure(prefix, "what went on after the client", "the client never ended")
        return
    over = [
        run for run in case.trace.invocations if run.started_at <= end and not _ended_by(run.ended_at, end)
    ]
    runs = [run for run in over if after.function is None or after.function in run.function]
    ran_until = (
        None if not runs else max((run.ended_at for run in runs if run.ended_at is not None), default=None)
    )
    if after.ran_until is not None and not after.ran_until.allows(ran_until, case.tolerance):
        told = f"the function ran until {format_duration(ran_until)}" if runs else "no function ran on"
        yield Failure(f"{prefix}.ran_until", _say(after.ran_until, format_duration), told, ran_until or end)
    outcomes = sorted({str(run.outcome) for run in runs})
    if after.outcome is not None and outcomes != [after.outcome]:
        yield Failure(
            f"{prefix}.outcome", after.outcome, f"it is {', '.join(outcomes) or 'none'}", ran_until or end
        )
    yield from _billed(f"{prefix}.billed", after.billed, sum(run.billed_ms for run in runs), case)
    made = sum(at > end for answer in case.trace.answers for at in answer.made)
    yield from _amount(f"{prefix}.model_tokens", after.model_tokens, made, ran_until or end)


def _ended_by(ended_at: float | None, instant: float) -> bool:
    return ended_at is not None and ended_at <= instant
