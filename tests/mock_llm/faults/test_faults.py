"""Faults happen at their token, in each API's own way, and are told to the observer at their instant."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import boto3
import openai
import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from botocore.exceptions import EventStreamError

from mock_llm import faults
from mock_llm.app import create_app
from mock_llm.profiles import ProfileError
from mock_llm.settings import Settings

HELLO: Any = [{"role": "user", "content": "Hello"}]
STEADY = {"x-mock-llm-first-token": "1", "x-mock-llm-rate": "10", "x-mock-llm-tokens": "20"}


def told(text: str) -> dict[str, str]:
    return {**STEADY, "x-mock-llm-fault": text}


def keep(stream: Any, seen: list[Any]) -> None:
    """Read a stream into a list that survives its failure."""
    for event in stream:
        seen.append(event)


def ended(observed: Any) -> list[tuple[float, str]]:
    """What the observer was told but for the tokens."""
    return [
        (at, name) for at, name, _, _ in observed.seen if name not in ("token_emitted", "request_received")
    ]


def test_cut_ends_the_stream_without_its_end(chat: Any, observed: Any, text_of: Any) -> None:
    call = chat(create_app(observe=observed), stream=True, headers=told("cut:after=3"))
    assert text_of(call.events()) == text_of(chat(stream=True, headers=STEADY, max_tokens=3).events())
    assert b'finish_reason":"' not in call.content
    assert call.sent[-1] == (1.3, {"type": "http.response.body", "body": b""})
    assert ended(observed) == [(1.3, "faulted")]
    assert observed.seen[-1][3] == {"kind": "cut"}


def test_drop_leaves_the_answer_without_end(chat: Any, observed: Any) -> None:
    call = chat(create_app(observe=observed), stream=True, headers=told("drop:after=3"))
    assert all(message.get("more_body") for _, message in call.sent[1:])
    assert ended(observed) == [(1.3, "faulted")]


def test_malformed_breaks_one_frame(chat: Any, observed: Any) -> None:
    call = chat(create_app(observe=observed), stream=True, headers=told("malformed:after=3"))
    frames = [message["body"] for _, message in call.sent[1:-1]]
    broken = [frame for frame in frames[:-1] if not frame.endswith(b"}\n\n")]
    assert broken == [frames[4]]
    with pytest.raises(json.JSONDecodeError):
        json.loads(frames[4][6:])
    assert ended(observed) == [(1.3, "faulted"), (2.9, "completed")]


def test_error_before_the_answer(chat: Any, observed: Any) -> None:
    call = chat(create_app(observe=observed), headers=told("error:status=429,retry_after=7"))
    assert (call.status, call.sent[0][0]) == (429, 0.0)
    assert call.json()["error"]["code"] == "rate_limit_exceeded"
    assert (b"retry-after", b"7") in call.sent[0][1]["headers"]
    assert ended(observed) == [(0.0, "faulted")]


def test_error_in_the_stream_is_its_last_frame(chat: Any, observed: Any) -> None:
    call = chat(create_app(observe=observed), stream=True, headers=told("error:status=503,after=3"))
    at, event = call.events()[-1]
    assert (at, event["error"]["type"]) == (1.3, "server_error")
    assert ended(observed) == [(1.3, "faulted")]


@pytest.mark.parametrize(
    ("text", "status", "length"),
    [("cut", 200, 0.5), ("malformed", 200, 1), ("error:status=500,after=1", 500, None)],
)
def test_whole_answers_fail_when_they_are_due(
    chat: Any, observed: Any, text: str, status: int, length: Any
) -> None:
    call = chat(create_app(observe=observed), headers=told(text))
    assert (call.status, call.sent[0][0]) == (status, 2.9)
    if length:
        with pytest.raises(json.JSONDecodeError):
            call.json()
    assert ended(observed) == [(2.9, "faulted")]


def test_dropped_whole_answer_sends_nothing(chat: Any, observed: Any) -> None:
    assert chat(create_app(observe=observed), headers=told("drop")).sent == []
    assert ended(observed) == [(2.9, "faulted")]


def test_probability_is_a_seeded_draw_for_each_answer(chat: Any) -> None:
    def statuses(seed: int) -> list[int]:
        app = create_app(Settings(profile="instant", seed=seed))
        app.configure(fault="error:status=500,probability=0.5")
        return [chat(app).status for _ in range(20)]

    assert set(statuses(1)) == {200, 500}
    assert statuses(1) == statuses(1) != statuses(2)


def test_header_none_lifts_the_fault_of_the_configuration(chat: Any) -> None:
    app = create_app()
    app.configure(fault="error")
    assert chat(app).status == 500
    assert chat(app, headers={"x-mock-llm-fault": "none"}).status == 200
    assert app.overrides.data() == {"fault": "error"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "bogus",
            "unknown fault 'bogus'; there are: none, cut, drop, error, malformed, reset, slow_headers, stall",
        ),
        ("cut:before=3", "fault cut has no key 'before'; there are: after, probability"),
        ("cut:after=x", "fault cut: after must be a number, not 'x'"),
        ("cut:after=-1", "fault cut: after must be from 0"),
        ("cut:probability=2", "fault cut: probability must be from 0 to 1, not 2"),
        ("cut:probability=nan", "fault cut: probability must be from 0 to 1"),
    ],
)
def test_fault_that_cannot_be_is_refused_by_name(chat: Any, text: str, says: str) -> None:
    with pytest.raises(ProfileError) as caught:
        faults.read(text)
    assert says in str(caught.value)
    assert says in chat(headers={"x-mock-llm-fault": text}).json()["error"]["message"]
    with pytest.raises(ProfileError):
        create_app().configure(fault=text)


def test_anthropic_error_in_the_stream(jump: Any, calls: Any) -> None:
    body = {"model": "m", "max_tokens": 50, "messages": HELLO, "stream": True}
    call = jump(
        calls("/v1/messages", json.dumps(body).encode(), headers=told("error:status=529,after=3")).run(
            create_app()
        )
    )
    name, data = call.sent[-2][1]["body"].decode().strip().split("\n")
    assert name == "event: error"
    assert json.loads(data[6:])["error"]["type"] == "overloaded_error"


def test_responses_error_in_the_stream(jump: Any, calls: Any) -> None:
    body = {"model": "m", "input": "Hello", "stream": True}
    call = jump(
        calls("/v1/responses", json.dumps(body).encode(), headers=told("error:status=429,after=3")).run(
            create_app()
        )
    )
    event = json.loads(call.sent[-2][1]["body"].decode().strip().split("\n")[1][6:])
    assert (event["type"], event["code"], event["sequence_number"]) == ("error", "rate_limit_exceeded", 7)


def test_event_stream_with_a_wrong_checksum(jump: Any, calls: Any) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": [{"text": "x"}]}]}).encode()
    call = jump(calls("/model/x/converse-stream", body, headers=told("malformed:after=3")).run(create_app()))
    broken = 0
    for _, message in call.sent[1:-1]:
        buffer = EventStreamBuffer()
        buffer.add_data(message["body"])
        try:
            next(buffer)
        except ChecksumMismatch:
            broken += 1
    assert broken == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "throttlingException"), (503, "serviceUnavailableException"), (424, "modelStreamErrorException")],
)
def test_boto3_raises_what_bedrock_puts_into_the_stream(serving: Any, status: int, code: str) -> None:
    def work(url: str) -> EventStreamError:
        client = boto3.client(
            "bedrock-runtime",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="k",
            aws_secret_access_key="s",
        )
        messages = [{"role": "user", "content": [{"text": "x"}]}]
        stream = client.converse_stream(modelId="x", messages=messages)["stream"]
        seen: list[Any] = []
        with pytest.raises(EventStreamError) as caught:
            keep(stream, seen)
        assert len(seen) == 4
        return caught.value

    async def main() -> EventStreamError:
        app = create_app(Settings(profile="instant"))
        app.configure(fault=f"error:status={status},after=3")
        async with serving(app) as url:
            return await asyncio.to_thread(work, url)

    assert asyncio.run(main()).response["Error"]["Code"] == code


def test_openai_client_sees_each_fault_as_its_own_error(serving: Any) -> None:
    async def main() -> None:
        app = create_app(Settings(profile="instant"))
        async with (
            serving(app) as url,
            openai.AsyncOpenAI(base_url=url + "/v1", api_key="k", max_retries=0) as client,
        ):

            async def read(fault: str) -> int:
                app.configure(fault=fault)
                stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
                return len([chunk async for chunk in stream])

            with pytest.raises(openai.RateLimitError):
                await read("error:status=429")
            with pytest.raises(openai.APIError, match="told to fail"):
                await read("error:after=3")
            with pytest.raises(json.JSONDecodeError):
                await read("malformed:after=3")
            with pytest.raises(openai.APIConnectionError):
                await read("drop:after=3")
            assert await read("cut:after=3") == 4

    asyncio.run(main())


def test_stall_is_a_silence_after_which_it_goes_on(chat: Any, observed: Any) -> None:
    call = chat(create_app(observe=observed), stream=True, headers=told("stall:after=3,seconds=10"))
    instants = sorted({at for at, event in call.events() if isinstance(event, dict)})
    assert instants[:5] == [1.0, 1.1, 1.2, 11.3, 11.4]
    assert ended(observed) == [(1.3, "faulted"), (12.9, "completed")]


def test_stall_for_ever_is_ended_by_the_client(chat: Any, observed: Any) -> None:
    app = create_app(observe=observed)
    call = chat(app, stream=True, headers=told("stall:after=3"), gone_at=100)
    assert len(call.events()) == 4
    assert ended(observed) == [(1.3, "faulted"), (100.0, "client_gone")]
    assert (app.requests[0].outcome, app.requests[0].fault) == ("client_gone", "stall")


@pytest.mark.parametrize(("stream", "instants"), [(True, (31.0, 32.9)), (False, (32.9, 32.9))])
def test_slow_headers_make_everything_late(chat: Any, stream: bool, instants: tuple[float, float]) -> None:
    call = chat(stream=stream, headers=told("slow_headers:seconds=30"))
    assert (call.sent[0][0], call.sent[-1][0]) == instants


def test_first_of_several_faults_whose_draw_falls_happens(chat: Any) -> None:
    app = create_app(Settings(profile="instant"))
    app.configure(fault="error:status=529,probability=0.3; error:status=503,probability=0.5")
    statuses = [chat(app).status for _ in range(60)]
    assert {status: statuses.count(status) > 5 for status in (200, 503, 529)} == dict.fromkeys(
        (200, 503, 529), True
    )
