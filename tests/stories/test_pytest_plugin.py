"""The plugin in a pytest of its own, as a user would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TESTS = '''
import httpx
import openai
import pytest

TEMPLATE = """
Resources:
  Jobs: {Type: AWS::SQS::Queue, Properties: {QueueName: jobs}}
Outputs:
  Url: {Value: !Ref Jobs}
"""


def test_boto3_reaches_the_sandbox(sandbox):
    sandbox.client("sqs").create_queue(QueueName="mine")
    assert len(sandbox.client("sqs").list_queues()["QueueUrls"]) == 1


def test_every_test_has_an_empty_sandbox(sandbox):
    assert "QueueUrls" not in sandbox.client("sqs").list_queues()
    assert [event for event in sandbox.timeline() if event.source == "model"] == []


def test_deploy_and_advance(sandbox, tmp_path):
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    assert sandbox.deploy(tmp_path / "template.yaml", stack="x")["Url"].endswith("/jobs")
    before = sandbox.status()["now_s"]
    assert sandbox.advance(3600) >= before + 3600


def test_the_model_of_the_sandbox_answers_on_virtual_time(sandbox, mock_llm):
    mock_llm.configure(profile="slow", tokens=1000)  # 100.9 s
    client = openai.OpenAI(base_url=mock_llm.base_url, api_key="x", max_retries=0, timeout=None)
    stream = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "hi"}], stream=True
    )
    assert sum(bool(chunk.choices[0].delta.content) for chunk in stream) == 1000
    made = [event.at for event in sandbox.timeline() if event.name == "token_emitted"]
    assert round(made[-1] - made[0], 6) == 99.9


def test_what_the_model_cannot_do_is_told(sandbox):
    with pytest.raises(ValueError, match="unknown profile"):
        sandbox.model.configure(profile="nope")


@pytest.mark.sandbox(as_of="2024-05-01")
def test_a_day_can_be_chosen(sandbox):
    assert sandbox.status()["as_of"] == "2024-05-01"


@pytest.mark.sandbox(clock="sundial")
def test_a_wrong_marker_is_told(sandbox):
    pass


def test_the_model_alone(mock_llm):
    mock_llm.configure(profile="instant", tokens=3)
    answer = httpx.post(
        mock_llm.base_url + "/chat/completions",
        json={"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]},
    )
    assert answer.json()["usage"]["completion_tokens"] == 3


def test_the_model_tells_what_the_client_did(mock_llm):
    mock_llm.configure(profile="instant", rules=[{"times": 2, "fault": "error:status=503"}])
    client = openai.OpenAI(base_url=mock_llm.base_url, api_key="x", max_retries=2)
    client.responses.create(model="m", input="hi")
    attempts = mock_llm.requests()
    assert [(one.attempt, one.status, one.outcome) for one in attempts] == [
        (1, 503, "refused"), (2, 503, "refused"), (3, 200, "completed")
    ]
    assert all(one.gap >= 0.3 for one in attempts[1:])  # the client's own backoff
    mock_llm.forget_requests()
    assert mock_llm.requests() == []
    mock_llm.reset()
    assert httpx.get(mock_llm.url + "/_mock/configure").json() == {}


def test_requests_of_the_model_of_the_sandbox(sandbox, mock_llm):
    mock_llm.configure(profile="slow")
    client = openai.OpenAI(base_url=mock_llm.base_url, api_key="x", max_retries=0, timeout=None)
    client.responses.create(model="gpt-4o", input="hi")
    (asked,) = mock_llm.requests()
    assert (asked.api, asked.model, asked.outcome, asked.tokens) == ("openai.responses", "gpt-4o", "completed", 391)
    assert round(asked.ended_at - asked.at, 6) == 40
'''

STORIES = """\
id: refused
title: Deployment is refused
teaches: t
clients: [{name: browser, url: x}]
expect: {deployment: {contains: "AWS::Nothing::Here"}}
---
id: wrong
title: It is not as expected
teaches: t
clients: [{name: browser, url: x}]
expect:
  deployment: {contains: no such words}
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        "--rootdir",
        str(folder),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    return subprocess.run(
        [*command, *arguments, str(folder)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_fixtures(tmp_path: Path):
    (tmp_path / "test_x.py").write_text(TESTS)
    ran = run(tmp_path, "-q")
    assert "9 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "1 error" in ran.stdout
    assert 'write @pytest.mark.sandbox(clock="virtual" or "real"' in ran.stdout


@pytest.fixture
def pattern(tmp_path: Path) -> Path:
    folder = tmp_path / "pattern_x"
    folder.mkdir()
    template = {"Resources": {"X": {"Type": "AWS::Nothing::Here"}}}
    (folder / "template.yaml").write_text(json.dumps(template))
    (folder / "a.story.yaml").write_text(STORIES)
    return folder


def test_stories_are_tests(pattern: Path):
    ran = run(pattern, "-v")
    assert "a.story.yaml::refused PASSED" in ran.stdout, ran.stdout + ran.stderr
    assert "a.story.yaml::wrong FAILED" in ran.stdout
    assert (
        f"{pattern}/a.story.yaml:12: expect.deployment: expected contains 'no such words', but" in ran.stdout
    )
    assert "Traceback" not in ran.stdout
    assert ran.returncode == 1


def test_a_broken_story_file_is_a_collection_error(pattern: Path):
    (pattern / "a.story.yaml").write_text("id: x\n")
    ran = run(pattern)
    assert "a.story.yaml:1:1: title: is missing" in ran.stdout
    assert ran.returncode == 2
