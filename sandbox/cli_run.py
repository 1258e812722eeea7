"""``sandbox run``: play stories and tell what became of each answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from sandbox.clock import ClockKind, stopwatch
from sandbox.stories.discovery import UnknownStoryError, find_stories
from sandbox.stories.loading import StoryError
from sandbox.stories.model import Story
from sandbox.stories.report import failure_text, summary, table, timeline
from sandbox.stories.results import StoryResult
from sandbox.stories.runner import run_story

PASSED, FAILED, BAD_INPUT = 0, 1, 2

Player = Callable[[Story, ClockKind, date | None], StoryResult]


def run_command(
    what: Sequence[str],
    *,
    clock: ClockKind = "virtual",
    as_of: date | None = None,
    as_json: bool = False,
    timeline: bool = False,
    scenarios: Path | None = None,
    player: Player = run_story,
) -> int:
    """Play what is named (default: all of ``scenarios/``) and print it; the exit code.

    0: all stories as expected; 1: one is not; 2: bad input. With ``as_json`` stdout holds JSON and nothing else.
    """
    try:
        stories = find_stories(what, scenarios)
    except (StoryError, UnknownStoryError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return BAD_INPUT
    elapsed = stopwatch()
    results = _play(stories, clock, as_of, player, show=not as_json)
    if as_json:
        print(json.dumps([one.row() for one in results], indent=2, ensure_ascii=False))
    else:
        _tell(results, elapsed(), whole=timeline)
    return PASSED if all(one.passed for one in results) else FAILED


def _play(
    stories: Sequence[Story], clock: ClockKind, as_of: date | None, player: Player, *, show: bool
) -> list[StoryResult]:
    """Play one after the other; the bar goes to stderr and only to a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    results = []
    with Progress(
        *columns, console=console, transient=True, disable=not (show and console.is_terminal)
    ) as bar:
        task = bar.add_task("", total=len(stories))
        for story in stories:
            bar.update(task, description=f"{story.pattern}/{story.id}")
            results.append(player(story, clock, as_of))
            bar.advance(task)
    return results


def _tell(results: Sequence[StoryResult], wall_s: float, *, whole: bool) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = 200
    if whole:
        for one in results:
            console.print(timeline(one))
    console.print(table(results))
    for one in results:
        if not one.passed:
            console.print(failure_text(one), markup=False, highlight=False, soft_wrap=True)
            console.print()
    console.print(summary(results, wall_s), highlight=False)
