from typing import Any

import pytest

from sandbox.clock import Clock, run
from sandbox.stories.clients import HttpClient
from sandbox.stories.clients.base import Stage, StoryFailedError
from sandbox.stories.trace import ClientRequest, Trace
from sandbox.timeline import Timeline
from tests.stories.raw_server import CLOSE, RawServer, Step, chunk, head, serve, whole

STREAM = head(content_type="text/plain", transfer_encoding="chunked")


def play(client: dict[str, Any], *scripts: list[Step], aws: bool = False) -> tuple[Trace, RawServer]:
    """Let a client act on a raw server, on the virtual clock."""

    async def main(clock: Clock) -> tuple[Trace, RawServer]:
        async with serve(*scripts) as (server, endpoint):
            timeline = Timeline(clock.now)
            stage = Stage(clock, timeline, endpoint, "us-east-1", {"Url": f"{endpoint}/x"})
            with clock.in_flight("test"):
                spec = {"url": "${outputs.Url}", "name": "browser"} | client
                await HttpClient.model_validate(spec).play(stage)
            return Trace(timeline), server

    return run(main)


def request(client: dict[str, Any], *scripts: list[Step]) -> ClientRequest:
    trace, _ = play(client, *scripts)
    (only,) = trace.requests("browser")
    return only


def test_every_piece_has_the_instant_at_which_it_came():
    only = request({}, [(1.0, STREAM + chunk("a")), (2.5, chunk("b")), (40.0, chunk("c") + chunk(""))])
    assert only.pieces == [(1.0, "a"), (2.5, "b"), (40.0, "c")]
    assert (only.status, only.started_at, only.ended_at, only.end) == (200, 1.0, 40.0, "completed")
    assert only.headers["content-type"] == "text/plain"


def test_letters_of_several_bytes_may_come_apart():
    letter = "ä".encode()
    split = head(content_type="text/plain", content_length="2")
    only = request({}, [(0.0, split + letter[:1]), (1.0, letter[1:])])
    assert only.body == "ä"
    assert only.size == 2


@pytest.mark.parametrize(
    ("client", "script", "end", "kind", "ended"),
    [
        ({}, [(1.0, STREAM + chunk("a")), (2.0, CLOSE)], "failed", "truncated", 2.0),
        ({}, [(0.0, head(content_length="9") + b"abc"), (2.0, CLOSE)], "failed", "truncated", 2.0),
        ({}, [(2.0, CLOSE)], "failed", "connection closed", 2.0),
        ({}, [(2.0, b"garbage\r\n\r\n")], "failed", "protocol", 2.0),
        ({"timeout": "3s"}, [(5.0, whole("x"))], "failed", "timeout", 3.0),
        ({"timeout": "3s"}, [(1.0, STREAM + chunk("a")), (5.0, chunk(""))], "failed", "timeout", 3.0),
        (
            {"disconnect_after": "3s"},
            [(1.0, STREAM + chunk("a")), (5.0, chunk(""))],
            "disconnected",
            None,
            3.0,
        ),
    ],
)
def test_what_goes_wrong_has_a_name_and_an_instant(
    client: Any, script: Any, end: str, kind: str, ended: float
):
    only = request(client, script)
    assert (only.end, only.error_kind, only.ended_at) == (end, kind, ended)


def test_a_closed_port_is_connection_refused():
    only = request({"url": "http://127.0.0.1:1/"}, [(0.0, CLOSE)])
    assert (only.status, only.end, only.error_kind) == (None, "failed", "connection refused")


def test_json_is_sent_as_json_with_outputs_filled_in():
    _, server = play(
        {"method": "POST", "json": {"a": ["${region}"]}, "headers": {"X-A": "${region}"}}, [(0, whole("x"))]
    )
    ((sent_head, body),) = server.seen
    assert body == b'{"a": ["us-east-1"]}'
    assert "content-type: application/json" in sent_head
    assert "x-a: us-east-1" in sent_head.lower()


def test_a_body_can_be_generated_by_size():
    _, server = play({"method": "POST", "body": {"size": "7MB", "fill": "ab"}}, [(0, whole("x"))])
    assert len(server.seen[0][1]) == 7_000_000
    assert server.seen[0][1].endswith(b"abab")


def test_aws_names_lead_to_the_sandbox_under_their_own_host_name():
    url = "https://abc.lambda-url.us-east-1.on.aws/path?q=1"
    _, server = play({"url": url}, [(0, whole("x"))])
    assert server.seen[0][0].startswith("GET /path?q=1 HTTP/1.1\r\n")
    assert "host: abc.lambda-url.us-east-1.on.aws\r\n" in server.seen[0][0].lower()


def test_a_signature_is_for_the_service_behind_the_host_name():
    url = "https://abc.lambda-url.us-east-1.on.aws/"
    _, server = play({"url": url, "sign": "aws_iam", "method": "POST", "json": {}}, [(0, whole("x"))])
    sent = server.seen[0][0].lower()
    assert "/us-east-1/lambda/aws4_request, signedheaders=content-type;host;x-amz-date" in sent


def test_repeats_are_sent_one_after_the_other():
    trace, _ = play({"repeat": 3, "every": "2s"}, [(1.0, whole("x"))])
    assert [one.sent_at for one in trace.requests("browser")] == [0.0, 3.0, 6.0]


def test_a_poll_ends_when_the_answer_is_there():
    client = {"poll": {"every": "2s", "until": {"status": 200, "body": {"json": {"state": "done"}}}}}
    waiting, done = [(0.0, whole('{"state": "run"}'))], [(0.0, whole('{"state": "done"}'))]
    trace, _ = play(client, waiting, waiting, done)
    assert [one.sent_at for one in trace.requests("browser")] == [0.0, 2.0, 4.0]


def test_a_poll_gives_up():
    client = {"poll": {"every": "2s", "until": {"status": 404}, "give_up_after": "5s"}}
    trace, _ = play(client, [(0.0, whole("x"))])
    assert [one.sent_at for one in trace.requests("browser")] == [0.0, 2.0, 4.0]


def test_copies_act_at_once_under_names_of_their_own():
    trace, _ = play({"copies": 3}, [(1.0, whole("x"))])
    assert trace.clients == ["browser/1", "browser/2", "browser/3"]
    assert {one.ended_at for name in trace.clients for one in trace.requests(name)} == {1.0}


def test_an_unknown_output_fails_the_story_and_lists_what_there_is():
    with pytest.raises(BaseExceptionGroup) as caught:
        play({"url": "${outputs.Uri}"}, [(0, whole("x"))])
    assert caught.group_contains(
        StoryFailedError, match=r"\$\{outputs.Uri\} is not known; there is .*outputs.Url"
    )
