"""The AWS SDK for JavaScript v3 at Bedrock's runtime: HTTP/2 with prior knowledge, event streams, errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.limits.limits import all_rows

if TYPE_CHECKING:
    from tests.clients.conftest import Run

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
SAID = [{"role": "user", "content": "Hello"}]
INVOKE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 20, "messages": SAID}
ROWS = {row.name: row.history[-1].value for row in all_rows()}


@pytest.mark.fact("10.10")
def test_a_stream_both_ways_is_refused_at_once(sandbox: Any, run_node: Run) -> None:
    """Over HTTP/2, by a client that would go on to send for ever; the other operations are decoded before it."""
    sandbox.model.configure(profile="instant")
    more = {"inferenceConfig": {"maxTokens": 3}}
    told = run_node(
        "bedrock.mjs", sandbox.endpoint, modelId=MODEL, more=more, invoke=INVOKE, count=True,
        bidirectional=True,
    )  # fmt: skip
    kinds = [next(iter(one)) for one in told]
    assert kinds[:6] == ["messageStart", *["contentBlockDelta"] * 3, "contentBlockStop", "messageStop"]
    assert [one["type"] for one in told if "type" in one][-1] == "message_stop"
    assert told[-2]["inputTokens"] == 1
    assert told[-1]["status"] == 501
    assert "InvokeModelWithBidirectionalStream" in json.dumps(told[-1]) + str(told[-1].get("message"))
    assert ROWS["bedrock.bidirectional.operation"] == "InvokeModelWithBidirectionalStream"


@pytest.mark.fact("10.3")
def test_errors_inside_its_streams(sandbox: Any, run_node: Run) -> None:
    sandbox.model.configure(profile="instant", fault="error:status=429,after=2")
    converse = run_node("bedrock.mjs", sandbox.endpoint, modelId=MODEL)
    assert converse[-1]["error"] == "ThrottlingException"
    assert [next(iter(one)) for one in converse[:-1]] == ["messageStart", *["contentBlockDelta"] * 2]
