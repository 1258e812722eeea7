"""Bedrock's runtime as its clients see it: events, errors before and inside streams, permissions, endpoints."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anthropic
import boto3
import openai
import pytest
from anthropic import AnthropicBedrock, AnthropicBedrockMantle
from botocore.exceptions import ClientError, EventStreamError
from openai.providers import bedrock as provider

from sandbox.limits.limits import all_rows

HELLO: Any = [{"role": "user", "content": [{"text": "Hello"}]}]
SAID: Any = [{"role": "user", "content": "Hello"}]
MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
BODY = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 20, "messages": SAID})
ROWS = {row.name: row.history[-1].value for row in all_rows()}


@pytest.fixture
def bedrock(sandbox: Any) -> Any:
    sandbox.model.configure(profile="instant")
    return sandbox.client("bedrock-runtime")


@pytest.mark.fact("10.1")
def test_events_of_converse_stream_are_those_of_the_model_in_their_order(bedrock: Any, sandbox: Any) -> None:
    rule = {"answer": {"text": "Let me look.", "calls": [{"tool": "look"}]}}
    sandbox.model.configure(profile="instant", rules=[rule])
    seen = [next(iter(event)) for event in bedrock.converse_stream(modelId=MODEL, messages=HELLO)["stream"]]
    order = ROWS["bedrock.converse_stream.events"]
    assert set(seen) == set(order)
    assert (seen[0], seen[-2:]) == ("messageStart", ["messageStop", "metadata"])


@pytest.mark.fact("10.2")
def test_events_of_the_invoke_stream_carry_the_models_own(bedrock: Any) -> None:
    stream = bedrock.invoke_model_with_response_stream(modelId=MODEL, body=BODY)["body"]
    events = list(stream)
    assert {next(iter(event)) for event in events} == set(ROWS["bedrock.invoke_stream.events"])
    last = json.loads(events[-1]["chunk"]["bytes"])
    assert last["type"] == "message_stop"
    assert last["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 20


IN_STREAM = [
    (500, "internalServerException", "internal"),
    (424, "modelStreamErrorException", "model_stream"),
    (400, "validationException", "validation"),
    (429, "throttlingException", "throttling"),
    (503, "serviceUnavailableException", "unavailable"),
]


@pytest.mark.fact("10.3")
@pytest.mark.parametrize(
    ("status", "member", "row"), [*IN_STREAM, (408, "modelTimeoutException", "model_timeout")]
)
def test_errors_inside_a_stream(bedrock: Any, sandbox: Any, status: int, member: str, row: str) -> None:
    assert ROWS[f"bedrock.stream_error.{row}.status"] == status
    sandbox.model.configure(profile="instant", fault=f"error:status={status},after=3")
    streams: list[Callable[[], Any]] = [
        lambda: bedrock.invoke_model_with_response_stream(modelId=MODEL, body=BODY)["body"]
    ]
    if status != 408:  # ConverseStream has no such member
        streams.append(lambda: bedrock.converse_stream(modelId=MODEL, messages=HELLO)["stream"])
    for stream in streams:
        seen = []
        with pytest.raises(EventStreamError) as raised:
            seen.extend(stream())
        assert raised.value.response["Error"]["Code"] == member


BEFORE = [
    ("access_denied", 403, "AccessDeniedException", ""),
    ("throttling", 429, "ThrottlingException", ""),
    ("model_timeout", 408, "ModelTimeoutException", ""),
    ("model_not_ready", 429, "ModelNotReadyException", ",code=ModelNotReadyException"),
    ("model_error", 424, "ModelErrorException", ""),
    ("not_found", 404, "ResourceNotFoundException", ""),
    ("quota", 400, "ServiceQuotaExceededException", ",code=ServiceQuotaExceededException"),
]


@pytest.mark.fact("10.4")
@pytest.mark.parametrize(("row", "status", "name", "more"), BEFORE)
def test_errors_before_a_stream(
    bedrock: Any, sandbox: Any, row: str, status: int, name: str, more: str
) -> None:
    assert ROWS[f"bedrock.error.{row}.status"] == status
    sandbox.model.configure(profile="instant", fault=f"error:status={status}{more}")
    with pytest.raises(ClientError) as raised:
        bedrock.converse_stream(modelId=MODEL, messages=HELLO)
    told = raised.value.response
    assert (told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"]) == (name, status)
    assert len(told["ResponseMetadata"]["RequestId"]) == 36
    if name == "ModelErrorException":
        assert told["originalStatusCode"] == 424


@pytest.mark.fact("10.4")
def test_a_model_that_is_not_ready_is_asked_again_by_the_client(sandbox: Any) -> None:
    """botocore's own retries of the status; the SDK's five for this exception are its legacy mode."""
    fault = "error:status=429,code=ModelNotReadyException"
    sandbox.model.configure(profile="instant", rules=[{"times": 2, "fault": fault}])
    client = boto3.client(
        "bedrock-runtime",
        endpoint_url=sandbox.endpoint,
        region_name=sandbox.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    assert client.converse(modelId=MODEL, messages=HELLO)["stopReason"] == "end_turn"
    assert [one.status for one in sandbox.model.requests()] == [429, 429, 200]


@pytest.mark.fact("10.6")
def test_the_read_timeout_that_botocore_has_when_none_is_set(sandbox: Any) -> None:
    client = boto3.client("bedrock-runtime", region_name=sandbox.region, endpoint_url=sandbox.endpoint)
    assert client.meta.config.read_timeout == ROWS["bedrock.client.read_timeout"]


KEYS: Any = {"aws_access_key": "test", "aws_secret_key": "test", "aws_region": "us-east-1"}


@pytest.mark.fact("10.8")
def test_anthropics_clients_for_bedrock_sign_and_stream(sandbox: Any, bedrock: Any) -> None:
    at_mantle = f"{sandbox.endpoint}/_aws/bedrock-mantle/us-east-1/anthropic"
    at_runtime = f"{sandbox.endpoint}/_aws/bedrock-runtime/us-east-1/anthropic"
    clients = [
        AnthropicBedrock(base_url=sandbox.endpoint, **KEYS),
        AnthropicBedrockMantle(base_url=at_mantle, **KEYS),
        AnthropicBedrockMantle(base_url=at_mantle, api_key="any", aws_region="us-east-1"),
        anthropic.Anthropic(base_url=at_runtime, auth_token="any"),
    ]
    said = set()
    for client in clients:
        with client.messages.stream(model=MODEL, max_tokens=20, messages=SAID) as stream:
            said.add("".join(stream.text_stream))
    assert len(said) == 1
    assert {one.path for one in sandbox.model.requests()} == {
        f"/model/{MODEL}/invoke-with-response-stream",
        "/anthropic/v1/messages",
    }


@pytest.mark.fact("10.9")
def test_openais_client_for_bedrock_signs_and_streams(sandbox: Any, bedrock: Any) -> None:
    pair = {"access_key_id": "test", "secret_access_key": "test"}
    for endpoint in ("mantle", "runtime"):
        base = f"{sandbox.endpoint}/_aws/bedrock-{endpoint}/us-east-1/openai/v1"
        signed = provider(base_url=base, endpoint=endpoint, region="us-east-1", **pair)
        for client in (openai.OpenAI(provider=signed), openai.OpenAI(base_url=base, api_key="any")):
            stream = client.responses.create(model="openai.gpt-oss-20b", input="Hello", stream=True)
            assert [event.type for event in stream][-1] == "response.completed"


@pytest.mark.fact("10.5", "10.9")
def test_the_mantle_endpoint_has_an_action_of_its_own(sandbox: Any, bedrock: Any) -> None:
    iam = sandbox.client("iam")
    iam.create_user(UserName="speaker")
    key = iam.create_access_key(UserName="speaker")["AccessKey"]

    def ask() -> Any:
        keys = {"aws_access_key": key["AccessKeyId"], "aws_secret_key": key["SecretAccessKey"]}
        base = f"{sandbox.endpoint}/_aws/bedrock-mantle/us-east-1/anthropic"
        client = AnthropicBedrockMantle(base_url=base, aws_region="us-east-1", max_retries=0, **keys)
        return client.messages.create(model=MODEL, max_tokens=5, messages=SAID)

    def allow(action: str) -> None:
        statement = {"Effect": "Allow", "Action": action, "Resource": "arn:aws:bedrock-mantle:*:*:project/*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="speaker", PolicyName="p", PolicyDocument=document)

    allow("bedrock-mantle:ListProjects")
    with pytest.raises(anthropic.PermissionDeniedError, match="bedrock-mantle:CreateInference"):
        ask()
    allow(ROWS["bedrock.mantle.action"])
    assert ask().stop_reason == "max_tokens"
