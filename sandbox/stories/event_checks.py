"""Expectations that speak of single events of the timeline: their order, and what must never occur."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sandbox.stories.counts import counts
from sandbox.stories.expectations import EventMatch, StoryExpect
from sandbox.stories.matching import subset_mismatch
from sandbox.stories.trace import Trace
from sandbox.timeline import Event


def check_events(expect: StoryExpect, trace: Trace, tolerance: float) -> Iterator[tuple[str, str, str]]:
    """(field, expected, actual) of everything in ``order``, ``counts``, ``used`` and ``never`` that does not hold."""
    names = Counter(f"{event.source}.{event.name}" for event in trace.events)
    for name, amount in (expect.counts or {}).items():
        if not amount.allows(names[name]):
            yield f"counts.{name}", str(amount), f"it occurred {names[name]} times"
    used = counts(trace).flat() if expect.used else {}
    for name, amount in (expect.used or {}).items():
        if not amount.allows(used.get(name, 0)):
            yield f"used.{name}", str(amount), f"it is {used.get(name, 0)}"
    start = 0
    for n, wanted in enumerate(expect.order or []):
        pattern = _pattern(wanted)
        found = _find(pattern, trace.events, start, tolerance)
        if found is None:
            yield f"order[{n}]", _say(pattern), _missing(pattern, trace, tolerance)
            return
        start = found + 1
    for n, unwanted in enumerate(expect.never or []):
        pattern = _pattern(unwanted)
        found = _find(pattern, trace.events, 0, tolerance)
        if found is not None:
            event = trace.events[found]
            yield f"never[{n}]", f"no {_say(pattern)}", f"it occurred at {event.at:g} s"


def _pattern(wanted: str | EventMatch) -> EventMatch:
    return EventMatch(event=wanted) if isinstance(wanted, str) else wanted


def _say(pattern: EventMatch) -> str:
    data = "".join(f" {name}={value}" for name, value in pattern.data.items())
    return f"{pattern.event}{data}" + (f" at {pattern.at}" if pattern.at is not None else "")


def _find(pattern: EventMatch, events: list[Event], start: int, tolerance: float) -> int | None:
    for n in range(start, len(events)):
        if _fits(pattern, events[n], tolerance):
            return n
    return None


def _fits(pattern: EventMatch, event: Event, tolerance: float) -> bool:
    return (
        pattern.event == f"{event.source}.{event.name}"
        and (pattern.at is None or pattern.at.allows(event.at, tolerance))
        and subset_mismatch(pattern.data, dict(event.data)) is None
    )


def _missing(pattern: EventMatch, trace: Trace, tolerance: float) -> str:
    earlier = _find(pattern, trace.events, 0, tolerance)
    if earlier is not None:
        return f"it occurred only earlier, at {trace.events[earlier].at:g} s"
    named = [event.at for event in trace.events if f"{event.source}.{event.name}" == pattern.event]
    if named:
        return "it occurred only otherwise, at " + ", ".join(f"{at:g} s" for at in named[:5])
    return "it never occurred"
