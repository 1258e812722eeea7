"""Recordings: read and written, made of captures and HAR files, replayed to the microsecond, without secrets."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from mock_llm.apis.bedrock.eventstream import event
from mock_llm.app import create_app
from mock_llm.captures import from_capture, from_har
from mock_llm.recording import Recording, RecordingError, load_recording, record, save_recording

SSE = {"content-type": "text/event-stream"}
FRAMES = ((412_345, b'data: {"a": "\xc3\xa4"}\n\n'), (431_000, b"\xff\x00"), (900_001, b"data: [DONE]\n\n"))


def saved(tmp_path: Path, recording: Recording) -> Path:
    path = tmp_path / "one.jsonl"
    save_recording(recording, path)
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    recording = record(
        "openai.chat", FRAMES, headers=SSE, end=1_000_000, source="test", request={"model": "m"}
    )
    assert load_recording(saved(tmp_path, recording)) == recording


@pytest.mark.parametrize(
    ("speed", "at"), [(1.0, [0.412345, 0.431, 0.900001]), (2.0, [0.206172, 0.2155, 0.45])]
)
def test_replayed_at_its_instants(tmp_path: Path, chat: Any, speed: float, at: list[float]) -> None:
    saved(tmp_path, record("openai.chat", FRAMES, headers={**SSE, "x-request-id": "req_1"}))
    app = create_app()
    app.configure(rules=[{"replay": str(tmp_path / "one.jsonl"), "speed": speed}])
    call = chat(app, stream=True)
    bodies = [(when, message["body"]) for when, message in call.sent if message.get("body")]
    assert bodies == list(zip(at, [data for _, data in FRAMES], strict=True))
    assert call.sent[0][1]["headers"] == [
        (b"content-type", b"text/event-stream"),
        (b"x-request-id", b"req_1"),
    ]
    assert chat(app).status == 400  # the recording is of a stream


def test_reset_closes_without_end_and_status_is_kept(tmp_path: Path, chat: Any) -> None:
    path = saved(
        tmp_path, record("openai.chat", FRAMES[:1], headers=SSE, reset=True, end=500_000, status=429)
    )
    app = create_app()
    app.configure(rules=[{"replay": str(path)}])
    call = chat(app, stream=True)
    assert call.status == 429
    assert all(message.get("more_body") for _, message in call.sent[1:])
    assert call.sent[-1][0] == 0.5


def test_secrets_are_never_stored(tmp_path: Path) -> None:
    keys = ("sk-proj-abcdefghijkl123456", "AKIAABCDEFGHIJKLMNOP", "Bearer abcdefgh12345678")
    headers = {**SSE, "Authorization": keys[2], "x-api-key": keys[0], "Set-Cookie": "session=abcdefgh"}
    har = tmp_path / "one.har"
    entry = {
        "request": {
            "method": "POST",
            "url": "https://api.openai.com/v1/chat/completions?key=sk-in-the-query-123456",
            "headers": [{"name": name, "value": value} for name, value in headers.items()],
            "cookies": [{"name": "session", "value": "abcdefgh"}],
            "postData": {"text": json.dumps({"model": "gpt-5", "user": keys[0]})},
        },
        "response": {
            "status": 200,
            "headers": [{"name": name, "value": value} for name, value in headers.items()],
            "content": {"mimeType": "text/event-stream", "text": "".join(f"data: {key}\n\n" for key in keys)},
        },
        "timings": {"blocked": -1, "wait": 400, "receive": 200},
    }
    har.write_text(
        json.dumps(
            {"log": {"entries": [entry, {**entry, "request": {"url": "https://x/", "method": "GET"}}]}}
        )
    )
    (recording,) = from_har(har)
    text = saved(tmp_path, recording).read_text()
    for secret in ("abcdefgh", "ABCDEFGH", "in-the-query", "session"):
        assert secret not in text
    assert [at for at, _ in recording.frames] == [400_000, 500_000, 600_000]
    assert recording.request == {"method": "POST", "path": "/v1/chat/completions", "model": "gpt-5"}


def test_har_with_base64_of_an_event_stream(tmp_path: Path) -> None:
    frames = [event("messageStart", b'{"role":"assistant"}'), event("messageStop", b"{}")]
    content = {
        "mimeType": "application/vnd.amazon.eventstream",
        "encoding": "base64",
        "text": base64.b64encode(b"".join(frames)).decode(),
    }
    entry = {
        "request": {
            "method": "POST",
            "url": "https://bedrock-runtime.us-east-1.amazonaws.com/model/x/converse-stream",
        },
        "response": {"status": 200, "headers": [], "content": content},
        "timings": {"wait": 100, "receive": 50},
    }
    har = tmp_path / "one.har"
    har.write_text(json.dumps({"log": {"entries": [entry]}}))
    (recording,) = from_har(har)
    assert (recording.api, [data for _, data in recording.frames]) == ("bedrock.converse", frames)
    assert load_recording(saved(tmp_path, recording)).frames == recording.frames


def test_capture_with_timing(tmp_path: Path) -> None:
    capture, timing = tmp_path / "capture", tmp_path / "timing"
    capture.write_bytes(b"data: 1\n\ndata: 2\n\n")
    timing.write_text("0.5 4\n0.25 14\n")
    recording = from_capture(capture, "openai.chat", timing=timing, first=0, gap=0)
    assert recording.frames == ((500_000, b"data"), (750_000, b": 1\n\ndata: 2\n\n"))
    timing.write_text("0.5 4\n")
    with pytest.raises(RecordingError, match="tells of 4 bytes, the capture has 18"):
        from_capture(capture, "openai.chat", timing=timing, first=0, gap=0)


HEAD = '{"recording": 1, "api": "openai.chat", "headers": {}}\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ":1: a recording starts with"),
        ('{"api": "x"}\n', ":1: a recording starts with"),
        ('{"recording": 1, "api": "x", "headers": {"a": 1}}\n', ":1: headers must be an object of texts"),
        (HEAD + "{\n", ":2: "),
        (HEAD + '{"at": -1, "data": ""}\n', ":2: at must be seconds"),
        (HEAD + '{"at": 2, "data": ""}\n\n{"at": 1, "data": ""}\n', ":4: at 1 is before the line above"),
        (HEAD + '{"at": 1}\n', ":2: a frame has data"),
        (HEAD + '{"at": 1, "base64": "%"}\n', ":2: a frame has data"),
    ],
)
def test_recording_that_cannot_be_is_refused_by_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text(text)
    with pytest.raises(RecordingError) as caught:
        load_recording(path)
    assert str(caught.value).startswith(f"{path}{says}")
