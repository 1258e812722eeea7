"""What stories do to the sandbox at an instant: real functions, a real process for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.stories.loading import load_stories
from sandbox.stories.results import StoryResult
from sandbox.stories.runner import run_story

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Chat:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: chat
      Runtime: provided.al2023
      Handler: none
      Timeout: 60
      CodeUri: src
      FunctionUrlConfig: {AuthType: NONE}
Outputs:
  Url: {Value: !GetAtt ChatUrl.FunctionUrl}
"""
BOOTSTRAP = """#!/bin/sh
while true; do
  id=$(curl -sS -D - -o /dev/null "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next" |
    tr -d '\\r' | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: //p')
  sleep 10
  curl -sS -o /dev/null -d "\\"$GREETING\\"" \\
    "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response"
done
"""


def play(
    folder: Path, clients: list[dict[str, Any]], actions: list[dict[str, Any]], **expect: Any
) -> StoryResult:
    """A function that answers after 10 s, with the greeting that its configuration names."""
    (folder / "src").mkdir()
    (folder / "template.yaml").write_text(TEMPLATE)
    bootstrap = folder / "src" / "bootstrap"
    bootstrap.write_text(BOOTSTRAP)
    bootstrap.chmod(0o755)
    clients = [{"url": "${outputs.Url}"} | client for client in clients]
    story = {
        "id": "a",
        "title": "t",
        "teaches": "t",
        "clients": clients,
        "actions": actions,
        "expect": expect,
    }
    (folder / "a.story.yaml").write_text(yaml.safe_dump(story))
    (loaded,) = load_stories(folder / "a.story.yaml")
    return run_story(loaded)


def test_a_frozen_function_answers_once_it_is_thawed(tmp_path: Path):
    actions = [
        {"at": "5s", "freeze": {"function": "chat"}},
        {"at": "30s", "thaw": {"function": "chat"}},
    ]
    result = play(tmp_path, [{"name": "browser"}], actions, status=200, ended_at="30s")
    assert [str(failure) for failure in result.failures] == []


def test_a_frozen_function_meets_its_timeout(tmp_path: Path):
    actions = [{"at": "5s", "freeze": {"function": "chat"}}]
    result = play(tmp_path, [{"name": "browser"}], actions, status=502, ended_at="60s")
    assert [str(failure) for failure in result.failures] == []


def test_a_configured_function_is_another_one(tmp_path: Path):
    change = {"FunctionName": "chat", "Environment": {"Variables": {"GREETING": "bye"}}}
    result = play(
        tmp_path,
        [{"name": "browser", "repeat": 2, "every": "10s"}],
        [{"at": "15s", "configure": change}],
        body="bye",
        ended_at="30s",
        cold_starts=2,
    )
    assert [str(failure) for failure in result.failures] == []


def test_time_passes_when_it_is_told_to(tmp_path: Path):
    later = {"name": "later", "at": "40m"}
    result = play(tmp_path, [later], [{"advance": "50m"}], ended_at="2410s")
    assert [str(failure) for failure in result.failures] == []


def test_a_call_that_aws_refuses_fails_the_story(tmp_path: Path):
    call = {"service": "lambda", "operation": "GetFunction", "params": {"FunctionName": "nobody"}}
    result = play(tmp_path, [{"name": "browser"}], [{"at": "1s", "call": call}])
    (failure,) = result.failures
    assert str(failure).startswith("clients: lambda GetFunction: ResourceNotFoundException")


@pytest.mark.parametrize("part", ["freeze", "thaw", "kill"])
def test_what_does_not_run_cannot_be_stopped(tmp_path: Path, part: str):
    result = play(tmp_path, [{"name": "browser"}], [{part: {"function": "nobody"}}])
    assert str(result.failures[0]) == "clients: no process of a function 'nobody' runs at 0 s"
