"""A 40 s answer of 391 tokens, polled for and streamed: what each way takes and how late the text is. On the virtual
clock, so the numbers are exact and the same on every machine.

The ways are those of stories, some of which let a sparser model speak: here all have the same answer to bring.
"""

from __future__ import annotations

from pathlib import Path

from sandbox.stories.arrival import arrival
from sandbox.stories.counts import Counts, counts
from sandbox.stories.discovery import find_stories
from sandbox.stories.expectations import StoryExpect
from sandbox.stories.model import ModelSpec, Story
from sandbox.stories.results import StoryResult
from sandbox.stories.runner import run_story

SCENARIOS = Path(__file__).parents[1] / "scenarios"
WAYS = {
    "stream-slow-node": "Function URL, streaming",
    "ws-slow-node": "WebSocket API",
    "short-table-slow-node": "Lambda, poll each second, table",
    "long-table-slow-node": "Lambda, long polls, table",
    "sqs-table-slow-node": "SQS and worker, poll each second, table",
    "tasks-sticky": "two tasks, poll each second, sticky",
    "tasks-table": "two tasks, poll each second, table",
}
HEAD = (
    f"{'way':42}{'requests':>9}{'messages':>9}{'bytes':>8}{'first text':>12}{'mean delay':>12}"
    f"{'invocations':>12}{'billed':>10}{'API calls':>10}"
)


def main() -> None:
    """Print a line for each way."""
    print(HEAD)
    for story in find_stories(list(WAYS), SCENARIOS):
        print(row(run_story(same_answer(story))), flush=True)
    print(
        "bytes: bodies, messages and the heads of answers; delays: from the model to the client, of each token"
    )


def same_answer(story: Story) -> Story:
    """The story with the answer that all ways are compared by, expected to arrive."""
    alike = story.model_copy(
        update={"model": ModelSpec(profile="slow"), "expect": StoryExpect(verdict="streams", tokens=391)}
    )
    return alike.placed(story.file, story.line, story.index)


def row(result: StoryResult) -> str:
    """What one way took. Raises ``RuntimeError`` when its story did not go as it says."""
    if not result.passed:
        raise RuntimeError(f"{result.story.id}: {[str(failure) for failure in result.failures]}")
    came = arrival(result.trace, result.outcome.client)
    assert came is not None
    used, lags = counts(result.trace), came.lags
    messages = used.client_messages + result.outcome.messages
    return (
        f"{WAYS[result.story.id]:42}{used.client_requests:>9}{messages:>9}{used.client_bytes + heads(result):>8}"
        f"{lags[0]:>10.3f} s{sum(lags) / len(lags):>10.3f} s{used.invocations:>12}"
        f"{used.billed_ms / 1000:>8.1f} s{calls(used):>10}"
    )


def heads(result: StoryResult) -> int:
    """Bytes of the answers' heads: status lines and headers."""
    clients = (one for one in result.trace.events if one.source == "client")
    answers = [one.data["headers"] for one in clients if one.name == "response_started"]
    return sum(
        len("HTTP/1.1 200 OK") + 4 + sum(len(name) + len(value) + 4 for name, value in headers.items())
        for headers in answers
    )


def calls(used: Counts) -> int:
    """Calls of AWS APIs: a table's reads and writes, messages of queues."""
    return sum(used.aws_calls.values())


if __name__ == "__main__":
    main()
