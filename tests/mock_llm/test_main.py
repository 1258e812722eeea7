"""``python -m mock_llm`` as a user starts it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset

from mock_llm.cli import main


def test_serves_until_interrupted(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[two]\nfirst_token = 0\nrate = inf\ntokens = 2\n")
    command = [sys.executable, "-m", "mock_llm", "--port", "0", "--profiles", str(own), "--profile", "two"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}]}).encode()
        with urllib.request.urlopen(f"{found[0]}/v1/chat/completions", body) as response:
            assert json.load(response)["usage"]["completion_tokens"] == 2
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert errors == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--profile", "bogus"], "unknown profile 'bogus'"),
        (["serve", "--profiles", "/no/such"], "No such file"),
        (["--quota", "many"], "quota must be requests=N"),
        (["--rules", "/no/such"], "No such file"),
        (["replay", "/no/such"], "No such file"),
        (["import", "/no/such", "-o", "x"], "give --api"),
    ],
)
def test_option_that_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(arguments) == 2
    assert says in capsys.readouterr().err


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert f"mock-llm: cannot listen on 127.0.0.1:{port}: Address already in use" in capsys.readouterr().err


def test_http_2_goes_on_after_goaway_and_resets_what_breaks_off() -> None:
    """As the AWS SDK for JavaScript asks Bedrock: prior knowledge, and GOAWAY once the headers are there."""
    command = [sys.executable, "-m", "mock_llm", "--port", "0", "--profile", "fast"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert found
        kinds, data = asked(int(found[1]), [])
        assert (kinds[-1], data.count(b":event-type"), data.count(b"contentBlockDelta")) == (
            StreamEnded,
            204,
            200,
        )
        kinds, data = asked(int(found[1]), [("x-mock-llm-fault", "drop:after=2")])
        assert (kinds[-1], data.count(b"contentBlockDelta")) == (StreamReset, 2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert errors == ""


def asked(port: int, headers: list[tuple[str, str]]) -> tuple[list[type], bytes]:
    """A ConverseStream over HTTP/2: the kinds of events that came, and the body."""
    h2, kinds, data = H2Connection(), list[type](), b""
    h2.initiate_connection()
    fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "x"),
        (":path", "/model/x/converse-stream"),
    ]
    h2.send_headers(1, [*fields, *headers])
    h2.send_data(1, b'{"messages": [{"role": "user", "content": [{"text": "x"}]}]}', end_stream=True)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(h2.data_to_send())
        while not kinds or kinds[-1] not in (StreamEnded, StreamReset):
            received = connection.recv(65536)
            assert received, kinds
            for event in h2.receive_data(received):
                kinds.append(type(event))
                if isinstance(event, ResponseReceived):
                    connection.sendall(b"\x00\x00\x08\x07\x00" + bytes(12))
                if isinstance(event, DataReceived):
                    data += event.data
                    h2.acknowledge_received_data(event.flow_controlled_length, 1)
            connection.sendall(h2.data_to_send())
    return kinds, data


def test_profiles_are_listed_with_their_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles"]) == 0
    listed = capsys.readouterr().out
    assert "first token 1 s, 10 tokens/s, 391 tokens" in listed
    assert "built: beyond the 29 s" in listed


def test_imports_and_replays_a_capture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture, recording = tmp_path / "capture.txt", tmp_path / "one.jsonl"
    capture.write_text('data: {"n": 1}\n\ndata: [DONE]\n\n')
    made = ["import", str(capture), "-o", str(recording), "--api", "openai.chat", "--first-token", "0.01"]
    assert main(made) == 0
    assert capsys.readouterr().out == f"{recording}: openai.chat, 2 frames, 0.03 s\n"
    command = [sys.executable, "-m", "mock_llm", "replay", str(recording), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}
        with urllib.request.urlopen(f"{found[0]}/v1/chat/completions", json.dumps(body).encode()) as response:
            assert response.read() == capture.read_bytes()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
