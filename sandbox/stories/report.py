"""Telling a person what became of stories: table, failures with the timeline around them, whole timelines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from sandbox.stories.checks import Failure
from sandbox.stories.counts import counts
from sandbox.stories.results import StoryResult
from sandbox.timeline import Event

COLORS = {
    "streams": "green",
    "arrives whole": "yellow",
    "cut off": "red",
    "lost": "magenta",
    "refused": "cyan",
}
_SHORT = "as expected"
_LESS = ("requests", "last token", "wall", "tokens", "pattern", _SHORT)  # in this order on narrow terminals
_COLUMNS = (
    "pattern",
    "story",
    "answer",
    "status",
    "first token",
    "last token",
    "ended",
    "tokens",
    "requests",
    "wall",
    "",
)
_RULER = Console(width=1000)
_AROUND = 6
_LONG = 60


def table(results: Sequence[StoryResult], width: int | None = None) -> Table:
    """One line a story. ``width``: the terminal's columns; a narrow one is shown less, but that whole."""
    left_out: list[str] = []
    made = _table(results, left_out)
    for name in _LESS if width else ():
        if Measurement.get(_RULER, _RULER.options, made).maximum <= (width or 0):
            break
        left_out.append(name)
        made = _table(results, left_out)
    return made


def _table(results: Sequence[StoryResult], left_out: Sequence[str]) -> Table:
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    rows = _rows(results, short=_SHORT in left_out)
    shown = [n for n, name in enumerate(_COLUMNS) if name not in left_out]
    for n in shown:
        fold = _COLUMNS[n] == "story"  # an id longer than the terminal goes on in the next line
        made.add_column(
            _COLUMNS[n], justify="right" if 3 <= n <= 9 else "left", no_wrap=not fold, overflow="fold"
        )
    for row in rows:
        made.add_row(*(row[n] for n in shown))
    return made


def _rows(results: Sequence[StoryResult], *, short: bool) -> list[tuple[str | Text, ...]]:
    rows: list[tuple[str | Text, ...]] = []
    last = ""
    well, not_well = ("ok", "NOT") if short else ("as expected", "NOT AS EXPECTED")
    for one in results:
        seen, pattern = one.outcome, one.story.pattern
        rows.append(
            (
                pattern if pattern != last else "",
                one.story.id,
                _answer(one),
                "-" if seen.status is None else str(seen.status),
                _seconds(seen.first_token_at),
                _seconds(seen.last_token_at),
                _seconds(seen.ended_at),
                str(seen.tokens),
                str(seen.requests),
                f"{one.wall_s:.2f} s",
                Text(well, "green") if one.passed else Text(not_well, "bold red"),
            )
        )
        last = pattern
    return rows


def _answer(result: StoryResult) -> Text | str:
    """The verdict; none for an answer that nobody asked for, nor when the sandbox failed."""
    if result.broke:
        return Text("sandbox failed", "bold red")
    seen = result.outcome
    if seen.verdict == "arrives whole" and seen.tokens == 0:
        return "-"
    return Text(seen.verdict, COLORS[seen.verdict])


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f} s"


def line(result: StoryResult) -> str:
    """A story in a line, for who reads along."""
    what = "as expected" if result.passed else "NOT AS EXPECTED"
    name = f"{result.story.pattern}/{result.story.id}"
    return f"{what}: {name}: {_answer(result)}, {result.wall_s:.2f} s"


def summary(results: Sequence[StoryResult], wall_s: float) -> str:
    """The last line."""
    failed = sum(not one.passed for one in results)
    played = sum(one.outcome.ended_at or 0.0 for one in results)
    told = f"{len(results) - failed} of {len(results)} stories as expected"
    return f"{told}; {played:.0f} s of the clients' time in {wall_s:.1f} s"


def failure_text(result: StoryResult) -> str:
    """What did not hold, where it is written, and what happened around it."""
    story = result.story
    lines = [f"{story.pattern}/{story.id}: {story.title}"]
    shown: set[float] = set()
    for failure in result.failures:
        lines += [f"  {story.file}:{result.line_of(failure)}: {failure}"]
        if failure.at is not None and failure.at not in shown and result.trace.events:
            shown.add(failure.at)
            lines += [f"      {line}" for line in excerpt(result.trace.events, failure)]
    return "\n".join(lines)


def excerpt(events: Sequence[Event], failure: Failure) -> list[str]:
    """The events around the instant that a failure is about; ``>`` marks those of the instant itself."""
    at = failure.at or 0.0
    middle = next((n for n, event in enumerate(events) if event.at >= at), len(events) - 1)
    start, end = max(0, middle - _AROUND), min(len(events), middle + _AROUND + 1)
    lines = [] if start == 0 else ["  ..."]
    for event in events[start:end]:
        mark = ">" if abs(event.at - at) < 1e-6 else " "
        lines.append(
            f"{mark} {event.at:11.6f} s  {event.source:<12} {event.name:<20} {_data(event)}".rstrip()
        )
    return lines + ([] if end == len(events) else ["  ..."])


def timeline(result: StoryResult) -> RenderableType:
    """Every hop of a story with its instant."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    made.add_column("instant", justify="right")
    for name in ("source", "what", "which", "data"):
        made.add_column(name, overflow="fold")
    for event in result.trace.events:
        made.add_row(f"{event.at:.6f} s", event.source, event.name, event.id, Text(_data(event)))
    title = Text(f"{result.story.pattern}/{result.story.id}: {result.story.title}", "bold")
    return Group(title, made, Text(f"used: {used(result)}"))


def used(result: StoryResult) -> str:
    """What a story used, in a line: ``42 client_requests, 3249 client_bytes, ..., 81 dynamodb PutItem``."""
    numbers = counts(result.trace).flat()
    return ", ".join(f"{value} {name}" for name, value in numbers.items())


def _data(event: Event) -> str:
    return " ".join(f"{name}={_short(value)}" for name, value in event.data.items())


def _short(value: Any) -> str:
    text = (
        repr(value) if isinstance(value, str) and (not value or " " in value or "\n" in value) else str(value)
    )
    return text if len(text) <= _LONG else f"{text[:_LONG]}..."
