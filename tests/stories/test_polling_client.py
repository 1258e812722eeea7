"""The ``polling`` client against a raw server, and how its story is judged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.clock import Clock, run
from sandbox.stories.clients import PollingClient
from sandbox.stories.clients.base import Stage
from sandbox.stories.outcome import outcome
from sandbox.stories.trace import Trace
from sandbox.timeline import Event, Timeline
from tests.stories.raw_server import RawServer, Step, head, serve

POSTED = '{"job": "j-7"}'


def answer(value: Any, status: str = "200 OK", **headers: str) -> list[Step]:
    """A JSON answer at once."""
    text = value if isinstance(value, str) else json.dumps(value)
    length = str(len(text))
    return [
        (0.0, head(status, content_type="application/json", content_length=length, **headers) + text.encode())
    ]


def play(*scripts: list[Step], model: list[Event] | None = None, **words: Any) -> tuple[Trace, RawServer]:
    async def main(clock: Clock) -> tuple[Trace, RawServer]:
        async with serve(*scripts) as (server, endpoint):
            timeline = Timeline(clock.now)
            stage = Stage(clock, timeline, endpoint, "us-east-1", {})
            client = PollingClient.model_validate(
                {
                    "kind": "polling",
                    "name": "browser",
                    "post": {
                        "method": "POST",
                        "url": "${endpoint}/jobs",
                        "json": {},
                        "capture": {"job": "job"},
                    },
                    "ask": {"url": "${endpoint}/jobs/${job}?seen=${seen}"},
                    "until": {"body": {"json": {"done": True}}},
                    **words,
                }
            )
            with clock.in_flight("test"):
                await client.play(stage)
            return Trace(sorted([*(model or []), *timeline], key=lambda event: event.at)), server

    return run(main)


def said(*tokens: tuple[float, str], done: float) -> list[Event]:
    """The model's side."""
    made = [Event(at, "model", "token_emitted", "m", {"text": text}) for at, text in tokens]
    asked = Event(0.0, "model", "request_received", "m")
    return [asked, *made, Event(done, "model", "completed", "m", {"tokens": len(tokens)})]


def asked(server: RawServer) -> list[str]:
    return [text.split(" HTTP")[0] for text, _ in server.seen]


def test_pieces_of_several_answers_are_one_text_that_streams() -> None:
    trace, server = play(
        answer(POSTED, "202 Accepted"),
        answer({"text": "one", "done": False}),
        answer({"text": " two", "done": False}),
        answer({"text": " three", "done": True}),
        model=said((0.5, "one"), (1.5, " two"), (2.9, " three"), done=2.9),
    )
    assert asked(server) == [
        "POST /jobs",
        "GET /jobs/j-7?seen=0",
        "GET /jobs/j-7?seen=3",
        "GET /jobs/j-7?seen=7",
    ]
    seen = outcome(trace, "browser")
    assert (seen.verdict, seen.tokens, seen.requests) == ("streams", 3, 4)
    assert (seen.first_token_at, seen.last_token_at, seen.delay_per_token) == (1.0, 3.0, 0.5)


def test_answers_may_hold_the_whole_text_so_far() -> None:
    trace, _ = play(
        answer(POSTED),
        answer({"job": {"text": "one"}}),
        answer({"job": {"text": "one two"}, "done": True}),
        new=False,
        text="job.text",
        every="0s",
    )
    assert [text for _, text in trace.heard("browser")] == ["one", " two"]
    assert trace.requests("browser")[-1].ended_at == 0


def test_a_job_that_nobody_knows_is_lost() -> None:
    model = said((0.5, "one"), (9.0, " two"), done=9.0)
    trace, server = play(answer(POSTED), answer({"message": "no such job"}, "404 Not Found"), model=model)
    assert len(server.seen) == 2
    seen = outcome(trace, "browser")
    assert (seen.verdict, seen.status, seen.tokens) == ("lost", 404, 0)


def test_a_job_that_is_lost_half_way_is_cut_off() -> None:
    trace, _ = play(
        answer(POSTED),
        answer({"text": "one"}),
        answer({}, "404 Not Found"),
        model=said((0.5, "one"), (9.0, " two"), done=9.0),
    )
    assert outcome(trace, "browser").verdict == "cut off"


def test_answers_that_do_not_know_the_job_are_tolerated_in_a_row() -> None:
    unknown = answer({}, "404 Not Found")
    trace, server = play(
        answer(POSTED), unknown, unknown, answer({"text": "one"}), unknown, unknown, unknown, tolerate=2
    )
    assert len(server.seen) == 7
    assert [request.sent_at for request in trace.requests("browser")] == [0, 1, 2, 3, 4, 5, 6]
    assert trace.lost("browser")


def test_an_error_ends_it_unless_it_goes_on() -> None:
    scripts = [answer(POSTED), answer({}, "504 Gateway Timeout"), answer({"text": "one", "done": True})]
    trace, server = play(*scripts)
    assert (len(server.seen), trace.requests("browser")[-1].status) == (2, 504)
    trace, server = play(*scripts, retry=True)
    assert (len(server.seen), trace.requests("browser")[-1].status) == (3, 200)


def test_the_first_request_may_come_earlier() -> None:
    trace, _ = play(answer(POSTED), answer({}), answer({"done": True}), first="250ms")
    assert [request.sent_at for request in trace.requests("browser")] == [0, 0.25, 1.25]


def test_it_gives_up() -> None:
    _, server = play(answer(POSTED), answer({"done": False}), give_up_after="3.5s")
    assert len(server.seen) == 4


@pytest.mark.parametrize("cookies", [False, True])
def test_cookies_are_sent_back_when_the_story_wants_it(cookies: bool) -> None:
    _, server = play(answer(POSTED, set_cookie="AWSALB=one; Path=/"), answer({"done": True}), cookies=cookies)
    assert ("AWSALB=one" in server.seen[1][0]) is cookies
