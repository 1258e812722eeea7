"""Many stories at once, each in a process of its own."""

import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.backend import BackendError
from sandbox.stories.loading import load_stories
from sandbox.stories.model import Story
from sandbox.stories.outcome import outcome
from sandbox.stories.playing import Stage
from sandbox.stories.report import line
from sandbox.stories.results import StoryResult
from tests.stories.synthetic import Script, tokens

STORY = """\
id: {id}
title: t
teaches: t
clients: [{{name: browser, url: x}}]
expect: {{status: 200}}
"""


@pytest.fixture
def stories(tmp_path: Path) -> list[Story]:
    file = tmp_path / "all.story.yaml"
    file.write_text("---\n".join(STORY.format(id=f"s{n}") for n in range(4)))
    return load_stories(file)


def played(story: Story) -> StoryResult:
    trace = Script().model(tokens(3)).client(tokens(3), ended=1.0).trace()
    return StoryResult(story, trace, outcome(trace, "browser"), (), float(os.getpid()))


def stage(stories: list[Story], play: Callable[[Story], StoryResult]) -> Stage:
    return Stage(stories, lambda story, clock, as_of: play(story), "virtual", None)


def test_results_come_in_order_whichever_ends_first(stories: list[Story]):
    reads, writes = os.pipe()

    def play(story: Story) -> StoryResult:
        if story.id == "s0":
            os.read(reads, 1)  # until the last story was played, by the other process
        if story.id == "s3":
            os.write(writes, b".")
        return played(story)

    results = list(stage(stories, play).together(2))
    assert [one.story.id for one in results] == ["s0", "s1", "s2", "s3"]
    first, *others = [one.wall_s for one in results]
    assert len(set(others)) == 1
    assert os.getpid() not in (first, others[0])
    assert first != others[0]


def test_a_killed_process_costs_its_story_alone(stories: list[Story]):
    def play(story: Story) -> StoryResult:
        if story.id == "s1":
            os.kill(os.getpid(), signal.SIGKILL)
        return played(story)

    results = list(stage(stories, play).together(2))
    assert [one.story.id for one in results if not one.passed] == ["s1"]
    assert [str(one) for one in results[1].failures] == [
        "sandbox: the process that played it was killed (SIGKILL)"
    ]
    told = [line(one).rpartition(": ")[2].partition(",")[0] for one in results[:2]]
    assert told == ["streams", "sandbox failed"]  # not "refused": nobody knows what its client got


def test_what_a_player_raises_is_raised_with_its_place(stories: list[Story]):
    def play(story: Story) -> StoryResult:
        if story.id == "s2":
            raise BackendError("nobody there")
        return played(story)

    with pytest.raises(BackendError, match="nobody there") as told:
        list(stage(stories, play).together(2))
    assert "s2, in the process that played it:" in told.value.__notes__[0]
    assert "test_playing.py" in told.value.__notes__[1]


def test_an_interrupt_ends_stories_properly_and_keeps_what_ended(stories: list[Story], tmp_path: Path):
    parent = os.getpid()
    cleaned = tmp_path / "cleaned"
    reads, writes = os.pipe()

    def play(story: Story) -> StoryResult:
        if story.id == "s0":
            return played(story)
        try:
            os.read(reads, 1)  # until the first story's result was taken
            os.kill(parent, signal.SIGINT)
            while True:
                signal.pause()
        finally:
            with cleaned.open("a") as file:
                file.write(f"{os.getpgrp()} ")

    playing = stage(stories[:2], play)
    together = playing.together(2)
    results = [next(together)]
    with pytest.raises(KeyboardInterrupt), closing(together):  # noqa: PT012 - it may come in either of them
        os.write(writes, b".")
        next(together)
    assert [one.story.id for one in results] == ["s0"]
    assert list(playing.results) == [0]
    (group,) = cleaned.read_text().split()
    assert int(group) not in (0, os.getpgrp())  # the terminal's own interrupt does not reach it


def test_alone_they_are_played_here(stories: list[Story]):
    assert {one.wall_s for one in stage(stories, played).alone()} == {float(os.getpid())}
