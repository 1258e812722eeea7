"""The unmodified boto3 client understands Converse, ConverseStream, InvokeModel and its stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError

from mock_llm.app import create_app
from mock_llm.settings import Settings

HELLO: Any = [{"role": "user", "content": [{"text": "Hello"}]}]
CLAUDE = "anthropic.claude-3-5-sonnet-20240620-v1:0"
BODIES: dict[str, dict[str, Any]] = {
    CLAUDE: {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": "Hello"}],
    },
    "us.amazon.nova-lite-v1:0": {"schemaVersion": "messages-v1", "messages": HELLO},
    "meta.llama3-8b-instruct-v1:0": {"prompt": "Hello", "max_gen_len": 1000},
    "amazon.titan-text-express-v1": {"inputText": "Hello", "textGenerationConfig": {"maxTokenCount": 1000}},
}


@pytest.fixture
def bedrock(serving: Any) -> Callable[..., Any]:
    """Run ``work(client)`` in a thread, on a real clock."""

    def run(work: Callable[[Any], Any], settings: Settings | None = None) -> Any:
        async def main() -> Any:
            async with serving(create_app(settings or Settings(profile="instant"))) as url:
                client = boto3.client(
                    "bedrock-runtime",
                    endpoint_url=url,
                    region_name="us-east-1",
                    aws_access_key_id="k",
                    aws_secret_access_key="s",
                    config=Config(retries={"total_max_attempts": 1}),
                )
                return await asyncio.to_thread(work, client)

        return asyncio.run(main())

    return run


def test_converse(bedrock: Any) -> None:
    answer = bedrock(lambda client: client.converse(modelId=CLAUDE, messages=HELLO))
    assert answer["stopReason"] == "end_turn"
    assert answer["output"]["message"]["role"] == "assistant"
    assert answer["output"]["message"]["content"][0]["text"].endswith(".")
    assert answer["usage"] == {"inputTokens": 1, "outputTokens": 50, "totalTokens": 51}
    assert answer["metrics"] == {"latencyMs": 0}
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36


def test_converse_stream_is_decoded_event_by_event(bedrock: Any) -> None:
    def work(client: Any) -> Any:
        events = list(client.converse_stream(modelId=CLAUDE, messages=HELLO)["stream"])
        return events, client.converse(modelId=CLAUDE, messages=HELLO)

    events, whole = bedrock(work)
    kinds = [next(iter(event)) for event in events]
    assert kinds == [
        "messageStart",
        *["contentBlockDelta"] * 50,
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    text = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events[1:51])
    assert text == whole["output"]["message"]["content"][0]["text"]
    assert events[-1]["metadata"]["usage"] == whole["usage"]
    assert events[0]["messageStart"] == {"role": "assistant"}


def test_converse_limits_and_stops(bedrock: Any) -> None:
    def work(client: Any) -> Any:
        def ask(**config: Any) -> Any:
            return client.converse(modelId=CLAUDE, messages=HELLO, inferenceConfig=config)

        text = ask()["output"]["message"]["content"][0]["text"]
        stopped = ask(stopSequences=[text[20:26]])
        return ask(maxTokens=5), stopped, text

    limited, stopped, text = bedrock(work)
    assert (limited["stopReason"], limited["usage"]["outputTokens"]) == ("max_tokens", 5)
    assert stopped["stopReason"] == "stop_sequence"
    assert stopped["output"]["message"]["content"][0]["text"] == text[: text.index(text[20:26])]


def spoken(event: dict[str, Any]) -> str:
    """The text in a model's own event, of whichever family."""
    delta = event.get("delta") or event.get("contentBlockDelta", {}).get("delta") or {}
    return str(delta.get("text") or event.get("generation") or event.get("outputText") or "")


@pytest.mark.parametrize("model", BODIES)
def test_invoke_model_and_its_stream_say_the_same(bedrock: Any, model: str) -> None:
    def work(client: Any) -> Any:
        body = json.dumps(BODIES[model])
        whole = client.invoke_model(modelId=model, body=body)
        stream = client.invoke_model_with_response_stream(modelId=model, body=body)["body"]
        headers = whole["ResponseMetadata"]["HTTPHeaders"]
        return (
            json.loads(whole["body"].read()),
            headers,
            [json.loads(event["chunk"]["bytes"]) for event in stream],
        )

    whole, headers, chunks = bedrock(work)
    text = "".join(map(spoken, chunks))
    assert len(text) > 100
    assert json.dumps(text) in json.dumps(whole)
    assert headers["x-amzn-bedrock-output-token-count"] == "50"
    metrics = chunks[-1]["amazon-bedrock-invocationMetrics"]
    assert metrics["outputTokenCount"] == 50
    assert all("amazon-bedrock-invocationMetrics" not in chunk for chunk in chunks[:-1])


def test_families_have_their_own_shapes(bedrock: Any) -> None:
    def work(client: Any) -> Any:
        return [
            json.loads(client.invoke_model(modelId=model, body=json.dumps(body))["body"].read())
            for model, body in BODIES.items()
        ]

    claude, nova, llama, titan = bedrock(work)
    assert claude["content"][0]["type"] == "text"
    assert set(nova) == {"output", "stopReason", "usage"}
    assert set(llama) == {"generation", "prompt_token_count", "generation_token_count", "stop_reason"}
    assert titan["results"][0]["completionReason"] == "FINISH"


def test_profile_by_model_and_family_by_body(bedrock: Any) -> None:
    def work(client: Any) -> Any:
        answers = [
            json.loads(client.invoke_model(modelId="mock-instant", body=json.dumps(body))["body"].read())
            for body in BODIES.values()
        ]
        arn = "arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.anthropic.claude-3-haiku-20240307-v1:0"
        return answers, client.converse(modelId=arn, messages=HELLO)

    answers, by_arn = bedrock(work)
    assert [next(iter(answer)) for answer in answers] == [
        "model",
        "output",
        "generation",
        "inputTextTokenCount",
    ]
    assert by_arn["stopReason"] == "end_turn"


@pytest.mark.parametrize(
    ("operation", "arguments", "code", "message"),
    [
        (
            "converse",
            {"modelId": "mock-bogus", "messages": HELLO},
            "ValidationException",
            "identifier is invalid",
        ),
        ("converse", {"modelId": CLAUDE, "messages": []}, "ValidationException", "at least one message"),
        (
            "converse_stream",
            {"modelId": CLAUDE, "messages": [{"role": "assistant", "content": [{"text": "x"}]}]},
            "ValidationException",
            "must start with a user message",
        ),
        (
            "invoke_model",
            {"modelId": CLAUDE, "body": "{}"},
            "ValidationException",
            "[anthropic_version] not found",
        ),
        (
            "invoke_model",
            {"modelId": "meta.llama3", "body": "{}"},
            "ValidationException",
            "[prompt] not found",
        ),
        ("invoke_model", {"modelId": CLAUDE, "body": "{"}, "ValidationException", "Malformed input request"),
        (
            "invoke_model",
            {"modelId": "x", "body": "{}"},
            "ValidationException",
            "knows no body like this one",
        ),
    ],
)
def test_errors_are_those_that_boto3_knows(
    bedrock: Any, operation: str, arguments: dict[str, Any], code: str, message: str
) -> None:
    def work(client: Any) -> ClientError:
        with pytest.raises(ClientError) as caught:
            getattr(client, operation)(**arguments)
        assert isinstance(caught.value, getattr(client.exceptions, code))
        return caught.value

    error = bedrock(work)
    assert error.response["Error"]["Code"] == code
    assert message in error.response["Error"]["Message"]
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def decoded(call: Any) -> list[tuple[float, str, dict[str, Any]]]:
    """Events with their instants; each send must be one whole message."""
    events = []
    for at, message in call.sent[1:-1]:
        buffer = EventStreamBuffer()
        buffer.add_data(message["body"])
        (event,) = list(buffer)
        events.append((at, event.headers[":event-type"], json.loads(event.payload)))
    return events


def test_events_leave_at_their_instants(jump: Any, calls: Any, observed: Any) -> None:
    body = json.dumps({"messages": HELLO}).encode()
    call = calls("/model/mock-slow/converse-stream", body)
    events = decoded(jump(call.run(create_app(observe=observed))))
    deltas = [at for at, kind, _ in events if kind == "contentBlockDelta"]
    assert deltas == [round(1 + index / 10, 1) for index in range(391)]
    assert events[-1][0] == 40.0
    assert events[-1][2]["metrics"] == {"latencyMs": 40000}
    assert observed.names().count("token_emitted") == 391


@pytest.mark.parametrize("model", BODIES)
def test_stall_hangs_after_its_last_chunk(jump: Any, calls: Any, observed: Any, model: str) -> None:
    path = f"/model/{model}/invoke-with-response-stream"
    headers = {"x-mock-llm-profile": "stalled"}
    call = calls(path, json.dumps(BODIES[model]).encode(), headers=headers, gone_at=100.0)
    jump(call.run(create_app(observe=observed)))
    assert observed.seen[-1][0::3] == (100.0, {"tokens": 20})
    assert all(at <= 1.45 for at, _ in call.sent)


def test_other_refusals(jump: Any, calls: Any) -> None:
    path = f"/model/{CLAUDE}/converse"
    keyless = jump(calls(path, b"{}").run(create_app(Settings(require_key=True))))
    assert keyless.status == 403
    assert (b"x-amzn-errortype", b"MissingAuthenticationTokenException") in keyless.sent[0][1]["headers"]
    assert jump(calls("/model/x/bogus").run(create_app())).status == 404
    long = jump(calls(path, b"x" * 50).run(create_app(Settings(max_body=20))))
    assert long.status == 400
