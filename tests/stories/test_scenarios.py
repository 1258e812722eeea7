"""The patterns of this project: complete, and as their stories say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.stories.discovery import find_stories, scenarios_folder, story_files
from sandbox.stories.model import Story
from sandbox.stories.runner import run_story

ROOT = Path(__file__).parents[2]
PATTERNS = sorted({file.parent for file in story_files(ROOT / "scenarios")})
STORIES = find_stories([], ROOT / "scenarios")


def by_id(name: str) -> Story:
    return next(story for story in STORIES if story.id == name)


def test_the_folder_of_the_checkout_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert scenarios_folder(ROOT / "scenarios" / "rest_api_timeout") == ROOT / "scenarios"
    monkeypatch.chdir(tmp_path)
    assert scenarios_folder() == ROOT / "scenarios"


@pytest.mark.parametrize("folder", PATTERNS, ids=lambda folder: folder.name)
def test_a_pattern_is_complete(folder: Path):
    assert (folder / "template.yaml").is_file()
    assert (folder / "src").is_dir()
    lesson = (folder / "README.md").read_text()
    for part in ("## What happens", "## What AWS says", "## What to do", f"sandbox run {folder.name}"):
        assert part in lesson
    languages = [name for name in ("node", "python") if (folder / "src" / name).is_dir()] or [""]
    ids = {
        (story.model.profile, language)
        for story in STORIES
        for language in languages
        if story.pattern == folder.name and language in story.id
    }
    for profile in ("fast", "slow", "stalled"):
        assert {(profile, language) for language in languages} <= ids


def test_ids_are_unique_over_all_patterns():
    ids = [story.id for story in STORIES]
    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.parametrize(
    "name",
    [
        "slow-node",
        "raised-slow-python",
        "stream-slow-python",
        "buffered-stalled-python",
        "rest-stream-slow-node",
        "sub-wait-slow",
        "events-fast-node",
        "short-frozen-python",
        "sqs-twice-node",
    ],
)
def test_a_story_of_each_pattern(name: str):
    result = run_story(by_id(name))
    assert [str(failure) for failure in result.failures] == []


def test_two_runs_of_a_story_look_the_same():
    first, second = (run_story(by_id("slow-node")) for _ in range(2))
    assert first.trace.events == second.trace.events
    assert len(first.trace.events) > 391


def test_the_command_prints_json_alone():
    command = [sys.executable, "-m", "sandbox", "run", "rest_api_timeout/slow-node", "--json"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    (row,) = json.loads(ran.stdout)
    assert (row["status"], row["ended_s"], row["verdict"], row["passed"]) == (504, 29.0, "cut off", True)
