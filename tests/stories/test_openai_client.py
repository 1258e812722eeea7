"""The openai client of stories against the mock model of a real sandbox, and against a server that fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.clock import Clock, run
from sandbox.stories.checks import check
from sandbox.stories.clients import OpenAiClient
from sandbox.stories.clients.base import Stage
from sandbox.stories.model import Story
from sandbox.stories.places import Index
from sandbox.stories.results import StoryResult
from sandbox.stories.runner import run_story
from sandbox.stories.trace import ClientRequest, Trace
from sandbox.timeline import Timeline
from tests.stories.raw_server import CLOSE, Step, chunk, head, serve, whole

TEMPLATE = "Resources:\n  Jobs: {Type: AWS::SQS::Queue}\n"


def against_the_model(
    folder: Path, client: dict[str, Any], model: dict[str, Any], expect: dict[str, Any] | None = None
) -> StoryResult:
    (folder / "template.yaml").write_text(TEMPLATE)
    clients = [{"kind": "openai", "name": "sdk", **client}]
    base = {"id": "a", "title": "t", "teaches": "t", "clients": clients, "model": model}
    story = Story.model_validate({**base, "expect": expect or {}}, context={"folder": folder})
    return run_story(story.placed(folder / "a.story.yaml", 1, Index.of("id: a")))


def test_a_stream_is_read_token_by_token(tmp_path: Path):
    seen = against_the_model(tmp_path, {}, {"profile": "slow"}).outcome
    assert (seen.verdict, seen.tokens, seen.instants) == ("streams", 391, 391)
    assert (seen.first_token_at, seen.last_token_at, seen.delay_per_token) == (1.0, 40.0, 0.0)


def test_the_hidden_retries_of_the_library_are_requests(tmp_path: Path):
    client = {"timeout": "2s", "max_retries": 2}
    seen = against_the_model(tmp_path, client, {"profile": "silent"}).outcome
    assert (seen.error, seen.requests, seen.verdict) == ("timeout", 3, "cut off")
    assert seen.ended_at is not None
    assert seen.ended_at >= 6.0


def test_a_story_judges_how_a_client_tries_again(tmp_path: Path):
    """The library waits longer each time; the third attempt is answered as a rule says, at a pace of its own."""
    rules = [
        {"times": 2, "fault": "error:status=503"},
        {"answer": "Third time lucky.", "pace": {"first_token": 1, "rate": 10}},
    ]
    asked = [{"event": "model.request_received", "data": {"attempt": attempt}} for attempt in (1, 2, 3)]
    expect = {
        "order": [asked[0], "model.faulted", asked[1], "model.faulted", asked[2], "model.completed"],
        "counts": {"model.request_received": 3},
        "tokens": 4,
    }
    result = against_the_model(tmp_path, {"max_retries": 2}, {"profile": "slow", "rules": rules}, expect)
    assert result.passed, result.failures
    too_few = {"order": [{"event": "model.request_received", "data": {"attempt": 4}}]}
    assert not against_the_model(tmp_path, {"max_retries": 2}, {"rules": rules}, too_few).passed


def test_a_story_replays_a_recording_beside_it(tmp_path: Path):
    chunk = '{"choices":[{"index":0,"delta":{"content":"Hello"}}]}'
    rows: list[dict[str, Any]] = [
        {"recording": 1, "api": "openai.chat", "headers": {"content-type": "text/event-stream"}},
        {"at": 3.5, "data": f"data: {chunk}\n\n"},
        {"at": 7.25, "data": "data: [DONE]\n\n"},
    ]
    (tmp_path / "seen.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    expect = {"started_at": 3.5, "ended_at": 7.25, "status": 200}
    result = against_the_model(tmp_path, {}, {"rules": [{"replay": "seen.jsonl"}]}, expect)
    assert result.passed, result.failures


def play(client: dict[str, Any], *scripts: list[Step]) -> list[ClientRequest]:
    async def main(clock: Clock) -> list[ClientRequest]:
        async with serve(*scripts) as (_, endpoint):
            timeline = Timeline(clock.now)
            stage = Stage(clock, timeline, endpoint, "us-east-1", {})
            spec = {"kind": "openai", "name": "sdk", "max_retries": 0, **client}
            with clock.in_flight("test"):
                await OpenAiClient.model_validate(spec).play(stage)
            return Trace(timeline).requests("sdk")

    return run(main)


@pytest.mark.parametrize(
    ("client", "script", "end", "kind", "ended"),
    [
        ({}, [(1.0, whole("no", "429 Too Many Requests"))], "failed", "api error", 1.0),
        ({}, [(1.0, CLOSE)], "failed", "connection closed", 1.0),
        ({"disconnect_after": "2s"}, [(5.0, whole("x"))], "disconnected", None, 2.0),
        (
            {},
            [
                (1.0, head(content_type="text/event-stream", transfer_encoding="chunked")),
                (1.0, chunk('data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n')),
                (2.0, CLOSE),
            ],
            "failed",
            "truncated",
            2.0,
        ),
    ],
)
def test_what_goes_wrong_has_a_name(client: Any, script: Any, end: str, kind: str, ended: float):
    (only,) = play(client, script)
    assert (only.end, only.error_kind, only.ended_at) == (end, kind, ended)


def test_a_closed_port_is_connection_refused():
    (only,) = play({"base_url": "http://127.0.0.1:1/v1"}, [(0.0, CLOSE)])
    assert (only.end, only.error_kind) == ("failed", "connection refused")


def test_expectations_see_what_the_library_gave(tmp_path: Path):
    result = against_the_model(tmp_path, {"stream": False}, {"profile": "instant", "tokens": 3})
    assert (result.outcome.status, result.outcome.verdict) == (200, "arrives whole")
    assert check(result.story, result.trace) == []
