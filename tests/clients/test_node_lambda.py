"""The AWS SDK for JavaScript v3 and fetch, unmodified, against a sandbox on virtual time."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from sandbox.stories.handle import SandboxHandle

if TYPE_CHECKING:
    from tests.clients.conftest import Run

PATTERN = "scenarios/function_url_streaming/template.yaml"
AUTHORIZED = {"authorization": "Bearer let-me-in"}


def words(text: str) -> str:
    """The model's words in server-sent events of the pattern's handlers."""
    return "".join(json.loads(data)["token"] for data in re.findall(r"data: (\{.*?\})\n\n", text))


def made(sandbox: SandboxHandle) -> str:
    """The words that the model made."""
    return "".join(event.data["text"] for event in sandbox.timeline() if event.name == "token_emitted")


def deploy(sandbox: SandboxHandle, **parameters: str) -> tuple[str, str]:
    """(name of the Node.js function, address of its URL on the sandbox's own port)."""
    outputs = sandbox.deploy(PATTERN, parameters=parameters)
    functions = sandbox.client("lambda").list_functions()["Functions"]
    name = next(one["FunctionName"] for one in functions if "ChatNode" in one["FunctionName"])
    url_id = (urlsplit(outputs["NodeUrl"]).hostname or "").partition(".")[0]
    return name, f"{sandbox.endpoint}/_aws/lambda-url/{url_id}/"


def ask() -> dict[str, Any]:
    return {"headers": AUTHORIZED, "body": json.dumps({"prompt": "Say hello"})}


@pytest.mark.fact("4.17")
def test_the_sdk_reads_a_stream_event_by_event(sandbox: SandboxHandle, run_node: Run):
    sandbox.model.configure(profile="fast")
    function, _ = deploy(sandbox)
    first, *chunks, last = run_node("lambda_stream.mjs", sandbox.endpoint, function=function, event=ask())
    assert first["status"] == 200
    assert first["version"] == "$LATEST"
    head, _, body = "".join(one["chunk"] for one in chunks).partition("\0" * 8)
    assert json.loads(head)["statusCode"] == 200
    assert words(body) == made(sandbox) != ""
    assert len(chunks) > 100
    assert last["complete"].get("ErrorCode") is None


@pytest.mark.fact("4.16")
def test_the_sdk_is_told_of_a_timeout_in_mid_stream(sandbox: SandboxHandle, run_node: Run):
    sandbox.model.configure(profile="stalled")
    function, _ = deploy(sandbox, FunctionTimeout="60")
    *_, last = run_node("lambda_stream.mjs", sandbox.endpoint, function=function, event=ask())
    assert last["complete"]["ErrorCode"] == "Unhandled"
    assert "Task timed out after 60.00 seconds" in last["complete"]["ErrorDetails"]


@pytest.mark.parametrize("program", ["lambda_invoke.mjs", "lambda_stream.mjs"])
def test_the_sdk_throws_awss_errors(sandbox: SandboxHandle, run_node: Run, program: str):
    (error,) = run_node(program, sandbox.endpoint, function="nobody", event={})
    assert (error["error"], error["status"]) == ("ResourceNotFoundException", 404)
    assert error["message"].startswith("Function not found: arn:aws:lambda:us-east-1:")


@pytest.mark.fact("4.20")
def test_the_sdk_throws_what_a_throttled_function_answers(sandbox: SandboxHandle, run_node: Run):
    function, _ = deploy(sandbox)
    reserve = sandbox.client("lambda").put_function_concurrency
    reserve(FunctionName=function, ReservedConcurrentExecutions=0)
    (error,) = run_node("lambda_invoke.mjs", sandbox.endpoint, function=function)
    assert (error["error"], error["status"]) == ("TooManyRequestsException", 429)
    assert error["reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_the_sdk_gets_a_functions_own_error_as_an_answer(sandbox: SandboxHandle, run_node: Run):
    function, _ = deploy(sandbox)
    (answer,) = run_node("lambda_invoke.mjs", sandbox.endpoint, function=function, event={"headers": None})
    assert (answer["status"], answer["error"]) == (200, "Unhandled")
    assert json.loads(answer["payload"])["errorType"] == "TypeError"


@pytest.mark.fact("4.13")
def test_fetch_reads_a_function_url_token_by_token(sandbox: SandboxHandle, run_node: Run):
    sandbox.model.configure(profile="slow")
    _, url = deploy(sandbox)
    given = {"url": url, "headers": AUTHORIZED, "json": {"prompt": "Tell me a long story"}}
    first, *pieces, last = run_node("fetch_stream.mjs", sandbox.endpoint, **given)
    assert first == {"status": 200, "type": "text/event-stream"}
    assert last == {"end": "whole"}
    assert words("".join(one["piece"] for one in pieces)) == made(sandbox) != ""
    sent = [e.at for e in sandbox.timeline() if (e.source, e.name) == ("function_url", "sent")]
    assert sent[-1] - sent[0] == pytest.approx(39.0, abs=1e-6)
    assert len(pieces) > 200


def test_fetch_sees_a_broken_stream(sandbox: SandboxHandle, run_node: Run):
    sandbox.model.configure(profile="stalled")
    _, url = deploy(sandbox, FunctionTimeout="60")
    given = {"url": url, "headers": AUTHORIZED, "json": {"prompt": "Think hard"}}
    first, *pieces, last = run_node("fetch_stream.mjs", sandbox.endpoint, **given)
    assert first["status"] == 200
    assert last["end"] == "broken"
    assert last["cause"] == "UND_ERR_SOCKET"
    assert "".join(one["piece"] for one in pieces).count("data: ") == 20


def test_fetch_is_refused_with_a_wrong_token(sandbox: SandboxHandle, run_node: Run):
    _, url = deploy(sandbox)
    given = {"url": url, "headers": {"authorization": "Bearer guess"}, "json": {"prompt": "Say hello"}}
    first, piece, last = run_node("fetch_stream.mjs", sandbox.endpoint, **given)
    assert first == {"status": 401, "type": "application/json"}
    assert (json.loads(piece["piece"]), last) == ({"message": "Unauthorized"}, {"end": "whole"})
