"""The ``steps`` client and captures, against a raw server."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.clock import Clock, run
from sandbox.stories.clients import StepsClient
from sandbox.stories.clients.base import Stage, StoryFailedError
from sandbox.stories.clients.request import captured
from sandbox.stories.trace import Trace
from sandbox.timeline import Timeline
from tests.stories.raw_server import RawServer, Step, head, serve


def json_answer(text: str, status: str = "200 OK") -> bytes:
    return head(status, content_type="application/json", content_length=str(len(text))) + text.encode()


def play(steps: list[dict[str, Any]], *scripts: list[Step]) -> tuple[Trace, RawServer, dict[str, str]]:
    async def main(clock: Clock) -> tuple[Trace, RawServer, dict[str, str]]:
        async with serve(*scripts) as (server, endpoint):
            timeline = Timeline(clock.now)
            stage = Stage(clock, timeline, endpoint, "us-east-1", {})
            with clock.in_flight("test"):
                await StepsClient.model_validate({"kind": "steps", "name": "browser", "steps": steps}).play(
                    stage
                )
            return Trace(timeline), server, stage.shared

    return run(main)


def test_a_later_request_uses_what_an_earlier_answer_said():
    trace, server, shared = play(
        [
            {
                "method": "POST",
                "url": "${endpoint}/jobs",
                "json": {},
                "capture": {"job": "jobs[0].id", "n": "n"},
            },
            {"wait": "2s", "url": "${endpoint}/jobs/${job}", "headers": {"x-number": "${n}"}},
        ],
        [(1.0, json_answer('{"jobs": [{"id": "j-7"}], "n": 3}', "202 Accepted"))],
        [(1.0, json_answer("{}"))],
    )
    assert [request.sent_at for request in trace.requests("browser")] == [0.0, 3.0]
    assert server.seen[1][0].startswith("GET /jobs/j-7 ")
    assert "x-number: 3" in server.seen[1][0]
    assert shared == {"job": "j-7", "n": "3"}


def test_a_step_polls_until_the_answer_is_there():
    poll = {"every": "5s", "until": {"body": {"json": {"state": "done"}}}}
    trace, _, shared = play(
        [{"url": "${endpoint}/job", "poll": poll, "capture": {"text": "text"}}],
        [(0.0, json_answer('{"state": "running"}'))],
        [(0.0, json_answer('{"state": "running"}'))],
        [(0.0, json_answer('{"state": "done", "text": "hi"}'))],
    )
    assert [request.sent_at for request in trace.requests("browser")] == [0.0, 5.0, 10.0]
    assert shared == {"text": "hi"}


def test_what_cannot_be_captured_fails_the_story():
    with pytest.raises(ExceptionGroup) as failed:
        play(
            [{"url": "${endpoint}/", "capture": {"job": "id"}}],
            [(0.0, json_answer('{"message":"no"}', "500 No"))],
        )
    told = "browser: GET ${endpoint}/ answered 500, without 'id': '{\"message\": \"no\"}'"
    assert str(failed.value.exceptions[0]) == told
    with pytest.raises(StoryFailedError, match="it answered 200, which is not JSON: 'x'"):
        captured({"a": "b"}, "x", "it answered 200")
    assert captured({"a": "b[1].c"}, '{"b": [1, {"c": [2]}]}', "") == {"a": "[2]"}
