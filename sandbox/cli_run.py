"""``sandbox run``: play stories and tell what became of each answer."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from sandbox import collection
from sandbox.backend import BackendError
from sandbox.clock import ClockKind, stopwatch
from sandbox.stories.discovery import UnknownStoryError, check_templates, find_stories
from sandbox.stories.loading import StoryError
from sandbox.stories.model import Story
from sandbox.stories.playing import Player, Stage
from sandbox.stories.report import failure_text, line, summary, table, timeline
from sandbox.stories.results import StoryResult
from sandbox.stories.runner import real_workshop, run_story
from sandbox.stories.warm import services_of, warm

PASSED, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def player_of(backend: str | None, plain: str | None) -> Player:
    """How stories are played: with the sandbox, with it before a LocalStack, or against LocalStack alone."""
    if backend is None and plain is None:
        return run_story
    from sandbox.stories.elsewhere import PlainLocalStack, WithLocalStack

    return PlainLocalStack(plain) if plain else WithLocalStack(backend or "")


def list_command(what: Sequence[str], *, as_json: bool = False, scenarios: Path | None = None) -> int:
    """Print which stories ``what`` names, without playing them; the exit code (0 or 2)."""
    try:
        stories = find_stories(what, scenarios)
    except (StoryError, UnknownStoryError) as error:
        return _bad_input(error)
    if as_json:
        rows = [{"story": one.id, "pattern": one.pattern, "title": one.title} for one in stories]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return PASSED
    names = [f"{one.pattern}/{one.id}" for one in stories]
    width = max(map(len, names), default=0)
    for name, one in zip(names, stories, strict=True):
        print(f"{name:{width}}  {one.title}")
    return PASSED


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

    0: all stories as expected; 1: one is not; 2: bad input; 130: interrupted, with what had ended by then printed.
    With ``as_json`` stdout holds JSON and nothing else.
    ``jobs``: so many stories at once, each in a process of its own; default: one for each core.
    """
    try:
        stories = find_stories(what, scenarios)
        check_templates(stories)
    except (StoryError, UnknownStoryError) as error:
        return _bad_input(error)
    elapsed = stopwatch()
    stage = Stage(stories, player, clock, as_of)
    interrupted = False
    try:
        with closing(_played(stage, min(jobs or os.cpu_count() or 1, len(stories)))) as played:
            _watch(stories, played, show=not as_json)
    except BackendError as error:
        return _bad_input(error)
    except KeyboardInterrupt:
        interrupted = True
    except BrokenPipeError:  # who read along wants no more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    results = [stage.results[place] for place in sorted(stage.results)]
    if as_json:
        print(json.dumps([one.row() for one in results], indent=2, ensure_ascii=False))
    else:
        _tell(results, elapsed(), whole=timeline)
    if interrupted:
        print(f"sandbox: interrupted; {len(results)} of {len(stories)} stories had ended", file=sys.stderr)
        return INTERRUPTED
    return PASSED if all(one.passed for one in results) else FAILED


def _bad_input(error: Exception) -> int:
    print(f"sandbox: {error}", file=sys.stderr)
    return BAD_INPUT


def _played(stage: Stage, workers: int) -> Generator[StoryResult, None, None]:
    """The results in the stories' order. Stories share nothing, so they can be played at once."""
    real_workshop()
    if workers > 1:
        warm(services_of(stage.templates))
    collection.settle()
    return stage.together(workers) if workers > 1 else stage.alone()


def _watch(stories: Sequence[Story], played: Iterator[StoryResult], *, show: bool) -> None:
    """Tell how far it is: a bar on stderr if that is a terminal; a line for each story where stdout is none."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    lines = show and not sys.stdout.isatty()
    with Progress(
        *columns, console=console, transient=True, disable=not (show and console.is_terminal)
    ) as bar:
        task = bar.add_task("", total=len(stories))
        for story in stories:
            bar.update(task, description=f"{story.pattern}/{story.id}")
            result = next(played)
            if lines:
                print(line(result), flush=True)
            bar.advance(task)


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
