"""What a story used, counted from a made-up timeline."""

from __future__ import annotations

from typing import Any

from sandbox.stories.counts import counts
from sandbox.stories.event_checks import check_events
from sandbox.stories.expectations import StoryExpect
from sandbox.stories.trace import Trace
from sandbox.timeline import Event


def event(at: float, source: str, name: str, id: str = "x", **data: Any) -> Event:
    return Event(at, source, name, id, data)


def test_requests_bytes_and_invocations() -> None:
    trace = Trace(
        [
            event(0, "client", "request_sent", "a:1"),
            event(0, "api_rest", "request_received", "r1"),
            event(0, "lambda", "invoked", "i1", function="f", cold=True),
            event(1, "control", "called", service="dynamodb", operation="PutItem", status=200),
            event(1, "control", "called", service="dynamodb", operation="PutItem", status=200),
            event(1, "control", "called", service="logs", operation="PutLogEvents", status=200),
            event(1, "sqs", "message_sent", "m"),
            event(2, "lambda", "invocation_ended", "i1", outcome="ok", billed_ms=2000, memory_mb=256),
            event(2, "api_rest", "sent", "r1", bytes=40),
            event(2, "client", "received", "a:1", bytes=40, text="x"),
            event(3, "client", "request_sent", "b:1"),
            event(3, "client", "message_sent", "b:1", bytes=3),
            event(3, "api_websocket", "message_received", "c", bytes=3),
        ]
    )
    assert counts(trace).shown() == {
        "client_requests": 2,
        "client_messages": 1,
        "client_bytes": 40,
        "edges": {"api_rest": {"requests": 1, "bytes": 40}, "api_websocket": {"requests": 1, "bytes": 0}},
        "invocations": 1,
        "cold_starts": 1,
        "billed_ms": 2000,
        "billed_mb_ms": 512_000,
        "aws_calls": {"dynamodb PutItem": 2},
        "sqs_sent": 1,
    }


def test_a_story_says_what_it_may_use() -> None:
    called = {"service": "dynamodb", "operation": "PutItem", "status": 200}
    trace = Trace([event(0, "control", "called", **called), event(0, "api_rest", "request_received")])
    used = {"dynamodb PutItem": 2, "api_rest requests": {"at_most": 1}, "invocations": 0}
    expect = StoryExpect.model_validate({"used": used})
    assert list(check_events(expect, trace, 0)) == [("used.dynamodb PutItem", "exactly 2", "it is 1")]


def test_a_story_without_anything_tells_the_basics() -> None:
    assert counts(Trace([])).shown() == {
        "client_requests": 0,
        "client_bytes": 0,
        "invocations": 0,
        "billed_ms": 0,
    }


def test_hours_of_containers_count_from_the_storys_start_to_its_end() -> None:
    size = {"cpu": "512", "memory": "2048"}
    trace = Trace(
        [
            event(1900, "ecs", "task_stopped", "old", **size),
            event(2800, "ecs", "task_started", "new", **size),
            event(4600, "client", "request_sent", "a:1"),
        ],
        zero=1000,
        before=[event(10, "ecs", "task_started", "old", **size)],
    )
    used = counts(trace)
    assert used.task_hours == 0.75  # a quarter of an hour of the old one, half of one of the new
    assert used.task_vcpu_hours == 0.375
    assert used.task_gb_hours == 1.5
