"""``sandbox run``: play stories and tell what became of each answer."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from sandbox import collection
from sandbox.backend import BackendError
from sandbox.clock import ClockKind, stopwatch
from sandbox.stories.discovery import UnknownStoryError, check_templates, find_stories
from sandbox.stories.loading import StoryError
from sandbox.stories.model import Story
from sandbox.stories.report import failure_text, summary, table, timeline
from sandbox.stories.results import StoryResult
from sandbox.stories.runner import real_workshop, run_story
from sandbox.stories.warm import warm

PASSED, FAILED, BAD_INPUT = 0, 1, 2

Player = Callable[[Story, ClockKind, date | None], StoryResult]


def player_of(backend: str | None, plain: str | None) -> Player:
    """How stories are played: with the sandbox, with it before a LocalStack, or against LocalStack alone."""
    if backend is None and plain is None:
        return run_story
    from sandbox.stories.elsewhere import PlainLocalStack, WithLocalStack

    return PlainLocalStack(plain) if plain else WithLocalStack(backend or "")


def run_command(
    what: Sequence[str],
    *,
    clock: ClockKind = "virtual",
    as_of: date | None = None,
    as_json: bool = False,
    timeline: bool = False,
    scenarios: Path | None = None,
    player: Player = run_story,
    jobs: int | None = None,
) -> int:
    """Play what is named (default: all of ``scenarios/``) and print it; the exit code.

    0: all stories as expected; 1: one is not; 2: bad input. With ``as_json`` stdout holds JSON and nothing else.
    ``jobs``: so many stories at once, each in a process of its own; default: one for each core.
    """
    try:
        stories = find_stories(what, scenarios)
        check_templates(stories)
    except (StoryError, UnknownStoryError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return BAD_INPUT
    elapsed = stopwatch()
    try:
        with _played(stories, clock, as_of, player, jobs or os.cpu_count() or 1) as played:
            results = _watch(stories, played, show=not as_json)
    except BackendError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return BAD_INPUT
    if as_json:
        print(json.dumps([one.row() for one in results], indent=2, ensure_ascii=False))
    else:
        _tell(results, elapsed(), whole=timeline)
    return PASSED if all(one.passed for one in results) else FAILED


@contextmanager
def _played(
    stories: Sequence[Story], clock: ClockKind, as_of: date | None, player: Player, jobs: int
) -> Iterator[Iterator[StoryResult]]:
    """The results in the stories' order. Stories share nothing, so they can be played at once."""
    workers = min(jobs, len(stories))
    real_workshop()
    if workers < 2:
        collection.settle()
        yield (player(story, clock, as_of) for story in stories)
        return
    warm()
    collection.settle()
    with ProcessPoolExecutor(workers, get_context("fork")) as pool:
        results = [pool.submit(player, story, clock, as_of) for story in stories]
        try:
            yield (result.result() for result in results)
        finally:
            pool.shutdown(cancel_futures=True)


def _watch(stories: Sequence[Story], played: Iterator[StoryResult], *, show: bool) -> list[StoryResult]:
    """Collect the results; a bar tells on stderr how far it is, if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    results: list[StoryResult] = []
    with Progress(
        *columns, console=console, transient=True, disable=not (show and console.is_terminal)
    ) as bar:
        task = bar.add_task("", total=len(stories))
        for story in stories:
            bar.update(task, description=f"{story.pattern}/{story.id}")
            results.append(next(played))
            bar.advance(task)
    return results


def _tell(results: Sequence[StoryResult], wall_s: float, *, whole: bool) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = 200
    if whole:
        for one in results:
            console.print(timeline(one))
    console.print(table(results, console.width))
    for one in results:
        if not one.passed:
            console.print(failure_text(one), markup=False, highlight=False, soft_wrap=True)
            console.print()
    console.print(summary(results, wall_s), highlight=False)
