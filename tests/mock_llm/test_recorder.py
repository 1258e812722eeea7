"""A recorded answer is that of the API behind the proxy, byte for byte and instant for instant, without secrets."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from mock_llm.app import create_app
from mock_llm.recorder import Recorder
from mock_llm.recording import load_recording, record
from mock_llm.settings import Settings
from sandbox.clock import Clock, run

ASK: Any = {"model": "gpt-x", "messages": [{"role": "user", "content": "Hello"}]}
PACE = {"x-mock-llm-first-token": "1", "x-mock-llm-rate": "10", "x-mock-llm-tokens": "20"}


def recorded(
    serving: Any, folder: Path, *, api: Any = None, path: str = "/v1/chat/completions", **more: Any
) -> Any:
    """(what the client got with its instants, what was told), of one request through the proxy."""
    told: list[str] = []
    headers = {"authorization": "Bearer sk-very-secret-key-indeed", **PACE, **more.pop("headers", {})}

    async def main(clock: Clock) -> Any:
        async with serving(api or create_app()) as upstream:
            recorder = Recorder(upstream, folder, told.append)
            seen = []
            async with serving(recorder) as proxy, httpx.AsyncClient(timeout=None, trust_env=False) as client:
                with clock.in_flight("answer"):
                    began = clock.now()
                    try:
                        asked = {"json": {**ASK, **more}, "headers": headers}
                        async with client.stream("POST", proxy + path, **asked) as answer:
                            async for part in answer.aiter_raw():
                                seen.append((round(clock.now() - began, 6), part))
                    except httpx.TransportError:
                        seen.append((round(clock.now() - began, 6), b"reset"))
            await recorder.close()
            return answer, seen

    answer, seen = run(main)
    merged: dict[float, bytes] = {}  # how one instant's bytes are cut into reads does not matter
    for at, part in seen:
        merged[at] = merged.get(at, b"") + part
    return answer, list(merged.items()), told


def test_a_stream_is_relayed_as_it_comes_and_replayed_as_it_came(serving: Any, tmp_path: Path) -> None:
    answer, seen, told = recorded(serving, tmp_path, stream=True)
    assert answer.status_code == 200
    assert [at for at, _ in seen][:3] == [1.0, 1.1, 1.2]
    file = tmp_path / "001-openai.chat.jsonl"
    assert re.fullmatch(rf"{re.escape(str(file))}: 200, \d+ frames, 2\.9 s", told[0])
    recording = load_recording(file)
    assert recording.request == {"method": "POST", "path": "/v1/chat/completions", "model": "gpt-x"}
    assert "secret" not in file.read_text()
    replaying = create_app()
    replaying.configure(rules=[{"replay": str(file)}])
    _, again, _ = recorded(serving, tmp_path, api=replaying, stream=True)
    assert again == seen


def test_a_whole_answer_and_an_error_are_recorded_too(serving: Any, tmp_path: Path) -> None:
    answer, seen, _ = recorded(serving, tmp_path)
    assert json.loads(b"".join(part for _, part in seen))["object"] == "chat.completion"
    fault = {"x-mock-llm-fault": "error:status=429,retry_after=7"}
    answer, _, _ = recorded(serving, tmp_path, headers=fault)
    recording = load_recording(tmp_path / "002-openai.chat.jsonl")
    assert (recording.status, recording.headers["retry-after"], answer.headers["retry-after"]) == (
        429,
        "7",
        "7",
    )
    assert not recording.streamed


def test_a_stream_that_breaks_off_is_recorded_so(serving: Any, tmp_path: Path) -> None:
    _, seen, _ = recorded(serving, tmp_path, stream=True, headers={"x-mock-llm-fault": "drop:after=3"})
    assert seen[-1][0] == 1.3
    assert seen[-1][1].endswith(b"reset")
    recording = load_recording(tmp_path / "001-openai.chat.jsonl")
    assert recording.reset
    assert recording.end == 1_300_000


def test_nothing_is_recorded_of_other_paths(serving: Any, tmp_path: Path) -> None:
    answer, _, told = recorded(serving, tmp_path, path="/v1/files?purpose=x")
    assert answer.status_code == 404
    assert told == ["POST /v1/files: 404, of no API that can be replayed"]
    assert list(tmp_path.iterdir()) == []


def test_an_api_that_cannot_be_reached_is_told(serving: Any, tmp_path: Path) -> None:
    async def main() -> httpx.Response:
        recorder = Recorder("http://127.0.0.1:9", tmp_path, print)
        async with serving(recorder) as proxy, httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(proxy + "/v1/chat/completions", json=ASK)
        await recorder.close()
        return answer

    answer = asyncio.run(main())
    assert answer.status_code == 502
    assert "http://127.0.0.1:9 cannot be reached" in answer.json()["error"]["message"]


def test_a_secret_is_blotted_out_across_frames() -> None:
    frames = [(0, b'data: {"key": "sk-abc'), (1, b"defghijklmnop"), (2, b'qrst"}\n\n')]
    kept = record("openai.chat", frames, headers={}).frames
    assert [len(data) for _, data in kept] == [len(data) for _, data in frames]
    assert b"".join(data for _, data in kept) == b'data: {"key": "' + b"*" * 23 + b'"}\n\n'


def test_the_command_records_for_an_unmodified_client(serving: Any, tmp_path: Path) -> None:
    async def main() -> str:
        async with serving(create_app(Settings(profile="instant"))) as upstream:
            command = [
                "-m",
                "mock_llm",
                "record",
                "--port",
                "0",
                "--upstream",
                upstream,
                "-o",
                str(tmp_path / "r"),
            ]
            process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=subprocess.PIPE)
            assert process.stdout
            line = (await process.stdout.readline()).decode()
            url = re.findall(r"http://[\d.:]+", line)[-1]
            async with openai.AsyncOpenAI(base_url=url + "/v1", api_key="sk-abcdefghijklmnop") as client:
                answer = await client.responses.create(model="m", input="Hello")
            process.terminate()
            await process.communicate()
            return answer.output_text

    said = asyncio.run(main())
    (file,) = (tmp_path / "r").iterdir()
    assert file.name == "001-openai.responses.jsonl"
    assert json.dumps(said)[1:-1] in json.loads(file.read_text().splitlines()[1])["data"]


@pytest.mark.parametrize("upstream", ["api.openai.com", "ftp://x"])
def test_an_upstream_that_is_none_is_refused(upstream: str, capsys: pytest.CaptureFixture[str]) -> None:
    from mock_llm.cli import main

    assert main(["record", "--upstream", upstream]) == 2
    assert "--upstream is an address such as" in capsys.readouterr().err
