"""``make contrast``: the same stories against LocalStack alone and through the sandbox, and what became of them."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox.clock import ClockKind
from sandbox.stories.discovery import find_stories
from sandbox.stories.elsewhere import PlainLocalStack
from sandbox.stories.model import Story
from sandbox.stories.results import StoryResult
from sandbox.stories.runner import run_story
from tests.localstack import runtime

STORIES = str(Path(__file__).with_name("contrast.story.yaml"))
COLUMNS = ("story", "by", "status", "first token", "ended", "tokens", "answer", "wall")


def rows(localstack: str) -> list[tuple[StoryResult, StoryResult]]:
    """Each story against LocalStack alone, and through the sandbox."""
    stories = find_stories([STORIES])
    play = PlainLocalStack(localstack)
    with ThreadPoolExecutor(len(stories)) as pool:  # they are real seconds: all at once
        alone = list(pool.map(lambda story: play(story, "real", None), stories))
    ours = [_ours(story, "virtual") for story in stories]
    return list(zip(alone, ours, strict=True))


def _ours(story: Story, clock: ClockKind) -> StoryResult:
    return run_story(story, clock)


def line(result: StoryResult, by: str) -> tuple[str, ...]:
    """One row of the table."""
    row = result.row()

    def instant(name: str) -> str:
        return "-" if row[name] is None else f"{row[name]:.3f} s"

    return (
        result.story.title if by == "LocalStack" else "",
        by,
        str(row["status"]),
        instant("first_token_s"),
        instant("ended_s"),
        str(row["tokens"]),
        str(row["verdict"]),
        f"{row['wall_s']:.1f} s",
    )


def table(pairs: list[tuple[StoryResult, StoryResult]]) -> str:
    """The rows as Markdown."""
    lines = [COLUMNS, tuple("---" for _ in COLUMNS)]
    for alone, ours in pairs:
        lines += [line(alone, "LocalStack"), line(ours, "sandbox")]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def main() -> int:
    """Exit code 1 when a story through the sandbox is not as expected."""
    if len(sys.argv) > 1:
        pairs = rows(sys.argv[1])
    else:
        with runtime.running() as url:
            pairs = rows(url)
    print(table(pairs))
    return 0 if all(ours.passed for _, ours in pairs) else 1


if __name__ == "__main__":
    sys.exit(main())
